//! What a lot of generated scripts lead to: how each method was answered, and
//! how often each state came up that a provider can get wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_conformance::unstable::{End, Observed, Run, replay, script};
use duroxide_conformance::{Profile, Storage, TimeSource};
use duroxide_sim::call::{Call, Class, Reply, Tags, VersionRange};
use duroxide_sim::clock::Time;
use duroxide_sim::store::{Choice, Pick, Store};
use duroxide_sim::{Memory, Seed};
use parking_lot::Mutex;
use std::sync::Arc;

/// Makes memory providers, and damages the latest.
#[derive(Default)]
pub struct Factory {
    latest: Mutex<Option<Arc<Memory>>>,
}

#[async_trait]
impl ProviderFactory for Factory {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        let provider = Arc::new(Memory::new());
        *self.latest.lock() = Some(provider.clone());
        provider
    }

    async fn corrupt_instance_history(&self, instance: &str) {
        self.latest.lock().as_ref().expect("a script is under way").corrupt_history(instance);
    }
}

impl Storage for Factory {
    fn time(&self) -> TimeSource {
        TimeSource::Virtual
    }

    fn can_corrupt(&self) -> bool {
        true
    }
}

/// How the calls of one method were answered.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    pub accepted: u64,
    /// Of those, the ones that found nothing or did nothing.
    pub idle: u64,
    pub refused: BTreeMap<Class, u64>,
}

/// What a lot of scripts led to.
#[derive(Debug, Default)]
pub struct Survey {
    pub scripts: u64,
    pub calls: u64,
    pub deviations: Vec<String>,
    pub inconclusive: u64,
    pub methods: BTreeMap<&'static str, Answers>,
    pub states: BTreeMap<&'static str, u64>,
}

/// How many calls the survey looks at.
const CALLS: u64 = 300_000;

/// The scripts of the first seeds, all profiles in turn. Made once.
pub fn survey() -> &'static Survey {
    static MADE: OnceLock<Survey> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut survey = Survey::default();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        while survey.calls < CALLS {
            let seed = Seed(survey.scripts);
            let profile = Profile::ALL[survey.scripts as usize % Profile::ALL.len()];
            let profile = if survey.scripts % 5 == 0 { profile.on_grid(100) } else { profile };
            let run = runtime.block_on(replay(&Factory::default(), &script(seed, profile)));
            survey.add(&run, &format!("seed {seed}, {}", profile.name()));
        }
        survey
    })
}

impl Survey {
    fn add(&mut self, run: &Run, from: &str) {
        self.scripts += 1;
        self.calls += run.observed.len() as u64;
        match &run.end {
            End::Agrees => {}
            End::Inconclusive(_) => self.inconclusive += 1,
            End::Deviates(deviation) => self.deviations.push(format!("{from}: {deviation:?}")),
        }
        let mut watch = Watch::default();
        for observed in &run.observed {
            let Some(reply) = &observed.reply else {
                self.saw("a future was dropped", true);
                watch.blind = true;
                continue;
            };
            let class = self.look(&mut watch, observed, reply);
            let answers = self.methods.entry(observed.call.method().name()).or_default();
            if matches!(reply, Reply::Refused(_)) {
                *answers.refused.entry(class.unwrap_or(Class::Other)).or_default() += 1;
            } else {
                answers.accepted += 1;
                answers.idle += u64::from(is_idle(reply));
            }
        }
    }

    fn saw(&mut self, state: &'static str, there: bool) {
        *self.states.entry(state).or_default() += u64::from(there);
    }

    /// Says why the call was refused, if it was: what comes through duroxide's
    /// trait does not tell.
    fn look(&mut self, watch: &mut Watch, observed: &Observed, reply: &Reply) -> Option<Class> {
        let (at, call) = (observed.at, &*observed.call);
        self.look_at_tokens(watch, at, call, reply);
        self.look_at_fetches(watch, at, call, reply);
        self.look_at_removal(watch, call, reply);
        self.look_at_reads(call, reply);
        let said = watch.follow(at, call, reply);
        let damaged = matches!((reply, &said), (Reply::Refused(_), Reply::Events(_)));
        self.saw("a read of what cannot be read", damaged);
        let Reply::Refused(refusal) = said else { return None };
        self.look_at_refusals(call, refusal.class);
        Some(refusal.class)
    }

