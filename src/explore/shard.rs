//! [`Shard`]: a machine's share of the seeds, and the other bounds that the
//! environment sets.

use std::str::FromStr;

use super::{BASE_VARIABLE, SEEDS_VARIABLE, SHARD_VARIABLE};
use crate::seed::Seed;
use crate::text::Quoted;

/// One share of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    /// Which, from 0.
    number: u64,
    of: u64,
}

impl Shard {
    /// The share that the environment names; all of it where that names none.
    pub fn from_env() -> Result<Shard, String> {
        Ok(variable(SHARD_VARIABLE)?.unwrap_or_default())
    }

    /// How it is written, where there are others.
    pub fn named(self) -> Option<String> {
        self.is_partial().then(|| format!("{}/{}", self.number + 1, self.of))
    }

    /// Whether there are others.
    pub fn is_partial(self) -> bool {
        self.of > 1
    }

    /// How many of the first `count` seeds are in it.
    pub fn size(self, count: u64) -> u64 {
        count.saturating_sub(self.number).div_ceil(self.of)
    }

    /// The seed that is the `nth` in it, counted from 0, where all are counted
    /// from `base`.
    pub fn seed(self, base: Seed, nth: u64) -> Seed {
        Seed(base.0.wrapping_add(nth.wrapping_mul(self.of)).wrapping_add(self.number))
    }
}

impl Default for Shard {
    /// All of it.
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
            _ => Err("a share is written 2/8, for the second of eight".to_owned()),
        }
    }
}

/// How many seeds the environment asks for.
pub(super) fn seeds_from_env() -> Result<Option<u64>, String> {
    match variable(SEEDS_VARIABLE)? {
        Some(0) => {
            Err(format!("{SEEDS_VARIABLE}=0 lets nothing run, which proves nothing. Ask for one seed at least."))
        }
        count => Ok(count),
    }
}

/// From which seed the environment counts.
pub(super) fn base_from_env() -> Result<Option<Seed>, String> {
    variable(BASE_VARIABLE)
}

fn how_to_give(name: &str) -> String {
    let example = match name {
        BASE_VARIABLE => "1000",
        SHARD_VARIABLE => "2/8",
        _ => "500",
    };
    format!("Give it as in {name}={example}, or unset it.")
}

fn variable<T: FromStr<Err: std::fmt::Display>>(name: &str) -> Result<Option<T>, String> {
    let Some(text) = std::env::var_os(name) else { return Ok(None) };
    let text = text.to_string_lossy();
    let value = text.trim().parse().map_err(|error: T::Err| {
        let (why, text) = (error.to_string(), Quoted(&text));
        format!("{name}={text} cannot be used: {}. {}", why.trim_end_matches('.'), how_to_give(name))
    });
    value.map(Some)
}
