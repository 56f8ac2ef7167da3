//! Reports on the check of a provider, as text, JSON, JUnit XML and Markdown.
//!
//! Reports present a verdict; they decide nothing themselves.

mod check;
mod json;
mod junit;
mod markdown;
mod rules;
mod text;

pub use check::{CountLines, Ending, Format, MethodLine, Report, TrialLine, WaivedItem};
pub use rules::{Fate, RuleLine};
