//! The report as Markdown, for a page.

use std::fmt::{self, Write};

use duroxide_sim::unstable::text;

use super::{Report, text as terminal};

pub(super) fn write(report: &Report) -> String {
    let mut page = String::new();
    write_to(&mut page, report).expect("a string can be written to");
    page
}

fn write_to(out: &mut String, report: &Report) -> fmt::Result {
    writeln!(out, "# {}", escaped(&report.provider))?;
    writeln!(out)?;
    let versions: Vec<String> = report.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let (scripts, calls) = (report.counts.scripts, report.counts.calls);
    writeln!(out, "It {}.", terminal::headline(report))?;
    writeln!(out)?;
    let clock = if report.clock.is_empty() { String::new() } else { format!(" on {}", report.clock) };
    writeln!(out, "{calls} calls in {scripts} scripts{clock}; seed {}; {}.", report.seed, versions.join(", "))?;
    for (title, items) in [("Findings", &report.findings), ("Broken rules that are not binding", &report.remarks)] {
        if !items.is_empty() {
            writeln!(out, "\n## {title}")?;
        }
        for item in items {
            writeln!(out, "\n### `{}`\n\n{}", item.rule, fenced(&item.to_string()))?;
        }
    }
    if !report.races.is_empty() {
        writeln!(out, "\n## With concurrent callers")?;
    }
    for race in &report.races {
        writeln!(out, "\n### `{}`\n\n{}", race.rule, fenced(&race.to_string()))?;
    }
    if !report.waived.is_empty() {
        writeln!(out, "\n## Known deviations\n\n| rule | times | reason | link |\n|---|---|---|---|")?;
        for item in &report.waived {
            let (reason, link) = (escaped(&item.reason), escaped(&item.link));
            writeln!(out, "| `{}` | {} | {reason} | {link} |", item.rule, item.times)?;
        }
    }
    for (title, lines) in [
        ("Waivers that are no longer needed", &report.stale),
        ("Could not be checked", &report.troubles),
        ("Notes", &report.notes),
    ] {
        if !lines.is_empty() {
            writeln!(out, "\n## {title}\n")?;
            lines.iter().try_for_each(|line| writeln!(out, "- {}", escaped(line)))?;
        }
    }
    tables(out, report)
}

fn tables(out: &mut String, report: &Report) -> fmt::Result {
    writeln!(out, "\n## Rules\n\n| rule | strength | outcome |\n|---|---|---|")?;
    for rule in &report.rules {
        writeln!(out, "| `{}` | {} | {} |", rule.id, rule.strength, rule.fate.word())?;
    }
    writeln!(out, "\n## Calls\n\n| method | accepted | refused | unanswered |\n|---|---|---|---|")?;
    for (method, line) in &report.counts.methods {
        writeln!(out, "| `{method}` | {} | {} | {} |", line.accepted, line.refused, line.unanswered)?;
    }
    if !report.counts.inconclusive.is_empty() {
        writeln!(out, "\n## Inconclusive scripts\n\n| reason | scripts |\n|---|---|")?;
        let lines = &report.counts.inconclusive;
        lines.iter().try_for_each(|(why, times)| writeln!(out, "| {} | {times} |", escaped(why)))?;
    }
    Ok(())
}

/// A text, escaped for the cell of a table.
fn escaped(text: &str) -> String {
    let text = text::line(text.replace(['\n', '\r'], " "));
    text.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;")
}

/// A code block with a fence that does not occur in the text.
fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}", text.trim_end())
}
