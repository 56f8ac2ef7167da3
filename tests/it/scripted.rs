//! Client calls at virtual times, as entries of the plan.

use std::time::Duration;

use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::{Either2, OrchestrationContext};
use duroxide_sim::call::Method;
use duroxide_sim::explore::Problem;
use duroxide_sim::sim::{Action, CallSite, Cause, ClientCall, NodeError, Plan, PlanEntry, Run, Trigger};
use duroxide_sim::{Failure, Handle, Node, Sim};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// "Approval" waits a week for an event; "Twice" continues as new once; "Inbox" takes one
/// message; "Sleep" waits a year.
fn orchestrations() -> OrchestrationRegistry {
    OrchestrationRegistry::builder()
        .register("Approval", |ctx: OrchestrationContext, _: String| async move {
            match ctx.select2(ctx.schedule_wait("approved"), ctx.schedule_timer(7 * DAY)).await {
                Either2::First(by) => Ok(format!("approved by {by}")),
                Either2::Second(()) => Ok("timed out".to_owned()),
            }
        })
        .register("Inbox", |ctx: OrchestrationContext, _: String| async move { Ok(ctx.dequeue_event("inbox").await) })
        .register("Sleep", |ctx: OrchestrationContext, _: String| async move {
            ctx.schedule_timer(365 * DAY).await;
            Ok(String::new())
        })
        .register("Twice", |ctx: OrchestrationContext, round: String| async move {
            match round.as_str() {
                "2" => Ok("done".to_owned()),
                _ => ctx.continue_as_new("2").await,
            }
        })
        .build()
}

