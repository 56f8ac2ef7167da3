//! What an exploration is asked for and does not do is an error, and what is
//! meant can be said.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use duroxide_sim::Sim;
use duroxide_sim::call::Method;
use duroxide_sim::explore::{
    BASE_VARIABLE, CAPSULE_VARIABLE, Capsule, ExplorationReport, Explore, Outdated, Problem, SEEDS_VARIABLE,
    SHARD_VARIABLE, Stale,
};
use duroxide_sim::faults::FaultAction;
use duroxide_sim::seed::SEED_VARIABLE;
use duroxide_sim::sim::{CallSite, Cause, Input, Plan};

use super::shrinking::file;
use super::{explore, order, shop};

fn tried(explore: Explore) -> Result<ExplorationReport, Problem> {
    explore.try_run(shop, order).map_err(|problem| *problem)
}

#[test]
fn an_exploration_that_runs_nothing_is_a_mistake() {
    for (explore, why) in [
        (explore().seeds(0), "Explore::seeds(0)"),
        (explore().time_limit(Duration::ZERO), "Explore::time_limit(0)"),
        (explore().time_limit(Duration::from_nanos(1)), "expired before any seed was run"),
        (explore().workers(0), "Explore::workers(0)"),
        (explore().seed_time_limit(Duration::ZERO), "Explore::seed_time_limit(0)"),
        (explore().only_capsules(), "Explore::only_capsules has no capsule"),
    ] {
        let found = tried(explore);
        assert!(matches!(&found, Err(Problem::Setup(text)) if text.contains(why)), "{found:?}");
    }
    let found = explore().seeds(0).try_run(|sim| shop(sim).sometimes("never", |_| false), order);
    assert!(found.expect_err("no seed").to_string().contains("Explore::seeds(0)"));
}

#[test]
fn a_name_that_is_not_the_tests_is_told_with_what_to_write() {
    let other = "explore::apart::what_a_seed_reads_and_prints_is_no_part_of_the_protocol";
    for name in ["no_such_test", other] {
        let found = tried(explore().seeds(3).named(name));
        let Err(Problem::Setup(text)) = &found else { panic!("{found:?}") };
        assert!(text.contains("Give Explore::named the test's name as `cargo test` prints it"), "{text}");
    }
}

#[test]
fn instances_that_fail_are_counted_because_they_fail_no_run() {
    let every = || {
        explore().seeds(20).run(
            |sim| shop(sim).allow_unknown_handlers(),
            |sim| async move {
                sim.client().start_orchestration("order-1", "Order", "").await?;
                sim.client().start_orchestration("none-1", "Nobody has this", "").await?;
                sim.client().wait_for_orchestration("order-1", Duration::from_secs(86_400)).await?;
                sim.client().wait_for_orchestration("none-1", Duration::from_secs(86_400)).await.map(drop)
            },
        )
    };
    let report = every();
    assert_eq!((report.instances, report.failed_instances), (40, 20), "{report}");
    assert!(report.to_string().contains("40 instances, 20 of which failed"), "{report}");
    assert!(report.latencies > 0 && report.to_string().contains(" of them delayed, "), "{report}");
}

/// A plan of an entry that nobody comes to, in an exploration.
#[test]
fn a_plan_that_no_seed_comes_to_is_found_out() {
    let plan = || Plan::new().fault(CallSite::new("a", Method::AckWorkItem, 99), FaultAction::LoseReply);
    let found = explore().seeds(3).try_run(|sim| shop(sim).plan(plan()), order).map_err(|problem| *problem);
    let Err(Problem::Failed(found)) = found else { panic!("{found:?}") };
    assert!(matches!(found.failure.cause, Cause::Unreached(_)), "{found}");
    assert!(found.capsule.is_none() && found.command().starts_with("DUROXIDE_SIM_SEED=0 "), "{found}");
    explore().seeds(3).run(|sim| shop(sim).plan(plan()).allow_unreached(), order);
}

