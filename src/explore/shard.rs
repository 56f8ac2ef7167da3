//! [`Shard`]: a machine's share of the seeds, and other settings from the environment.

use std::str::FromStr;

use super::{BASE_VARIABLE, SEEDS_VARIABLE, SHARD_VARIABLE};
use crate::seed::Seed;
use crate::text::Quoted;

/// One of several shares of the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    /// The index of the share, counted from 0.
    number: u64,
    of: u64,
}

impl Shard {
    /// The share set in the environment, or all seeds if none is set.
    pub fn from_env() -> Result<Shard, String> {
        Ok(variable(SHARD_VARIABLE, "2/8")?.unwrap_or_default())
    }

    /// The share in its written form, if there are several.
    pub fn named(self) -> Option<String> {
        self.is_partial().then(|| format!("{}/{}", self.number + 1, self.of))
    }

    /// Whether there are other shares.
    pub fn is_partial(self) -> bool {
        self.of > 1
    }

    /// The number of seeds in this share if there are `count` in total.
    pub fn size(self, count: u64) -> u64 {
        count.saturating_sub(self.number).div_ceil(self.of)
    }

    /// The seed at index `nth` of this share, where `base` is the first seed of all shares.
    pub fn seed(self, base: Seed, nth: u64) -> Seed {
        Seed(base.0.wrapping_add(nth.wrapping_mul(self.of)).wrapping_add(self.number))
    }
}

impl Default for Shard {
    /// The share that contains all seeds.
    fn default() -> Shard {
        Shard { number: 0, of: 1 }
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Shard { number: number - 1, of }),
            _ => Err("a share has the form 2/8, for the second of eight".to_owned()),
        }
    }
}

/// The number of seeds set in the environment.
pub(super) fn seeds_from_env() -> Result<Option<u64>, String> {
    match variable(SEEDS_VARIABLE, "500")? {
        Some(0) => Err(format!(
            "{SEEDS_VARIABLE}=0 allows nothing to run, so the test would prove nothing. Set at least one seed."
        )),
        count => Ok(count),
    }
}

/// The first seed set in the environment.
pub(super) fn base_from_env() -> Result<Option<Seed>, String> {
    variable(BASE_VARIABLE, "1000")
}

/// The value of a variable; `example` is one that can be used.
fn variable<T: FromStr<Err: std::fmt::Display>>(name: &str, example: &str) -> Result<Option<T>, String> {
    let Some(text) = std::env::var_os(name) else { return Ok(None) };
    let text = text.to_string_lossy();
    let value = text.trim().parse().map_err(|error: T::Err| {
        let (why, text) = (error.to_string(), Quoted(&text));
        let why = why.trim_end_matches('.');
        format!("{name}={text} cannot be used: {why}. Set it as in {name}={example}, or unset it.")
    });
    value.map(Some)
}
