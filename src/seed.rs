//! Seeds: the single source of randomness.
//!
//! A [`Seed`] determines all randomness of a run. Named child streams are derived from it, so that
//! drawing more numbers for one purpose never shifts the numbers of another. The generator is
//! fixed: the same seed gives the same numbers in every version of this crate that keeps this file.
//!
//! This module does not read the operating system's entropy, and nothing else in the crate
//! generates random numbers.

mod fold;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub(crate) use fold::{Fold, FoldMap, FoldSet};

/// The environment variable that overrides a simulation's seed.
pub const SEED_VARIABLE: &str = "DUROXIDE_SIM_SEED";

/// The seed of a run, from which all of its randomness is derived.
///
/// Parses from a decimal number (`42`), a hexadecimal one (`0x2a`), or a commit hash (7 to 64
/// hexadecimal digits, at least one of them a letter or more than 20 of them). Formats as the
/// decimal number, which parses to the same seed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// Derives an independent seed for a named purpose.
    pub fn child(self, purpose: &str) -> Seed {
        Seed(mix(self.0 ^ mix(fold(purpose))))
    }

    /// Returns the stream of numbers that starts at this seed.
    pub fn stream(self) -> Stream {
        Stream(self.0)
    }

    /// Returns the seed in `DUROXIDE_SIM_SEED`, if it is set.
    ///
    /// # Errors
    ///
    /// If the variable is set but is not a seed.
    pub fn from_env() -> Result<Option<Seed>, SeedError> {
        match std::env::var_os(SEED_VARIABLE) {
            None => Ok(None),
            Some(text) => text.to_string_lossy().parse().map(Some),
        }
    }
}

impl From<u64> for Seed {
    fn from(number: u64) -> Seed {
        Seed(number)
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seed({})", self.0)
    }
}

/// The error for a text that is not a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedError(String);

impl fmt::Display for SeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a seed. Give a decimal number up to {}, a hexadecimal number after 0x, \
             or a commit hash of 7 to 64 hexadecimal digits (for example in {SEED_VARIABLE}).",
            self.0,
            u64::MAX
        )
    }
}

impl std::error::Error for SeedError {}

impl FromStr for Seed {
    type Err = SeedError;

    fn from_str(text: &str) -> Result<Seed, SeedError> {
        let text = text.trim();
        let error = || SeedError(text.to_owned());
        if let Some(digits) = text.strip_prefix("0x") {
            // `from_str_radix` would accept a sign.
            if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(error());
            }
            return u64::from_str_radix(digits, 16).map(Seed).map_err(|_| error());
        }
        if !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().map(Seed).map_err(|_| error());
        }
        let hash = (7..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        if hash { Ok(Seed(mix(fold(&text.to_ascii_lowercase())))) } else { Err(error()) }
    }
}

/// A stream of numbers from a seed: SplitMix64 (Steele, Lea and Flood, "Fast
/// splittable pseudorandom number generators", OOPSLA 2014).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream(u64);

impl Stream {
    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Returns a number below `bound`, or 0 if the bound is 0. The bias of the multiplication is
    /// below `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Returns true with probability 1 in `n`; never if `n` is 0.
    pub fn one_in(&mut self, n: u64) -> bool {
        n != 0 && self.below(n) == 0
    }

    /// Fills `bytes` with random bytes.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
    }

    /// The state from which the same numbers follow.
    #[allow(dead_code)] // Where `clock/absent.rs` stands in.
    pub(crate) fn state(&self) -> u64 {
        self.0
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// FNV-1a: a hash of a text that is the same on every machine.
fn fold(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
