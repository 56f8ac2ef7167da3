//! A finding is shrunk, and left as a file that replays.

use std::process::Command;
use std::time::Duration;

use duroxide_sim::call::Method;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::explore::{CAPSULE_VARIABLE, Capsule, Finding, Problem, Stopped, Versions};
use duroxide_sim::faults::FaultAction;
use duroxide_sim::seed::SEED_VARIABLE;
use duroxide_sim::sim::{Action, CallSite, Cause, FaultKind, Plan, Storm};
use duroxide_sim::trace::{Mark, NodeEvent};
use duroxide_sim::{Handle, Node, Sim};

use super::{explore, order, shop};

/// Set to plant the bug: without it the payment has an idempotency key.
const PLANT: &str = "DUROXIDE_SIM_PLANTED_FAILURE";

/// Two nodes; the payment is taken once for each attempt where the bug is
/// planted.
fn careless(sim: Sim) -> Sim {
    payments(sim, std::env::var_os(PLANT).is_some())
}

fn planted(sim: Sim) -> Sim {
    payments(sim, true)
}

fn payments(sim: Sim, planted: bool) -> Sim {
    let paid = sim.effects();
    let activities = ActivityRegistry::builder()
        .register("Pay", move |_: ActivityContext, _: String| {
            if planted || paid.count("paid") == 0 {
                paid.add("paid");
            }
            async { Ok("paid".to_owned()) }
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Order", |ctx: OrchestrationContext, _: String| async move { ctx.schedule_activity("Pay", "").await })
        .build();
    let sim = sim.node(Node::new("a", activities.clone(), orchestrations.clone())).node(Node::new(
        "b",
        activities,
        orchestrations,
    ));
    let storm = Storm::new().only(&[FaultKind::Refuse, FaultKind::Crash, FaultKind::ShortLock]).every_kind();
    sim.storm(storm).finish_within(Duration::from_secs(3600)).always("paid once", |sim: &Handle| {
        let paid = sim.effects().count("paid");
        if paid > 1 { Err(format!("it was paid {paid} times")) } else { Ok(()) }
    })
}

/// Fails where the bug is planted.
#[test]
fn payments_are_taken_once() {
    explore().seeds(100).run(careless, order);
}

/// Runs [`payments_are_taken_once`] with the bug.
fn with_the_bug() -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().expect("a test knows its program"));
    command.args(["--exact", "explore::shrinking::payments_are_taken_once"]).env(PLANT, "1");
    output(command.env_remove(SEED_VARIABLE))
}

