//! What a person reads: the report of a check of a provider.
//!
//! It arranges what is known, and decides nothing: what is broken, the rest of
//! the crate says.

mod check;
mod json;
mod junit;
mod markdown;
mod rules;
mod text;

pub use check::{CountLines, Ending, Format, MethodLine, Report, TrialLine, WaivedItem};
pub use rules::{Fate, RuleLine};