    fn look_at_tokens(&mut self, watch: &mut Watch, at: Time, call: &Call, reply: &Reply) {
        let Some(token) = call.token() else { return };
        let of_turn = matches!(
            call,
            Call::AckOrchestrationItem(_)
                | Call::AbandonOrchestrationItem { .. }
                | Call::RenewOrchestrationItemLock { .. }
        );
        let Some(lock) = watch.locks.get(token) else {
            return self.saw("a forged token was used", true);
        };
        self.saw("a token of the other queue was used", lock.of_turn != of_turn);
        let (until, now) = (lock.until.0, at.0);
        self.saw(
            "a lock's token was used in the very millisecond that it ends",
            now == until && lock.released.is_none(),
        );
        self.saw("a lock's token was used one millisecond before it ends", now + 1 == until && lock.released.is_none());
        self.saw("a lock's token was used one millisecond after it ends", now == until.saturating_add(1));
        self.saw("a lock's token was used long after it ends", now > until.saturating_add(1));
        self.saw("a token was used again after its ack", lock.released == Some("ack"));
        self.saw("a token was used again after its abandon", lock.released == Some("abandon"));
        self.saw("a token was used after another took over", watch.taken_over(token));
        self.saw("a token was used after its instance was deleted", lock.released == Some("delete"));
        let renewal = match call {
            Call::RenewOrchestrationItemLock { extend_for, .. } | Call::RenewWorkItemLock { extend_for, .. } => {
                *reply == Reply::Done && at + *extend_for < lock.until
            }
            _ => false,
        };
        self.saw("a renewal was shorter than what was left", renewal);
        let undone = matches!((call, reply), (Call::AckWorkItem { .. }, Reply::Refused(_)));
        self.saw("a job's lock was lost before its time", undone && now < until && lock.released.is_none());
    }

    fn look_at_fetches(&mut self, watch: &mut Watch, at: Time, call: &Call, reply: &Reply) {
        match (call, reply) {
            (Call::FetchOrchestrationItem { versions, .. }, Reply::Turn(turn)) => {
                let filter = versions.as_deref();
                let first = watch.store.eligible_turn(at, None).map(str::to_owned);
                let found = turn.as_ref().map(|turn| turn.instance.clone());
                self.saw("a version filter left all out", !watch.blind && first.is_some() && found.is_none());
                let skips = found.is_some() && first.as_deref().is_some_and(|name| is_out(watch, at, name, filter));
                self.saw("a version filter skipped one and took another", skips);
                let Some(turn) = turn else { return };
                self.saw("a batch of a hundred messages", turn.messages.len() >= 100);
                self.saw("a batch of four kinds of messages", kinds(&turn.messages) >= 4);
                self.saw("a history of a hundred events", turn.history.len() >= 100);
                self.saw("a history that cannot be read", turn.history_error.is_some());
                self.saw("attempts above five", turn.attempts > 5);
                self.saw("an execution after the third", turn.execution > 3);
                self.saw("an execution at the end of the range", turn.execution > 1 << 31);
                self.saw("values of earlier executions", !turn.kv_snapshot.is_empty() && turn.execution > 1);
                self.saw("a message in the very millisecond it becomes visible", watch.visible.contains(&at));
            }
            (Call::FetchWorkItem { session, tags, .. }, Reply::Job(job)) => {
                let any = watch.store.eligible_jobs(at, session.as_ref(), &Tags::Any);
                let barred = job.is_none() && any > 0 && *tags != Tags::None;
                self.saw("a tag filter left all out", !watch.blind && barred);
                let all = watch.store.eligible_jobs(at, None, &Tags::Any);
                self.saw("a tag filter took something", job.is_some() && matches!(tags, Tags::Tags(_)));
                let Some(job) = job else {
                    let waiting = watch.store.queued().1.len();
                    return self.saw("sessions of others left nothing", any == 0 && all == 0 && waiting > 0);
                };
                self.saw("a job's attempts above three", job.attempts > 3);
                let bound = match &*job.item {
                    duroxide::providers::WorkItem::ActivityExecute { session_id, .. } => session_id.clone(),
                    _ => None,
                };
                if let (Some(id), Some(claim)) = (bound, session) {
                    let before = watch.owners.insert(id, claim.owner.clone());
                    self.saw("a session was taken over", before.as_ref().is_some_and(|owner| *owner != claim.owner));
                    self.saw("a session's owner fetched again", before.as_ref() == Some(&claim.owner));
                }
            }
            _ => {}
        }
    }

