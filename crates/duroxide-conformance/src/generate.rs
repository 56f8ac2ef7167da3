//! Scripts from seeds.
//!
//! [`script`] is a pure function of a seed and a [`Profile`]. It draws three
//! things one after the other. The *swarm*: which moves and which classes of
//! values this script has at all, so that one script is full of cancellations
//! and another has none (Groce and others, "Swarm testing", ISSTA 2012). The
//! *pools*: the few names, keys, sessions and tags that its calls share, for
//! calls on things that never meet test little. And the *moves*: single calls
//! with values people forget, and stories of several steps that lead deep (an
//! execution that is continued three times, a tree of instances, a lock that
//! ends in this very millisecond). Stories use the conventions of
//! [`super::script`], so each of their steps means something wherever a script
//! is cut.
//!
//! It is not a proptest strategy. A strategy builds a tree of values for each
//! one it draws, in order to shrink it later; that takes many times what
//! running the script takes, while scripts are shrunk as lists of steps, by
//! delta debugging, which needs no such tree. And a seed is all that has to be
//! kept to have the same script again.
//!
//! The draft knows how much time its own waits take and when its own locks end,
//! and nothing else of what a provider would answer. It makes no calls, and
//! judges nothing.

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

/// The script of a seed.
pub fn script(seed: Seed, profile: Profile) -> Script {
    let mut random = seed.child("script").stream();
    let length = length(&mut random);
    let mut draft = Draft::new(random, profile);
    let moves = draft.moves();
    while draft.len() < length {
        moves.pick(&mut draft.random).make(&mut draft);
    }
    finish(&mut draft);
    Script { steps: draft.into_steps() }
}

/// How many steps: mostly some dozens; few show what many hide, and the other
/// way round.
fn length(random: &mut duroxide_sim::seed::Stream) -> usize {
    let steps = match random.below(20) {
        0 | 1 => 3 + random.below(6),
        2 => 100 + random.below(200),
        _ => 20 + random.below(60),
    };
    steps as usize
}

/// Most scripts end with a look at everything, and with fetching all that is left.
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
