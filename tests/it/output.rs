//! `Handle::output`: the typed output of an orchestration, or an error that says
//! why there is none.

use std::error::Error;
use std::time::Duration;

use duroxide_sim::call::Method;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, AppErrorKind, ClientError, ErrorDetails, OrchestrationContext};
use duroxide_sim::sim::{Cause, Limits, OutputError};
use duroxide_sim::{Failure, Handle, Node, Sim};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

type Done<T = ()> = Result<T, Box<dyn Error>>;

fn sim() -> Sim {
    let activities = ActivityRegistry::builder()
        .register("Ship", |_: ActivityContext, item: String| async move { Err::<String, _>(format!("no {item} left")) })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register_typed("Add", |_: OrchestrationContext, (a, b): (u32, u32)| async move { Ok(a + b) })
        .register("Echo", |_: OrchestrationContext, text: String| async move { Ok(text) })
        .register(
            "Ship",
            |ctx: OrchestrationContext, item: String| async move { ctx.schedule_activity("Ship", item).await },
        )
        .register("Ask", |ctx: OrchestrationContext, _: String| async move { Ok(ctx.schedule_wait("approval").await) })
        .register("Count", |ctx: OrchestrationContext, left: String| async move {
            ctx.schedule_timer(SECOND).await;
            match left.parse::<u32>().map_err(|error| error.to_string())? {
                0 => Ok("counted".to_owned()),
                left => ctx.continue_as_new((left - 1).to_string()).await,
            }
        })
        .build();
    Sim::new(1).node(Node::new("a", activities, orchestrations))
}

fn failed<T: std::fmt::Debug>(run: Result<T, Box<Failure>>) -> Box<Failure> {
    run.expect_err("the run fails")
}

/// Runs an orchestration, and hands on why it has no output.
fn error_of<T>(orchestration: &'static str, input: &'static str, within: Duration) -> OutputError
where
    T: serde::de::DeserializeOwned + Send + 'static,
{
    sim().run(move |sim| async move {
        sim.client().start_orchestration("i-1", orchestration, input).await?;
        Ok::<_, ClientError>(sim.output::<T>("i-1", within).await.err().expect("there is no output"))
    })
}

#[test]
fn an_output_is_read_as_the_type_that_was_asked_for() {
    let read = sim().run(|sim| async move {
        sim.client().start_orchestration_typed("sum", "Add", (1, 2)).await?;
        sim.client().start_orchestration("plain", "Echo", "hello you").await?;
        sim.client().start_orchestration("number", "Echo", "17").await?;
        let sum = sim.output::<u32>("sum", HOUR).await?;
        let plain = sim.output::<String>("plain", HOUR).await?;
        Done::Ok((sum, plain, sim.output::<String>("number", HOUR).await?, sim.output::<u8>("number", HOUR).await?))
    });
    assert_eq!(read, (3, "hello you".to_owned(), "17".to_owned(), 17));
}

#[test]
fn a_body_that_hands_on_the_error_fails_with_details_and_history() {
    let failure = failed(sim().try_run(|sim| async move {
        sim.client().start_orchestration("order-1", "Ship", "chair").await?;
        sim.output::<String>("order-1", HOUR).await?;
        Done::Ok(())
    }));
    let text = failure.to_string();
    assert!(text.contains("\n  | Instance \"order-1\" failed: no chair left.\n"), "{text}");
    assert!(text.contains("\n  | order-1 execution 1: Failed \"no chair left\"\n"), "{text}");
    assert!(text.lines().any(|line| line.contains("ActivityFailed #2 \"no chair left\"")), "{text}");
}

