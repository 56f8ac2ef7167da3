//! Providers that look first and act later, so that others come between.
//! With one caller at a time each of them is correct.

use std::collections::BTreeMap;
use std::sync::Arc;

use duroxide::providers::{Provider, WorkItem};
use duroxide_sim::Memory;
use duroxide_sim::call::{Answering, Call, Class, Handler, Refusal, Reply, SessionClaim, instance_of};
use duroxide_sim::provider::{Port, Under};
use parking_lot::Mutex;

/// What a saboteur does wrong when callers meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Two fetches find the same instance before either locks it.
    TurnTakenTwice,
    /// Two fetches find the same job before either locks it.
    JobTakenTwice,
    /// Two acks look whether the lock holds before either gives it up.
    AckedTwice,
    /// A message that is sent while another is on its way to the same instance
    /// takes its place.
    MessageLost,
    /// A job whose activity is being cancelled can be acknowledged still.
    CancelledAndAcked,
    /// A deletion does not stop an ack that has begun.
    Recreated,
    /// The events of an ack are there before the rest is.
    AckInTwoSteps,
    /// Whoever meets an ack is refused for good.
    BusyForGood,
    /// The token of an ack that meets another is taken for one that was lost.
    TokenDenied,
    /// Whoever meets an ack is told to try again: no fault.
    Busy,
    /// Two workers find a session free before either claims it.
    SessionOwnedTwice,
    /// What an ack sends is lost if a fetch is under way.
    SentButLost,
    /// A job that is fetched while its lock is renewed is gone.
    JobLost,
    /// Statistics, lists of executions and refused deletions are wrong, whoever
    /// calls: no race.
    AlwaysWrong,
}

/// The rule that each fault breaks.
pub const RULES: &[(Fault, &str)] = &[
    (Fault::TurnTakenTwice, "concurrent.one-lock-winner"),
    (Fault::JobTakenTwice, "concurrent.one-lock-winner"),
    (Fault::SessionOwnedTwice, "concurrent.one-lock-winner"),
    (Fault::AckedTwice, "concurrent.one-ack-winner"),
    (Fault::MessageLost, "concurrent.nothing-lost"),
    (Fault::CancelledAndAcked, "concurrent.nothing-lost"),
    (Fault::SentButLost, "concurrent.nothing-lost"),
    (Fault::JobLost, "concurrent.nothing-lost"),
    (Fault::Recreated, "concurrent.deletions"),
    (Fault::AckInTwoSteps, "concurrent.linearizable"),
    (Fault::TokenDenied, "concurrent.no-false-refusals"),
    (Fault::BusyForGood, "error.contention-is-retryable"),
];

pub fn provider(fault: Fault) -> Arc<dyn Provider> {
    let inner = Under::new(Arc::new(Memory::new()));
    Arc::new(Port::over(Saboteur { inner, fault, state: Mutex::default() }))
}

struct Saboteur {
    inner: Under,
    fault: Fault,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What was found by those who have not acted yet.
    found: Vec<(Call, Reply)>,
    /// Which calls are under way, by what they are about.
    under_way: BTreeMap<String, usize>,
    /// How many acks have cancelled activities.
    cancels: usize,
    /// Tokens that stand for others.
    copies: BTreeMap<String, String>,
}

/// A call that is under way, from start to drop.
struct Way<'a>(&'a Saboteur, String);

impl Drop for Way<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        let count = state.under_way.get_mut(&self.1).expect("it was entered");
        *count -= 1;
    }
}

/// Long enough for others to come between.
async fn pause() {
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
}

impl Saboteur {
    /// Enters a call, and says whether another of its kind is under way.
    fn enter(&self, about: &str) -> (Way<'_>, bool) {
        let mut state = self.state.lock();
        let count = state.under_way.entry(about.to_owned()).or_default();
        *count += 1;
        let met = *count > 1;
        (Way(self, about.to_owned()), met)
    }

    fn is_under_way(&self, about: &str) -> bool {
        self.state.lock().under_way.get(about).is_some_and(|count| *count > 0)
    }

    async fn pass(&self, call: Call) -> Reply {
        self.inner.handle(Arc::new(call)).await
    }

