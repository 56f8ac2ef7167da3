//! What verdicts say of themselves, and what the layer passes through.

use std::sync::Arc;
use std::time::Duration;

use duroxide_sim::call::{AckTurn, Answering, Call, Class, Handler, Reply, Tags};
use duroxide_sim::faults::{CallContext, FaultAction, Faults};
use duroxide_sim::{Memory, Sim};

const SECOND: Duration = Duration::from_secs(1);

fn locking() -> [Call; 5] {
    let (lock_for, poll_for, extend_for) = (SECOND, Duration::ZERO, SECOND);
    let token = || "t".to_owned();
    [
        Call::FetchOrchestrationItem { lock_for, poll_for, versions: None },
        Call::FetchWorkItem { lock_for, poll_for, session: None, tags: Tags::Any },
        Call::RenewOrchestrationItemLock { token: token(), extend_for },
        Call::RenewWorkItemLock { token: token(), extend_for },
        Call::RenewSessionLock { owners: vec![], extend_for, idle_for: SECOND },
    ]
}

fn delay(before: Duration, after: Duration) -> FaultAction {
    FaultAction::Delay { before, after }
}

#[test]
fn a_verdict_concerns_the_calls_that_it_changes() {
    let ack = Call::AckOrchestrationItem(Box::new(AckTurn::nothing("t", 1)));
    let short = FaultAction::ShortLock { lasts: SECOND };
    assert!(locking().iter().all(|call| short.concerns(call)));
    assert!(!short.concerns(&ack) && !short.concerns(&Call::ListInstances));
    let always = [
        FaultAction::Refuse { retryable: true },
        FaultAction::LoseReply,
        FaultAction::Hang { applied: true },
        FaultAction::Drop { after: SECOND },
        delay(SECOND, Duration::ZERO),
        delay(Duration::ZERO, SECOND),
        delay(SECOND, SECOND),
    ];
    for call in locking().iter().chain([&ack]) {
        assert!(always.iter().all(|verdict| verdict.concerns(call)), "{call:?}");
        assert!(!FaultAction::Pass.concerns(call) && !delay(Duration::ZERO, Duration::ZERO).concerns(call), "{call:?}");
    }
}

#[test]
fn every_verdict_says_what_it_does() {
    let zero = Duration::ZERO;
    let said = [
        FaultAction::Pass,
        FaultAction::Refuse { retryable: true },
        FaultAction::Refuse { retryable: false },
        FaultAction::LoseReply,
        delay(SECOND, zero),
        delay(zero, 2 * SECOND),
        delay(SECOND, 2 * SECOND),
        FaultAction::Hang { applied: true },
        FaultAction::Hang { applied: false },
        FaultAction::Drop { after: SECOND },
        FaultAction::ShortLock { lasts: SECOND },
    ];
    let expected = [
        "passes",
        "is refused, retryable",
        "is refused permanently",
        "is applied and its reply lost",
        "is delayed by 1s",
        "has its reply delayed by 2s",
        "is delayed by 1s, its reply by 2s",
        "is applied and never answered",
        "is never applied nor answered",
        "is dropped unless answered within 1s",
        "gets a lock that ends within 1s",
    ];
    assert_eq!(said.map(|verdict| verdict.to_string()), expected);
}

/// A lock lost is the provider's own answer: it changed nothing, and a broken
/// connection hides nothing that would matter.
#[test]
fn a_refusal_whose_reply_would_be_lost_is_told_as_it_is() {
    Sim::new(1).run(|_| async {
        let layers = Faults::new(Memory::new(), "n", |_: &CallContext<'_>| FaultAction::LoseReply);
        let ack = Call::AckWorkItem { token: "never issued".to_owned(), completion: None };
        match layers.handle(Arc::new(ack)).await {
            Reply::Refused(refusal) => assert_eq!((refusal.class, refusal.retryable), (Class::LockLost, false)),
            other => panic!("{other:?}"),
        }
    });
}

/// A provider without the admin calls.
struct Plain;

impl Handler for Plain {
    fn handle(&self, _: Arc<Call>) -> Answering<'_> {
        Answering::ready(Reply::Done)
    }

    fn describe(&self) -> String {
        "Plain".to_owned()
    }

    fn has_admin(&self) -> bool {
        false
    }
}

#[test]
fn the_layer_is_described_with_what_is_under_it() {
    let layers = Faults::new(Plain, "n", |_: &CallContext<'_>| FaultAction::Pass);
    assert_eq!((&*layers.describe(), layers.has_admin()), ("Faults(Plain)", false));
    let over_all = Faults::new(Arc::new(Memory::new()), "n", |_: &CallContext<'_>| FaultAction::Pass);
    assert!(over_all.has_admin());
}
