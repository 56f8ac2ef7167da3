//! [`Swarm`]: what one script has at all, drawn anew for each.

use duroxide_sim::seed::Stream;

use super::profile::{Area, Profile};

/// How often each class of values comes up in a script.
#[derive(Clone, Debug)]
pub(super) struct Swarm {
    /// How many of 16 texts are ones that people forget.
    pub awkward: u64,
    /// Whether texts may hold the character NUL.
    pub nul: bool,
    /// Whether names differ in little: case, a trailing space, a prefix.
    pub twins: bool,
    /// One payload in so many is some thousand bytes long; 0 for none.
    pub long: u64,
    /// Whether a few payloads are longer than 100,000 bytes.
    pub huge: bool,
    /// How many of 64 numbers lie at the end of a range.
    pub extreme: u64,
    /// How many of 64 times and durations do.
    pub endless: u64,
    /// How many of 64 acts no runtime would do.
    pub hostile: u64,
    /// How many of 16 calls are dropped before they are done.
    pub dropped: u64,
    /// How many of 16 fetches of turns have a filter.
    pub filtered: u64,
    /// How many of 16 activities have a session.
    pub bound: u64,
    /// How many of 16 activities have a tag.
    pub tagged: u64,
    /// Whether hundreds of messages and events come up.
    pub crowded: bool,
    /// The kinds of events that come up, as bits.
    pub events: u64,
    /// The kinds of messages that come up, as bits.
    pub messages: u64,
}

/// What each of the classes is drawn from: usually, and in the area that is
/// about it.
type Choices<'a> = (&'a [u64], &'a [u64]);

impl Swarm {
    pub fn draw(random: &mut Stream, profile: Profile) -> Swarm {
        let mut of = |area: Area, (usual, focused): Choices| {
            let choices = if profile.area == area { focused } else { usual };
            choices[random.below(choices.len() as u64) as usize]
        };
        let mut swarm = Swarm {
            awkward: of(Area::Payloads, (&[0, 0, 0, 1, 2, 8], &[2, 8, 16])),
            nul: false,
            twins: of(Area::Payloads, (&[0, 0, 0, 1], &[0, 1])) == 1,
            long: of(Area::Payloads, (&[0, 0, 0, 60], &[4, 30])),
            huge: false,
            extreme: of(Area::Numbers, (&[0, 0, 0, 0, 0, 0, 2], &[4, 16, 32])),
            endless: of(Area::Time, (&[0, 0, 0, 0, 2], &[2, 8, 24])),
            hostile: of(Area::Everything, (&[0, 2, 6], &[0, 0, 2, 6, 16])),
            dropped: of(Area::Dropped, (&[0], &[1, 2, 4])),
            filtered: of(Area::Versions, (&[0, 0, 0, 2, 4], &[6, 12])),
            bound: of(Area::Sessions, (&[0, 0, 2, 6], &[8, 14])),
            tagged: of(Area::Tags, (&[0, 0, 3, 8], &[6, 12])),
            crowded: of(Area::Queues, (&[0, 0, 0, 0, 0, 0, 0, 0, 0, 1], &[0, 0, 1])) == 1,
            events: random.next_u64() | random.next_u64(),
            messages: random.next_u64() | random.next_u64(),
        };
        // What a storage refuses hides all that comes after it, so each of these
        // has few scripts.
        let rare = if profile.area == Area::Payloads { 6 } else { 60 };
        swarm.nul = random.one_in(rare);
        swarm.huge = random.one_in(rare);
        swarm
    }
}
