//! What the laws expect of queues and locks, to the millisecond.

use duroxide_sim::call::ActivityId;

use super::*;

fn mail() -> WorkItem {
    WorkItem::QueueMessage { instance: "i".into(), name: "q".into(), data: "x".into() }
}

fn renew(token: &str, ms: u64) -> Call {
    Call::RenewOrchestrationItemLock { token: token.into(), extend_for: Duration::from_millis(ms) }
}

fn abandon(token: &str, ms: u64, ignore_attempt: bool) -> Call {
    let delay = Some(Duration::from_millis(ms));
    Call::AbandonOrchestrationItem { token: token.into(), delay, ignore_attempt }
}

fn renew_job(token: &str, ms: u64) -> Call {
    Call::RenewWorkItemLock { token: token.into(), extend_for: Duration::from_millis(ms) }
}

fn abandon_job(token: &str, ms: u64, ignore_attempt: bool) -> Call {
    Call::AbandonWorkItem { token: token.into(), delay: Some(Duration::from_millis(ms)), ignore_attempt }
}

fn ack_job(token: &str) -> Call {
    Call::AckWorkItem { token: token.into(), completion: None }
}

fn completed() -> WorkItem {
    WorkItem::ActivityCompleted { instance: "i".into(), execution_id: 1, id: 2, result: "done".into() }
}

impl Script {
    fn fetched(self) -> Script {
        self.send(start()).fetch(turn("t1", 1, vec![start()], &[]))
    }

    fn job(self) -> Script {
        self.done(Call::EnqueueForWorker { item: job().into() })
    }
}

#[test]
fn a_turn_can_be_fetched_again_when_its_lock_ends() {
    let again = || turn("t2", 2, vec![start()], &[]);
    Script::new().fetched().after(99).fetch(again()).breaks_only(Law::OneLiveLease);
    Script::new().fetched().after(100).fetch(again()).breaks_nothing();
}

#[test]
fn a_renewed_turn_is_locked_from_its_renewal() {
    let renewed = |ms| Script::new().fetched().after(50).done(renew("t1", 100)).after(ms);
    let again = || turn("t2", 2, vec![start()], &[]);
    renewed(99).fetch(again()).breaks_only(Law::OneLiveLease);
    renewed(100).fetch(again()).breaks_nothing();
    renewed(99).ack("t1", vec![event(1, None)], None).breaks_nothing();
    Script::new().fetched().after(99).done(renew("t1", 100)).breaks_nothing();
    Script::new().fetched().after(100).done(renew("t1", 100)).breaks_only(Law::OneLiveLease);
    Script::new().done(renew("never issued", 100)).breaks_nothing();
}

#[test]
fn an_abandoned_turn_comes_again_after_its_delay() {
    let abandoned = |ignore| Script::new().fetched().after(10).done(abandon("t1", 5, ignore));
    let again = |attempts| turn("t2", attempts, vec![start()], &[]);
    abandoned(false).after(5).fetch(again(2)).breaks_nothing();
    abandoned(false).after(4).fetch(again(2)).breaks(Law::NothingInvisible);
    abandoned(true).after(5).fetch(again(1)).breaks_nothing();
    abandoned(true).after(5).fetch(again(2)).breaks_only(Law::AttemptsRise);
    abandoned(false).left(vec![start()], vec![]).breaks_nothing();
    abandoned(false).ack("t1", vec![event(1, None)], None).breaks_only(Law::OneLiveLease);
    Script::new().fetched().after(100).done(abandon("t1", 0, false)).breaks_only(Law::OneLiveLease);
    Script::new().fetched().after(99).done(abandon("t1", 0, false)).breaks_nothing();
}

#[test]
fn only_the_messages_that_were_fetched_are_abandoned() {
    let later = Call::EnqueueForOrchestrator { item: raised("x").into(), delay: Some(Duration::from_millis(50)) };
    let abandoned = Script::new().fetched().done(later).done(abandon("t1", 0, false));
    let both = || turn("t2", 2, vec![start(), raised("x")], &[]);
    abandoned.fetch(both()).breaks(Law::NothingInvisible);
}

