//! [`Bench`]: what saboteurs work with.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use duroxide_sim::call::{AckTurn, Call, Class, Item, Refusal, Reply, Turn, VersionRange};
use duroxide_sim::clock::Time;
use duroxide_sim::store::{Choice, Ineligible, Pick, Store};

/// A lock on a turn that was given out.
#[derive(Clone)]
pub struct Held {
    pub turn: Turn,
    pub until: Time,
    /// Whether it has acked or abandoned its turn.
    pub released: bool,
}

/// A lock on a job that was given out.
#[derive(Clone)]
pub struct HeldJob {
    pub item: Item,
    pub until: Time,
    /// Whether it has acked or abandoned its job.
    pub released: bool,
}

/// What goes wrong.
pub type Mishap = Box<dyn FnOnce(&mut Bench) + Send>;

/// What a saboteur has to work with.
#[derive(Default)]
pub struct Bench {
    pub store: Store,
    tokens: u64,
    /// Every lock on a turn, by its token.
    pub held: BTreeMap<String, Held>,
    /// Every lock on a job, by its token.
    pub held_jobs: BTreeMap<String, HeldJob>,
    /// Room for what it wants to remember.
    pub notes: BTreeSet<String>,
    pub marks: BTreeMap<String, u64>,
    pub texts: BTreeMap<String, String>,
    pub calls: Vec<Call>,
    pub count: u64,
    /// The answer is never given.
    pub never_answers: bool,
    /// What becomes of everything if the future of the call under way is
    /// dropped, and it is not done yet.
    pub if_dropped: Option<Mishap>,
    /// Whether the storage was reopened since the call before.
    pub reopened: bool,
    /// How many calls were asked.
    pub asked: u64,
    /// Another state, for those who see what they should not.
    pub shadow: Option<Store>,
    pub models: BTreeMap<String, super::values::Values>,
}

impl Bench {
    /// The right answer, as `Memory` gives it.
    pub fn ask(&mut self, now: Time, call: &Call) -> Reply {
        self.pick(now, call, Pick::Oldest)
    }

    /// The right answer to the call as `change` leaves it.
    pub fn ask_so(&mut self, now: Time, call: &Call, change: impl FnOnce(&mut Call)) -> Reply {
        let mut call = call.clone();
        change(&mut call);
        self.ask(now, &call)
    }

    /// The right answer to an ack as `change` leaves it; to any other call, too.
    pub fn ask_ack(&mut self, now: Time, call: &Call, change: impl FnOnce(&mut AckTurn)) -> Reply {
        self.ask_so(now, call, |call| {
            if let Call::AckOrchestrationItem(ack) = call {
                change(ack);
            }
        })
    }

    /// The right answer, but for what a fetch takes.
    pub fn pick(&mut self, now: Time, call: &Call, pick: Pick) -> Reply {
        self.tokens += 1;
        let reply = self.store.apply(now, call, &Choice::new(format!("lock-{}", self.tokens), pick));
        self.learn(now, call, &reply);
        reply
    }

    /// What would be answered.
    pub fn peek(&self, now: Time, call: &Call, pick: Pick) -> Reply {
        self.store.clone().apply(now, call, &Choice::new("peek", pick))
    }

    /// The right answer; but if the call's future is dropped, what is left is what
    /// `half` does.
    pub fn ask_halfway(&mut self, now: Time, call: &Call, half: impl FnOnce(&mut Bench)) -> Reply {
        let before = self.store.clone();
        let reply = self.ask(now, call);
        let whole = std::mem::replace(&mut self.store, before);
        half(self);
        let left = std::mem::replace(&mut self.store, whole);
        self.if_dropped = Some(Box::new(move |bench| bench.store = left));
        reply
    }

    /// The tokens of all locks that hold.
    pub fn live_tokens(&self, now: Time) -> Vec<String> {
        let turns = self.held.iter().filter(|(_, held)| !held.released && held.until > now).map(|(token, _)| token);
        let jobs = self.held_jobs.iter().filter(|(_, held)| !held.released && held.until > now);
        turns.chain(jobs.map(|(token, _)| token)).cloned().collect()
    }

