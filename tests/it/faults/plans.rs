//! Plans: what they say, when it happens, and what they must not say.

use std::time::Duration;

use duroxide_sim::call::Method;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::faults::{CallContext, FaultAction};
use duroxide_sim::sim::{Action, Cause, Effects, NodeError, Plan, PlanEntry, Trigger};
use duroxide_sim::trace::{Mark, NodeEvent};
use duroxide_sim::{Node, Sim};

use super::{SECOND, once, one_node, point, run_one, two_nodes};

/// One entry of every kind.
fn everything() -> Plan {
    let (node, lasts) = (|| "a".to_owned(), Duration::from_secs(90));
    let ack = |nth| point("a", Method::AckOrchestrationItem, nth);
    Plan::new()
        .at(SECOND, Action::crash("a", SECOND))
        .at(SECOND, Action::Crash { node: node(), restart_after: None })
        .at(2 * SECOND, Action::Stop { node: node(), restart_after: Some(SECOND) })
        .at(3 * SECOND, Action::Start { node: node() })
        .at(4 * SECOND, Action::upgrade("a", "first"))
        .before(ack(1), Action::partition("a", lasts))
        .before(ack(2), Action::Outage { node: node(), lasts })
        .after(ack(3), Action::stall("a", lasts))
        .after(ack(4), Action::Skew { node: node(), by_ms: -2500 })
        .after(ack(4), Action::Skew { node: node(), by_ms: 0 })
        .fault(ack(5), FaultAction::Refuse { retryable: true })
        .fault(ack(6), FaultAction::Refuse { retryable: false })
        .fault(ack(7), FaultAction::LoseReply)
        .fault(ack(8), FaultAction::Delay { before: SECOND, after: Duration::ZERO })
        .fault(ack(9), FaultAction::Hang { applied: true })
        .fault(point("client", Method::Read, 1), FaultAction::Drop { after: SECOND })
        .fault(point("a", Method::FetchWorkItem, 1), FaultAction::ShortLock { lasts: SECOND })
}

#[test]
fn a_plan_reads_well() {
    crate::snapshot("plan", &Plan { calm: Some(600 * SECOND), ..everything() }.to_string());
}

#[test]
fn a_plan_is_plain_data() {
    let written = serde_json::to_string(&everything()).expect("a plan is plain data");
    assert_eq!(serde_json::from_str::<Plan>(&written).expect("what was written can be read"), everything());
    let old: Plan = serde_json::from_str("{\"entries\":[]}").expect("a plan need not have a calm");
    assert_eq!(old, Plan::new());
}

#[test]
fn a_plan_that_names_what_is_not_there_is_not_carried_out() {
    let refused = |plan: Plan| match one_node(1).plan(plan).try_run(|_| async {}).expect_err("it names nonsense").cause
    {
        Cause::Setup(why) => why,
        other => panic!("{other}"),
    };
    for (plan, why) in [
        (Plan::new().at(SECOND, Action::stall("b", SECOND)), "the simulation has no node \"b\"; it has [\"a\"]."),
        (Plan::new().at(SECOND, Action::upgrade("a", "v2")), "node \"a\" has no build \"v2\"; it has [\"first\"]."),
        (Plan::new().at(SECOND, Action::Fault(FaultAction::Pass)), "a fault applies to a call."),
        (Plan::new().fault(point("a", Method::Read, 0), FaultAction::LoseReply), "calls are counted from 1."),
    ] {
        let text = refused(plan);
        assert!(text.starts_with("The plan's entry \"") && text.contains(why), "{text}");
    }
    one_node(1).run(|sim| async move {
        let error = sim.script(Plan::new().at(SECOND, Action::stall("b", SECOND))).expect_err("there is no node b");
        assert!(matches!(&error, NodeError::Plan(why) if why.contains("no node \"b\"")), "{error}");
    });
}

#[test]
fn what_happens_at_a_call_happens_on_the_side_that_was_said() {
    let ack = || point("a", Method::AckOrchestrationItem, 1);
    for (plan, acked) in [
        (Plan::new().before(ack(), Action::crash("a", SECOND)), 1),
        (Plan::new().after(ack(), Action::crash("a", SECOND)), 0),
    ] {
        let run = run_one(one_node(1).plan(plan.clone()), "Echo");
        assert_eq!((run.value.as_str(), run.unreached.len()), ("x", 0));
        assert_eq!(run.plan, plan);
        let turns = run.trace.entries.iter().filter(|entry| entry.call.method() == Method::FetchOrchestrationItem);
        let again = turns.filter(|entry| format!("{:?}", entry.answer).contains("attempts: 2")).count();
        assert_eq!(again, acked, "a turn that was not acked comes again: {}", run.trace.text());
    }
}