#[test]
fn mail_that_came_with_a_first_turn_may_be_dropped_once_that_is_abandoned() {
    let first = || Script::new().send(start()).send(mail()).fetch(turn("t1", 1, vec![start(), mail()], &[]));
    first().left(vec![start()], vec![]).breaks(Law::AckedOnce);
    first().done(abandon("t1", 0, false)).left(vec![start()], vec![]).breaks_nothing();
    first().done(abandon("t1", 0, false)).left(vec![mail()], vec![]).breaks(Law::AckedOnce);
    let seen = turn("t2", 1, vec![mail()], &[event(1, None)]);
    let known = Script::new().started().send(mail()).fetch(seen).done(abandon("t2", 0, false));
    known.left(vec![], vec![]).breaks(Law::AckedOnce);
}

#[test]
fn what_lies_in_the_queues_is_what_was_sent() {
    Script::new().started().send(raised("x")).job().left(vec![raised("x")], vec![job()]).breaks_nothing();
    Script::new().started().send(raised("x")).left(vec![raised("y")], vec![]).breaks(Law::AckedOnce);
    let twice = Script::new().started().send(raised("x")).send(raised("x"));
    twice.left(vec![raised("x")], vec![]).breaks_only(Law::AckedOnce);
    Script::new().job().left(vec![], vec![job(), job()]).breaks_only(Law::AckedOnce);
}

#[test]
fn a_timer_of_a_turn_is_not_fetched_before_it_fires() {
    let timer = || WorkItem::TimerFired { instance: "i".into(), execution_id: 1, id: 1, fire_at_ms: 1005 };
    let set = || {
        let Call::AckOrchestrationItem(mut ack) = ack("t1", vec![event(1, None)], None) else { unreachable!() };
        ack.messages = vec![timer().into()];
        Script::new().fetched().done(Call::AckOrchestrationItem(ack))
    };
    let fired = || turn("t2", 1, vec![timer()], &[event(1, None)]);
    set().after(4).fetch(fired()).breaks(Law::NothingInvisible);
    set().after(5).fetch(fired()).breaks_nothing();
    set().left(vec![timer()], vec![]).breaks_nothing();
    set().left(vec![], vec![]).breaks(Law::AckedOnce);
}

#[test]
fn a_job_can_be_fetched_again_when_its_lock_ends() {
    Script::new().job().fetch_job("j1", 1).breaks_nothing();
    Script::new().job().fetch_job("j1", 1).after(99).fetch_job("j2", 2).breaks_only(Law::OneLiveLease);
    Script::new().job().fetch_job("j1", 1).after(100).fetch_job("j2", 2).breaks_nothing();
    let third = Script::new().job().fetch_job("j1", 1).after(100).fetch_job("j2", 2).after(100);
    third.fetch_job("j3", 3).breaks_nothing();
    Script::new().job().job().fetch_job("j1", 1).fetch_job("j2", 1).breaks_nothing();
    Script::new().job().fetch_job("j1", 1).after(100).fetch_job("j1", 2).breaks_only(Law::OneLiveLease);
}

#[test]
fn a_job_that_was_never_enqueued_breaks_acked_once_alone() {
    Script::new().fetch_job("j1", 1).breaks_only(Law::AckedOnce);
    Script::new().job().fetch_job("j1", 1).done(ack_job("j1")).fetch_job("j2", 1).breaks_only(Law::AckedOnce);
}

#[test]
fn acking_a_job_takes_a_lock_that_holds_and_takes_out_that_job_alone() {
    let fetched = |ms| Script::new().job().fetch_job("j1", 1).after(ms);
    fetched(99).done(ack_job("j1")).left(vec![], vec![]).breaks_nothing();
    fetched(100).done(ack_job("j1")).breaks_only(Law::OneLiveLease);
    fetched(0).done(ack_job("j1")).done(ack_job("j1")).breaks_only(Law::OneLiveLease);
    let two = || Script::new().job().job().fetch_job("j1", 1).done(ack_job("j1"));
    two().left(vec![], vec![job()]).breaks_nothing();
    two().left(vec![], vec![]).breaks(Law::AckedOnce);
    let held = || Script::new().job().job().fetch_job("j1", 1).fetch_job("j2", 1).done(ack_job("j1"));
    held().done(ack_job("j2")).left(vec![], vec![]).breaks_nothing();
}