    fn learn(&mut self, now: Time, call: &Call, reply: &Reply) {
        match (call, reply) {
            (Call::FetchOrchestrationItem { lock_for, .. }, Reply::Turn(Some(turn))) => {
                let held = Held { turn: (**turn).clone(), until: now + *lock_for, released: false };
                self.held.insert(turn.token.clone(), held);
            }
            (Call::FetchWorkItem { lock_for, .. }, Reply::Job(Some(job))) => {
                let held = HeldJob { item: job.item.clone(), until: now + *lock_for, released: false };
                self.held_jobs.insert(job.token.clone(), held);
            }
            (
                Call::RenewOrchestrationItemLock { token, extend_for } | Call::RenewWorkItemLock { token, extend_for },
                Reply::Done,
            ) => {
                self.held.get_mut(token).into_iter().for_each(|held| held.until = now + *extend_for);
                self.held_jobs.get_mut(token).into_iter().for_each(|held| held.until = now + *extend_for);
            }
            (_, Reply::Done) => {
                let Some(token) = call.token() else { return };
                self.held.get_mut(token).into_iter().for_each(|held| held.released = true);
                self.held_jobs.get_mut(token).into_iter().for_each(|held| held.released = true);
            }
            _ => {}
        }
    }

    /// The turn that the call's token was given out for.
    pub fn turn_of(&self, call: &Call) -> Option<&Turn> {
        self.held.get(call.token()?).map(|held| &held.turn)
    }

    /// The instance that the call's token was given out for.
    pub fn instance_of(&self, call: &Call) -> Option<String> {
        self.turn_of(call).map(|turn| turn.instance.clone())
    }

    /// A lock on a turn that still holds.
    pub fn live(&self, now: Time) -> Option<&Held> {
        self.held.values().find(|held| !held.released && held.until > now)
    }

    /// Whether an orchestration stands behind the name, or a start is under way.
    pub fn is_started(&self, instance: &str) -> bool {
        let known = Call::GetInstanceInfo { instance: instance.to_owned() };
        let bar = self.store.bar_to_turn(Time::MAX, instance, None);
        matches!(self.peek(Time(0), &known, Pick::Nothing), Reply::Instance(_))
            || self.has_history(instance)
            || !matches!(bar, Some(Ineligible::Absent | Ineligible::NotStarted))
    }

    pub fn has_history(&self, instance: &str) -> bool {
        let read = Call::Read { instance: instance.to_owned() };
        !matches!(self.peek(Time(0), &read, Pick::Nothing), Reply::Events(events) if events.is_empty())
    }

    /// A fetch that takes no instance but those that `allowed` lets pass.
    pub fn fetch_of(
        &mut self,
        now: Time,
        call: &Call,
        versions: Option<&[VersionRange]>,
        allowed: impl Fn(&Bench, &str) -> bool,
    ) -> Reply {
        let names = self.store.eligible_turns(now, versions);
        let pick = names.into_iter().find(|name| allowed(self, name)).map(str::to_owned);
        let everything = self.ask_versions(call);
        match pick {
            Some(name) => self.pick(now, &everything, Pick::Instance(name)),
            None => Reply::Turn(None),
        }
    }

    /// The same fetch without a filter.
    fn ask_versions(&self, call: &Call) -> Call {
        let mut call = call.clone();
        if let Call::FetchOrchestrationItem { versions, .. } = &mut call {
            *versions = None;
        }
        call
    }

    /// Everything that is visible for an instance is taken out of the queue.
    pub fn swallow(&mut self, now: Time, instance: &str) {
        let fetch = fetch(Duration::from_secs(1));
        if let Reply::Turn(Some(turn)) = self.pick(now, &fetch, Pick::Instance(instance.to_owned())) {
            self.ask(now, &Call::AckOrchestrationItem(Box::new(empty_ack(&turn))));
        }
    }
}

/// A fetch of turns without a filter.
pub fn fetch(lock_for: Duration) -> Call {
    Call::FetchOrchestrationItem { lock_for, poll_for: Duration::ZERO, versions: None }
}

/// An ack of a turn that does nothing else.
pub fn empty_ack(turn: &Turn) -> AckTurn {
    AckTurn::nothing(turn.token.clone(), turn.execution)
}

/// Changes the turn that a fetch has returned.
pub fn with_turn(mut reply: Reply, change: impl FnOnce(&mut Turn)) -> Reply {
    if let Reply::Turn(Some(turn)) = &mut reply {
        change(turn);
    }
    reply
}

/// The class of a refusal.
pub fn class(reply: &Reply) -> Option<Class> {
    match reply {
        Reply::Refused(refusal) => Some(refusal.class),
        _ => None,
    }
}

/// A refusal that no retry cures.
pub fn refuse(class: Class, call: &Call) -> Reply {
    Reply::Refused(Refusal::permanent(class, call.method().name(), "Something is wrong."))
}

/// A millisecond before.
pub fn just_before(now: Time) -> Time {
    now.before(Duration::from_millis(1))
}