#[test]
fn what_happens_at_a_time_happens_then() {
    let plan =
        Plan::new().at(2 * SECOND, Action::partition("a", 7 * SECOND)).at(SECOND, Action::crash("b", 3 * SECOND));
    let run = two_nodes(1).plan(plan).try_run(|sim| async move { sim.sleep(60 * SECOND).await });
    let trace = run.unwrap_or_else(|failure| panic!("{failure}")).trace;
    let marks = trace.marks.iter().filter(|mark| !mark.what.is_ordinary());
    let marks: Vec<String> =
        marks.map(|mark| format!("{:?} {} {}", mark.at - trace.started, mark.node, mark.what)).collect();
    let expected = [
        "1s b crashes",
        "2s a is cut off from the storage",
        "4s b starts again (build first)",
        "9s a reaches the storage again",
    ];
    assert_eq!(marks, expected);
}

/// Every call of a caller counts, the later ones too.
#[test]
fn a_fault_meets_the_call_of_its_number_however_late_that_is() {
    let reads = 40;
    for nth in [1, 2, 3, 4, 5, 9, 17, 33, reads] {
        let plan = Plan::new().fault(point("client", Method::Read, nth), FaultAction::Refuse { retryable: false });
        let run = one_node(1).plan(plan).try_run(move |sim| async move {
            let mut refused = Vec::new();
            for n in 1..=reads {
                if sim.client().get_orchestration_status("i").await.is_err() {
                    refused.push(n);
                }
            }
            Ok::<_, ClientError>(refused)
        });
        let run = run.unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(run.value, [nth], "{}", run.trace.text());
        let marks: Vec<_> = run.trace.marks.iter().filter(|mark| !mark.what.is_ordinary()).collect();
        assert!(matches!(&marks[..], [mark] if matches!(mark.what, NodeEvent::Fault { nth: at, .. } if at == nth)));
    }
}

/// Asked every quarter of a second, a node does nothing while its trouble lasts, to the
/// moment.
#[test]
fn a_trouble_lasts_as_long_as_the_plan_says() {
    let (node, lasts) = ("a".to_owned(), 7 * SECOND);
    for what in [
        Action::partition("a", lasts),
        Action::stall("a", lasts),
        Action::Outage { node: node.clone(), lasts },
        Action::crash("a", lasts),
    ] {
        let plan = Plan::new().at(SECOND, what.clone());
        let run = one_node(1).plan(plan).try_run(|sim| async move {
            let client = sim.client();
            for n in 0..60 {
                client.start_orchestration(&format!("i-{n:02}"), "Echo", "x").await?;
                sim.sleep(SECOND / 4).await;
            }
            sim.sleep(60 * SECOND).await;
            Ok::<_, ClientError>(())
        });
        let trace = run.unwrap_or_else(|failure| panic!("{failure}")).trace;
        // duroxide asks again one, two and four seconds after refusals.
        let slack = if matches!(what, Action::Outage { .. }) { 4 * SECOND } else { Duration::ZERO };
        let acks = trace.entries.iter().filter(|entry| entry.call.method() == Method::AckOrchestrationItem);
        let acks: Vec<Duration> = acks.map(|entry| entry.answered - trace.started).collect();
        let (from, to) = (SECOND, SECOND + lasts);
        assert!(!acks.iter().any(|at| *at > from && *at < to), "{what:?}: {acks:?}");
        let back = acks.iter().find(|at| **at >= to).expect("it works again");
        assert!(*back <= to + slack, "{what:?} lasts too long: {acks:?}");
        assert!(acks.iter().any(|at| *at > SECOND / 2 && *at <= from), "it worked before: {acks:?}");
        let ends = |mark: &&Mark| {
            let again = matches!(mark.what, NodeEvent::Started { restarts, .. } if restarts > 0);
            again || matches!(mark.what, NodeEvent::Healed | NodeEvent::Accepted | NodeEvent::Resumed)
        };
        let ended: Vec<Duration> = trace.marks.iter().filter(ends).map(|mark| mark.at - trace.started).collect();
        assert_eq!(ended, [to], "{what:?}");
    }
}

