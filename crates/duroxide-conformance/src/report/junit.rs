//! The report as JUnit XML, for tools that show test results.

use duroxide_sim::unstable::text::{Lines, line};
use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use super::{Ending, Fate, Report, RuleLine, TrialLine, text};

pub(super) fn write(report: &Report) -> String {
    let mut suite = TestSuite::new(line(&report.provider));
    for (name, version) in &report.versions {
        suite.add_property(Property::new(*name, version.as_str()));
    }
    suite.add_property(Property::new("seed", report.seed.to_string()));
    suite.add_property(Property::new("calls", report.counts.calls.to_string()));
    if report.trials.is_empty() {
        suite.add_test_cases(report.rules.iter().map(|rule| case_of_rule(report, rule)));
        suite.add_test_cases(others(report));
    } else {
        suite.add_test_cases(report.trials.iter().map(case_of_trial));
    }
    suite.set_system_out(text::headline(report));
    let mut junit = quick_junit::Report::new("duroxide-sim conformance");
    junit.add_test_suite(suite);
    junit.to_string().expect("a report holds only what XML can say")
}

fn case_of_rule(report: &Report, rule: &RuleLine) -> TestCase {
    let item = report.findings.iter().find(|item| item.rule == rule.id).map(ToString::to_string);
    let race = || report.races.iter().find(|race| race.rule == rule.id).map(ToString::to_string);
    let status = match (item.or_else(race), rule.fate) {
        (Some(text), _) => failed(rule.claim, &text),
        (None, Fate::NotReached) => skipped("not reached"),
        (None, Fate::Waived) => skipped("waived"),
        (None, Fate::Held | Fate::Broken) => TestCaseStatus::success(),
    };
    case(rule.id, rule.strength, status)
}

/// Failures of the check that concern no rule.
fn others(report: &Report) -> impl Iterator<Item = TestCase> {
    let stale = report.stale.iter().map(|line| case("waivers", "waivers", failed(line, line)));
    let troubles = report.troubles.iter().map(|line| case("check", "check", failed(line, line)));
    stale.chain(troubles)
}

fn case_of_trial(trial: &TrialLine) -> TestCase {
    let message = trial.message.as_deref().unwrap_or_default();
    let status = match trial.outcome {
        Ending::Passed => TestCaseStatus::success(),
        Ending::Ignored => skipped(message),
        Ending::Failed => failed(message.lines().next().unwrap_or("failed"), message),
    };
    let class = trial.name.split("::").next().unwrap_or_default();
    case(&trial.name, class, status)
}

fn case(name: &str, class: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(line(name), status);
    case.set_classname(class);
    case
}

fn failed(message: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(Lines(message).to_string()).set_description(shown(text));
    status
}

/// Escapes a text line by line.
fn shown(text: &str) -> String {
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(Lines(why).to_string());
    status
}
