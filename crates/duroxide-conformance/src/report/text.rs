//! The report as text, for a terminal.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use duroxide_sim::unstable::text::{Line, Lines};

use super::{Ending, Fate, Report};

pub(super) fn write(report: &Report) -> String {
    let mut text = String::new();
    write_to(&mut text, report).expect("a string can be written to");
    text
}

fn write_to(out: &mut String, report: &Report) -> fmt::Result {
    writeln!(out, "{}: {}", Line(&report.provider), headline(report))?;
    writeln!(out)?;
    for item in &report.findings {
        writeln!(out, "{}", item.to_string().trim_end())?;
        writeln!(out)?;
    }
    report.races.iter().try_for_each(|race| writeln!(out, "{race}"))?;
    for (title, lines) in [
        ("Waivers that are no longer needed:", &report.stale),
        ("Could not be checked:", &report.troubles),
        ("Notes:", &report.notes),
    ] {
        block(out, title, lines)?;
    }
    let remarks: Vec<String> = report.remarks.iter().map(|item| item.rule.to_owned()).collect();
    block(out, "Broken rules that are not binding:", &remarks)?;
    let waived = report.waived.iter().map(|item| {
        let times = if item.times == 1 { "once".to_owned() } else { format!("{} times", item.times) };
        format!("{}, {times}: {} ({})", item.rule, item.reason, item.link)
    });
    block(out, "Known deviations:", &waived.collect::<Vec<_>>())?;
    let inconclusive = report.counts.inconclusive.iter().map(|(why, times)| format!("{times}: {why}"));
    block(out, "Inconclusive scripts:", &inconclusive.collect::<Vec<_>>())?;
    let failed = report.trials.iter().filter(|trial| trial.outcome == Ending::Failed).map(|trial| trial.name.clone());
    block(out, "Failed trials:", &failed.collect::<Vec<_>>())?;
    tail(out, report)
}

fn block(out: &mut String, title: &str, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}")?;
    lines.iter().try_for_each(|line| writeln!(out, "  {}", Lines(line)))?;
    writeln!(out)
}

/// A summary in one sentence.
pub(super) fn headline(report: &Report) -> String {
    let broken: BTreeSet<&str> =
        report.findings.iter().map(|item| &*item.rule).chain(report.races.iter().map(|race| &*race.rule)).collect();
    let rules = |count: usize| if count == 1 { "1 rule".to_owned() } else { format!("{count} rules") };
    let main = match broken.len() {
        0 if report.clean => "keeps the contract".to_owned(),
        0 => "breaks no rule, but the check failed".to_owned(),
        broken => format!("breaks {} of the contract", rules(broken)),
    };
    match report.waived.len() {
        0 => main,
        waived => format!("{main}, apart from known deviations from {}", rules(waived)),
    }
}

fn tail(out: &mut String, report: &Report) -> fmt::Result {
    let fates = |fate: Fate| report.rules.iter().filter(|rule| rule.fate == fate).count();
    writeln!(
        out,
        "Of {} rules, {} held, {} are broken, {} are waived and {} were not reached.",
        report.rules.len(),
        fates(Fate::Held),
        fates(Fate::Broken),
        fates(Fate::Waived),
        fates(Fate::NotReached)
    )?;
    let (scripts, calls) = (report.counts.scripts, report.counts.calls);
    let clock = if report.clock.is_empty() { String::new() } else { format!(" on {}", report.clock) };
    writeln!(out, "{calls} calls in {scripts} scripts{clock}; seed {}.", report.seed)?;
    let versions: Vec<String> = report.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    writeln!(out, "{}.", versions.join(", "))
}
