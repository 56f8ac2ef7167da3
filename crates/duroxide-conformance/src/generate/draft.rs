//! [`Draft`]: a script being generated, with the pools that its calls draw
//! from.

use std::time::Duration;

use duroxide_sim::call::{Call, VersionRange};
use duroxide_sim::seed::Stream;

use super::profile::{Area, Profile};
use super::swarm::Swarm;
use super::{numbers, texts};
use crate::script::{Act, CHILD, HERE, Step};

/// The number of deadlines, and of completion times, that are remembered.
const REMEMBERED: usize = 6;

/// A script being generated.
pub(super) struct Draft {
    pub random: Stream,
    pub profile: Profile,
    pub swarm: Swarm,
    steps: Vec<Step>,
    /// The script's time, according to its own waits.
    pub now_ms: u64,
    /// The usual lock duration of this script.
    lock_ms: u64,
    /// Times at which locks expire or messages become visible.
    deadlines: Vec<u64>,
    /// Times at which executions ended.
    pub ended: Vec<u64>,
    pub instances: Vec<String>,
    /// Instances that have been started.
    begun: Vec<String>,
    pub keys: Vec<String>,
    pub sessions: Vec<String>,
    pub owners: Vec<String>,
    /// The worker that fetched last.
    pub last_owner: String,
    pub tags: Vec<String>,
    pub orchestrations: Vec<String>,
    pub events: Vec<String>,
}

impl Draft {
    pub fn new(mut random: Stream, profile: Profile) -> Draft {
        let swarm = Swarm::draw(&mut random, profile);
        let count = [1, 2, 2, 2, 3, 3, 3, 4, 5, 9][random.below(10) as usize];
        let lock_ms = [1, 2, 10, 500, 1000, 1000, 5000, 30_000][random.below(8) as usize];
        let mut pool = |prefix, count| texts::pool(&mut random, &swarm, prefix, count);
        Draft {
            instances: pool("i", count),
            begun: Vec::with_capacity(8),
            keys: pool("k", 3),
            sessions: pool("s", 2),
            owners: pool("w", 3),
            last_owner: String::new(),
            tags: pool("t", 3),
            orchestrations: pool("O", 2),
            events: pool("e", 2),
            random,
            profile,
            swarm,
            steps: Vec::with_capacity(128),
            now_ms: 0,
            lock_ms,
            deadlines: Vec::with_capacity(REMEMBERED),
            ended: Vec::with_capacity(REMEMBERED),
        }
    }

    pub fn len(&self) -> usize {
        self.steps.len()
    }

    pub fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    /// Repeats the last step.
    pub fn repeat(&mut self) {
        if let Some(step) = self.steps.last().cloned() {
            self.step(step);
        }
    }

    pub fn step(&mut self, step: Step) {
        if step == Step::Drain {
            // Its duration depends on the provider.
            self.deadlines.clear();
            self.ended.clear();
        }
        self.steps.push(step);
    }

    /// Adds a call with absolute numbers.
    pub fn call(&mut self, call: Call) {
        self.act(call, false);
    }

    /// Adds a call with numbers relative to the fetch.
    pub fn relative(&mut self, call: Call) {
        self.act(call, true);
    }

    fn act(&mut self, call: Call, relative: bool) {
        let dropped = self.swarm.dropped > 0 && self.random.below(16) < self.swarm.dropped;
        let dropped_after = dropped.then(|| [0, 1, 1, 2, 2, 3, 4, 6][self.random.below(8) as usize]);
        self.steps.push(Step::Call(Act { call, relative, dropped_after }));
    }

    /// Returns true with probability `parts / of`.
    pub fn chance(&mut self, parts: u64, of: u64) -> bool {
        parts > 0 && self.random.below(of) < parts
    }

    /// Returns true as often as this script makes calls that no runtime would
    /// make.
    pub fn hostile(&mut self) -> bool {
        let parts = self.swarm.hostile;
        self.chance(parts, 64)
    }

    pub fn focused(&self, area: Area) -> bool {
        self.profile.area == area
    }

    pub fn payload(&mut self) -> String {
        texts::payload(&mut self.random, &self.swarm)
    }

    pub fn number(&mut self, usual: u64) -> u64 {
        numbers::number(&mut self.random, &self.swarm, usual)
    }

    pub fn awkward(&mut self) -> String {
        texts::awkward(&mut self.random, &self.swarm)
    }

    /// One of the script's instances.
    pub fn instance(&mut self) -> String {
        one_of(&mut self.random, &self.instances)
    }

