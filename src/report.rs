//! What a person reads: the report of a check of a provider (feature
//! `conformance`), and the [`Timeline`] of a run as a page.
//!
//! It arranges what is known, and decides nothing: what is broken, `laws`, `sim`
//! and `conformance` say.

#[cfg(feature = "conformance")]
mod check;
#[cfg(feature = "conformance")]
mod json;
#[cfg(feature = "conformance")]
mod junit;
#[cfg(feature = "conformance")]
mod markdown;
#[cfg(feature = "conformance")]
mod rules;
#[cfg(feature = "conformance")]
mod text;
mod timeline;

#[cfg(feature = "conformance")]
pub use check::{CountLines, Ending, Format, MethodLine, Report, TrialLine, WaivedItem};
#[cfg(feature = "conformance")]
pub use rules::{Fate, RuleLine};
pub use timeline::{Timeline, TimelineError};
