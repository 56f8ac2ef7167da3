//! What is found is made small, and left as a file that replays.

use std::process::Command;
use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext};
use duroxide_sim::explore::{CAPSULE_VARIABLE, Capsule, Finding, Problem};
use duroxide_sim::seed::SEED_VARIABLE;
use duroxide_sim::sim::{Cause, Storm};
use duroxide_sim::{Handle, Sim};

use super::{explore, order};

/// Set to plant the bug: without it the payment has an idempotency key.
const PLANT: &str = "DUROXIDE_SIM_PLANTED_FAILURE";

/// Two nodes; the payment is taken once for each attempt where the bug is
/// planted.
fn careless(sim: Sim) -> Sim {
    let (paid, planted) = (sim.effects(), std::env::var_os(PLANT).is_some());
    let activities = ActivityRegistry::builder()
        .register("Pay", move |ctx: ActivityContext, _: String| {
            if planted || paid.count("paid") == 0 {
                paid.add("paid");
            }
            let _ = ctx;
            async { Ok("paid".to_owned()) }
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Order", |ctx: OrchestrationContext, _: String| async move { ctx.schedule_activity("Pay", "").await })
        .build();
    let sim = sim.node("a", activities.clone(), orchestrations.clone()).node("b", activities, orchestrations);
    sim.storm(Storm::new()).finish_within(Duration::from_secs(3600)).always("paid once", |sim: &Handle| {
        let paid = sim.effects().count("paid");
        if paid > 1 { Err(format!("it was paid {paid} times")) } else { Ok(()) }
    })
}

/// Fails where the bug is planted.
#[test]
fn payments_are_taken_once() {
    explore().seeds(400).run(careless, order);
}

/// Runs [`payments_are_taken_once`] with the bug, and what else is said.
fn planted(variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().expect("a test knows its program"));
    command.args(["--exact", "explore::shrinking::payments_are_taken_once"]).env(PLANT, "1");
    output(command.env_remove(SEED_VARIABLE).envs(variables.iter().copied()))
}

fn output(command: &mut Command) -> (bool, String) {
    let output = command.output().expect("the command can be run");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn printed_command_replays_the_capsule() {
    let (passed, text) = planted(&[]);
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
