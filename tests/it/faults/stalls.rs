//! When a run can go no further it ends, and says what everybody waits for; a run
//! that can go on is left alone.

use std::time::Duration;

use duroxide_sim::call::Method;
use duroxide_sim::duroxide::ClientError;
use duroxide_sim::faults::{CallContext, FaultAction};
use duroxide_sim::sim::{Action, Cause, Failure, Limits, Plan};
use duroxide_sim::{Handle, Node, Sim};

use super::{DAY, SECOND, one_node, output, point};

const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// Waits a month for one instance of an orchestration.
async fn wait_long(sim: Handle, orchestration: &'static str) -> Result<(), ClientError> {
    let client = sim.client();
    client.start_orchestration("i", orchestration, "x").await?;
    client.wait_for_orchestration("i", MONTH).await?;
    Ok(())
}

#[track_caller]
fn stalls(sim: Sim, orchestration: &'static str) -> (Box<Failure>, Duration) {
    let failure = sim.try_run(move |sim| wait_long(sim, orchestration)).expect_err("it cannot go on");
    let Cause::Stalled { since, .. } = failure.cause else { panic!("{failure}") };
    assert!(failure.is_safe() && !failure.is_live(), "{failure}");
    (failure, since)
}

#[track_caller]
fn waits_for(failure: &Failure, text: &str) {
    let waits: Vec<String> = failure.waits.iter().map(ToString::to_string).collect();
    let waits = waits.join("\n");
    assert!(waits.contains(text), "{waits}");
}

#[test]
fn an_event_that_nobody_raises() {
    let (failure, since) = stalls(one_node(1), "Ask");
    assert_eq!(since, Duration::ZERO);
    let Cause::Stalled { then: Some(then), .. } = &failure.cause else { panic!("{failure}") };
    assert!(matches!(&**then, Cause::Error(text) if text == "Operation timed out"), "{failure}");
    let told = "nothing is due, and the body only waited. Then the body returned the error \"Operation timed out\".";
    assert!(failure.to_string().contains(told), "{failure}");
    waits_for(&failure, "i waits for ExternalSubscribed answer (event 2, since +0.000).");
}

#[test]
fn an_activity_that_no_node_has() {
    let limits = Limits { virtual_time: 5 * SECOND, ..Limits::default() };
    let nothing = duroxide_sim::duroxide::runtime::registry::ActivityRegistry::builder().build();
    let sim =
        Sim::new(1).node(Node::new("a", nothing, super::orchestrations())).limits(limits).allow_unknown_handlers();
    let failure = sim.try_run(|sim| wait_long(sim, "Echo")).expect_err("nobody can do it");
    waits_for(&failure, "in the worker queue, fetched");
    waits_for(&failure, "no node has an activity \"Echo\"");
}

#[test]
fn a_node_that_never_comes_back() {
    let plan = Plan::new()
        .before(point("a", Method::AckWorkItem, 1), Action::Crash { node: "a".to_owned(), restart_after: None });
    let (failure, _) = stalls(one_node(1).plan(plan), "Slow");
    waits_for(&failure, "ActivityScheduled Slow \"x\" (event 2, since +0.000, in the worker queue, fetched once)");
}

#[test]
fn a_turn_whose_commit_hangs_keeps_its_lock_for_good() {
    let plan = Plan::new().fault(point("a", Method::AckOrchestrationItem, 2), FaultAction::Hang { applied: false });
    // The lock is renewed for as long as the run goes on, half a million times in a month.
    let limits = Limits { waiting: MONTH / 30, ..Limits::default() };
    let (failure, _) = stalls(one_node(1).plan(plan).limits(limits), "Echo");
    waits_for(&failure, "its lock to be released");
}

/// duroxide 0.1.32 takes any refusal of a renewal, which comes after 25 s, for
/// the loss of the lock. An activity that then ends while the lock still holds
/// loses its result, and its job.
#[test]
fn a_refused_renewal_loses_the_activity() {
    let refuse = |asked: &CallContext<'_>| match asked.method() {
        Method::RenewWorkItemLock => FaultAction::Refuse { retryable: true },
        _ => FaultAction::Pass,
    };
    let sim = super::work(
        |_, _| async {
            tokio::time::sleep(27 * SECOND).await;
            Ok(String::new())
        },
        |ctx, _| async move { ctx.schedule_activity("Do", "").await },
    );
    let (failure, _) = stalls(sim.rule(refuse), "Work");
    waits_for(&failure, "its work item is gone without a result");
}

