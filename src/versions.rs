//! The versions of the crates that take part in every run.

use std::collections::BTreeMap;

/// Each crate with its version.
pub(crate) fn versions() -> BTreeMap<&'static str, String> {
    let duroxide = duroxide::providers::current_build_version().to_string();
    BTreeMap::from([("duroxide", duroxide), ("duroxide-sim", env!("CARGO_PKG_VERSION").to_owned())])
}