    /// The instance fetched last, one of its children, one of the script's
    /// instances, or an unknown one.
    pub fn some_instance(&mut self) -> String {
        match self.random.below(16) {
            0..=5 => HERE.to_owned(),
            6 => CHILD.to_owned(),
            7 if self.random.one_in(3) => "nobody".to_owned(),
            8 | 9 => self.instance(),
            _ => self.known_instance(),
        }
    }

    /// An instance that has been started, as far as the script can tell.
    pub fn known_instance(&mut self) -> String {
        if self.begun.is_empty() { self.instance() } else { one_of(&mut self.random, &self.begun) }
    }

    /// Whether any instance has been started.
    pub fn has_begun(&self) -> bool {
        !self.begun.is_empty()
    }

    pub fn note_begun(&mut self, instance: &str) {
        if !self.begun.iter().any(|name| name == instance) {
            self.begun.push(instance.to_owned());
        }
    }

    pub fn key(&mut self) -> String {
        one_of(&mut self.random, &self.keys)
    }

    pub fn session(&mut self) -> String {
        one_of(&mut self.random, &self.sessions)
    }

    pub fn owner(&mut self) -> String {
        one_of(&mut self.random, &self.owners)
    }

    /// A tag; in scripts about tags, sometimes a similar or an empty one.
    pub fn tag(&mut self) -> String {
        let tag = one_of(&mut self.random, &self.tags);
        if !self.focused(Area::Tags) || self.random.below(6) > 0 {
            return tag;
        }
        match self.random.below(4) {
            0 => String::new(),
            1 => format!("{tag} "),
            _ => tag.to_uppercase(),
        }
    }

    pub fn orchestration(&mut self) -> String {
        one_of(&mut self.random, &self.orchestrations)
    }

    pub fn event(&mut self) -> String {
        one_of(&mut self.random, &self.events)
    }

    /// The version filter of a fetch of orchestration items.
    pub fn versions(&mut self) -> Option<Vec<VersionRange>> {
        let filtered = self.swarm.filtered;
        self.chance(filtered, 16).then(|| numbers::ranges(&mut self.random, &self.swarm))
    }
}

/// Time.
impl Draft {
    /// Waits.
    pub fn wait(&mut self, ms: u64) {
        if ms > 0 || self.random.one_in(4) {
            self.steps.push(Step::Wait(ms));
        }
        self.now_ms += ms;
    }

    /// Waits, usually until just about a deadline.
    pub fn pass(&mut self) {
        let far = self.random.below(32);
        let ms = match self.random.below(16) {
            0..=8 => return self.pass_to_deadline(),
            9 | 10 if self.profile.exact => self.random.below(3),
            11 if self.profile.exact => self.random.below(2 * self.lock_ms + 2),
            12 if far == 0 => 86_400_000,
            12 if far == 1 => 366 * 86_400_000,
            13 => return self.wait(self.tick()),
            _ => return self.wait(self.lock_ms()),
        };
        let tick = self.tick();
        self.wait(ms.div_ceil(tick) * tick);
    }

    /// Waits until a deadline that lies ahead, or the tick before or after it.
    pub fn pass_to_deadline(&mut self) {
        let Some(ahead) = self.ahead() else { return self.wait(self.tick()) };
        let ms = if self.profile.exact {
            match self.random.below(8) {
                0 | 1 => ahead.saturating_sub(1),
                2 => ahead + 1,
                _ => ahead,
            }
        } else {
            let ticks = ahead / self.tick() + self.random.below(2);
            ticks * self.tick()
        };
        self.wait(ms);
    }

    /// Waits until the deadline of the most recent lock.
    pub fn pass_to_last_deadline(&mut self) {
        let latest = self.deadlines.last().copied().filter(|at| *at > self.now_ms);
        self.deadlines.extend(latest);
        let Some(at) = latest else { return self.pass_to_deadline() };
        let ahead = at - self.now_ms;
        let ms = if self.profile.exact { ahead } else { (ahead / self.tick() + 1) * self.tick() };
        self.wait(ms);
    }

    /// The time until one of the deadlines.
    fn ahead(&mut self) -> Option<u64> {
        let now = self.now_ms;
        self.deadlines.retain(|at| *at > now);
        let count = self.deadlines.len() as u64;
        let at = self.deadlines.get(self.random.below(count) as usize)?;
        Some(at - now)
    }

    fn tick(&self) -> u64 {
        if self.profile.exact { 1 } else { self.profile.tick_ms }
    }

