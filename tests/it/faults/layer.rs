//! The faults layer by itself, over a provider on virtual time.

use std::sync::Arc;
use std::time::Duration;

use duroxide_sim::call::{Answering, Call, Handler, Method, Reply};
use duroxide_sim::faults::{CallContext, FaultAction, Faults};
use duroxide_sim::trace::{Answer, Log, Recorder};
use duroxide_sim::{Memory, Sim, clock};

const LOCK: Duration = Duration::from_secs(5);

fn fetch(poll_for: Duration) -> Arc<Call> {
    Arc::new(Call::FetchOrchestrationItem { lock_for: LOCK, poll_for, versions: None })
}

fn start() -> Arc<Call> {
    let item = crate::start_item("i", "O").into();
    Arc::new(Call::EnqueueForOrchestrator { item, delay: None })
}

/// The first call of a method meets a fault.
fn first(method: Method, verdict: FaultAction) -> impl Fn(&CallContext<'_>) -> FaultAction + Send + Sync {
    move |asked| if asked.method() == method && asked.nth == 1 { verdict } else { FaultAction::Pass }
}

fn retryable(reply: &Reply) -> Option<bool> {
    match reply {
        Reply::Refused(refusal) => Some(refusal.retryable),
        _ => None,
    }
}

#[test]
fn a_refused_call_has_no_effect_and_one_without_reply_has_its() {
    Sim::new(1).run(|_| async {
        for (verdict, told, applied) in [
            (FaultAction::Refuse { retryable: true }, Some(true), false),
            (FaultAction::Refuse { retryable: false }, Some(false), false),
            (FaultAction::LoseReply, Some(true), true),
            (FaultAction::Pass, None, true),
        ] {
            let log = Log::new();
            let layers = Faults::new(
                Recorder::new(Memory::new(), "n", log.clone()),
                "n",
                first(Method::EnqueueForOrchestrator, verdict),
            );
            let reply = layers.handle(start()).await;
            assert_eq!(retryable(&reply), told, "{verdict:?}");
            assert_eq!(log.len(), usize::from(applied), "{verdict:?}");
            let found = layers.handle(fetch(Duration::ZERO)).await;
            assert_eq!(matches!(found, Reply::Turn(Some(_))), applied, "{verdict:?}");
        }
    });
}

#[test]
fn delays_come_before_and_after_the_effect() {
    Sim::new(1).run(|_| async {
        let log = Log::new();
        let (before, after) = (Duration::from_secs(2), Duration::from_secs(3));
        let rule = first(Method::EnqueueForOrchestrator, FaultAction::Delay { before, after });
        let layers = Faults::new(Recorder::new(Memory::new(), "n", log.clone()), "n", rule);
        let start_time = clock::now();
        assert_eq!(layers.handle(start()).await, Reply::Done);
        assert_eq!(clock::now() - start_time, before + after);
        assert_eq!(log.entries()[0].answered - start_time, before);
    });
}

#[test]
fn a_call_that_hangs_is_never_answered_and_applied_or_not() {
    Sim::new(1).run(|_| async {
        for applied in [true, false] {
            let memory = Arc::new(Memory::new());
            let rule = first(Method::EnqueueForOrchestrator, FaultAction::Hang { applied });
            let layers = Faults::new(memory.clone(), "n", rule);
            let hour = Duration::from_secs(3600);
            assert!(tokio::time::timeout(hour, layers.handle(start())).await.is_err());
            assert_eq!(memory.inspect(|store| store.queued().0.len()), usize::from(applied));
        }
    });
}

/// A provider that is not safe to drop: it takes the item, and then takes its
/// time.
struct TakesFirst(Memory);

impl Handler for TakesFirst {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        Answering::wait(async move {
            let reply = self.0.handle(call).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            reply
        })
    }

    fn describe(&self) -> String {
        "TakesFirst".to_owned()
    }

    fn has_admin(&self) -> bool {
        false
    }
}