/// Each tick of an activity is an effect on the outside world.
#[test]
fn the_code_of_an_activity_goes_no_further_than_the_crash_of_its_node() {
    for crash_at in [1, 2, 5, 8] {
        let effects = Effects::default();
        let ticks = effects.clone();
        let activity = move |_: ActivityContext, _: String| {
            let ticks = ticks.clone();
            async move {
                for tick in 0..10 {
                    ticks.add(format!("tick {tick}"));
                    tokio::time::sleep(SECOND).await;
                }
                Ok(String::new())
            }
        };
        let orchestration = |ctx: OrchestrationContext, _: String| async move { ctx.schedule_activity("Do", "").await };
        let activities = ActivityRegistry::builder().register("Do", activity).build();
        let orchestrations = OrchestrationRegistry::builder().register("Work", orchestration).build();
        let at = crash_at * SECOND - SECOND / 2;
        let plan = Plan::new().at(at, Action::Crash { node: "a".to_owned(), restart_after: None });
        Sim::new(1).node(Node::new("a", activities, orchestrations)).plan(plan).run(|sim| async move {
            sim.client().start_orchestration("i", "Work", "").await?;
            sim.sleep(100 * SECOND).await;
            Ok::<_, ClientError>(())
        });
        assert_eq!(effects.all().len(), crash_at as usize, "ticks until the crash at {at:?}");
    }
}

#[test]
fn what_cannot_be_done_is_skipped_and_told() {
    let plan = Plan::new().at(SECOND, Action::Start { node: "a".to_owned() });
    let sim = one_node(1).plan(plan).allow_unreached();
    let run = sim.try_run(|sim| async move { sim.sleep(60 * SECOND).await });
    let trace = run.unwrap_or_else(|failure| panic!("{failure}")).trace;
    assert!(
        trace.text().contains("** skips: a starts. Node \"a\" is running already. Stop or crash it first. **"),
        "{}",
        trace.text()
    );
}

#[test]
fn entries_that_never_happen_are_told() {
    let plan = Plan::new()
        .fault(point("a", Method::AckWorkItem, 1), FaultAction::LoseReply)
        .fault(point("a", Method::AckWorkItem, 99), FaultAction::LoseReply);
    let run = run_one(one_node(1).plan(plan.clone()).allow_unreached(), "Echo");
    assert_eq!(run.unreached, plan.entries[1..]);
}

#[test]
fn the_body_can_add_to_the_plan() {
    let run = one_node(1).try_run(|sim| async move {
        let plan = Plan::new().before(point("a", Method::AckWorkItem, 1), Action::crash("a", SECOND));
        sim.script(plan).expect("the plan is sound");
        once(sim, "Echo").await
    });
    let run = run.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(run.plan.entries.len(), 1);
    assert!(run.trace.marks.iter().any(|mark| mark.what == NodeEvent::Crashed));
}

#[test]
fn a_closure_is_a_rule_and_the_plan_comes_first() {
    let rule = |asked: &CallContext<'_>| match asked.method() {
        Method::AckWorkItem => FaultAction::Delay { before: SECOND, after: Duration::ZERO },
        _ => FaultAction::Pass,
    };
    let run = run_one(one_node(1).rule(rule), "Echo");
    assert!(run.trace.text().contains("** ack_work_item #1 is delayed by 1s **"), "{}", run.trace.text());
    assert_eq!(run.plan, Plan::new(), "what rules do is not in the plan");

    let delay = FaultAction::Delay { before: 5 * SECOND, after: Duration::ZERO };
    let run =
        run_one(one_node(1).rule(rule).plan(Plan::new().fault(point("a", Method::AckWorkItem, 1), delay)), "Echo");
    assert!(run.trace.text().contains("** ack_work_item #1 is delayed by 5s **"), "{}", run.trace.text());
}

#[test]
fn clients_meet_faults_too() {
    let plan = Plan::new().fault(point("client", Method::EnqueueForOrchestrator, 1), FaultAction::LoseReply);
    let failure = Sim::new(1).plan(plan).try_run(|sim| async move {
        sim.client().start_orchestration("i", "Echo", "x").await?;
        Ok::<_, ClientError>(())
    });
    let failure = failure.expect_err("the client is told of an error");
    assert!(failure.to_string().contains("Injected fault: The connection broke"), "{failure}");
    let when = Trigger::Before(point("client", Method::EnqueueForOrchestrator, 1));
    assert_eq!(failure.plan.entries, [PlanEntry { when, what: Action::Fault(FaultAction::LoseReply) }]);
}
