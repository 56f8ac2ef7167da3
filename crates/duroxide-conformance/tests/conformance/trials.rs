//! The binary of trials: its names, its arguments, its exit codes. It is this
//! program again, told by a variable whom to check.

use std::process::Command;
use std::sync::Arc;

use async_trait::async_trait;
use duroxide::provider_validation::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_conformance::{Config, Storage, Suite, TimeSource, contract};

use super::saboteurs::{self, Saboteur, Suspect};
use super::scratch::Scratch;

const WHOM: &str = "DUROXIDE_SIM_TRIALS_OF";

/// Somewhere else.
struct Away;

#[async_trait]
impl ProviderFactory for Away {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        panic!("nobody asks for a provider that is not there")
    }
}

impl Storage for Away {
    fn time(&self) -> TimeSource {
        TimeSource::Virtual
    }

    fn unavailable(&self) -> Option<String> {
        Some("DATABASE_URL is not set".to_owned())
    }
}

/// The first saboteur that breaks a rule.
fn breaker(rule: &str) -> Saboteur {
    saboteurs::all().into_iter().find(|one| one.rule == rule).expect("there is such a saboteur")
}

/// Becomes a binary of trials, where the variable says so. What stands after
/// `--` in the arguments is that binary's.
pub fn become_trials() {
    let Some(whom) = std::env::var_os(WHOM) else { return };
    // What libtest has printed has no end of line yet.
    println!();
    let mut config = Config::default().no_regressions().calls(2_000_000);
    if let Some(file) = std::env::var_os("DUROXIDE_SIM_TRIALS_WAIVERS") {
        config = config.waivers(file);
    }
    let words = std::env::var("DUROXIDE_SIM_TRIALS_ARGUMENTS").unwrap_or_default();
    let arguments = std::iter::once("trials").chain(words.split_whitespace()).map(str::to_owned);
    match whom.to_str() {
        Some("honest") => Suite::with_storage(saboteurs::honest()).config(config).main_from(arguments),
        Some("miscounts") => Suite::with_storage(breaker("turn.attempts-rise")).config(config).main_from(arguments),
        Some("forgets") => {
            Suite::with_storage(Suspect::new(breaker("durable.reopen-sees-all"))).config(config).main_from(arguments)
        }
        Some("away") => Suite::with_storage(Away).config(config).main_from(arguments),
        _ => panic!("{WHOM} is {whom:?}"),
    }
}

#[test]
fn child() {
    become_trials();
}

struct Ended {
    code: Option<i32>,
    text: String,
}

fn trials_with(whom: &str, arguments: &str, waivers: Option<&Scratch>) -> Ended {
    let mut program = Command::new(std::env::current_exe().expect("a test knows its program"));
    program.args(["--exact", "trials::child", "--nocapture", "--test-threads=1"]);
    program.env(WHOM, whom).env("DUROXIDE_SIM_TRIALS_ARGUMENTS", arguments).env_remove("NEXTEST");
    if let Some(file) = waivers {
        program.env("DUROXIDE_SIM_TRIALS_WAIVERS", file.path());
    }
    let output = program.output().expect("the program can be run");
    let text = [output.stdout, output.stderr].concat();
    Ended { code: output.status.code(), text: String::from_utf8_lossy(&text).into_owned() }
}

fn trials(whom: &str, arguments: &str) -> Ended {
    trials_with(whom, arguments, None)
}

#[test]
fn every_rule_profile_and_validation_has_a_trial() {
    let listed = trials("honest", "--list");
    assert_eq!(listed.code, Some(0));
    let names: Vec<&str> = listed.text.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    for rule in contract::rules() {
        let name = format!("rule::{}::{}", rule.area(), rule.id);
        assert!(names.contains(&name.as_str()), "{name}");
    }
    assert_eq!(names.iter().filter(|name| name.starts_with("official::")).count(), contract::validations().count());
    assert!(names.contains(&"official::deletion::test_list_children"), "{names:?}");
    assert!(names.contains(&"generated::sessions"), "{names:?}");
    let mut distinct = names.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), names.len(), "no two trials have one name");
}

#[test]
fn trials_pass_alone_by_their_exact_name() {
    let one = trials("honest", "--exact rule::turn::turn.attempts-rise");
    assert_eq!(one.code, Some(0), "{}", one.text);
    assert!(one.text.contains("1 passed; 0 failed"), "{}", one.text);
    let official = trials("honest", "--exact official::deletion::test_list_children");
    assert!(official.text.contains("1 passed; 0 failed"), "{}", official.text);
}

#[test]
fn rule_trial_fails_for_its_own_rule_alone() {
    let own = trials("miscounts", "--exact rule::turn::turn.attempts-rise");
    assert_eq!(own.code, Some(101), "{}", own.text);
    assert!(own.text.contains("breaks 1 rule of the contract"), "{}", own.text);
    let another = trials("miscounts", "rule::list");
    assert_eq!(another.code, Some(0), "{}", another.text);
}