    /// Hands what a fetch found to a second one that comes before it is over.
    async fn taken_twice(&self, call: Call) -> Reply {
        let reply = self.pass(call.clone()).await;
        if matches!(reply, Reply::Turn(None) | Reply::Job(None)) {
            let mut state = self.state.lock();
            let Some((_, mut copy)) = state.found.iter().find(|(first, _)| wants_the_same(first, &call)).cloned()
            else {
                return reply;
            };
            let number = state.copies.len();
            if let Some(token) = token_of(&mut copy) {
                let real = std::mem::replace(token, format!("copy-{number}"));
                state.copies.insert(format!("copy-{number}"), real);
            }
            return copy;
        }
        let found = (call, reply.clone());
        self.state.lock().found.push(found.clone());
        pause().await;
        self.state.lock().found.retain(|other| *other != found);
        reply
    }

    async fn always_wrong(&self, call: Call) -> Reply {
        match self.pass(call).await {
            Reply::Numbers(numbers) => Reply::Numbers(numbers.into_iter().rev().chain([99]).collect()),
            Reply::Stats(Some(stats)) => {
                let kv_user_key_count = stats.kv_user_key_count + 1;
                Reply::Stats(Some(duroxide::SystemStats { kv_user_key_count, ..stats }))
            }
            Reply::Refused(refusal) if refusal.operation == "delete_instance" => Reply::Deleted(Default::default()),
            reply => reply,
        }
    }

    async fn ack_in_two_steps(&self, mut call: Call) -> Reply {
        if let Call::AckOrchestrationItem(ack) = &mut call {
            let renew = Call::RenewOrchestrationItemLock {
                token: ack.token.clone(),
                extend_for: std::time::Duration::from_secs(3_600),
            };
            let Some(first) = ack.history.first().cloned() else { return self.pass(call).await };
            if self.pass(renew).await == Reply::Done {
                let events = std::mem::take(&mut ack.history);
                let (instance, execution) = (first.instance_id.clone(), ack.execution);
                let append = Call::AppendWithExecution { instance, execution, events: events.clone() };
                if self.pass(append).await != Reply::Done {
                    ack.history = events;
                    return self.pass(call).await;
                }
                pause().await;
            }
        }
        self.pass(call).await
    }

    /// An ack whose instance is deleted after it has looked brings it back.
    async fn recreate(&self, call: Call, instance: String) -> Reply {
        let reply = self.pass(call.clone()).await;
        let (Reply::Refused(_), Call::AckOrchestrationItem(mut ack)) = (&reply, call) else { return reply };
        let start = Arc::new(crate::start_item(&instance, "order"));
        self.pass(Call::EnqueueForOrchestrator { item: start, delay: None }).await;
        let lock_for = std::time::Duration::from_secs(60);
        let fetch = Call::FetchOrchestrationItem { lock_for, poll_for: std::time::Duration::ZERO, versions: None };
        match self.pass(fetch).await {
            Reply::Turn(Some(turn)) => {
                ack.token.clone_from(&turn.token);
                self.pass(Call::AckOrchestrationItem(ack)).await
            }
            _ => reply,
        }
    }

    async fn handle_badly(&self, mut call: Call) -> Reply {
        if let Some(token) = call.token_mut()
            && let Some(real) = self.state.lock().copies.get(token)
        {
            token.clone_from(real);
        }
        match (self.fault, &call) {
            (Fault::TurnTakenTwice, Call::FetchOrchestrationItem { .. })
            | (Fault::JobTakenTwice, Call::FetchWorkItem { .. }) => self.taken_twice(call).await,
            (Fault::AckedTwice, Call::AckOrchestrationItem(ack)) => {
                let (_way, met) = self.enter(&ack.token);
                pause().await;
                let reply = self.pass(call).await;
                if met && matches!(reply, Reply::Refused(_)) { Reply::Done } else { reply }
            }
            (Fault::MessageLost, Call::EnqueueForOrchestrator { item, .. }) => {
                let (_way, met) = self.enter(&instance_of(item));
                pause().await;
                if met { Reply::Done } else { self.pass(call).await }
            }
            (Fault::CancelledAndAcked, Call::AckOrchestrationItem(ack)) if !ack.cancelled.is_empty() => {
                let reply = self.pass(call).await;
                self.state.lock().cancels += 1;
                reply
            }
            (Fault::CancelledAndAcked, Call::AckWorkItem { token, .. }) => {
                let extend_for = std::time::Duration::from_secs(3_600);
                let held = self.pass(Call::RenewWorkItemLock { token: token.clone(), extend_for }).await;
                let cancels = self.state.lock().cancels;
                pause().await;
                let reply = self.pass(call).await;
                let met = self.state.lock().cancels > cancels;
                if met && held == Reply::Done { Reply::Done } else { reply }
            }
            (Fault::Recreated, Call::DeleteInstance { force: true, instance }) => {
                let (_way, _) = self.enter(instance);
                let reply = self.pass(call.clone()).await;
                pause().await;
                reply
            }
            (Fault::Recreated, Call::AckOrchestrationItem(ack)) => {
                let instance = ack.history.first().map(|event| event.instance_id.clone()).unwrap_or_default();
                let met = self.is_under_way(&instance);
                if met { self.recreate(call, instance).await } else { self.pass(call).await }
            }
            (Fault::AlwaysWrong, _) => self.always_wrong(call).await,
            (Fault::AckInTwoSteps, Call::AckOrchestrationItem(_)) => self.ack_in_two_steps(call).await,
            (Fault::Busy | Fault::BusyForGood | Fault::TokenDenied, Call::AckOrchestrationItem(_)) => {
                self.refused_when_met(call).await
            }
            _ => self.handle_queues_badly(call).await,
        }
    }

