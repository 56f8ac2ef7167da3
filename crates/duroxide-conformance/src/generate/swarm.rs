//! [`Swarm`]: the features that one script may use, drawn separately for each
//! script.

use duroxide_sim::seed::Stream;

use super::profile::{Area, Profile};

/// The frequency of each class of values in a script.
#[derive(Clone, Debug)]
pub(super) struct Swarm {
    /// The number of unusual texts in 16.
    pub awkward: u64,
    /// Whether texts may contain NUL characters.
    pub nul: bool,
    /// Whether names are similar: differing in case, a trailing space or a
    /// prefix.
    pub twins: bool,
    /// One payload in this many is some thousand bytes long; 0 for none.
    pub long: u64,
    /// Whether a few payloads are longer than 100,000 bytes.
    pub huge: bool,
    /// The number of values at the limit of a range in 64 numbers.
    pub extreme: u64,
    /// The number of extreme values in 64 times and durations.
    pub endless: u64,
    /// The number of acts that no runtime would do, in 64.
    pub hostile: u64,
    /// The number of calls in 16 that are dropped before they complete.
    pub dropped: u64,
    /// The number of fetches of orchestration items in 16 that have a version
    /// filter.
    pub filtered: u64,
    /// The number of activities in 16 with a session.
    pub bound: u64,
    /// The number of activities in 16 with a tag.
    pub tagged: u64,
    /// Whether there are hundreds of messages and events.
    pub crowded: bool,
    /// The kinds of events in use, as a bit set.
    pub events: u64,
    /// The kinds of messages in use, as a bit set.
    pub messages: u64,
}

/// The values that a class is drawn from: usually, and in the area about it.
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
        // A value that storage refuses hides everything after it, so only few
        // scripts use each of these.
        let rare = if profile.area == Area::Payloads { 6 } else { 60 };
        swarm.nul = random.one_in(rare);
        swarm.huge = random.one_in(rare);
        swarm
    }
}
