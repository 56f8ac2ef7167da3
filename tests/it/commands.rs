//! What a failing simulation prints repeats the failure.

use std::path::Path;
use std::process::Command;

use duroxide_sim::{Sim, explore};

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
    let command = printed(&text);
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

/// A command without what cargo tells the programs that it starts.
fn by_hand(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO")) {
        command.env_remove(name);
    }
    command.env_remove(duroxide_sim::seed::SEED_VARIABLE);
    command
}

fn printed(text: &str) -> &str {
    let command = text.split("Repeat it with:").nth(1).and_then(|rest| rest.lines().nth(1)).map(str::trim);
    command.unwrap_or_else(|| panic!("a command is printed: {text}"))
}

#[test]
fn printed_command_of_a_test_that_was_run_by_hand_repeats_the_failure() {
    // A program's path may need quotes as well.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("by hand, it's $HOME {}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let program = folder.join("tests of it");
    let own = std::env::current_exe().expect("a test knows its program");
    std::fs::hard_link(own, &program).expect("the program can have a second name");
    let starts: [&[&str]; 5] = [
        &["--exact", "commands::planted_failure"],
        &["--test-threads", "1", "--exact", "commands::planted_failure", "--color", "always"],
        &["--skip", "nothing", "--format", "pretty", "commands::planted", "nothing::of::this::name"],
        &["-q", "--test-threads=1", "commands::planted"],
        &["--exact", "--test-threads", "1", "nothing::of::this::name", "commands::planted_failure"],
    ];
    for start in starts {
        let (passed, text) = output(by_hand(&program).args(start));
        assert!(!passed && text.contains("planted for seed"), "{start:?}: {text}");
        let command = printed(&text);
        assert!(command.starts_with("DUROXIDE_SIM_SEED=") && !command.contains("cargo"), "{start:?}: {command}");
        let (passed, again) = output(by_hand("sh").args(["-c", command]).current_dir(std::env::temp_dir()));
        assert!(!passed && again.contains("planted for seed"), "{start:?}: {command}: {again}");
        assert!(again.contains("commands::planted_failure"), "{start:?}: {command}: {again}");
    }
    std::fs::remove_dir_all(folder).expect("the folder can be removed");
}

#[test]
fn tests_of_an_example_are_run_by_cargo_test() {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("example-{}", std::process::id())).join("examples");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let program = folder.join("shop-0123456789abcdef");
    let own = std::env::current_exe().expect("a test knows its program");
    std::fs::hard_link(own, &program).expect("the program can have a second name");
    let (_, text) =
        output(by_hand(&program).args(["--exact", "commands::planted_failure"]).env("CARGO_PKG_NAME", "a-package"));
    let command = "cargo test -p a-package --example shop -- --exact commands::planted_failure";
    assert!(printed(&text).ends_with(command), "{text}");

    // Names are found among several tests, and explorations start their processes by them.
    let mut run = by_hand(&program);
    run.args(["commands::an_exploration_of_one_seed", "commands::planted_failure", "--test-threads", "2"]);
    let (_, text) = output(&mut run);
    assert!(text.contains("an_exploration_of_one_seed ... ok"), "{text}");
    std::fs::remove_dir_all(folder.parent().expect("a folder is in one")).expect("the folder can be removed");
}

#[test]
fn an_exploration_of_one_seed() {
    explore().without_environment().seeds(1).run(|sim| sim, |_| async {});
}

/// Names that tests have in other harnesses.
const ODD: [&str; 6] =
    ["plain::name", "two words", "it's $HOME `id` \"x\" \\ * !", "", "=a ~b", "\u{1b}[31m 100%\nüber \u{202e}9"];

/// Run by another.
#[test]
fn explorations_with_odd_names() {
    if std::env::var_os(PLANT).is_none() {
        return;
    }
    for name in ODD {
        let found = explore().named(name).try_run(|sim| sim, |_| async { Err::<(), _>("planted") });
        println!("{}", found.expect_err("it fails"));
    }
}

#[test]
fn names_in_a_printed_command_come_through_the_shell_as_they_are() {
    let mut run = by_hand(std::env::current_exe().expect("a test knows its program"));
    run.args(["--exact", "commands::explorations_with_odd_names", "--nocapture"]);
    let (_, text) = output(run.env(duroxide_sim::seed::SEED_VARIABLE, "3"));
    let commands: Vec<&str> = text.split("Repeat it with:").skip(1).filter_map(|rest| rest.lines().nth(1)).collect();
    assert_eq!(commands.len(), ODD.len(), "{text}");
    for (name, command) in ODD.iter().zip(commands) {
        let (_, word) = command.split_once("--exact ").unwrap_or_else(|| panic!("{command}"));
        let shell =
            Command::new("sh").args(["-c", &format!("printf '%s|' {word}")]).output().expect("there is a shell");
        assert_eq!(String::from_utf8_lossy(&shell.stdout), format!("{name}|"), "{command}");
    }
}