#[test]
fn rule_trial_reopens_the_storage_where_it_has_a_location() {
    let own = trials("forgets", "--exact rule::durable::durable.reopen-sees-all");
    assert_eq!(own.code, Some(101), "{}", own.text);
    assert!(own.text.contains("breaks 1 rule of the contract"), "{}", own.text);
}

#[test]
fn generated_trial_names_every_rule_it_finds_broken() {
    let all = trials("miscounts", "--exact generated::attempts");
    assert_eq!(all.code, Some(101), "{}", all.text);
    assert!(all.text.contains("turn.attempts-rise"), "{}", all.text);
}

#[test]
fn storage_that_is_not_there_shows_as_ignored_with_the_reason() {
    let away = trials("away", "rule::tag");
    assert_eq!(away.code, Some(0), "{}", away.text);
    assert!(away.text.contains("DATABASE_URL is not set"), "{}", away.text);
    assert!(away.text.contains("0 passed; 0 failed"), "{}", away.text);
}

#[test]
fn waived_trials_are_ignored_with_the_reason_and_stale_waivers_fail() {
    let waiver =
        |rule: &str| format!("[[waiver]]\nrule = {rule:?}\nreason = \"Counted elsewhere.\"\nlink = \"bugs/8\"\n");
    let file = Scratch::file(
        &["turn.attempts-rise", "official::poison_message::orchestration_attempt_count_increments_on_refetch"]
            .map(waiver)
            .concat(),
    );
    let rule = trials_with("miscounts", "--exact rule::turn::turn.attempts-rise", Some(&file));
    assert_eq!(rule.code, Some(0), "{}", rule.text);
    assert!(rule.text.contains("waived: Counted elsewhere. (bugs/8)"), "{}", rule.text);
    let still = trials_with("miscounts", "waivers::", Some(&file));
    assert_eq!(still.code, Some(0), "{}", still.text);
    assert!(still.text.contains("1 passed"), "{}", still.text);
    let mended = trials_with("honest", "waivers::", Some(&file));
    assert_eq!(mended.code, Some(101), "{}", mended.text);
    assert!(mended.text.contains("now passes: remove the waiver"), "{}", mended.text);
    let name = "--exact official::poison_message::orchestration_attempt_count_increments_on_refetch";
    let official = trials_with("miscounts", name, Some(&file));
    assert!(official.code == Some(0) && official.text.contains("waived: "), "{}", official.text);
    let official = trials_with("honest", name, Some(&file));
    assert!(official.text.contains("now passes: remove the waiver"), "{}", official.text);
}

#[test]
fn an_intermittent_validation_may_pass_or_fail() {
    let validation = "official::poison_message::orchestration_attempt_count_increments_on_refetch";
    let file = Scratch::file(&format!(
        "[[waiver]]\nrule = {validation:?}\nintermittent = true\nreason = \"It is a race.\"\nlink = \"bugs/9\"\n"
    ));
    let fails = trials_with("miscounts", &format!("--exact {validation}"), Some(&file));
    assert!(fails.code == Some(0) && fails.text.contains("waived: It is a race."), "{}", fails.text);
    let passes = trials_with("honest", &format!("--exact {validation}"), Some(&file));
    assert!(passes.code == Some(0) && passes.text.contains("1 passed"), "{}", passes.text);
}

#[test]
fn reports_come_from_an_argument_of_our_own() {
    let file = Scratch::new();
    let path = file.path().display();
    let run = trials("miscounts", &format!("rule::turn::turn.attempts --report json={path}"));
    assert_eq!(run.code, Some(101), "{}", run.text);
    let json = std::fs::read_to_string(file.path()).expect("the report was written");
    let json: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    let lines = json["trials"].as_array().expect("a list");
    assert!(lines.iter().any(|line| line["name"] == "rule::turn::turn.attempts-rise" && line["outcome"] == "failed"));
    let bad = trials("honest", "--report yaml=x");
    assert_eq!(bad.code, Some(101));
    assert!(bad.text.contains("\"yaml=x\" does not name a report."), "{}", bad.text);
    let none = trials("honest", "--report");
    assert!(none.text.contains("does not name a report"), "{}", none.text);
}

#[test]
fn waivers_that_cannot_be_read_end_the_binary() {
    let file = Scratch::file("[[waiver]]\nrule = \"no.such-rule\"\nreason = \"x\"\nlink = \"y\"\n");
    let ended = trials_with("honest", "--list", Some(&file));
    assert_eq!(ended.code, Some(101), "{}", ended.text);
    assert!(ended.text.contains("line 2: There is no rule \"no.such-rule\""), "{}", ended.text);
}
