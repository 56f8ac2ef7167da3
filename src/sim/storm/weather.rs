//! [`Weather`]: a storm under way.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::plan::{Entry, Point, What, When};
use super::{Kind, Land, MARGIN, Storm};
use crate::call::Call;
use crate::clock::{self, Time};
use crate::faults::{Asked, Verdict};
use crate::seed::{Seed, Stream};

/// A storm under way: what the seed has drawn for it, and what it may still do.
pub(in super::super) struct Weather {
    random: Stream,
    start: Time,
    /// How long after the start the calm begins.
    calm: Duration,
    nodes: BTreeMap<String, Vec<String>>,
    kinds: Vec<Kind>,
    /// One call in this many is delayed.
    latency_in: u64,
    /// A latency is below this.
    latency_ms: u64,
    /// One call in this many begins a trouble.
    trouble_in: u64,
    left: u64,
    merciless: bool,
    /// What each node's builds are taken to be now.
    running: BTreeMap<String, usize>,
}

/// A kind of fault that happens to a node and begins at one of its calls.
#[derive(Clone, Copy)]
enum Trouble {
    Crash,
    Stop,
    Upgrade,
    Partition,
    Stall,
    Outage,
}

impl Trouble {
    const ALL: [Trouble; 6] =
        [Trouble::Crash, Trouble::Stop, Trouble::Upgrade, Trouble::Partition, Trouble::Stall, Trouble::Outage];

    fn kind(self) -> Kind {
        match self {
            Trouble::Crash => Kind::Crash,
            Trouble::Stop => Kind::Stop,
            Trouble::Upgrade => Kind::Upgrade,
            Trouble::Partition => Kind::Partition,
            Trouble::Stall => Kind::Stall,
            Trouble::Outage => Kind::Outage,
        }
    }
}

impl Weather {
    /// What `seed` draws of `storm`, and what of it happens at a set time.
    pub fn draw(storm: &Storm, seed: Seed, start: Time, land: Land) -> (Weather, Vec<Entry>) {
        let nodes = land.nodes;
        let mut random = seed.child("storm").stream();
        let may = |kind: Kind| match kind {
            Kind::Outage => storm.merciless,
            Kind::Upgrade => nodes.values().any(|builds| builds.len() > 1),
            Kind::Latency | Kind::Slowness | Kind::Refuse | Kind::LoseReply | Kind::Drop | Kind::ShortLock => true,
            Kind::Crash | Kind::Stop | Kind::Partition | Kind::Stall | Kind::Skew => true,
        };
        let mut kinds = Vec::new();
        for &kind in Kind::ALL {
            // Drawn for every kind, so that to leave one out leaves the others.
            let drawn = random.below(100) < if kind == Kind::Latency { 75 } else { 40 };
            if storm.kinds.contains(&kind) && may(kind) && (drawn || storm.every) {
                kinds.push(kind);
            }
        }
        let calm = spread(&mut random, Duration::from_secs(1).min(storm.longest), storm.longest);
        let bearable = u64::try_from(land.shortest_lock.as_millis() / 8).unwrap_or(u64::MAX);
        let most = storm.troubles.min(u64::from(land.fewest_attempts.saturating_sub(2)));
        let mut weather = Weather {
            latency_in: *pick(&mut random, &[1, 1, 2, 8]),
            latency_ms: bearable.min(*pick(&mut random, &[3, 20, 100, 500])),
            trouble_in: *pick(&mut random, &[4, 12, 40, 150]),
            left: if most == 0 { 0 } else { 1 + random.below(most) },
            random,
            start,
            calm,
            running: nodes.keys().map(|node| (node.clone(), 0)).collect(),
            nodes,
            kinds,
            merciless: storm.merciless,
        };
        let timed = weather.timed();
        (weather, timed)
    }

    /// How long after the start its calm begins.
    pub fn calm(&self) -> Duration {
        self.calm
    }

    /// What happens at a set time: about a third of the troubles of nodes, and
    /// the clocks.
    fn timed(&mut self) -> Vec<Entry> {
        let names: Vec<String> = self.nodes.keys().cloned().collect();
        let mut entries = Vec::new();
        if names.is_empty() || self.calm <= MARGIN {
            return entries;
        }
        for _ in 0..self.left {
            if !self.random.one_in(3) {
                continue;
            }
            let at = spread(&mut self.random, Duration::from_millis(1), self.calm - MARGIN);
            let node = pick(&mut self.random, &names).clone();
            if let Some(what) = self.trouble_of(&node, at) {
                self.left -= 1;
                entries.push(Entry { when: When::At(at), what });
            }
        }
        if self.kinds.contains(&Kind::Skew) {
            let node = pick(&mut self.random, &names).clone();
            let at = spread(&mut self.random, Duration::from_millis(1), self.calm);
            let by_ms = *pick(&mut self.random, &[50, 2_000, 60_000, -50, -2_000, -60_000]);
            let set = |at, by_ms| Entry { when: When::At(at), what: What::Skew { node: node.clone(), by_ms } };
            entries.extend([set(at, by_ms), set(self.calm, 0)]);
        }
        entries
    }

