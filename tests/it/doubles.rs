//! Doubles of activities, and the list of an instance's activities.

use std::time::Duration;

use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::{ActivityContext, BackoffStrategy, OrchestrationContext, RetryPolicy};
use duroxide_sim::sim::{Action, Cause, Double, Failure, NodeError, Plan};
use duroxide_sim::{Handle, Node, Sim};

const SECOND: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(86_400);

fn activities() -> ActivityRegistry {
    ActivityRegistry::builder()
        .register("Charge", |_: ActivityContext, card: String| async move { Ok(format!("really charged {card}")) })
        .register_typed("Add", |_: ActivityContext, (a, b): (u32, u32)| async move { Ok(a + b) })
        .build()
}

/// "Pay" charges with up to four attempts, ten seconds apart; "Both" charges two cards at
/// once; "Sum" adds; "Wait" charges and gives up after an hour.
fn orchestrations() -> OrchestrationRegistry {
    let policy = || RetryPolicy::new(4).with_backoff(BackoffStrategy::Fixed { delay: 10 * SECOND });
    OrchestrationRegistry::builder()
        .register("Pay", move |ctx: OrchestrationContext, card: String| async move {
            ctx.schedule_activity_with_retry("Charge", card, policy()).await
        })
        .register("Both", |ctx: OrchestrationContext, _: String| async move {
            let both = vec![ctx.schedule_activity("Charge", "one"), ctx.schedule_activity("Charge", "two")];
            let results = ctx.join(both).await;
            Ok(results.into_iter().map(|result| result.unwrap_or_else(|error| error)).collect::<Vec<_>>().join(", "))
        })
        .register_typed("Sum", |ctx: OrchestrationContext, pair: (u32, u32)| async move {
            ctx.schedule_activity_typed::<_, u32>("Add", &pair).await
        })
        .build()
}

fn sim() -> Sim {
    Sim::new(1).node(Node::new("a", activities(), orchestrations()))
}

async fn one(sim: &Handle, name: &str, input: &str) -> Result<String, String> {
    sim.client().start_orchestration("i", name, input).await.map_err(|error| error.to_string())?;
    sim.output("i", LONG).await.map_err(|error| error.to_string())
}

/// The output of an orchestration, and the list of its activities.
fn told(sim: Sim, name: &'static str, input: &'static str) -> (Result<String, String>, String) {
    sim.run(move |sim| async move {
        let output = one(&sim, name, input).await;
        Ok::<_, String>((output, sim.activities("i").to_string()))
    })
}

fn refused(sim: Sim) -> String {
    let failure = sim.try_run(|sim| async move { one(&sim, "Pay", "4711").await }).expect_err("it cannot run");
    assert!(matches!(failure.cause, Cause::Setup(_)), "{failure}");
    failure.to_string()
}

