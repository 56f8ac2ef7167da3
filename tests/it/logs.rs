//! What the code of a run logs, with its place in the run.

mod files;
mod subscribers;

use std::time::Duration;

use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::{ActivityContext, OrchestrationContext, RetryPolicy};
use duroxide_sim::logs::{LogLevel, RunLog};
use duroxide_sim::sim::{Double, Run};
use duroxide_sim::{Handle, Node, Sim};

const LONG: Duration = Duration::from_secs(86_400);

/// "Order" sleeps for a minute and charges; both log through their contexts and by `tracing`.
fn node(name: &str) -> Node {
    let activities = ActivityRegistry::builder()
        .register("Charge", |ctx: ActivityContext, card: String| async move {
            tracing::info!(card, "charges");
            tokio::time::sleep(Duration::from_secs(2)).await;
            ctx.trace_warn("it was slow");
            tracing::debug!("this is for experts");
            if card == "stolen" { Err("declined".to_owned()) } else { Ok(card) }
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Order", |ctx: OrchestrationContext, card: String| async move {
            ctx.trace_info("an order");
            ctx.schedule_timer(Duration::from_secs(60)).await;
            if !ctx.is_replaying() {
                tracing::info!("goes on");
            }
            ctx.schedule_activity_with_retry("Charge", card, RetryPolicy::new(2)).await
        })
        .build();
    Node::new(name, activities, orchestrations)
}

fn sim() -> Sim {
    Sim::new(1).node(node("a"))
}

async fn order(sim: Handle, card: &str) -> Result<String, String> {
    sim.client().start_orchestration("order-1", "Order", card).await.map_err(|error| error.to_string())?;
    sim.output("order-1", LONG).await.map_err(|error| error.to_string())
}

