//! [`Versions`]: the versions of the crates that take part in every run.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::Line;

/// The versions of the crates that influence how a run goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Versions {
    /// The version of this crate.
    pub duroxide_sim: String,
    /// The version of duroxide.
    pub duroxide: String,
}

impl Versions {
    /// The versions compiled into this program.
    pub fn here() -> Versions {
        let duroxide = duroxide::providers::current_build_version().to_string();
        Versions { duroxide_sim: env!("CARGO_PKG_VERSION").to_owned(), duroxide }
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "duroxide-sim {} and duroxide {}", Line(&self.duroxide_sim), Line(&self.duroxide))
    }
}
