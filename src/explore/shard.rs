//! [`Shard`]: a machine's share of the seeds.

use std::str::FromStr;

use crate::seed::Seed;

/// One of several shares of the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    /// The index of the share, counted from 0.
    number: u64,
    of: u64,
}

impl Shard {
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
