//! The four forms of a report say the same, and can be read by what reads them.

use duroxide_conformance::report::{Ending, Fate, Format, Report, TrialLine};
use duroxide_conformance::unstable::check_storage;
use duroxide_conformance::{Area, Config, Profile, Storage, Verdict};

use super::saboteurs;
use super::scratch::Scratch;
use crate::snapshot;

fn config() -> Config {
    Config::default().quiet().no_regressions().calls(20_000)
}

async fn verdict() -> Verdict {
    let saboteur = saboteurs::all().into_iter().find(|one| one.rule == "turn.attempts-rise");
    check_storage(&saboteur.expect("there is such a saboteur"), &config()).await
}

#[tokio::test]
async fn json_holds_rules_findings_counts_and_versions() {
    let report = Report::of(&verdict().await);
    let json: serde_json::Value = serde_json::from_str(&report.json()).expect("it is JSON");
    assert_eq!(json["clean"], false);
    assert_eq!(json["findings"][0]["rule"], "turn.attempts-rise");
    assert!(json["findings"][0]["script"][0].is_string(), "the script can be run again");
    assert_eq!(json["versions"]["duroxide-sim"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["seed"], 1);
    let rules = json["rules"].as_array().expect("a list");
    let fate = |id: &str| rules.iter().find(|rule| rule["id"] == id).map(|rule| rule["fate"].clone());
    assert_eq!(fate("turn.attempts-rise"), Some("broken".into()));
    assert_eq!(fate("list.all"), Some("held".into()));
    assert_eq!(fate("concurrent.linearizable"), Some("not-reached".into()), "scripts cannot show it");
    assert!(json["counts"]["methods"]["fetch_orchestration_item"]["accepted"].as_u64() > Some(0));
}

#[tokio::test]
async fn rules_about_reopening_count_where_the_storage_can_be_reopened() {
    let fate = async |storage: &dyn Storage| {
        let verdict = check_storage(storage, &config().profiles([Profile::of(Area::Durable)])).await;
        verdict.assert_clean();
        let rules = Report::of(&verdict).rules;
        rules.iter().find(|rule| rule.id == "durable.reopen-sees-all").map(|rule| rule.fate)
    };
    assert_eq!(fate(&saboteurs::Suspect::new(saboteurs::honest())).await, Some(Fate::Held));
    assert_eq!(fate(&saboteurs::honest()).await, Some(Fate::NotReached), "it has no location");
}

#[tokio::test]
async fn junit_has_a_case_for_each_rule_and_fails_the_broken_one() {
    let report = Report::of(&verdict().await);
    let junit = report.junit();
    assert!(junit.starts_with("<?xml"), "{junit}");
    assert_eq!(junit.matches("<testcase ").count(), report.rules.len());
    assert_eq!(junit.matches("<failure ").count(), 1);
    let broken = junit.split("<testcase ").find(|case| case.contains("<failure ")).expect("one fails");
    assert!(broken.contains("name=\"turn.attempts-rise\""), "{broken}");
}

#[tokio::test]
async fn junit_of_trials_has_a_case_for_each_trial() {
    let line = |name: &str, outcome, message: Option<&str>| TrialLine {
        name: name.to_owned(),
        outcome,
        message: message.map(str::to_owned),
    };
    let trials = vec![
        line("official::deletion::test_list_children", Ending::Passed, None),
        line("rule::tag::tag.any", Ending::Failed, Some("<broken> & \u{1b}[31mred\u{7}")),
        line("crash::killed", Ending::Ignored, Some("no location")),
    ];
    let clean = check_storage(&saboteurs::honest(), &config().calls(100)).await;
    let report = Report::of(&clean).with_trials(trials);
    assert!(!report.clean, "a trial failed");
    let junit = report.junit();
    assert_eq!(junit.matches("<testcase ").count(), 3);
    assert!(junit.contains("&lt;broken&gt; &amp;") && !junit.contains('\u{7}'), "{junit}");
    assert!(junit.contains("<skipped message=\"no location\""), "{junit}");
}

#[tokio::test]
async fn markdown_is_a_page_with_tables() {
    let report = Report::of(&verdict().await);
    let page = report.markdown();
    assert!(page.starts_with("# "), "{page}");
    assert!(page.contains("\n## Findings\n\n### `turn.attempts-rise`\n"), "{page}");
    assert!(page.contains("| `turn.attempts-rise` | must | broken |"), "{page}");
    assert!(page.contains("| `list.all` | must | held |"), "{page}");
    let fences = page.lines().filter(|line| line.starts_with("````") || *line == "```text" || *line == "```").count();
    assert_eq!(fences % 2, 0, "every fence is closed");
    // The tables are long and the findings are shown elsewhere.
    let head: String = page.split("\n## Findings").next().unwrap_or_default().to_owned();
    snapshot("conformance_report_head", &head);
}

#[tokio::test]
async fn reports_are_written_where_they_are_asked_for() {
    let folder = Scratch::new();
    let file = folder.path().join("deep").join("report.json");
    let config = config().calls(500).report(Format::Json, &file);
    let verdict = check_storage(&saboteurs::honest(), &config).await;
    assert!(verdict.is_clean(), "{verdict}");
    let text = std::fs::read_to_string(&file).expect("it was written");
    assert_eq!(text, Report::of(&verdict).json());
    let nowhere = config.report(Format::Text, folder.path());
    let verdict = check_storage(&saboteurs::honest(), &nowhere).await;
    assert!(verdict.troubles[0].contains("The text report cannot be written"), "{verdict}");
}

#[tokio::test]
async fn rule_is_held_only_where_its_method_was_called() {
    let few = check_storage(&saboteurs::honest(), &config().calls(1)).await;
    let report = Report::of(&few);
    let called = |method: &str| few.counts.accepted.contains_key(method) || few.counts.refused.contains_key(method);
    let bulk = report.rules.iter().filter(|rule| rule.id.starts_with("prune-bulk."));
    let expected = if called("prune_executions_bulk") { Fate::Held } else { Fate::NotReached };
    assert!(bulk.into_iter().all(|rule| rule.fate == expected || rule.fate == Fate::NotReached), "{:?}", few.counts);
}
