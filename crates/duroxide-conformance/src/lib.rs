#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! [`Suite::check`] is called from a test of your own; [`Suite::main`] is a
//! complete test binary, with a named trial for each rule of the [`contract`] table and each
//! of duroxide's validations. Both accept duroxide's own `ProviderFactory`, or
//! the [`Storage`] trait, which adds details: how the provider reads time, how
//! its storage is emptied, and where it is stored.
//!
//! A check compares the provider's answers, call by call, with those of a
//! reference store that receives the same calls. Where the contract leaves a
//! choice, the provider's answer determines it. Scripts are generated from
//! seeds, failing scripts are shrunk, and known deviations can be waived
//! ([`Waivers`]).

// Declared before the modules that use its macro.
#[macro_use]
mod official;

mod blame;
mod calls;
mod check;
mod compare;
mod concurrent;
mod config;
pub mod contract;
mod crash;
mod detect;
mod differential;
mod drive;
mod explore;
mod finding;
mod generate;
mod grid;
mod hunt;
mod linearize;
mod minimise;
mod mismatch;
mod oracle;
mod pace;
mod panics;
mod progress;
mod pulse;
mod race;
mod readback;
mod reading;
mod regress;
pub mod report;
mod resolve;
mod script;
mod script_runner;
mod storage;
mod suite;
mod trial_storage;
mod trials;
#[doc(hidden)]
pub mod unstable;
mod verdict;
mod waivers;
mod watch;

#[doc = include_str!("saboteurs.md")]
pub mod saboteurs {}

pub use config::{CALLS_VARIABLE, Config, ConfigError, REPORT_VARIABLE};
pub use differential::{Comparison, Judge, Parting, differential, differential_script};
pub use finding::{Finding, Line, Shown, Subject};
pub use generate::{Area, Profile};
pub use race::{Race, ShownRace};
pub use reading::Reading;
pub use regress::{Kept, KeptError, Regressions};
pub use script::{Act, SCRIPT_VARIABLE, Script, ScriptError, Step};
pub use storage::{Storage, TimeSource};
pub use suite::Suite;
pub use verdict::{Counts, Stale, Verdict, Waived};
pub use waivers::{Build, Waiver, Waivers, WaiversError};