#[test]
fn without_a_double_the_handler_runs_and_is_listed() {
    let (output, list) = told(sim(), "Pay", "4711");
    assert_eq!(output.unwrap(), "really charged 4711");
    insta::assert_snapshot!(list, @r#"+0.000 on a: Charge("4711") = "really charged 4711", attempt 1"#);
}

#[test]
fn a_script_fails_twice_and_then_succeeds() {
    let charge = Double::fails("503").taking(3 * SECOND).times(2).then(Double::returns("receipt"));
    let (output, list) = told(sim().double("Charge", charge), "Pay", "4711");
    assert_eq!(output.unwrap(), "receipt");
    insta::assert_snapshot!(list, @r#"
    +0.000 to +3.000 on a: Charge("4711") failed with "503", attempt 1
    +13.000 to +16.000 on a: Charge("4711") failed with "503", attempt 2
    +26.000 on a: Charge("4711") = "receipt", attempt 3
    "#);
}

#[test]
fn a_delivery_that_is_repeated_gets_the_same_answer() {
    let charge = Double::fails("503").taking(3 * SECOND).times(1).then(Double::returns("receipt"));
    let crash = Plan::new().at(2 * SECOND, Action::crash("a", 5 * SECOND));
    let (output, list) = told(sim().double("Charge", charge).plan(crash), "Pay", "4711");
    assert_eq!(output.unwrap(), "receipt");
    crate::snapshot("doubles__crash", &list);
}

#[test]
fn typed_values_are_encoded_as_typed_activities_do() {
    let (output, _) = told(sim().double("Add", Double::returns(99_u32)), "Sum", "[1,2]");
    assert_eq!(output.unwrap(), "99");
    let code = Double::with(|_, (a, b): (u32, u32)| async move { Ok(a * b) });
    let (output, _) = told(sim().double("Add", code), "Sum", "[3,4]");
    assert_eq!(output.unwrap(), "12");
}

#[test]
fn filters_choose_and_the_handler_answers_the_rest() {
    let (output, _) = told(sim().double("Charge", Double::returns("free").for_input("two")), "Both", "");
    assert_eq!(output.unwrap(), "really charged one, free");
    let other = Double::returns("free").for_instance("j");
    let (output, _) = told(sim().double("Charge", other), "Both", "");
    assert_eq!(output.unwrap(), "really charged one, really charged two");
    let spy = Double::fails("busy").times(1).then(Double::real());
    let (output, list) = told(sim().double("Charge", spy), "Pay", "4711");
    assert_eq!(output.unwrap(), "really charged 4711");
    assert_eq!(list.lines().count(), 2, "{list}");
}

#[test]
fn attempts_are_counted_for_each_input() {
    let charge = Double::fails("first").times(1).then(Double::returns("second"));
    let (output, _) = told(sim().double("Charge", charge), "Both", "");
    assert_eq!(output.unwrap(), "first, first");
}

#[test]
fn a_double_panics_like_a_handler() {
    let (output, list) = told(sim().double("Charge", Double::panics("boom")), "Both", "");
    assert!(output.unwrap().contains("boom"), "duroxide records the panic");
    assert!(list.contains("panic: boom"), "{list}");
}

#[test]
fn a_held_call_waits_for_its_release_even_across_a_crash() {
    let held = || sim().double("Charge", Double::returns("paid").held());
    let elapsed = held().run(|sim| async move {
        assert_eq!(sim.release("Charge"), Err(NodeError::NotHeld("Charge".to_owned())));
        sim.client().start_orchestration("i", "Pay", "4711").await.map_err(|error| error.to_string())?;
        sim.sleep(100 * SECOND).await;
        assert_eq!(sim.activities("i")[0].ended, None);
        assert_eq!(sim.release("Charge"), Ok(1));
        sim.crash("a").and(Ok(())).map_err(|error| error.to_string())?;
        sim.start("a").await.map_err(|error| error.to_string())?;
        let output = sim.finished::<String>("i").await.map_err(|error| error.to_string())?;
        assert_eq!((output.as_str(), sim.activities("i").len()), ("paid", 2));
        Ok::<_, String>(sim.elapsed())
    });
    assert!(elapsed < 200 * SECOND, "the repeated delivery is not held: {elapsed:?}");
}

#[test]
fn a_call_that_never_answers_is_listed_as_running() {
    let never = sim().double("Charge", Double::never());
    let failure = never.try_run(|sim| async move { one(&sim, "Pay", "4711").await }).map(drop).expect_err("it waits");
    let Failure { cause, .. } = *failure;
    assert!(matches!(cause, Cause::Error(_) | Cause::Stalled { .. }), "{cause}");
}

#[test]
fn what_can_never_answer_is_refused() {
    assert!(refused(sim().double("Chargee", Double::never())).contains("the nearest name is \"Charge\""));
    assert!(refused(sim().double("Charge", Double::fails("x").times(0))).contains("Double::times was given 0"));
    let late = Double::fails("x").then(Double::returns("y"));
    assert!(refused(sim().double("Charge", late)).contains("never given"));
    let twice = sim().double("Charge", Double::fails("x")).double("Charge", Double::fails("y").for_input("z"));
    assert!(refused(twice).contains("never reached"));
    let short = refused(sim().double("Charge", Double::fails("x").times(2)));
    assert!(short.contains("no answer for attempt 3"), "{short}");
    assert!(
        refused(sim().double("Charge", Double::returns(std::collections::BTreeMap::from([((1, 2), 3)]))))
            .contains("JSON")
    );
}

#[test]
fn an_activity_can_exist_only_as_a_double() {
    let registry = OrchestrationRegistry::builder()
        .register(
            "Ask",
            |ctx: OrchestrationContext, _: String| async move { ctx.schedule_activity("Oracle", "?").await },
        )
        .build();
    let sim = Sim::new(1).node(Node::new("a", activities(), registry)).activity("Oracle", Double::returns("42"));
    assert_eq!(told(sim, "Ask", "").0.unwrap(), "42");
}

#[test]
fn an_activity_runs_by_itself() {
    assert_eq!(sim().run_activity::<u32>("Add", (20_u32, 22_u32)), Ok(42));
    assert_eq!(sim().double("Charge", Double::fails("no")).run_activity::<String>("Charge", "x"), Err("no".to_owned()));
}

#[test]
fn lists_are_the_same_for_the_same_seed() {
    let list = || {
        let charge = Double::fails("503").taking(SECOND).times(2).then(Double::returns("ok"));
        let sim = Sim::new(7).node(Node::new("a", activities(), orchestrations())).latencies().double("Charge", charge);
        told(sim, "Pay", "4711").1
    };
    assert_eq!(list(), list());
}

#[test]
fn names_that_no_activity_of_an_application_has_are_refused() {
    for name in ["", "__duroxide_syscall:new_guid"] {
        let text = refused(sim().activity(name, Double::never()));
        assert!(text.contains("not a name that an application's activity can have"), "{text}");
    }
    let text = refused(sim().double("Charge", Double::returns("late").taking(Duration::MAX)));
    assert!(text.contains("more than the limit on virtual time"), "{text}");
}

#[test]
fn code_of_another_type_than_the_input_is_a_mistake_of_the_test() {
    let failure = sim()
        .double("Charge", Double::with(|_, pair: (u32, u32)| async move { Ok(pair.0) }))
        .try_run(|sim| async move { one(&sim, "Pay", "card").await })
        .expect_err("a card is not a pair");
    let text = "Activity \"Charge\" of instance \"i\" was called on node \"a\" with the input \"card\", but its double \
                (Double::with) takes a (u32, u32), which this is not: ";
    assert!(failure.to_string().contains(text), "{failure}");
}

/// The error of a run whose double does not answer.
fn unanswered(double: Double) -> Box<Failure> {
    let run = sim().double("Charge", double).try_run(|sim| async move {
        sim.client().start_orchestration("i", "Pay", "4711").await.map_err(|error| error.to_string())?;
        sim.finished::<String>("i").await.map_err(|error| error.to_string())
    });
    run.expect_err("it never ends")
}

#[test]
fn a_run_that_waits_for_a_double_is_stalled_soon_and_says_so() {
    let held = unanswered(Double::returns("x").held());
    assert!(matches!(held.cause, Cause::Stalled { .. }), "{held}");
    let line = "\"Charge\" of instance \"i\" on node \"a\": held until the body calls Handle::release";
    assert_eq!(held.unanswered, [line]);
    assert!(held.to_string().contains(line), "{held}");
    assert!(held.to_string().contains("Let them go with Handle::release"), "{held}");
    assert_eq!(held.at - held.start, 10 * LONG);
    let never = unanswered(Double::never());
    assert_eq!(never.unanswered, ["\"Charge\" of instance \"i\" on node \"a\": Double::never"]);
}

#[test]
fn a_double_that_is_released_late_is_no_stall() {
    let sim = sim().double("Charge", Double::returns("receipt").held());
    let (output, elapsed) = sim.run(|sim| async move {
        sim.client().start_orchestration("i", "Pay", "4711").await.map_err(|error| error.to_string())?;
        let later = async {
            sim.sleep(20 * LONG).await;
            sim.release("Charge").map_err(|error| error.to_string())
        };
        let (output, released) = tokio::join!(sim.finished::<String>("i"), later);
        released?;
        Ok::<_, String>((output.map_err(|error| error.to_string())?, sim.elapsed()))
    });
    assert_eq!((output.as_str(), elapsed), ("receipt", 20 * LONG));
}

#[test]
fn names_that_no_node_has_are_not_searched_for() {
    let failure = sim()
        .try_run(|sim| async move {
            one(&sim, "Pay", "4711").await?;
            Ok::<_, String>(sim.activities("i").of("Chrage").len())
        })
        .expect_err("there is no such activity");
    let text = "no node has an activity \"Chrage\"; the nearest name is \"Charge\". Correct the name.";
    assert!(failure.to_string().contains(text), "{failure}");
    let none = sim().run(|sim| async move {
        one(&sim, "Pay", "4711").await?;
        Ok::<_, String>(sim.activities("i").of("Add").len())
    });
    assert_eq!(none, 0);
}

#[test]
fn a_release_of_what_has_no_double_is_refused() {
    let error =
        sim().double("Charge", Double::returns("x")).run(|sim| async move { Ok::<_, String>(sim.release("Chrage")) });
    let none = NodeError::NoDouble { activity: "Chrage".to_owned(), nearest: Some("Charge".to_owned()) };
    assert_eq!(error, Err(none.clone()));
    assert_eq!(format!("{none:?}"), none.to_string());
    assert!(none.to_string().contains("the nearest name of one that has is \"Charge\""), "{none}");
}
