//! Generates scripts from seeds.
//!
//! [`script`] is a pure function of a seed and a [`Profile`]. It draws three
//! things in turn. The *swarm*: the moves and classes of values that this
//! script may use, so that one script is full of cancellations and another has
//! none (Groce and others, "Swarm testing", ISSTA 2012). The *pools*: the few
//! names, keys, sessions and tags that its calls share, because unrelated calls
//! test little. And the *moves*: single calls with unusual values, and stories
//! of several steps that reach deep states (an execution that is continued
//! three times, a tree of instances, a lock that expires in this very
//! millisecond). Stories use the conventions of [`super::script`], so each of
//! their steps is meaningful wherever a script is cut.
//!
//! This is not a proptest strategy. A strategy builds a tree of values for each
//! value it draws, to shrink it later; that takes many times as long as running
//! the script, whereas scripts are shrunk as lists of steps, by delta
//! debugging, which needs no such tree. Also, a seed is all that has to be kept
//! to generate the same script again.
//!
//! The draft tracks the time spent in its own waits and the expiry of its own
//! locks, but nothing else about a provider. It makes no calls and judges
//! nothing.

mod draft;
mod ends;
mod events;
mod items;
mod jobs;
mod life;
mod locks;
mod moves;
mod numbers;
mod profile;
mod reads;
mod removal;
mod swarm;
mod texts;
mod trees;
mod turns;
mod values;
mod work;

pub use profile::{Area, Profile};

use duroxide_sim::seed::Seed;

use super::script::{Script, Step};
use draft::Draft;
use moves::Moves;

/// Generates the script of a seed.
pub fn script(seed: Seed, profile: Profile) -> Script {
    let mut random = seed.child("script").stream();
    let length = length(&mut random);
    let mut draft = Draft::new(random, profile);
    let moves = Moves::draw(&mut draft.random, profile);
    while draft.len() < length {
        moves.pick(&mut draft.random).make(&mut draft);
    }
    finish(&mut draft);
    Script { steps: draft.into_steps() }
}

/// The number of steps: mostly a few dozen. Short scripts show deviations that
/// long ones hide, and vice versa.
fn length(random: &mut duroxide_sim::seed::Stream) -> usize {
    let steps = match random.below(20) {
        0 | 1 => 3 + random.below(6),
        2 => 100 + random.below(200),
        _ => 20 + random.below(60),
    };
    steps as usize
}

/// Most scripts end by reading everything and fetching everything that is left.
fn finish(draft: &mut Draft) {
    let (read_first, drain, read_last) = match draft.random.below(8) {
        0 => (false, false, false),
        1 => (true, false, false),
        2 => (false, true, false),
        3 => (true, true, true),
        4 | 5 => (false, true, true),
        _ => (true, true, false),
    };
    for (wanted, step) in [(read_first, Step::ReadBack), (drain, Step::Drain), (read_last, Step::ReadBack)] {
        if wanted {
            draft.step(step);
        }
    }
}
