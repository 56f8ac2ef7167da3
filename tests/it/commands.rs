//! What a failing simulation prints repeats the failure.

use std::process::Command;

use duroxide_sim::Sim;

/// Set to switch the planted failure on; it must not fail an ordinary run.
const PLANT: &str = "DUROXIDE_SIM_PLANTED_FAILURE";

/// Fails for one seed of four, where the switch is on.
#[test]
fn planted_failure() {
    if std::env::var_os(PLANT).is_none() {
        return;
    }
    let fails = (1..100).find(|seed| duroxide_sim::Seed(*seed).stream().below(4) == 0).expect("one seed in four");
    let seed = if std::env::var_os(duroxide_sim::seed::SEED_VARIABLE).is_some() { 0 } else { fails };
    Sim::new(seed).run(|sim| async move {
        let unlucky = sim.seed().stream().below(4) == 0;
        if unlucky { Err(format!("planted for seed {}", sim.seed())) } else { Ok(()) }
    });
}

fn output(command: &mut Command) -> (bool, String) {
    let output = command.env(PLANT, "1").output().expect("the command can be run");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn printed_command_repeats_the_failure() {
    let program = std::env::current_exe().expect("a test knows its program");
    let mut first = Command::new(program);
    first.args(["--exact", "commands::planted_failure"]).env_remove(duroxide_sim::seed::SEED_VARIABLE);
    let (passed, text) = output(&mut first);
    assert!(!passed, "the planted failure fails: {text}");
    let command = text.split("Repeat it with:").nth(1).and_then(|rest| rest.lines().nth(1)).map(str::trim);
    let command = command.unwrap_or_else(|| panic!("a command is printed: {text}"));
    assert!(command.starts_with("DUROXIDE_SIM_SEED="), "{command}");

    let mut shell = Command::new("sh");
    let (passed, again) = output(shell.args(["-c", command]).current_dir(env!("CARGO_MANIFEST_DIR")));
    assert!(!passed, "the command fails as well: {again}");
    let planted = |text: &str| text.lines().find(|line| line.contains("planted for seed")).map(str::to_owned);
    assert!(planted(&text).is_some(), "{text}");
    assert_eq!(planted(&text), planted(&again), "and for the same reason: {again}");
}

#[test]
fn another_seed_in_the_variable_overrides_the_tests_own() {
    let program = std::env::current_exe().expect("a test knows its program");
    let lucky = (1..100).find(|seed| duroxide_sim::Seed(*seed).stream().below(4) != 0).expect("three seeds in four");
    let mut run = Command::new(program);
    run.args(["--exact", "commands::planted_failure"]).env(duroxide_sim::seed::SEED_VARIABLE, lucky.to_string());
    let (passed, text) = output(&mut run);
    assert!(passed, "{text}");
}