    /// The usual lock duration; between ticks, if time is not exact.
    fn lock_ms(&self) -> u64 {
        if self.profile.exact { self.lock_ms } else { self.tick() }
    }

    /// A duration for a lock, a delay or an extension. Its end is remembered as
    /// a deadline.
    pub fn span(&mut self) -> Duration {
        let endless = self.swarm.endless;
        if self.chance(endless, 64) {
            return self.endless();
        }
        // A zero duration ends in the tick it begins in.
        if self.random.one_in(16) && self.profile.exact {
            return Duration::ZERO;
        }
        if !self.profile.exact {
            let tick = self.tick();
            let ms = self.random.below(4) * tick + tick / 2;
            self.note(ms);
            return Duration::from_millis(ms);
        }
        let ms = match self.random.below(16) {
            0 => 1,
            1 => self.random.below(5),
            2 => self.lock_ms + 1,
            3 => self.lock_ms * 2,
            4 => self.lock_ms / 2,
            5 => 60_000,
            _ => self.lock_ms,
        };
        self.note(ms);
        Duration::from_millis(ms)
    }

    /// The usual duration or a multiple of it.
    pub fn ample_span(&mut self) -> Duration {
        let usual = self.usual_span();
        if self.random.one_in(3) { usual } else { usual * 5 }
    }

    /// A wait that is shorter than the usual duration.
    pub fn short_ms(&self) -> u64 {
        if self.profile.exact { self.lock_ms / 2 } else { self.tick() }
    }

    /// The usual duration.
    pub fn usual_span(&mut self) -> Duration {
        let ms = if self.profile.exact { self.lock_ms } else { 2 * self.tick() + self.tick() / 2 };
        self.note(ms);
        Duration::from_millis(ms)
    }

    /// A duration that exceeds most scripts; between ticks, if time is not
    /// exact.
    pub fn long_span(&mut self) -> Duration {
        let half = if self.profile.exact { 0 } else { self.tick() / 2 };
        Duration::from_millis(3600 * self.tick() * 1000 + half)
    }

    /// A duration that no test waits for, or one of less than a millisecond.
    fn endless(&mut self) -> Duration {
        let exact = self.profile.exact;
        match self.random.below(8) {
            // Whole milliseconds: the contract leaves fractions open.
            0..=2 if exact => Duration::from_millis(1),
            0..=2 => Duration::from_millis(u64::MAX),
            3 => Duration::MAX,
            4 => Duration::from_millis(i64::MAX as u64),
            5 => Duration::from_secs(u64::from(u32::MAX)),
            6 => Duration::from_secs(u64::MAX / 1000),
            _ => Duration::from_secs(100 * 365 * 86_400),
        }
    }

    fn note(&mut self, ms: u64) {
        if self.deadlines.len() == REMEMBERED {
            self.deadlines.remove(0);
        }
        self.deadlines.push(self.now_ms + ms);
    }

    /// The time at which a timer fires, relative to the script's start.
    pub fn fire_at(&mut self) -> u64 {
        let endless = self.swarm.endless;
        if self.chance(endless, 64) {
            return [0, u64::MAX, 1 << 63, (1 << 63) - 1][self.random.below(4) as usize];
        }
        match self.random.below(8) {
            0 => 0,
            1 if self.profile.exact => self.now_ms,
            _ => {
                let span = self.usual_span();
                self.now_ms + span.as_millis() as u64
            }
        }
    }

    /// Remembers that an execution ends now.
    pub fn note_end(&mut self) {
        if self.ended.len() == REMEMBERED {
            self.ended.remove(0);
        }
        self.ended.push(self.now_ms);
    }

    /// A time to compare completion times with: usually the exact millisecond
    /// of one, or an adjacent one.
    pub fn before(&mut self) -> u64 {
        let count = self.ended.len() as u64;
        match self.random.below(8) {
            0 if self.random.one_in(2) => 0,
            0 => u64::MAX,
            1..=6 if count > 0 => {
                let at = self.ended[self.random.below(count) as usize];
                if self.profile.exact {
                    (at + self.random.below(3)).saturating_sub(1)
                } else {
                    // Half a tick before or after it.
                    let half = self.tick() / 2;
                    (at + self.random.below(2) * 2 * half).saturating_sub(half)
                }
            }
            _ if self.profile.exact => self.now_ms,
            _ => self.now_ms + self.tick() / 2,
        }
    }
}

fn one_of(random: &mut Stream, pool: &[String]) -> String {
    pool[random.below(pool.len() as u64) as usize].clone()
}
