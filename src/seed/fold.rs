//! Maps with a deterministic hash function.
//!
//! std's `HashMap` draws its keys from the operating system, and so iterates in a different order
//! in every process. These maps hash the same in every process, but their order still means nothing
//! and must not become visible.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A map for lookups, never for iteration.
pub(crate) type FoldMap<K, V> = HashMap<K, V, BuildHasherDefault<Fold>>;

/// A set for lookups, never for iteration.
pub(crate) type FoldSet<K> = HashSet<K, BuildHasherDefault<Fold>>;

/// A hasher that multiplies and rotates word by word. It is not resistant to attacks, and need not
/// be.
#[derive(Default)]
pub(crate) struct Fold(u64);

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 29;
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }
}
