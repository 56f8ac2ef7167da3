//! What a person reads: the [`Timeline`] of a run as a page.
//!
//! It arranges what is known, and decides nothing: what is broken, `laws` and
//! `sim` say.

mod timeline;

use std::collections::BTreeMap;

pub(crate) use timeline::write_page;
pub use timeline::{Timeline, TimelineError};

/// What took part in a run, and its version.
pub(crate) fn versions() -> BTreeMap<&'static str, String> {
    let duroxide = duroxide::providers::current_build_version().to_string();
    BTreeMap::from([("duroxide", duroxide), ("duroxide-sim", env!("CARGO_PKG_VERSION").to_owned())])
}
