//! How much is checked, what overrides it, and what a check says at its end.

use std::process::Command;
use std::time::Duration;

use duroxide_conformance::unstable::check_storage;
use duroxide_conformance::{Area, Config, Profile, Verdict};

use super::saboteurs::{self, Saboteur};
use super::scratch::Scratch;
use crate::snapshot;

fn config() -> Config {
    Config::default().quiet().no_regressions()
}

fn miscounts() -> Saboteur {
    saboteurs::all().into_iter().find(|one| one.rule == "turn.attempts-rise").expect("there is such a saboteur")
}

async fn verdict(config: &Config) -> Verdict {
    check_storage(&miscounts(), config).await
}

#[tokio::test]
async fn same_seed_gives_the_same_verdict() {
    let config = config().seed(7).calls(5_000);
    let (one, other) = (verdict(&config).await, verdict(&config).await);
    assert_eq!(one.to_string(), other.to_string());
    assert_eq!(one.counts, other.counts);
}

#[tokio::test]
async fn budget_is_met_with_less_than_one_script_over() {
    let clean = check_storage(&saboteurs::honest(), &config().calls(3_000)).await;
    assert!(clean.is_clean(), "{clean}");
    assert!((3_000..20_000).contains(&clean.counts.calls), "{}", clean.counts.calls);
    let one = check_storage(&saboteurs::honest(), &config().calls(1)).await;
    assert_eq!(one.counts.scripts, 1);
}

#[tokio::test]
async fn check_without_time_says_how_far_it_came() {
    let hasty = config().calls(u64::MAX).at_most(Duration::from_millis(1));
    let verdict = check_storage(&saboteurs::honest(), &hasty).await;
    assert!(verdict.is_clean() && verdict.counts.scripts > 0, "{verdict}");
    assert!(verdict.notes.iter().any(|note| note.contains("Config::at_most")), "{verdict}");
}

#[tokio::test]
async fn profiles_say_what_scripts_are_about() {
    let sessions = config().calls(4_000).profiles([Profile::of(Area::Sessions)]);
    let verdict = check_storage(&saboteurs::honest(), &sessions).await;
    let count = |method| verdict.counts.accepted.get(method).copied().unwrap_or(0);
    assert!(count("renew_session_lock") > count("prune_executions_bulk"), "{:?}", verdict.counts.accepted);
}

#[tokio::test]
async fn findings_are_kept_and_rerun_first() {
    let folder = Scratch::new();
    let kept = config().calls(20_000).regressions(folder.path());
    let first = verdict(&kept).await;
    let file = first.findings.first().and_then(|finding| finding.file.clone()).expect("it is kept");
    assert!(file.starts_with(folder.path()), "{file:?}");
    let again = verdict(&Config::default().quiet().calls(1).regressions(folder.path())).await;
    assert_eq!(again.findings.len(), 1, "{again}");
    assert_eq!(again.findings[0].file, Some(file.clone()));
    std::fs::write(&file, "no script").expect("the file can be written");
    let damaged = verdict(&Config::default().quiet().calls(1).regressions(folder.path())).await;
    assert!(damaged.troubles[0].contains("is not a script"), "{damaged}");
}

#[tokio::test]
async fn verdict_is_for_a_person_to_read() {
    let verdict = verdict(&config().calls(20_000)).await;
    snapshot("conformance_verdict", &verdict.to_string());
    let clean = check_storage(&saboteurs::honest(), &config().calls(2_000)).await;
    snapshot("conformance_clean_verdict", &clean.to_string());
}

#[tokio::test]
#[should_panic(expected = "breaks 1 rule of the contract")]
async fn assert_clean_panics_with_the_report() {
    verdict(&config().calls(20_000)).await.assert_clean();
}

/// Run by the tests below, in a process with another environment.
#[tokio::test]
async fn in_this_environment() {
    if std::env::var_os("DUROXIDE_SIM_PRINT_VERDICT").is_some() {
        println!("{}", verdict(&config().calls(3_000)).await);
    }
}

fn with_env(variables: &[(&str, &str)]) -> String {
    let mut program = Command::new(std::env::current_exe().expect("a test knows its program"));
    program.args(["--exact", "config::in_this_environment", "--nocapture"]);
    program.env("DUROXIDE_SIM_PRINT_VERDICT", "1").envs(variables.iter().copied());
    let output = program.output().expect("the program can be run");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn environment_overrides_seed_and_calls() {
    let text = with_env(&[("DUROXIDE_SIM_SEED", "0x2a"), ("DUROXIDE_SIM_CALLS", "1")]);
    assert!(text.contains("in 1 scripts") && text.contains("seed 42."), "{text}");
}

#[test]
fn environment_names_the_one_script() {
    let script = Scratch::file("# Nothing happens.\n\"ReadBack\"\n");
    let path = script.path().display().to_string();
    let text = with_env(&[("DUROXIDE_SIM_SCRIPT", &path)]);
    assert!(text.contains("7 calls in 1 scripts"), "{text}");
}

#[test]
fn bad_environment_is_an_error_that_says_what_to_do() {
    for (name, value, told) in [
        ("DUROXIDE_SIM_SEED", "lucky", "DUROXIDE_SIM_SEED: \"lucky\" is not a seed. Give a decimal number"),
        ("DUROXIDE_SIM_CALLS", "-3", "DUROXIDE_SIM_CALLS is \"-3\", which is not a number of calls. Give a whole"),
        ("DUROXIDE_SIM_CALLS", "", "DUROXIDE_SIM_CALLS is \"\", which is not a number of calls."),
        ("DUROXIDE_SIM_CALLS", "0", "DUROXIDE_SIM_CALLS is \"0\", which is not a number of calls."),
        ("DUROXIDE_SIM_SCRIPT", "no/such/file", "DUROXIDE_SIM_SCRIPT: no/such/file cannot be read"),
        ("DUROXIDE_SIM_REPORT", "yaml=x", "\"yaml=x\" does not name a report."),
    ] {
        let text = with_env(&[(name, value)]);
        assert!(text.contains(told), "{name}={value}: {text}");
        assert!(text.contains("0 calls in 0 scripts"), "nothing is checked: {text}");
    }
}