    /// Something that befalls a node at `at`, if any kind of that is on.
    fn trouble_of(&mut self, node: &str, at: Duration) -> Option<What> {
        let on: Vec<Trouble> =
            Trouble::ALL.into_iter().filter(|trouble| self.kinds.contains(&trouble.kind())).collect();
        if on.is_empty() || at + MARGIN >= self.calm {
            return None;
        }
        let trouble = *pick(&mut self.random, &on);
        let lasts = spread(&mut self.random, Duration::from_millis(10), Duration::from_secs(120));
        let lasts = lasts.min(self.calm - MARGIN - at);
        let (name, random) = (node.to_owned(), &mut self.random);
        Some(match trouble {
            Trouble::Crash => What::Crash { node: name, restart_after: Some(lasts) },
            Trouble::Stop => What::Stop { node: name, restart_after: Some(lasts) },
            Trouble::Upgrade => {
                let builds = &self.nodes[node];
                if builds.len() < 2 {
                    return None;
                }
                let running = self.running.get_mut(node).expect("every node runs a build");
                let step = 1 + random.below(builds.len() as u64 - 1) as usize;
                *running = (*running + step) % builds.len();
                What::Upgrade { node: name, build: builds[*running].clone() }
            }
            Trouble::Partition => What::Partition { node: name, lasts },
            Trouble::Outage => What::Outage { node: name, lasts },
            Trouble::Stall => What::Stall { node: name, lasts },
        })
    }

    /// What it brings before a call.
    pub fn before(&mut self, asked: &Asked<'_>) -> Option<Entry> {
        let elapsed = self.touches(asked)?;
        if self.begins_trouble() {
            let what = match self.fault_of(asked.call, elapsed) {
                Some(verdict) => Some(What::Fault(verdict)),
                None => self.trouble_of(asked.by, elapsed),
            };
            if let Some(what) = what {
                self.left -= 1;
                return Some(Entry { when: When::Before(point(asked)), what });
            }
        }
        let verdict = self.latency(elapsed)?;
        Some(Entry { when: When::Before(point(asked)), what: What::Fault(verdict) })
    }

    /// What it brings after a call.
    pub fn after(&mut self, asked: &Asked<'_>) -> Option<Entry> {
        let elapsed = self.touches(asked)?;
        if !self.begins_trouble() {
            return None;
        }
        let what = self.trouble_of(asked.by, elapsed)?;
        self.left -= 1;
        Some(Entry { when: When::After(point(asked)), what })
    }

    /// How long after the start a call is made, if it is one of a node and made
    /// in the storm.
    fn touches(&self, asked: &Asked<'_>) -> Option<Duration> {
        let elapsed = clock::now() - self.start;
        (elapsed < self.calm && self.nodes.contains_key(asked.by)).then_some(elapsed)
    }

    fn begins_trouble(&mut self) -> bool {
        self.left > 0 && self.random.one_in(self.trouble_in)
    }

    /// A fault of the call, as often as the kinds that make one are among those
    /// that are on.
    fn fault_of(&mut self, call: &Call, elapsed: Duration) -> Option<Verdict> {
        let kind = if self.kinds.is_empty() { return None } else { *pick(&mut self.random, &self.kinds) };
        let renews = matches!(call, Call::RenewWorkItemLock { .. });
        let fetches = call.is_fetch();
        let spared = renews && !self.merciless;
        let longest = self.calm.saturating_sub(elapsed);
        match kind {
            Kind::Refuse if !spared => Some(Verdict::Refuse { retryable: true }),
            Kind::LoseReply if !spared => Some(Verdict::LoseReply),
            Kind::Drop if fetches => {
                let after = spread(&mut self.random, Duration::from_millis(1), Duration::from_secs(10));
                Some(Verdict::Drop { after })
            }
            Kind::ShortLock => {
                let lasts = spread(&mut self.random, Duration::from_millis(1), Duration::from_secs(20));
                Some(Verdict::ShortLock { lasts }).filter(|verdict| verdict.concerns(call))
            }
            Kind::Slowness => {
                let slow = spread(&mut self.random, Duration::from_secs(1), Duration::from_secs(60)).min(longest);
                let zero = Duration::ZERO;
                let (before, after) = if self.random.one_in(2) { (slow, zero) } else { (zero, slow) };
                Some(Verdict::Delay { before, after })
            }
            Kind::Refuse | Kind::LoseReply | Kind::Drop => None,
            // Latencies are drawn for every call, and the rest happens to nodes.
            Kind::Latency | Kind::Crash | Kind::Stop | Kind::Upgrade => None,
            Kind::Partition | Kind::Stall | Kind::Skew | Kind::Outage => None,
        }
    }

    fn latency(&mut self, elapsed: Duration) -> Option<Verdict> {
        if !self.kinds.contains(&Kind::Latency) || !self.random.one_in(self.latency_in) {
            return None;
        }
        let mut some = || Duration::from_millis(self.random.below(self.latency_ms));
        let (before, after) = (some(), some());
        let verdict = Verdict::Delay { before, after };
        (before + after > Duration::ZERO && elapsed + before + after <= self.calm).then_some(verdict)
    }
}

fn point(asked: &Asked<'_>) -> Point {
    Point::new(asked.by, asked.method(), asked.nth)
}

fn pick<'a, T>(random: &mut Stream, from: &'a [T]) -> &'a T {
    &from[random.below(from.len() as u64) as usize]
}

/// A duration of whole milliseconds between the two, each order of magnitude as
/// likely as another.
fn spread(random: &mut Stream, least: Duration, most: Duration) -> Duration {
    let (least, most) = (least.as_millis().max(1) as u64, most.as_millis() as u64);
    let doublings = (most / least).max(1).ilog2() + 1;
    let low = least << random.below(u64::from(doublings)).min(62);
    Duration::from_millis((low + random.below(low)).clamp(least.min(most), most))
}
