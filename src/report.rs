//! Output for people: the [`Timeline`] of a run as an HTML page.
//!
//! It arranges what is known and judges nothing; `laws` and `sim` determine what is broken.

mod timeline;

use std::collections::BTreeMap;

pub(crate) use timeline::write_page;
pub use timeline::{Timeline, TimelineError};

/// The components of a run, with their versions.
pub(crate) fn versions() -> BTreeMap<&'static str, String> {
    let duroxide = duroxide::providers::current_build_version().to_string();
    BTreeMap::from([("duroxide", duroxide), ("duroxide-sim", env!("CARGO_PKG_VERSION").to_owned())])
}
