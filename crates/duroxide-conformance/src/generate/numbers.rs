//! Generates numbers: usually small, sometimes at the limit of a range.

use duroxide_sim::call::VersionRange;
use duroxide_sim::seed::Stream;
use semver::{BuildMetadata, Prerelease, Version};

use super::swarm::Swarm;

/// The limits of numeric ranges, and the numbers next to them.
const ENDS: &[u64] = &[
    0,
    1,
    127,
    255,
    256,
    32_767,
    65_535,
    65_536,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    (1 << 53) - 1,
    1 << 53,
    (1 << 53) + 1,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];

/// The limit of a range.
pub(super) fn end(random: &mut Stream) -> u64 {
    ENDS[random.below(ENDS.len() as u64) as usize]
}

/// A number below `usual`, or the limit of a range.
pub(super) fn number(random: &mut Stream, swarm: &Swarm, usual: u64) -> u64 {
    if swarm.extreme > 0 && random.below(64) < swarm.extreme { end(random) } else { random.below(usual) }
}

/// A 32-bit count below `usual`, or the limit of a range.
pub(super) fn count(random: &mut Stream, usual: u64) -> u32 {
    match random.below(12) {
        0 => u32::MAX,
        1 => 1 << 31,
        2 => 0,
        _ => random.below(usual) as u32,
    }
}

/// A duroxide version: from a small set, so that they match, including those
/// that storage confuses if it packs versions or compares them as text.
pub(super) fn version(random: &mut Stream, swarm: &Swarm) -> Version {
    let extreme = swarm.extreme > 0 && random.below(64) < swarm.extreme;
    match random.below(if extreme { 20 } else { 16 }) {
        0 => Version::new(0, 1, 31),
        1..=3 => Version::new(0, 1, 32),
        4 => Version::new(0, 1, 9),
        5 => Version::new(0, 2, 0),
        6 => Version::new(1, 0, 0),
        7 => marked("alpha", ""),
        8 => marked("alpha.1", ""),
        9 => marked("rc.1", ""),
        10 => marked("", "build.5"),
        11 => Version::new(0, 1, 1000),
        12 => Version::new(0, 1001, 0),
        13 => Version::new(2, 0, 0),
        14 => Version::new(10, 0, 0),
        15 => Version::new(0, 0, 0),
        _ => Version::new(end(random), end(random), end(random)),
    }
}

/// Version 1.0.0 with prerelease and build identifiers.
fn marked(before: &str, build: &str) -> Version {
    let mut version = Version::new(1, 0, 0);
    version.pre = Prerelease::new(before).expect("the text is a prerelease");
    version.build = BuildMetadata::new(build).expect("the text is build metadata");
    version
}

/// A version filter: without ranges, with several, with ranges of a single
/// version, and with inverted ranges.
pub(super) fn ranges(random: &mut Stream, swarm: &Swarm) -> Vec<VersionRange> {
    let count = [0, 1, 1, 1, 1, 2, 2, 3][random.below(8) as usize];
    let one = |random: &mut Stream| {
        let (a, b) = (version(random, swarm), version(random, swarm));
        match random.below(8) {
            0 => VersionRange { min: a.clone(), max: a },
            1 => VersionRange { min: a.clone().max(b.clone()), max: a.min(b) },
            2 | 3 => VersionRange { min: Version::new(0, 0, 0), max: a },
            _ => VersionRange { min: a.clone().min(b.clone()), max: a.max(b) },
        }
    };
    (0..count).map(|_| one(random)).collect()
}