    fn look_at_removal(&mut self, watch: &mut Watch, call: &Call, reply: &Reply) {
        match (call, reply) {
            (Call::DeleteInstanceBulk { query }, Reply::Deleted(counts)) => {
                self.saw("bulk deletion deleted", counts.instances_deleted > 0);
                let named = query.instance_ids.is_some() && counts.instances_deleted > 0;
                self.saw("bulk deletion deleted by name", named);
                let dated = query.completed_before.is_some() && counts.instances_deleted > 0;
                self.saw("bulk deletion deleted by date", dated);
                let limited = query.limit.is_some_and(|limit| limit > 0 && counts.instances_deleted >= limit.into());
                self.saw("bulk deletion came to its limit", limited);
                let ended = |before: u64| watch.ended.contains(&Time(before));
                self.saw("a date at the very millisecond of an end", query.completed_before.is_some_and(ended));
            }
            (Call::DeleteInstance { .. }, Reply::Deleted(counts)) => {
                self.saw("a tree of two was deleted", counts.instances_deleted >= 2);
                self.saw("a tree of three was deleted", counts.instances_deleted >= 3);
                self.saw("messages were deleted", counts.queue_messages_deleted > 0);
            }
            (Call::DeleteInstancesAtomic { .. }, Reply::Deleted(counts)) => {
                self.saw("a set was deleted", counts.instances_deleted >= 2);
            }
            (Call::PruneExecutions { keep, .. }, Reply::Pruned(counts)) => {
                self.saw("executions were pruned", counts.executions_deleted > 0);
                self.saw("several executions were pruned", counts.executions_deleted > 2);
                let kept = keep.keep_last.is_some_and(|kept| kept > 0) && counts.executions_deleted > 0;
                self.saw("some executions were pruned and some kept", kept);
            }
            (Call::PruneExecutionsBulk { .. }, Reply::Pruned(counts)) => {
                self.saw("bulk pruning pruned", counts.executions_deleted > 0);
                self.saw("bulk pruning went over several", counts.instances_processed > 2);
            }
            (Call::CleanupOrphanedSessions { .. }, Reply::Count(count)) => self.saw("sessions were swept", *count > 0),
            (Call::RenewSessionLock { .. }, Reply::Count(count)) => {
                self.saw("sessions were renewed", *count > 0);
                self.saw("several sessions were renewed", *count > 1);
            }
            _ => {}
        }
    }

    fn look_at_reads(&mut self, call: &Call, reply: &Reply) {
        match (call, reply) {
            (_, Reply::Tree(tree)) => {
                self.saw("a tree of three", tree.all_ids.len() >= 3);
                let deep = tree.all_ids.iter().any(|id| id.matches("::").count() >= 2);
                self.saw("a grandchild", deep);
            }
            (Call::GetCustomStatus { last_seen_version, .. }, reply) => {
                let seen = *last_seen_version > 0;
                self.saw("a newer custom status", seen && matches!(reply, Reply::CustomStatus(Some(_))));
                self.saw("a cleared custom status", matches!(reply, Reply::CustomStatus(Some((None, _)))));
            }
            (_, Reply::Values(values)) => self.saw("several values", values.len() > 1),
            (Call::GetKvValue { .. }, Reply::Value(Some(value))) => self.saw("an empty value", value.is_empty()),
            (Call::GetInstanceStats { .. }, Reply::Stats(Some(stats))) => {
                self.saw("events that were carried forward", stats.queue_pending_count > 0);
            }
            (Call::ListExecutions { .. }, Reply::Numbers(all)) => self.saw("five executions", all.len() >= 5),
            (_, Reply::Events(events)) => {
                let gap = events.windows(2).any(|pair| pair[1].event_id > pair[0].event_id + 1);
                self.saw("a history with a gap", gap);
                let long = events.iter().any(|event| format!("{event:?}").len() > 100_000);
                self.saw("an event of a hundred thousand bytes", long);
            }
            _ => {}
        }
    }

    fn look_at_refusals(&mut self, call: &Call, class: Class) {
        let ack = matches!(call, Call::AckOrchestrationItem(_));
        self.saw("an ack with an event that is there", ack && class == Class::DuplicateEvent);
        self.saw("an ack with an item in the wrong queue", ack && class == Class::Invalid);
        self.saw("a deletion that leaves a child", class == Class::ChildLeft);
    }
}

fn is_out(watch: &Watch, at: Time, name: &str, versions: Option<&[VersionRange]>) -> bool {
    !watch.blind && watch.store.bar_to_turn(at, name, versions).is_some()
}