#[test]
fn a_child_that_waits_is_named() {
    let orchestrations = duroxide_sim::duroxide::OrchestrationRegistry::builder()
        .register("Ask", |ctx: duroxide_sim::duroxide::OrchestrationContext, _: String| async move {
            Ok(ctx.schedule_wait("answer").await)
        })
        .register("Parent", |ctx: duroxide_sim::duroxide::OrchestrationContext, _: String| async move {
            ctx.schedule_sub_orchestration("Ask", "").await
        })
        .build();
    let (failure, _) = stalls(Sim::new(1).node(Node::new("a", super::activities(), orchestrations)), "Parent");
    waits_for(&failure, "instance i::sub::2 is Running");
    waits_for(&failure, "i::sub::2 waits for ExternalSubscribed answer");
}

#[test]
fn a_body_that_waits_for_nothing_anybody_knows_ends_within_its_time() {
    let failure = one_node(1).try_run(|_| std::future::pending::<()>()).expect_err("the body never ends");
    assert_eq!(failure.cause, Cause::Stalled { since: Duration::ZERO, then: None }, "{failure}");
    assert_eq!(failure.at - failure.start, Limits::default().idle);
}

#[test]
fn a_body_that_sleeps_and_then_acts_is_not_stalled() {
    for by_tokio in [false, true] {
        let value = one_node(1).run(move |sim| async move {
            let client = sim.client();
            client.start_orchestration("i", "Ask", "").await?;
            let asked = tokio::spawn(async move { output(&client, "i").await });
            if by_tokio {
                tokio::time::sleep(DAY / 3).await;
            } else {
                sim.sleep(DAY / 3).await;
            }
            sim.client().raise_event("i", "answer", "yes").await?;
            asked.await.expect("the waiter does not panic")
        });
        assert_eq!(value, "yes");
    }
}

#[test]
fn long_sleeps_of_the_body_are_not_stalls() {
    let elapsed = one_node(1).run(|sim| async move {
        // Longer than both limits, while a client waits.
        let client = sim.client();
        client.start_orchestration("i", "Ask", "").await?;
        let waiter = tokio::spawn(async move { client.wait_for_orchestration("i", 1000 * DAY).await.map(|_| ()) });
        sim.sleep(800 * DAY).await;
        sim.client().raise_event("i", "answer", "yes").await?;
        waiter.await.expect("the waiter does not panic")?;
        // And one of tokio's, while nobody waits.
        tokio::time::sleep(1000 * DAY).await;
        Ok::<_, ClientError>(sim.elapsed())
    });
    assert!(elapsed >= 1800 * DAY);
}

#[test]
fn timers_and_activities_that_take_their_time_are_not_stalls() {
    let slow = super::work(
        |_, _| async {
            tokio::time::sleep(3 * DAY).await;
            Ok("slow".to_owned())
        },
        |ctx, _| async move {
            ctx.schedule_timer(500 * DAY).await;
            ctx.schedule_activity("Do", "").await
        },
    );
    let elapsed = slow.run(|sim| async move {
        sim.client().start_orchestration("i", "Work", "").await?;
        sim.client().wait_for_orchestration("i", 600 * DAY).await?;
        Ok::<_, ClientError>(sim.elapsed())
    });
    assert!(elapsed >= 503 * DAY);
}

#[test]
fn a_wait_that_times_out_within_a_day_ends_with_its_own_error() {
    let result = one_node(1).run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("i", "Ask", "").await?;
        let timeout = client.wait_for_orchestration("i", DAY / 2).await;
        client.raise_event("i", "answer", "late").await?;
        Ok::<_, ClientError>((timeout.is_err(), output(&client, "i").await?))
    });
    assert_eq!(result, (true, "late".to_owned()));
}

#[test]
fn what_a_plan_still_has_to_do_is_waited_for() {
    let plan = Plan::new().before(
        point("a", Method::AckWorkItem, 1),
        Action::Crash { node: "a".to_owned(), restart_after: Some(3 * DAY) },
    );
    let elapsed = one_node(1).plan(plan).run(|sim| async move {
        let clone = sim.clone();
        wait_long(sim, "Echo").await.map(|()| clone.elapsed())
    });
    assert!(elapsed >= 3 * DAY);
}
