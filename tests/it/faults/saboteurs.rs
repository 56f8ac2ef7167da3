//! Workflows that are wrong in a way that one kind of fault brings out, and only
//! that: each goes well without the fault, and not with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use duroxide_sim::call::Method;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, Client, Either2, OrchestrationContext};
use duroxide_sim::faults::FaultAction;
use duroxide_sim::sim::{Action, Cause, Plan};
use duroxide_sim::{Handle, Node, Sim};

use super::{SECOND, once, output, point, run_one, two_nodes, work};

/// The first calls of a method by either node meet a fault.
fn at_first(method: Method, verdict: FaultAction) -> Plan {
    Plan::new().fault(point("a", method, 1), verdict).fault(point("b", method, 1), verdict)
}

async fn send(client: Client) -> bool {
    client.enqueue_event("i", "inbox", "hello").await.is_ok()
}

/// Sends itself a message from an activity, and waits for it a minute.
fn mail(again: bool) -> Sim {
    work(
        move |ctx, _| async move {
            while !send(ctx.get_client()).await && again {
                tokio::time::sleep(SECOND).await;
            }
            Ok(String::new())
        },
        |ctx, _| async move {
            ctx.schedule_activity("Do", "").await?;
            let mut received = 0;
            while let Either2::First(_) = ctx.select2(ctx.dequeue_event("inbox"), ctx.schedule_timer(60 * SECOND)).await
            {
                received += 1;
            }
            Ok(received.to_string())
        },
    )
}

#[test]
fn a_refusal_brings_out_who_does_not_ask_again() {
    let refusal = || at_first(Method::EnqueueForOrchestrator, FaultAction::Refuse { retryable: true });
    assert_eq!(run_one(mail(false), "Work").value, "1");
    assert_eq!(run_one(mail(false).plan(refusal()).allow_unreached(), "Work").value, "0");
    assert_eq!(run_one(mail(true).plan(refusal()).allow_unreached(), "Work").value, "1");
}

#[test]
fn a_lost_reply_brings_out_who_asks_again_without_care() {
    let lost = || at_first(Method::EnqueueForOrchestrator, FaultAction::LoseReply);
    assert_eq!(run_one(mail(true), "Work").value, "1");
    assert_eq!(run_one(mail(true).plan(lost()).allow_unreached(), "Work").value, "2");
}

/// Takes an activity for failed when it has not answered within two seconds, and
/// does not undo what it did.
fn impatient() -> Sim {
    work(
        |_, _| async {
            tokio::time::sleep(SECOND).await;
            Ok("done".to_owned())
        },
        |ctx, _| async move {
            match ctx.select2(ctx.schedule_activity("Do", ""), ctx.schedule_timer(2 * SECOND)).await {
                Either2::First(done) => done,
                Either2::Second(()) => Ok("given up".to_owned()),
            }
        },
    )
}

#[test]
fn a_delay_brings_out_who_takes_slow_for_failed() {
    let slow = FaultAction::Delay { before: 10 * SECOND, after: std::time::Duration::ZERO };
    assert_eq!(run_one(impatient(), "Work").value, "done");
    assert_eq!(
        run_one(impatient().plan(at_first(Method::AckWorkItem, slow)).allow_unreached(), "Work").value,
        "given up"
    );
}

#[test]
fn a_hang_brings_out_who_never_restarts() {
    let hang = || Plan::new().fault(point("a", Method::AckOrchestrationItem, 1), FaultAction::Hang { applied: false });
    let alone = || super::one_node(1);
    assert_eq!(run_one(alone(), "Echo").value, "x");
    let failure = alone().plan(hang()).try_run(|sim| async move {
        sim.client().start_orchestration("i", "Echo", "x").await?;
        sim.client().wait_for_orchestration("i", super::DAY).await
    });
    assert!(matches!(failure.expect_err("nobody restarts").cause, Cause::Stalled { .. }));
    let restarted = hang().at(60 * SECOND, Action::crash("a", SECOND));
    assert_eq!(run_one(alone().plan(restarted), "Echo").value, "x");
}

/// Counts how many run at once, and how often in all.
#[derive(Clone, Default)]
struct Running {
    now: Arc<AtomicI64>,
    most: Arc<AtomicI64>,
    starts: Arc<AtomicU64>,
}

impl Running {
    fn work(&self) -> Sim {
        let running = self.clone();
        work(
            move |_, _| {
                let running = running.clone();
                async move {
                    running.starts.fetch_add(1, Ordering::Relaxed);
                    let now = running.now.fetch_add(1, Ordering::Relaxed) + 1;
                    running.most.fetch_max(now, Ordering::Relaxed);
                    tokio::time::sleep(10 * SECOND).await;
                    running.now.fetch_sub(1, Ordering::Relaxed);
                    Ok(String::new())
                }
            },
            |ctx, _| async move { ctx.schedule_activity("Do", "").await },
        )
    }

    /// How often the activity was started under `plan`, and how many ran at once.
    fn under(plan: Plan) -> (u64, i64) {
        let running = Running::default();
        run_one(running.work().plan(plan), "Work");
        (running.starts.load(Ordering::Relaxed), running.most.load(Ordering::Relaxed))
    }
}

#[test]
fn a_short_lock_brings_out_who_thinks_he_is_alone() {
    assert_eq!(Running::under(Plan::new()), (1, 1));
    let short = (1..=2).fold(Plan::new(), |plan, nth| {
        let verdict = FaultAction::ShortLock { lasts: 3 * SECOND };
        plan.fault(point("a", Method::FetchWorkItem, nth), verdict)
            .fault(point("b", Method::FetchWorkItem, nth), verdict)
    });
    let (starts, most) = Running::under(short);
    assert!(starts >= 2 && most >= 2, "{starts} {most}");
}

