//! Conformance: any duroxide provider against the whole provider contract.

mod blame;
mod check;
mod compare;
pub mod contract;
mod crash;
mod detect;
mod drive;
mod finding;
mod generate;
mod hunt;
mod lab;
mod minimise;
mod oracle;
mod pace;
mod readback;
mod resolve;
mod script;
mod storage;

pub use check::{Config, Verdict, check, check_storage, replay};
pub use drive::{Deviation, End, Observed, Run};
pub use finding::Finding;
pub use generate::{Area, Profile, script};
pub use hunt::{Hunt, hunt};
pub use oracle::{Aspect, Mismatch, Reading};
pub use script::{Act, Script, ScriptError, Step};
pub use storage::{Storage, TimeSource};