fn kinds(items: &[duroxide_sim::call::Item]) -> usize {
    items.iter().map(|item| duroxide_sim::call::kind_of(item)).collect::<BTreeSet<_>>().len()
}

/// Whether an answer says that nothing was found or done.
fn is_idle(reply: &Reply) -> bool {
    match reply {
        Reply::Turn(None) | Reply::Job(None) | Reply::Count(0) | Reply::CustomStatus(None) => true,
        Reply::Value(None) | Reply::Stats(None) => true,
        Reply::Events(events) => events.is_empty(),
        Reply::Values(values) => values.is_empty(),
        Reply::Names(names) => names.is_empty(),
        Reply::Numbers(numbers) => numbers.is_empty(),
        Reply::Tree(tree) => tree.all_ids.len() < 2,
        Reply::Deleted(counts) => counts.instances_deleted == 0 && counts.queue_messages_deleted == 0,
        Reply::Pruned(counts) => counts.executions_deleted == 0,
        Reply::Metrics(metrics) => metrics.total_instances == 0,
        Reply::QueueDepths(depths) => depths.orchestrator_queue + depths.worker_queue == 0,
        _ => false,
    }
}

/// What one run has shown so far.
#[derive(Default)]
struct Watch {
    store: Store,
    /// A call was dropped, so the store may not be what the provider has.
    blind: bool,
    locks: BTreeMap<String, Lock>,
    owners: BTreeMap<String, String>,
    ended: BTreeSet<Time>,
    visible: BTreeSet<Time>,
}

struct Lock {
    of_turn: bool,
    on: String,
    number: usize,
    until: Time,
    released: Option<&'static str>,
}

impl Watch {
    fn taken_over(&self, token: &str) -> bool {
        let lock = &self.locks[token];
        let later = |other: &&Lock| other.of_turn == lock.of_turn && other.on == lock.on && other.number > lock.number;
        lock.released.is_none() && self.locks.values().any(|other| later(&other))
    }

    /// Records an answer; returns what the store says.
    fn follow(&mut self, at: Time, call: &Call, reply: &Reply) -> Reply {
        let number = self.locks.len();
        let mut lock = |token: &str, of_turn, on: String, until| {
            self.locks.insert(token.to_owned(), Lock { of_turn, on, number, until, released: None });
        };
        let pick = match (call, reply) {
            (Call::FetchOrchestrationItem { lock_for, .. }, Reply::Turn(Some(turn))) => {
                lock(&turn.token, true, turn.instance.clone(), at + *lock_for);
                Choice::new(&*turn.token, Pick::Instance(turn.instance.clone()))
            }
            (Call::FetchWorkItem { lock_for, .. }, Reply::Job(Some(job))) => {
                lock(&job.token, false, format!("{:?}", job.item), at + *lock_for);
                Choice::new(&*job.token, Pick::Job(job.item.clone(), job.attempts - 1))
            }
            _ => Choice::new("", Pick::Nothing),
        };
        let said = self.store.apply(at, call, &pick);
        if !matches!(reply, Reply::Refused(_)) {
            self.follow_locks(at, call);
        }
        said
    }

    fn follow_locks(&mut self, at: Time, call: &Call) {
        let released = match call {
            Call::AckOrchestrationItem(ack) => {
                if ack.metadata.status.is_some() {
                    self.ended.insert(at);
                }
                Some("ack")
            }
            Call::AckWorkItem { .. } => Some("ack"),
            Call::AbandonOrchestrationItem { delay, .. } | Call::AbandonWorkItem { delay, .. } => {
                self.visible.extend(delay.filter(|delay| !delay.is_zero()).map(|delay| at + delay));
                Some("abandon")
            }
            Call::EnqueueForOrchestrator { delay: Some(delay), .. } if !delay.is_zero() => {
                self.visible.insert(at + *delay);
                None
            }
            _ => None,
        };
        if let (Some(how), Some(lock)) = (released, call.token().and_then(|token| self.locks.get_mut(token))) {
            lock.released = Some(how);
        }
        match call {
            Call::RenewOrchestrationItemLock { token, extend_for } | Call::RenewWorkItemLock { token, extend_for } => {
                if let Some(lock) = self.locks.get_mut(token) {
                    lock.until = at + *extend_for;
                }
            }
            Call::DeleteInstance { instance, .. } => {
                let held = self.locks.values_mut().filter(|lock| lock.of_turn && lock.on == *instance);
                held.filter(|lock| lock.released.is_none()).for_each(|lock| lock.released = Some("delete"));
            }
            _ => {}
        }
    }
}