#[test]
fn the_completion_of_a_job_is_sent_with_its_ack() {
    let call = Call::AckWorkItem { token: "j1".into(), completion: Some(completed().into()) };
    let acked = || Script::new().job().fetch_job("j1", 1).done(call.clone());
    acked().left(vec![completed()], vec![]).breaks_nothing();
    acked().left(vec![], vec![]).breaks(Law::AckedOnce);
}

#[test]
fn a_renewed_job_is_locked_from_its_renewal() {
    let renewed = || Script::new().job().fetch_job("j1", 1).after(50).done(renew_job("j1", 100));
    renewed().after(99).fetch_job("j2", 2).breaks_only(Law::OneLiveLease);
    renewed().after(100).fetch_job("j2", 2).breaks_nothing();
    renewed().after(99).done(ack_job("j1")).breaks_nothing();
    Script::new().job().fetch_job("j1", 1).after(99).done(renew_job("j1", 1)).breaks_nothing();
    Script::new().job().fetch_job("j1", 1).after(100).done(renew_job("j1", 1)).breaks_only(Law::OneLiveLease);
    let two = || Script::new().job().job().fetch_job("j1", 1).fetch_job("j2", 1).after(50).done(renew_job("j2", 100));
    two().after(99).done(ack_job("j2")).breaks_nothing();
    two().after(50).done(ack_job("j1")).breaks_only(Law::OneLiveLease);
}

#[test]
fn an_abandoned_job_comes_again_after_its_delay() {
    let abandoned = |ignore| Script::new().job().fetch_job("j1", 1).after(10).done(abandon_job("j1", 5, ignore));
    abandoned(false).after(5).fetch_job("j2", 2).breaks_nothing();
    abandoned(false).after(4).fetch_job("j2", 2).breaks_only(Law::NothingInvisible);
    abandoned(true).after(5).fetch_job("j2", 1).breaks_nothing();
    abandoned(false).done(ack_job("j1")).breaks_only(Law::OneLiveLease);
    let two = || Script::new().job().job().fetch_job("j1", 1).fetch_job("j2", 1).done(abandon_job("j2", 0, true));
    two().done(ack_job("j1")).fetch_job("j3", 1).breaks_nothing();
}

#[test]
fn a_cancelled_job_is_gone_and_no_other() {
    let cancelled = |activity| {
        let Call::AckOrchestrationItem(mut ack) = ack("t1", vec![event(1, None)], None) else { unreachable!() };
        ack.cancelled = vec![ActivityId { instance: "i".into(), execution: 1, activity }];
        Script::new().fetched().job().fetch_job("j1", 1).done(Call::AckOrchestrationItem(ack))
    };
    cancelled(2).left(vec![], vec![]).breaks_nothing();
    cancelled(2).left(vec![], vec![job()]).breaks(Law::AckedOnce);
    cancelled(2).done(ack_job("j1")).breaks_only(Law::OneLiveLease);
    cancelled(3).left(vec![], vec![job()]).breaks_nothing();
    cancelled(3).done(ack_job("j1")).breaks_nothing();
}

#[test]
fn a_breach_says_what_when_and_by_which_document() {
    let late = Script::new()
        .after(5)
        .done(Call::EnqueueForOrchestrator { item: start().into(), delay: Some(Duration::from_millis(1)) });
    let found = check(&late.fetch(turn("t1", 1, vec![start()], &[])).trace);
    let text = found[0].describe(Time(1000));
    assert!(text.starts_with("+0:00:00.005") || text.starts_with("+"), "{text}");
    assert!(text.contains("call 1, NothingInvisible: ") && text.contains("before it was visible"), "{text}");
    assert!(text.contains("Visibility Filtering"), "{text}");
    let found = check(&Script::new().fetch_job("j1", 1).trace);
    assert!(found[0].what.contains("although it was acked or never enqueued"), "{}", found[0].what);
    let found = check(&Script::new().started().send(raised("x")).left(vec![], vec![]).trace);
    assert_eq!(found[0].entry, None);
    assert!(found[0].describe(Time(1000)).contains("at the end, AckedOnce: "), "{found:?}");
}