    async fn handle_queues_badly(&self, call: Call) -> Reply {
        match (self.fault, &call) {
            (Fault::SessionOwnedTwice, Call::FetchWorkItem { session: Some(_), .. }) => self.owned_twice(call).await,
            (Fault::SentButLost, Call::FetchOrchestrationItem { .. }) => {
                let (_way, _) = self.enter("fetch");
                pause().await;
                self.pass(call).await
            }
            (Fault::SentButLost, Call::AckWorkItem { token, completion: Some(_) }) if self.is_under_way("fetch") => {
                self.pass(Call::AckWorkItem { token: token.clone(), completion: None }).await
            }
            (Fault::JobLost, Call::RenewWorkItemLock { .. }) => {
                let (_way, _) = self.enter("renew");
                pause().await;
                self.pass(call).await
            }
            (Fault::JobLost, Call::FetchWorkItem { .. }) if self.is_under_way("renew") => match self.pass(call).await {
                Reply::Job(Some(job)) => {
                    self.pass(Call::AckWorkItem { token: job.token.clone(), completion: None }).await;
                    Reply::Job(None)
                }
                reply => reply,
            },
            _ => self.pass(call).await,
        }
    }

    /// An ack that meets another is refused.
    async fn refused_when_met(&self, call: Call) -> Reply {
        let (_way, met) = self.enter("ack");
        pause().await;
        if !met {
            return self.pass(call).await;
        }
        let refuse = |class, why: &str| Refusal::permanent(class, call.method().name(), why);
        Reply::Refused(match self.fault {
            Fault::Busy => Refusal::retryable(call.method().name(), "The database is locked."),
            Fault::TokenDenied => refuse(Class::LockLost, "The lock token is invalid."),
            _ => refuse(Class::Other, "The database is locked."),
        })
    }

    /// A fetch that meets another goes by what that one's worker may take.
    async fn owned_twice(&self, mut call: Call) -> Reply {
        let (_way, met) = self.enter("claim");
        let mut owner = String::new();
        if let Call::FetchWorkItem { session: Some(claim), .. } = &mut call {
            owner.clone_from(&claim.owner);
            if met && let Some(first) = self.state.lock().copies.get("owner") {
                claim.clone_from(&SessionClaim { owner: first.clone(), lock_for: claim.lock_for });
            }
        }
        let reply = self.pass(call).await;
        if !met {
            self.state.lock().copies.insert("owner".to_owned(), owner);
        }
        pause().await;
        reply
    }
}

fn wants_the_same(first: &Call, second: &Call) -> bool {
    match (first, second) {
        (
            Call::FetchWorkItem { session, tags, .. },
            Call::FetchWorkItem { session: other_session, tags: other_tags, .. },
        ) => session == other_session && tags == other_tags,
        (first, second) => std::mem::discriminant(first) == std::mem::discriminant(second),
    }
}

fn token_of(reply: &mut Reply) -> Option<&mut String> {
    match reply {
        Reply::Turn(Some(turn)) => Some(&mut turn.token),
        Reply::Job(Some(job)) => Some(&mut job.token),
        _ => None,
    }
}

impl Handler for Saboteur {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        Answering::wait(async move { self.handle_badly((*call).clone()).await })
    }

    fn describe(&self) -> String {
        format!("{:?}", self.fault)
    }

    fn has_admin(&self) -> bool {
        true
    }
}

/// Kept so that the messages of the tests read alike.
pub fn news(instance: &str, data: &str) -> WorkItem {
    WorkItem::ExternalRaised { instance: instance.to_owned(), name: "news".to_owned(), data: data.to_owned() }
}
