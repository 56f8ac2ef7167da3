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
mod lab;
mod minimise;
mod oracle;
mod pace;
mod readback;
mod regress;
mod resolve;
mod script;
mod storage;

pub use check::{Config, Verdict, check, check_storage, replay};
pub use drive::{Deviation, End, Observed, Run};
pub use finding::{Finding, Line, Shown, Subject};
pub use generate::{Area, Profile, script};
pub use minimise::{Budget, Minimal, minimise};
pub use oracle::{Aspect, Mismatch, Reading};
pub use regress::{Kept, KeptError, Regressions, SCRIPT_VARIABLE};
pub use script::{Act, Script, ScriptError, Step};
pub use storage::{Storage, TimeSource};
