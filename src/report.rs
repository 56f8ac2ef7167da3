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

use std::collections::BTreeMap;

#[cfg(feature = "conformance")]
pub use check::{CountLines, Ending, Format, MethodLine, Report, TrialLine, WaivedItem};
#[cfg(feature = "conformance")]
pub use rules::{Fate, RuleLine};
pub(crate) use timeline::write_page;
pub use timeline::{Timeline, TimelineError};

/// What took part in a run, and its version.
fn versions() -> BTreeMap<&'static str, String> {
    let duroxide = duroxide::providers::current_build_version().to_string();
    BTreeMap::from([("duroxide", duroxide), ("duroxide-sim", env!("CARGO_PKG_VERSION").to_owned())])
}