/// A capsule of the exploration that runs now, with a plan of its own.
fn capsule(name: &str, change: impl FnOnce(&mut Capsule)) -> PathBuf {
    let found = explore().seeds(1).try_run(shop, |_| async { Err::<(), _>("planted") }).map_err(|problem| *problem);
    let Err(Problem::Failed(found)) = found else { panic!("{found:?}") };
    let mut capsule = Capsule::read(found.capsule.expect("a capsule is left")).expect("it can be read");
    change(&mut capsule);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("asked-{name}.json"));
    capsule.write(&path).expect("it can be written");
    path
}

fn stale(explore: Explore) -> Stale {
    match tried(explore) {
        Err(Problem::Stale(stale)) => *stale,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_capsule_whose_calls_nobody_makes_any_more_is_stale() {
    let gone = Plan::new().fault(CallSite::new("a", Method::AckWorkItem, 99), FaultAction::LoseReply);
    let entry = gone.entries[0].clone();
    let path = capsule("gone", |capsule| capsule.plan.entries = gone.entries);
    let found = stale(explore().seeds(1).capsule(&path));
    assert_eq!(found.why, Outdated::Unreached { entries: vec![entry], of: 1, inputs: Vec::new() });
    let text = found.to_string();
    assert!(text.contains("Of the 1 entry of its plan, 1 did not happen:\n  ack_work_item #99 by a"), "{text}");
    let report = tried(explore().only_capsules().allow_stale_capsules().capsule(&path)).expect("it is meant");
    assert_eq!((report.capsules, report.seeds), (1, 0));
}

#[test]
fn a_capsule_whose_inputs_nobody_asks_for_any_more_is_stale() {
    let path = capsule("inputs", |capsule| {
        capsule.plan.inputs.insert("orders".to_owned(), Input { value: 3, least: 1 });
    });
    let found = stale(explore().seeds(1).capsule(&path));
    assert!(matches!(&found.why, Outdated::Unreached { inputs, .. } if inputs == &["orders"]), "{found}");
}

#[test]
fn a_capsule_of_another_test_is_stale() {
    let path = capsule("other", |capsule| capsule.test = "it::another".to_owned());
    let found = stale(explore().seeds(1).capsule(&path));
    assert!(matches!(&found.why, Outdated::OtherTest { of, .. } if of == "it::another"), "{found}");
    assert!(found.to_string().contains("meant to be replayed here"), "{found}");
    assert!(tried(explore().seeds(1).capsule(&path).allow_stale_capsules()).is_ok());
}

#[test]
fn a_capsule_of_other_nodes_says_which_file_it_is() {
    let path = capsule("nodes", |capsule| capsule.without = ["z".to_owned()].into());
    let text = explore().seeds(1).capsule(&path).try_run(shop, order).expect_err("there is no z").to_string();
    assert!(text.contains("asked-nodes.json cannot be replayed. There is no node \"z\""), "{text}");
}

/// Two explorations, of which the second fails where a variable says so; other
/// tests run it.
#[test]
fn two_explorations() {
    let first = explore().seeds(2).run(shop, order);
    let fails = std::env::var_os("DUROXIDE_SIM_PLANTED_FAILURE").is_some();
    let second = explore().seeds(2).try_run(shop, move |sim| async move {
        if fails { Err("planted".to_owned()) } else { order(sim).await.map_err(|error| error.to_string()) }
    });
    let second = second.unwrap_or_else(|problem| panic!("{problem}"));
    println!("first {} second {} end", first.seeds, second.seeds);
}

/// Runs tests of this binary with variables, and says how that went.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().expect("a test knows its program"));
    for name in [SEED_VARIABLE, SEEDS_VARIABLE, BASE_VARIABLE, SHARD_VARIABLE, CAPSULE_VARIABLE, "NEXTEST"] {
        command.env_remove(name);
    }
    let output = command.args(arguments).envs(variables.iter().copied()).output().expect("the program can be run");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

const TWO: &str = "explore::asked::two_explorations";

#[test]
fn a_capsule_in_the_environment_concerns_the_exploration_that_it_names() {
    let planted = ("DUROXIDE_SIM_PLANTED_FAILURE", "1");
    let (passed, text) = run(&["--exact", TWO], &[planted]);
    assert!(!passed, "{text}");
    let line = text.lines().find(|line| line.contains("DUROXIDE_SIM_CAPSULE=")).expect("a command is printed");
    let path = line.split(['=', ' ']).find(|word| word.ends_with(".json")).expect("a path");
    assert_eq!(Capsule::read(path).expect("it can be read").exploration, 1);
    let with_capsule = [(CAPSULE_VARIABLE, path)];
    // The first exploration runs as ever, the second repeats the capsule.
    let (passed, text) = run(&["--exact", TWO, "--nocapture"], &with_capsule);
    assert!(passed && text.contains("first 2 second 1 end"), "{text}");
    let (passed, text) = run(&["--exact", TWO], &[planted, with_capsule[0]]);
    assert!(!passed && text.contains("planted"), "{text}");
    // libtest shows nothing else of a test that passes.
    let (passed, text) = run(&["--exact", TWO], &with_capsule);
    assert!(passed && text.contains("no longer fails. Its failure was: the body returned"), "{text}");
    let changed = std::fs::read_to_string(path).expect("it can be read").replacen("\"planted\"", "\"other\"", 1);
    let changed = file("changed", &changed);
    let (passed, text) = run(&["--exact", TWO], &[planted, (CAPSULE_VARIABLE, changed.to_str().expect("a path"))]);
    assert!(!passed && text.contains("This is not the failure in the capsule"), "{text}");
    // Among other tests those go on as ever; alone, one of them proves nothing.
    let other = "explore::asked::one_exploration";
    let (passed, text) = run(&[other, "--nocapture"], &with_capsule);
    assert!(passed && text.contains("is not affected and explores as usual") && text.contains("one 2 end"), "{text}");
    let (passed, text) = run(&["--exact", other], &with_capsule);
    assert!(!passed && text.contains("It belongs to the test \"explore::asked::two_explorations\""), "{text}");
}

/// Run by others.
#[test]
fn one_exploration() {
    println!("one {} end", explore().seeds(2).run(shop, order).seeds);
}

#[test]
fn no_seed_in_the_environment_is_an_error_and_none_in_a_share_is_none() {
    let one = ["--exact", "explore::asked::one_exploration", "--nocapture"];
    let (passed, text) = run(&one, &[(SEEDS_VARIABLE, "0")]);
    assert!(!passed && text.contains("DUROXIDE_SIM_SEEDS=0 allows nothing to run"), "{text}");
    let (passed, text) = run(&one, &[(SHARD_VARIABLE, "8/8")]);
    assert!(passed && text.contains("no seeds were run, because there are none of share 8/8"), "{text}");
}

/// Explores whatever the environment says; run by another.
#[test]
fn an_exploration_of_its_own() {
    println!("own {} end", explore().seeds(3).without_environment().run(shop, order).seeds);
}

#[test]
fn an_exploration_can_take_no_notice_of_the_environment() {
    let variables = [(SEEDS_VARIABLE, "1"), (BASE_VARIABLE, "7"), (SHARD_VARIABLE, "2/3")];
    let own = ["--exact", "explore::asked::an_exploration_of_its_own", "--nocapture"];
    let (passed, text) = run(&own, &variables);
    assert!(passed && text.contains("own 3 end"), "{text}");
}

/// Names of properties are told apart in explorations as well.
#[test]
fn two_properties_of_one_name_are_a_mistake() {
    let twice = |sim: Sim| shop(sim).sometimes("it", |_| true).sometimes("it", |_| false);
    let text = explore().seeds(3).try_run(twice, order).expect_err("they are two").to_string();
    assert!(text.contains("Two properties have the name \"it\""), "{text}");
}
