//! Conformance: any duroxide provider against the whole provider contract.

mod blame;
mod check;
mod compare;
mod concurrent;
mod drive;
mod finding;
mod generate;
mod lab;
mod linearize;
mod minimise;
mod oracle;
mod pace;
mod readback;
mod resolve;
mod script;
mod storage;

pub use check::{Config, Verdict, check, check_storage};
pub use concurrent::{
    Callers, ConcurrentConfig, ConcurrentVerdict, Program, ProgramError, Race, Round, check_concurrent, replay,
};
pub use drive::{Deviation, End, Observed, Run};
pub use finding::Finding;
pub use linearize::{Broken, Linearity, Made, linearize};
pub use oracle::{Aspect, Mismatch, Reading};
pub use script::{Act, Script, ScriptError, Step};
pub use storage::{Storage, TimeSource};