/// Fetches with a call that meets a fault, then again: whether the item was still
/// there.
async fn survives(provider: impl Handler, verdict: FaultAction, item_comes_first: bool) -> bool {
    let provider = Arc::new(provider);
    let layers = Faults::new(provider.clone(), "n", first(Method::FetchOrchestrationItem, verdict));
    if item_comes_first {
        provider.handle(start()).await;
    }
    let patience = Duration::from_secs(120);
    let answer = tokio::time::timeout(patience, layers.handle(fetch(Duration::from_secs(60)))).await;
    if !item_comes_first {
        provider.handle(start()).await;
    }
    matches!(answer, Ok(Reply::Turn(Some(_)))) || matches!(layers.handle(fetch(LOCK / 2)).await, Reply::Turn(Some(_)))
}

const DROP: FaultAction = FaultAction::Drop { after: Duration::from_millis(10) };

#[test]
fn a_dropped_fetch_has_taken_nothing_and_a_provider_that_takes_first_is_found_out() {
    Sim::new(1).run(|_| async {
        assert!(survives(Memory::new(), DROP, true).await);
        assert!(survives(Memory::new(), DROP, false).await);
        assert!(!survives(TakesFirst(Memory::new()), DROP, true).await);
    });
}

#[test]
fn no_other_fault_finds_out_a_provider_that_takes_first() {
    let long = Duration::from_secs(20);
    Sim::new(1).run(move |_| async move {
        for verdict in [
            FaultAction::Pass,
            FaultAction::Refuse { retryable: true },
            FaultAction::Refuse { retryable: false },
            FaultAction::LoseReply,
            FaultAction::Delay { before: long, after: Duration::ZERO },
            FaultAction::Delay { before: Duration::ZERO, after: long },
            FaultAction::Hang { applied: true },
            FaultAction::Hang { applied: false },
            FaultAction::ShortLock { lasts: Duration::from_millis(100) },
        ] {
            for item_comes_first in [true, false] {
                let right = survives(Memory::new(), verdict, item_comes_first).await;
                assert_eq!(survives(TakesFirst(Memory::new()), verdict, item_comes_first).await, right, "{verdict:?}");
            }
        }
    });
}

#[test]
fn a_short_lock_ends_sooner_and_never_later() {
    Sim::new(1).run(|_| async {
        for (lasts, expected) in [(Duration::from_secs(1), Duration::from_secs(1)), (2 * LOCK, LOCK)] {
            let log = Log::new();
            let memory = Recorder::new(Memory::new(), "n", log.clone());
            let layers =
                Faults::new(memory, "n", first(Method::FetchOrchestrationItem, FaultAction::ShortLock { lasts }));
            layers.handle(start()).await;
            let began = clock::now();
            assert!(matches!(layers.handle(fetch(Duration::ZERO)).await, Reply::Turn(Some(_))));
            let again = layers.handle(fetch(Duration::from_secs(60))).await;
            assert!(matches!(again, Reply::Turn(Some(turn)) if turn.attempts == 2));
            assert_eq!(clock::now() - began, expected);
            // What passed is written down as it passed: the laws judge that.
            let Call::FetchOrchestrationItem { lock_for, .. } = &*log.entries()[1].call else { panic!("a fetch") };
            assert_eq!(*lock_for, expected);
            assert!(matches!(log.entries()[1].answer, Answer::Turn(_)));
        }
        let verdict = FaultAction::ShortLock { lasts: Duration::ZERO };
        assert!(!verdict.concerns(&start()), "an enqueue locks nothing");
    });
}

#[test]
fn calls_are_counted_by_method() {
    Sim::new(1).run(|_| async {
        let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
        let notes = seen.clone();
        let rule = move |asked: &CallContext<'_>| {
            notes.lock().push(format!("{} {} #{}", asked.by, asked.method(), asked.nth));
            FaultAction::Pass
        };
        let layers = Faults::new(Memory::new(), "n", rule);
        for call in [start(), fetch(Duration::ZERO), start()] {
            layers.handle(call).await;
        }
        let expected =
            ["n enqueue_for_orchestrator #1", "n fetch_orchestration_item #1", "n enqueue_for_orchestrator #2"];
        assert_eq!(*seen.lock(), expected);
    });
}