fn output(command: &mut Command) -> (bool, String) {
    let output = command.output().expect("the command can be run");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn printed_command_replays_the_capsule() {
    let (passed, text) = with_the_bug();
    assert!(!passed && text.contains("\"paid once\" must always hold"), "{text}");
    let command = text.split("Repeat it with:").nth(1).and_then(|rest| rest.lines().nth(1)).map(str::trim);
    let command = command.unwrap_or_else(|| panic!("a command is printed: {text}"));
    assert!(command.starts_with(CAPSULE_VARIABLE), "{command}");
    let path = command.split(['=', ' ']).nth(1).expect("a path");
    let capsule = Capsule::read(path).expect("the capsule is there");
    assert!(capsule.plan.entries.len() <= 2, "{}", capsule.plan);
    assert!(matches!(&capsule.cause, Cause::Property { name, .. } if name == "paid once"));
    assert!(!capsule.trace.entries.is_empty());

    let mut shell = Command::new("sh");
    let shell = shell.args(["-c", command]).current_dir(env!("CARGO_MANIFEST_DIR")).env(PLANT, "1");
    let (passed, again) = output(shell);
    assert!(!passed, "{again}");
    let what = |text: &str| {
        let lines = text.lines().filter(|line| line.contains("virtual time:") || line.contains("must always hold"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(what(&again), what(&text), "{again}");

    let (passed, mended) = output(shell.env_remove(PLANT));
    assert!(passed, "{mended}");
}

/// What exploring finds, with a property of the test's.
fn finding(build: impl Fn(Sim) -> Sim) -> Finding {
    match explore().seeds(400).try_run(build, order).map_err(|problem| *problem) {
        Err(Problem::Failed(finding)) => *finding,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_that_dies_is_made_small_too() {
    let found = finding(|sim| {
        shop(sim).storm(Storm::new().only(&[FaultKind::ShortLock]).every_kind()).always("paid once", |sim| {
            if sim.effects().count("order-1") > 1 {
                std::process::abort();
            }
            Ok(())
        })
    });
    assert!(matches!(found.failure.cause, Cause::Died(_)), "{found}");
    assert!(found.entries > 0 && (1..=2).contains(&found.failure.plan.entries.len()), "{found}");
}

#[test]
fn a_node_that_does_not_matter_is_left_out() {
    let found = finding(|sim| {
        let sim = payments(sim, false).storm(Storm::new().only(&[FaultKind::Crash]).every_kind().fault_budget(6));
        sim.always("a stays up", |sim| {
            let crashed = |mark: &Mark| matches!(mark.what, NodeEvent::Crashed) && &*mark.node == "a";
            if sim.trace().marks.iter().any(crashed) { Err("it crashed".to_owned()) } else { Ok(()) }
        })
    });
    assert_eq!(found.without.iter().collect::<Vec<_>>(), ["b"], "{found}");
    let [entry] = &found.failure.plan.entries[..] else { panic!("{found}") };
    let Action::Crash { node, restart_after } = &entry.what else { panic!("{found}") };
    assert_eq!((node.as_str(), *restart_after), ("a", Some(Duration::ZERO)), "{found}");
    assert!(found.failure.plan.calm.is_none(), "{found}");
}

#[test]
fn one_long_trouble_takes_the_place_of_several_short_ones() {
    let short = FaultAction::Delay { before: Duration::from_millis(400), after: Duration::ZERO };
    let build = move |sim| {
        let points = [Method::AckOrchestrationItem, Method::AckWorkItem].map(|method| CallSite::new("a", method, 1));
        let plan = points.into_iter().fold(Plan::new(), |plan, point| plan.fault(point, short));
        shop(sim).plan(plan).always("soon paid", |sim| {
            if sim.elapsed() < Duration::from_millis(700) { Ok(()) } else { Err("it takes too long".to_owned()) }
        })
    };
    let found = explore().seeds(1).without_latencies().try_run(build, order).map_err(|problem| *problem);
    let Err(Problem::Failed(found)) = found else { panic!("{found:?}") };
    assert_eq!((found.entries, found.failure.plan.entries.len()), (2, 1), "{found}");
}

#[test]
fn no_time_to_shrink_leaves_the_plan_as_it_was() {
    let build = |sim| {
        shop(sim).storm(Storm::new().every_kind()).always("nothing goes wrong", |sim| {
            if sim.trace().marks.len() > 3 { Err("something did".to_owned()) } else { Ok(()) }
        })
    };
    let found =
        explore().seeds(400).shrink_time_limit(Duration::ZERO).try_run(build, order).map_err(|problem| *problem);
    let Err(Problem::Failed(found)) = found else { panic!("{found:?}") };
    assert_eq!((found.shrunk, found.entries), (None, found.failure.plan.entries.len()));
    assert!(Capsule::read(found.capsule.expect("a capsule")).is_ok());
}

/// A number of up to a million, from 1,234 on too large, beside 18 entries that do
/// not matter.
fn large_number() -> Finding {
    let entries = (1..=6).flat_map(|nth| {
        [Method::FetchOrchestrationItem, Method::AckOrchestrationItem, Method::Read].map(|method| (method, nth))
    });
    let slow = FaultAction::Delay { before: Duration::from_secs(2), after: Duration::ZERO };
    let plan = entries.fold(Plan::new(), |plan, (method, nth)| plan.fault(CallSite::new("a", method, nth), slow));
    let body = |sim: Handle| async move {
        let orders = sim.input("orders", 1..=1_000_000);
        for order in 0..6 {
            sim.client().start_orchestration(format!("order-{order}"), "Order", "").await?;
            sim.client().wait_for_orchestration(&format!("order-{order}"), Duration::from_secs(3600)).await?;
        }
        assert!(orders < 1_234, "too many orders");
        Ok::<_, ClientError>(())
    };
    let found = explore().seeds(50).try_run(|sim| shop(sim).plan(plan.clone()), body).map_err(|problem| *problem);
    let Err(Problem::Failed(found)) = found else { panic!("{found:?}") };
    *found
}

#[test]
fn entries_go_at_once_and_numbers_are_bisected() {
    let found = large_number();
    assert!(found.entries >= 18, "{found}");
    assert_eq!(found.failure.plan.inputs["orders"].value, 1_234, "{found}");
    let shrunk = found.shrunk.clone().expect("there is time to shrink");
    assert!(shrunk.minimal && shrunk.left == 0 && shrunk.runs <= 30, "{found}");
    let told = format!(
        "\nShrunk in {} runs; the plan is minimal: it fails without any fault, so all {} entries were left out, and no number can be halved.\n",
        shrunk.runs, found.entries
    );
    assert!(found.to_string().contains(&told), "{found}");
    let capsule = Capsule::read(found.capsule.expect("a capsule")).expect("it can be read");
    assert_eq!(capsule.shrunk, Some(shrunk));
}

#[test]
fn shrinking_comes_to_the_same_with_any_number_of_workers() {
    let with = |workers| {
        let build = |sim| planted(sim).storm(Storm::new().every_kind());
        let found = explore().seeds(400).workers(workers).try_run(build, order).map_err(|problem| *problem);
        let Err(Problem::Failed(found)) = found else { panic!("{found:?}") };
        assert!(found.shrunk.as_ref().is_some_and(|shrunk| shrunk.minimal), "{found}");
        (found.seed, found.failure.plan, found.without, found.shrunk)
    };
    let one = with(1);
    assert_eq!(with(2), one);
    assert_eq!(with(5), one);
}

#[test]
fn shrinking_that_runs_out_of_time_says_how_far_it_came() {
    let time = Duration::from_nanos(1);
    let found = explore().seeds(400).shrink_time_limit(time).try_run(planted, order).map_err(|problem| *problem);
    let Err(Problem::Failed(found)) = found else { panic!("{found:?}") };
    let shrunk = found.shrunk.clone().expect("it has begun");
    assert!(!shrunk.minimal && shrunk.untried >= found.entries as u64, "{found}");
    assert_eq!((shrunk.runs, shrunk.left, &shrunk.stopped), (1, found.entries, &Some(Stopped::Time(time))));
    let told = format!(
        "\nShrinking stopped at its time limit of 1ns (Explore::shrink_time_limit) after 1 run, with {0} of {0} entries left; \
         the plan may not be minimal: {1} candidates were not tried.\n",
        found.entries, shrunk.untried
    );
    assert!(found.to_string().contains(&told), "{found}");
}

/// An event that comes while a crashed node has not started again is lost. That the
/// node never starts would be another failure of the same instance.
#[test]
fn shrinking_does_not_slip_to_another_failure_of_the_same_instance() {
    let orchestrations = OrchestrationRegistry::builder()
        .register("Order", |ctx: OrchestrationContext, _: String| async move {
            ctx.schedule_timer(Duration::from_secs(2)).await;
            Ok(ctx.schedule_wait("paid").await)
        })
        .build();
    let build = |sim: Sim| {
        let plan = Plan::new()
            .at(Duration::from_secs(1), Action::Crash { node: "a".to_owned(), restart_after: None })
            .at(Duration::from_secs(60), Action::Start { node: "a".to_owned() });
        let sim = sim.node(Node::new("a", ActivityRegistry::builder().build(), orchestrations.clone())).plan(plan);
        sim.finish_within(Duration::from_secs(600))
    };
    let body = |sim: Handle| async move {
        sim.client().start_orchestration("order-1", "Order", "").await?;
        sim.sleep(Duration::from_secs(30)).await;
        sim.client().raise_event("order-1", "paid", "").await
    };
    let found = explore().seeds(1).without_latencies().try_run(build, body).map_err(|problem| *problem);
    let Err(Problem::Failed(found)) = found else { panic!("{found:?}") };
    assert!(matches!(found.failure.cause, Cause::Unfinished(_)), "{found}");
    assert!(found.to_string().contains("ExternalSubscribed"), "{found}");
    assert!(found.shrunk.as_ref().is_some_and(|shrunk| shrunk.minimal && shrunk.left == 2), "{found}");
}

/// Where no process is left to run candidates in, nobody knows whether they fail.
#[test]
fn shrinking_that_loses_its_workers_does_not_call_the_plan_minimal() {
    let found = finding(|sim| {
        let plan = [Method::Read, Method::AckWorkItem].map(|method| CallSite::new("a", method, 1));
        let plan = plan.into_iter().fold(Plan::new(), |plan, point| plan.fault(point, FaultAction::LoseReply));
        shop(sim).plan(plan).always("nothing goes wrong", |sim| {
            let troubles = sim.trace().marks.iter().filter(|mark| matches!(mark.what, NodeEvent::Fault { .. })).count();
            if sim.elapsed() > Duration::from_millis(1) && troubles == 0 {
                let server = std::os::unix::process::parent_id().to_string();
                Command::new("kill").args(["-9", &server]).status().expect("kill can be run");
            }
            if troubles == 2 { Err("something did".to_owned()) } else { Ok(()) }
        })
    });
    let shrunk = found.shrunk.clone().expect("it has begun");
    assert!(
        matches!(&shrunk.stopped, Some(Stopped::Broken(why)) if why.contains("A worker process ended unexpectedly")),
        "{found}"
    );
    assert!(!shrunk.minimal && shrunk.untried > 0, "{found}");
}

/// Where a test keeps a file of its own.
pub fn file(name: &str, text: &str) -> std::path::PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("capsule-{name}.json"));
    std::fs::write(&path, text).expect("the file can be written");
    path
}

/// What an error and all that it wraps say.
fn chain(error: &dyn std::error::Error) -> String {
    let wrapped = error.source().map(chain);
    wrapped.map_or_else(|| error.to_string(), |reason| format!("{error} The reason: {reason}"))
}

#[test]
fn a_damaged_capsule_is_an_error_that_says_so() {
    let missing = chain(&Capsule::read("no/such/file.json").expect_err("there is none"));
    assert!(missing.contains("no/such/file.json") && missing.contains("No such file"), "{missing}");
    let capsule = Capsule::read(finding(planted).capsule.expect("a capsule")).expect("it can be read");
    let plan = Plan::new()
        .at(Duration::from_secs(1), Action::Stall { node: "a".to_owned(), lasts: Duration::from_secs(1) })
        .fault(CallSite::new("a", Method::AckWorkItem, 1), FaultAction::LoseReply);
    let misspelt = serde_json::to_string(&Capsule { plan, ..capsule }).expect("it has a JSON form");
    let unknown_in_plan = misspelt.replacen("\"lasts\":", "\"lasting\":", 1);
    let unknown = misspelt.replacen("\"seed\":", "\"seeds\":", 1);
    let misspelt = misspelt.replacen("\"ack_work_item\"", "\"ack\"", 1);
    for (text, why) in [
        ("not json", "it is not a capsule. The reason: expected"),
        ("{\"capsule\": 7}", "it has format 7, and this crate reads format 2"),
        ("{\"capsule\": 2, \"seed\": 5}", "it is damaged. The reason: missing field"),
        ("", "it is not a capsule. The reason: EOF"),
        ("[2]", "it does not contain a JSON object"),
        (" 3", "it does not contain a JSON object"),
        (&unknown, "unknown field `seeds`, expected one of `capsule`"),
        (&unknown_in_plan, "unknown field `lasting`, expected"),
        (&misspelt, "unknown variant `ack`, expected one of `fetch_orchestration_item`, `ack_orchestration_item`"),
    ] {
        let path = file("damaged", text);
        let error = chain(&Capsule::read(&path).expect_err("it is damaged"));
        assert!(error.contains(why), "{error}");
        let found = explore().seeds(1).capsule(&path).try_run(shop, order).expect_err("it is damaged");
        assert!(found.to_string().contains(why), "{found}");
    }
}

/// Beside the capsule stands the page of its run, which the text names; and
/// whoever has only the capsule makes the same page of it.
#[test]
fn a_page_of_the_small_run_is_left_beside_the_capsule() {
    let found = finding(planted);
    let left = found.page.as_ref().expect("a page is left");
    assert!(found.to_string().contains(&format!("See the run in a browser:\n  {}", left.display())), "{found}");
    let page = std::fs::read_to_string(left).expect("the page is there");
    let capsule = Capsule::read(found.capsule.expect("a capsule")).expect("it can be read");
    assert_eq!(capsule.timeline().html(), page);
    assert!(page.contains("paid once"), "the page says why the run failed");
    assert_eq!(capsule.failure().cause, found.failure.cause);
}

#[test]
fn a_capsule_that_is_kept_is_run_first() {
    let found = finding(planted).capsule.expect("a capsule is left");
    let capsule = Capsule::read(&found).expect("it can be read");
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("capsule-kept.json");
    capsule.write(&path).expect("it can be written");
    assert_eq!(Capsule::read(&path), Ok(capsule.clone()));
    explore().seeds(2).capsule(&path).run(careless, order);

    let found = explore().only_capsules().capsule(&path).try_run(planted, order).map_err(|problem| *problem);
    let Err(Problem::Failed(found)) = found else { panic!("{found:?}") };
    assert!(matches!(found.failure.cause, Cause::Property { .. }), "{found}");
    assert!(
        found.to_string().contains(&path.display().to_string()) && !found.to_string().contains("regression test"),
        "{found}"
    );

    let older = Versions { duroxide: "0.1.31".to_owned(), ..capsule.versions.clone() };
    Capsule { versions: older, ..capsule }.write(&path).expect("it can be written");
    let found = explore().only_capsules().capsule(&path).try_run(planted, order).expect_err("it fails");
    let warning = "The capsule was made with duroxide-sim 0.1.0 and duroxide 0.1.31, but this is duroxide-sim";
    assert!(found.to_string().contains(warning), "{found}");
}
