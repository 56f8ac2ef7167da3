#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! [`check`] is one line in a test of one's own; [`main`] is a whole test
//! binary, with a named trial for each rule of the [`contract`] table and each
//! of duroxide's validations. Both take duroxide's own `ProviderFactory`, or
//! the [`Storage`] trait where more is known: how the provider reads time, how
//! it is emptied, where it is kept.
//!
//! What a provider answers is compared, call by call, with what a store that
//! has been asked the same would answer; where the contract leaves a choice the
//! provider's answer fills it in. Scripts come from seeds, findings are made
//! small, deviations that are known are waived ([`Waivers`]).

// Before its users: it brings a macro.
#[macro_use]
mod official;

mod blame;
mod check;
mod compare;
mod concurrent;
mod config;
pub mod contract;
mod crash;
mod depot;
mod detect;
mod differential;
mod drive;
mod explore;
mod finding;
mod generate;
mod grid;
mod hunt;
mod lab;
mod linearize;
mod minimise;
mod oracle;
mod pace;
mod panics;
mod progress;
mod pulse;
mod readback;
mod regress;
pub mod report;
mod resolve;
mod script;
mod storage;
mod trials;
mod verdict;
mod waivers;

#[doc = include_str!("saboteurs.md")]
pub mod saboteurs {}

pub use check::{check, check_storage, replay};
pub use concurrent::{
    Program, ProgramError, Race, Round, ShownRace, check_concurrent, check_concurrent_tasks, replay_race,
};
pub use config::{CALLS_VARIABLE, Config, ConfigError, REPORT_VARIABLE};
pub use differential::{Comparison, Judge, Parting, differential, differential_script};
pub use drive::{Deviation, End, Observed, Run};
pub use finding::{Finding, Line, Shown, Subject};
pub use generate::{Area, Profile, script};
pub use hunt::{Hunt, hunt};
pub use linearize::{Broken, Linearity, Made, linearize};
pub use minimise::{Budget, Minimal, minimise};
pub use oracle::{Aspect, Mismatch, Reading};
pub use regress::{Kept, KeptError, Regressions, SCRIPT_VARIABLE};
pub use script::{Act, Script, ScriptError, Step};
pub use storage::{Storage, TimeSource};
pub use trials::{main, main_from, main_storage, main_with};
pub use verdict::{Counts, Stale, Verdict, Waived};
pub use waivers::{Build, Waiver, Waivers, WaiversError};