#[test]
fn a_failed_orchestration_is_an_error_with_duroxides_details() {
    match error_of::<String>("Ship", "chair", HOUR) {
        OutputError::Failed { instance, details, history } => {
            assert_eq!(instance, "i-1");
            let expected = "no chair left".to_owned();
            let kind = AppErrorKind::OrchestrationFailed;
            assert_eq!(details, ErrorDetails::Application { kind, message: expected, retryable: false });
            assert!(history.ends_with("OrchestrationFailed \"no chair left\"\n"), "{history}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn one_that_still_runs_says_what_it_waits_for() {
    let error = error_of::<String>("Ask", "", HOUR);
    let text = error.to_string();
    assert!(matches!(error, OutputError::Running { waited, .. } if waited == HOUR), "{text}");
    assert!(
        text.starts_with("Instance \"i-1\" did not end within 1:00:00.000. i-1 waits for ExternalSubscribed approval"),
        "{text}"
    );
    assert!(text.contains("\nThe end of its history:\ni-1 execution 1: Running\n"), "{text}");
}

#[test]
fn one_that_nobody_starts_is_not_found_and_the_others_are_named() {
    let error = sim().run(|sim| async move {
        sim.client().start_orchestration("order-1", "Echo", "").await?;
        Ok::<_, ClientError>(sim.output::<String>("order-l", 5 * SECOND).await.expect_err("there is none"))
    });
    let expected = OutputError::NotFound {
        instance: "order-l".to_owned(),
        waited: 5 * SECOND,
        others: vec!["order-1".to_owned()],
    };
    assert_eq!(error, expected);
    assert_eq!(
        error.to_string(),
        "Instance \"order-l\" was not found within 5.000: it was never started, or was deleted. Existing instances: order-1."
    );
}

#[test]
fn one_whose_start_nobody_takes_is_told_as_waiting_for_that() {
    let error = Sim::new(1).run(|sim| async move {
        sim.client().start_orchestration("order-1", "Order", "").await?;
        Ok::<_, ClientError>(sim.output::<String>("order-1", HOUR).await.expect_err("no node runs it"))
    });
    assert!(matches!(&error, OutputError::Running { waits, .. } if waits.contains("its start")), "{error}");
}

#[test]
fn an_output_of_another_type_is_told_with_both() {
    let error = error_of::<u32>("Echo", "many", HOUR);
    let text = error.to_string();
    assert!(matches!(error, OutputError::Decode { .. }), "{text}");
    assert!(text.contains("\"many\"") && text.contains("not a u32"), "{text}");
}

#[test]
fn it_is_seen_at_the_instant_and_makes_no_call() {
    let run = sim().try_run(|sim| async move {
        sim.client().start_orchestration("i-1", "Count", "9").await?;
        let output = sim.output::<String>("i-1", YEAR).await?;
        Done::Ok((output, sim.elapsed()))
    });
    let run = run.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(run.value, ("counted".to_owned(), 10 * SECOND));
    let calls: Vec<Method> =
        run.trace.entries.iter().filter(|e| &*e.by == "client").map(|entry| entry.call.method()).collect();
    assert_eq!(calls, [Method::EnqueueForOrchestrator]);
}

#[test]
fn it_may_be_started_later_and_several_may_wait() {
    let told = sim().run(|sim| async move {
        let late = |sim: Handle| async move {
            sim.sleep(HOUR).await;
            sim.client().start_orchestration("late", "Echo", "here").await
        };
        let wait = || sim.output::<String>("late", DAY);
        let (started, one, two) = tokio::join!(late(sim.clone()), wait(), wait());
        started?;
        Done::Ok((one?, two?, sim.elapsed()))
    });
    assert_eq!(told, ("here".to_owned(), "here".to_owned(), HOUR));
}

#[test]
fn one_that_gives_up_does_not_end_the_wait_of_another() {
    let told = sim().run(|sim| async move {
        sim.client().start_orchestration("i-1", "Count", "9").await?;
        let wait = |within| sim.output::<String>("i-1", within);
        let (early, late) = tokio::join!(wait(5 * SECOND), wait(DAY));
        Done::Ok((early.is_err(), late?, sim.elapsed()))
    });
    assert_eq!(told, (true, "counted".to_owned(), 10 * SECOND));
}

#[test]
fn a_wait_for_what_cannot_come_is_a_stall_and_not_years() {
    let failure = failed(sim().try_run(|sim| async move {
        sim.client().start_orchestration("i-1", "Ask", "").await?;
        Done::Ok(sim.output::<String>("i-1", 9 * YEAR).await?)
    }));
    assert_eq!(failure.cause, Cause::Stalled { since: Duration::ZERO, then: None }, "{failure}");
    assert_eq!(failure.at - failure.start, Limits::default().waiting);
    assert!(failure.to_string().contains("i-1 waits for ExternalSubscribed approval"), "{failure}");
}

#[test]
fn a_wait_that_is_meant_to_time_out_after_days_does() {
    let told = sim().run(|sim| async move {
        sim.client().start_orchestration("i-1", "Ask", "").await?;
        let by_client = sim.client().wait_for_orchestration("i-1", 90 * DAY).await;
        let by_output = sim.output::<String>("i-1", 90 * DAY).await;
        Done::Ok((by_client.is_err(), by_output.is_err(), sim.elapsed() >= 180 * DAY))
    });
    assert_eq!(told, (true, true, true));
}

#[test]
fn the_longest_wait_and_none_at_all_are_waits_too() {
    let told = sim().run(|sim| async move {
        sim.client().start_orchestration("i-1", "Count", "2").await?;
        let none = sim.output::<String>("i-1", Duration::ZERO).await;
        Done::Ok((none.is_err(), sim.elapsed(), sim.output::<String>("i-1", Duration::MAX).await?))
    });
    assert_eq!(told, (true, Duration::ZERO, "counted".to_owned()));
}