fn sim(seed: u64) -> Sim {
    Sim::new(seed).node(Node::new("a", ActivityRegistry::builder().build(), orchestrations()))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The approval whose event comes at this time, with when it ended.
async fn approval(sim: Handle, what: impl Into<Action>, at: Duration) -> Result<(String, Duration), String> {
    sim.client().start_orchestration("i", "Approval", "").await.map_err(text)?;
    sim.at(at, what).map_err(text)?;
    let output = sim.finished::<String>("i").await.map_err(text)?;
    Ok((output, sim.elapsed()))
}

fn ann() -> ClientCall {
    ClientCall::raise_event("i", "approved", "Ann")
}

#[test]
fn an_event_comes_at_its_time() {
    let run = |at| sim(1).run(move |sim| approval(sim, ann(), at));
    assert_eq!(run(3 * DAY), ("approved by Ann".to_owned(), 3 * DAY));
    assert_eq!(run(6 * DAY + 86_399 * SECOND).0, "approved by Ann");
    assert_eq!(run(8 * DAY), ("timed out".to_owned(), 7 * DAY));
}

#[test]
fn what_is_due_at_one_instant_comes_in_an_order_drawn_from_the_seed() {
    let output = |seed| sim(seed).run(|sim| approval(sim, ann(), 7 * DAY)).0;
    let outputs: Vec<String> = (0..20).map(output).collect();
    for wanted in ["approved by Ann", "timed out"] {
        assert!(outputs.iter().any(|output| output == wanted), "{outputs:?}");
    }
    assert_eq!(outputs, (0..20).map(output).collect::<Vec<_>>());
}

#[test]
fn a_script_can_fix_the_order() {
    for seed in 0..5 {
        assert_eq!(sim(seed).run(|sim| approval(sim, ann().first(), 7 * DAY)).0, "approved by Ann");
        assert_eq!(sim(seed).run(|sim| approval(sim, ann().last(), 7 * DAY)).0, "timed out");
    }
}

#[test]
fn every_call_of_a_plan_is_made() {
    let plan = Plan::new()
        .at(SECOND, ClientCall::start("inbox", "Inbox", ""))
        .at(2 * SECOND, ClientCall::enqueue_event("inbox", "inbox", "hello"))
        .at(SECOND, ClientCall::start("sleeper", "Sleep", ""))
        .at(DAY, ClientCall::cancel("sleeper", "enough"))
        .at(2 * DAY, ClientCall::delete("sleeper", false))
        .at(SECOND, ClientCall::start("twice", "Twice", "1"))
        .at(DAY, ClientCall::prune("twice", 1));
    let run = sim(1).plan(plan).try_run(|sim| async move {
        let output = sim.finished::<String>("inbox").await.map_err(text)?;
        sim.until_quiet().await;
        Ok::<_, String>((output, sim.history("twice").executions.len(), sim.history("sleeper").executions.len()))
    });
    let Run { value, plan, .. } = run.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(value, ("hello".to_owned(), 1, 0));
    crate::snapshot("scripted__plan", &plan.to_string());
}

#[test]
fn a_run_is_repeated_from_its_plan_without_a_second_call() {
    let body = |sim: Handle| async move {
        let day = u32::try_from(sim.input("day", 1..=9)).map_err(text)?;
        approval(sim, ann(), day * DAY).await
    };
    for seed in 0..10 {
        let first = sim(seed).latencies().try_run(body).unwrap_or_else(|failure| panic!("{failure}"));
        let again = sim(seed).replay(first.plan.clone()).try_run(body).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(first.trace, again.trace, "seed {seed}");
        assert_eq!(first.plan, again.plan, "seed {seed}");
    }
}

#[test]
fn a_smaller_input_moves_the_call_of_a_replay() {
    let body = |sim: Handle| async move {
        let day = u32::try_from(sim.input("day", 1..=9)).map_err(text)?;
        approval(sim, ann(), day * DAY).await
    };
    let first = sim(4).try_run(body).unwrap_or_else(|failure| panic!("{failure}"));
    let mut plan = first.plan;
    plan.inputs.get_mut("day").expect("it was asked for").value = 2;
    let again = sim(4).replay(plan).try_run(body).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(again.value, ("approved by Ann".to_owned(), 2 * DAY));
}

#[test]
fn a_call_whose_data_depend_on_an_input_is_made_once_in_a_replay() {
    let body = |sim: Handle| async move {
        let day = u32::try_from(sim.input("day", 1..=6)).map_err(text)?;
        approval(sim, ClientCall::raise_event("i", "approved", &format!("day {day}")), day * DAY).await
    };
    let first = sim(4).try_run(body).unwrap_or_else(|failure| panic!("{failure}"));
    let mut plan = first.plan;
    plan.inputs.get_mut("day").expect("it was asked for").value = 6;
    let again = sim(4).replay(plan).try_run(body).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(again.value, ("approved by day 6".to_owned(), 6 * DAY));
    assert_eq!(again.plan.entries.len(), 1, "{}", again.plan);
}

#[test]
fn a_call_that_duroxide_refuses_fails_the_run() {
    let failure = sim(1)
        .plan(Plan::new().at(SECOND, ClientCall::delete("nobody", false)))
        .try_run(|sim| async move { sim.sleep(DAY).await })
        .map(drop)
        .expect_err("there is nothing to delete");
    assert!(matches!(failure.cause, Cause::Unreached(_)), "{failure}");
    assert!(failure.to_string().contains("a client deletes nobody"), "{failure}");
}

#[test]
fn a_call_must_have_a_time() {
    let site = CallSite::new("a", Method::AckOrchestrationItem, 1);
    let entry = PlanEntry { when: Trigger::Before(site), what: ann().into() };
    sim(1).run(move |sim| async move {
        let Err(NodeError::Plan(why)) = sim.script(Plan { entries: vec![entry], ..Plan::new() }) else {
            panic!("a client call has no caller that makes it at a provider call")
        };
        assert!(why.contains("Use Trigger::At"), "{why}");
    });
}

#[test]
fn a_call_that_is_due_is_no_stall_and_keeps_the_run_from_resting() {
    let run = sim(1).at_end("approved", |sim| match sim.history("i").executions[0].output.as_deref() {
        Some("approved by Ann") => Ok(()),
        other => Err(format!("{other:?}")),
    });
    run.run(|sim| async move {
        sim.client().start_orchestration("i", "Approval", "").await.map_err(text)?;
        sim.at(6 * DAY, ann()).map_err(text)
    });
    let late = sim(1).limits(duroxide_sim::Limits { waiting: DAY, ..Default::default() });
    let elapsed = late.run(|sim| async move {
        sim.at(400 * DAY, ClientCall::start("i", "Twice", "1")).map_err(text)?;
        sim.until_ended("i").await;
        Ok::<_, String>(sim.elapsed())
    });
    assert_eq!(elapsed, 400 * DAY);
}

#[test]
fn exploring_finds_a_race_of_an_event_with_its_time_out_and_keeps_the_call() {
    let body = |sim: Handle| async move {
        let hour = u32::try_from(sim.input("hours", 160..=170)).map_err(text)?;
        let (output, _) = approval(sim, ann(), hour * 3600 * SECOND).await?;
        if output == "timed out" && hour == 168 { Err("the event at the limit was lost".to_owned()) } else { Ok(()) }
    };
    let build = |sim: Sim| sim.node(Node::new("a", ActivityRegistry::builder().build(), orchestrations()));
    let problem = duroxide_sim::explore()
        .seeds(300)
        .without_latencies()
        .try_run(build, body)
        .expect_err("it is lost at some seed");
    let Problem::Failed(finding) = *problem else { panic!("{problem}") };
    let failure: &Failure = &finding.failure;
    assert_eq!(failure.plan.inputs["hours"].value, 168, "{failure}");
    assert_eq!(failure.plan.entries.len(), 1, "{failure}");
}

#[test]
fn a_call_for_an_instance_that_does_not_exist_fails_the_run() {
    let calls = [ClientCall::raise_event("trip", "approved", "Ann"), ClientCall::cancel("nobody", "enough")];
    for call in calls {
        let wrong = call.clone();
        let run = |sim: Sim| {
            sim.try_run(move |sim| async move {
                sim.client().start_orchestration("trip-1", "Approval", "").await.map_err(text)?;
                sim.at(DAY, wrong).map_err(text)?;
                sim.output::<String>("trip-1", 30 * DAY).await.map_err(text)
            })
        };
        let failure = run.clone()(sim(1)).expect_err("nobody gets it");
        assert!(matches!(failure.cause, Cause::Unreached(_)), "{failure}");
        let reason = "it could not be carried out. It reached nobody: there is no instance";
        assert!(failure.to_string().contains(reason), "{failure}");
        assert!(run(sim(1).allow_unreached()).is_ok(), "{call}");
    }
}

#[test]
fn a_call_for_an_instance_that_has_just_been_asked_for_reaches_it() {
    let output = sim(1).run(|sim| async move {
        sim.client().start_orchestration("trip-1", "Approval", "").await.map_err(text)?;
        sim.at(Duration::ZERO, ClientCall::cancel("trip-1", "never mind")).map_err(text)?;
        sim.until_ended("trip-1").await;
        Ok::<_, String>(sim.history("trip-1").to_string())
    });
    assert!(output.contains("never mind"), "{output}");
}