#[test]
fn a_stall_brings_out_who_thinks_he_is_alone() {
    // Longer than the 30 s of an activity's lock; the other node takes over, and
    // the first goes on where it stood.
    let stall = |node| Plan::new().after(point(node, Method::Read, 1), Action::stall(node, 35 * SECOND));
    let (starts, most) = Running::under(stall("a"));
    let (starts, most) = if starts == 1 { Running::under(stall("b")) } else { (starts, most) };
    assert!(starts == 2 && most == 2, "{starts} {most}");
}

#[test]
fn a_crash_brings_out_what_is_done_twice() {
    assert_eq!(Running::under(Plan::new()).0, 1);
    let crash = Plan::new()
        .before(point("a", Method::AckWorkItem, 1), Action::crash("a", SECOND))
        .before(point("b", Method::AckWorkItem, 1), Action::crash("b", SECOND));
    assert!(Running::under(crash).0 >= 2);
}

#[test]
fn a_partition_brings_out_who_keeps_state_in_a_node() {
    // Each node hands out numbers of its own, and trusts to be the only one.
    let ticket = || {
        let node = |sim: Sim, name: &'static str| {
            let next = AtomicU64::new(1);
            let activities = ActivityRegistry::builder().register("Ticket", move |_: ActivityContext, _: String| {
                let number = next.fetch_add(1, Ordering::Relaxed);
                async move {
                    tokio::time::sleep(SECOND).await;
                    Ok(number.to_string())
                }
            });
            let orchestrations =
                OrchestrationRegistry::builder().register("Two", |ctx: OrchestrationContext, _: String| async move {
                    let first = ctx.schedule_activity_on_session("Ticket", "", "s").await?;
                    ctx.schedule_timer(SECOND).await;
                    Ok(format!("{first} {}", ctx.schedule_activity_on_session("Ticket", "", "s").await?))
                });
            let options = duroxide_sim::duroxide::runtime::RuntimeOptions {
                session_lock_timeout: 30 * SECOND,
                session_lock_renewal_buffer: 5 * SECOND,
                ..Sim::default_options()
            };
            sim.node(Node::new(name, activities.build(), orchestrations.build()).options(options))
        };
        node(node(Sim::new(1), "a"), "b")
    };
    assert_eq!(run_one(ticket(), "Two").value, "1 2");
    let cut = |node| Plan::new().after(point(node, Method::AckWorkItem, 1), Action::partition(node, 600 * SECOND));
    let values = ["a", "b"].map(|node| run_one(ticket().plan(cut(node)).allow_unreached(), "Two").value);
    assert!(values.contains(&"1 1".to_owned()), "{values:?}");
}

#[test]
fn a_wrong_clock_brings_out_who_thinks_time_only_grows() {
    let intervals = || {
        work(
            |_, _| async { Ok(String::new()) },
            |ctx, _| async move {
                let before = ctx.utc_now().await?;
                ctx.schedule_timer(10 * SECOND).await;
                let passed = ctx.utc_now().await?.duration_since(before);
                passed.map(|passed| passed.as_secs().to_string()).map_err(|_| "time went backwards".to_owned())
            },
        )
    };
    assert_eq!(run_one(intervals(), "Work").value, "10");
    let step = |by_ms| {
        let skew = |node: &str| Action::Skew { node: node.to_owned(), by_ms };
        Plan::new().at(5 * SECOND, skew("a")).at(5 * SECOND, skew("b"))
    };
    assert_eq!(run_one(intervals().plan(step(-60_000)), "Work").value, "failed: time went backwards");
    assert_eq!(run_one(intervals().plan(step(60_000)), "Work").value, "70");
}

#[test]
fn an_upgrade_brings_out_code_that_replays_otherwise() {
    let code = |names: [&'static str; 2]| {
        OrchestrationRegistry::builder()
            .register("O", move |ctx: OrchestrationContext, _: String| async move {
                let first = ctx.schedule_activity(names[0], "1").await?;
                ctx.schedule_timer(10 * SECOND).await;
                Ok(first + &ctx.schedule_activity(names[1], "2").await?)
            })
            .build()
    };
    let sim = |names| {
        let node = Node::new("a", super::activities(), code(["Echo", "Slow"]));
        Sim::new(1).node(node.with_build("next", super::activities(), code(names)))
    };
    let upgrade = || Plan::new().at(5 * SECOND, Action::upgrade("a", "next"));
    assert_eq!(run_one(sim(["Slow", "Echo"]), "O").value, "12");
    assert_eq!(run_one(sim(["Echo", "Echo"]).plan(upgrade()), "O").value, "12");
    let broken = run_one(sim(["Slow", "Echo"]).plan(upgrade()), "O").value;
    assert!(broken.contains("nondeterministic"), "{broken}");
}

/// A graceful stop lets activities of a second finish, and only those.
#[test]
fn a_stop_brings_out_what_does_not_fit_into_its_grace() {
    async fn with(sim: Handle) -> Result<String, duroxide_sim::duroxide::ClientError> {
        once(sim.clone(), "Slow").await?;
        output(&sim.client(), "i").await
    }
    let stop = |node: &str| Action::Stop { node: node.to_owned(), restart_after: Some(5 * SECOND) };
    let plan = Plan::new().at(5 * SECOND, stop("a")).at(5 * SECOND, stop("b"));
    let runs = [Plan::new(), plan].map(|plan| two_nodes(1).plan(plan).try_run(with).unwrap_or_else(|f| panic!("{f}")));
    assert!(runs.iter().all(|run| run.value == "x"));
    assert!(runs[0].elapsed < 12 * SECOND && runs[1].elapsed > 30 * SECOND, "the activity starts again");
}