fn ran<T>(run: Result<Run<T>, Box<duroxide_sim::Failure>>) -> Run<T> {
    run.unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn lines_have_time_node_instance_activity_and_attempt() {
    let log = ran(sim().try_run(|sim| async move { order(sim, "4711").await })).observed.log;
    assert_eq!(
        log.to_string(),
        "+0.000 INFO  on a order-1: an order\n\
         +1:00.000 INFO  on a order-1 [it::logs]: goes on\n\
         +1:00.000 INFO  on a order-1 Charge [it::logs]: charges card=4711\n\
         +1:02.000 WARN  on a order-1 Charge: it was slow\n"
    );
    let slow = &log.lines[3];
    assert_eq!((slow.node.as_deref(), slow.instance.as_deref()), (Some("a"), Some("order-1")));
    assert_eq!((slow.activity.as_deref(), slow.attempt, slow.level), (Some("Charge"), Some(1), LogLevel::Warn));
    assert_eq!((slow.at, &*slow.target), (Duration::from_secs(62), "duroxide::activity"));
    assert!(slow.fields.iter().any(|(name, value)| name == "orchestration_name" && value == "Order"), "{slow:?}");
}

#[test]
fn a_second_attempt_says_so_and_a_failure_has_the_log() {
    let failure = sim().try_run(|sim| async move { order(sim, "stolen").await }).expect_err("the order fails");
    let charges: Vec<String> =
        failure.log().lines.iter().filter(|line| line.message == "charges").map(ToString::to_string).collect();
    assert_eq!(
        charges,
        [
            "+1:00.000 INFO  on a order-1 Charge [it::logs]: charges card=stolen",
            "+1:02.100 INFO  on a order-1 Charge attempt 2 [it::logs]: charges card=stolen"
        ]
    );
}

#[test]
fn the_node_is_the_one_whose_code_runs() {
    let log = ran(sim().node(node("b")).try_run(|sim| async move {
        let orders = ["x", "y", "z"];
        for order in orders {
            sim.client().start_orchestration(order, "Order", order).await.map_err(|error| error.to_string())?;
        }
        for order in orders {
            sim.output::<String>(order, LONG).await.map_err(|error| error.to_string())?;
        }
        tracing::info!(instance = "x", "the body");
        Ok::<_, String>(orders.map(|order| sim.activities(order)[0].node.clone()))
    }));
    for (order, node) in ["x", "y", "z"].iter().zip(&log.value) {
        let lines = log.log().of(order);
        assert!(lines.iter().any(|line| line.node.as_deref() == Some(node) && line.activity.is_some()), "{lines:?}");
        assert_eq!(lines.len(), 4, "{lines:?}");
    }
    let body = log.log().lines.last().expect("the body logs");
    assert_eq!((body.node.as_deref(), body.instance.as_deref()), (None, None));
    assert_eq!(body.fields, [("instance".to_owned(), "x".to_owned())]);
}

#[test]
fn levels_choose_what_is_kept() {
    let kept = |sim: Sim| ran(sim.try_run(|sim| async move { order(sim, "4711").await })).observed.log;
    assert!(kept(sim().log_level(LogLevel::Debug)).to_string().contains("this is for experts"));
    assert_eq!(kept(sim().log_level(LogLevel::Warn)).lines.len(), 1);
    assert_eq!(kept(sim().log_level(None)), RunLog::default());
    let all = kept(sim().log_level(None).duroxide_log_level(LogLevel::Info));
    let starts = all.lines.iter().find(|line| line.target == "duroxide::runtime").expect("the runtime says hello");
    assert_eq!((starts.node.as_deref(), starts.at), (Some("a"), Duration::ZERO));
}

#[test]
fn what_duroxide_says_about_work_has_its_node_and_instance() {
    use duroxide_sim::call::Method;
    use duroxide_sim::faults::FaultAction;
    use duroxide_sim::sim::{CallSite, Plan};
    let lose = Plan::new().fault(CallSite::new("a", Method::AckOrchestrationItem, 1), FaultAction::LoseReply);
    let log = ran(sim().plan(lose).try_run(|sim| async move { order(sim, "4711").await })).observed.log;
    let said: Vec<_> = log.lines.iter().filter(|line| line.target.starts_with("duroxide::runtime")).collect();
    assert!(!said.is_empty(), "{log}");
    for line in said {
        assert_eq!((line.node.as_deref(), line.instance.as_deref()), (Some("a"), Some("order-1")), "{line}");
        assert!(line.level <= LogLevel::Warn, "{line}");
    }
}

#[test]
fn the_log_so_far_is_there_during_the_run() {
    sim().run(|sim| async move {
        tracing::warn!("one");
        assert_eq!(sim.log().lines.len(), 1);
        tracing::warn!("two");
        assert_eq!(sim.log().lines[1].message, "two");
    });
}

#[test]
fn only_the_last_lines_are_kept_and_long_ones_are_cut() {
    let log = ran(Sim::new(1).try_run(|_| async {
        (0..RunLog::MOST + 5).for_each(|n| tracing::info!(n, "line"));
        tracing::info!("{}", "x".repeat(1 << 20));
    }))
    .observed
    .log;
    assert_eq!((log.lines.len(), log.dropped), (RunLog::MOST, 6));
    assert_eq!(log.lines[0].fields, [("n".to_owned(), "6".to_owned())]);
    let long = &log.lines.last().expect("there are lines").message;
    assert!(long.ends_with('…') && long.chars().count() == 2_001, "{}", long.len());
    let text = log.to_string();
    assert!(
        text.starts_with("6 lines before these were dropped; the last 1000 of a run are kept.\n"),
        "{}",
        &text[..99]
    );
}

#[test]
fn what_is_logged_changes_neither_the_trace_nor_later_runs() {
    let run = |sim: Sim| ran(sim.try_run(|sim| async move { order(sim, "4711").await }));
    let (quiet, loud) = (
        run(sim().log_level(None).duroxide_log_level(None)),
        run(sim().log_level(LogLevel::Trace).duroxide_log_level(LogLevel::Trace)),
    );
    assert_eq!(quiet.trace, loud.trace);
    assert!(loud.log().lines.len() > 20, "{}", loud.log());
    assert_eq!(run(sim()).log(), run(sim()).log());
}

#[test]
fn runs_on_other_threads_do_not_mix() {
    let run = |name: &'static str| {
        std::thread::spawn(move || {
            let run = Sim::new(1).try_run(move |sim| async move {
                for _ in 0..200 {
                    tracing::info!("{name}");
                    sim.sleep(Duration::from_secs(1)).await;
                }
            });
            ran(run).observed.log
        })
    };
    let threads = ["one", "two", "three"].map(|name| (name, run(name)));
    for (name, thread) in threads {
        let log = thread.join().expect("the run succeeds");
        assert_eq!(log.lines.len(), 200);
        assert!(log.lines.iter().all(|line| line.message == name), "{log}");
    }
}

#[test]
fn a_hostile_line_stays_one_line() {
    let log = ran(Sim::new(1).try_run(|_| async { tracing::warn!(field = "a\nb", "first\n+9.000 ERROR forged") }))
        .observed
        .log;
    assert_eq!(log.to_string().lines().count(), 1, "{log}");
    assert_eq!(log.lines[0].message, "first\n+9.000 ERROR forged");
}

#[test]
fn the_code_of_a_double_has_the_activity() {
    let told = Double::with(|_: ActivityContext, _: String| async {
        tracing::info!("stands in");
        Ok("yes".to_owned())
    });
    let log = ran(sim().double("Charge", told).try_run(|sim| async move { order(sim, "4711").await })).observed.log;
    let line = log.lines.iter().find(|line| line.message == "stands in").expect("it logs");
    assert_eq!((line.activity.as_deref(), line.attempt), (Some("Charge"), Some(1)));
}
