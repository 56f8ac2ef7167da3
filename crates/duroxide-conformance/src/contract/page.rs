//! Generates the page of the documentation with the contract table.

use std::fmt::Write;

use super::{Check, Rule, Strength, rules, rules_of, validations};

const HEAD: &str = include_str!("head.md");

impl Check {
    /// The name of the check on the page; official validations have a table of
    /// their own.
    fn label(&self) -> Option<String> {
        Some(match self {
            Check::Script => "script".to_owned(),
            Check::ReadBack => "read back".to_owned(),
            Check::Drain => "drain".to_owned(),
            Check::Concurrent => "concurrent".to_owned(),
            Check::Dropped => "dropped".to_owned(),
            Check::Crash => "crash".to_owned(),
            Check::Reopen => "reopen".to_owned(),
            Check::Law(name) => format!("law `{name}`"),
            Check::Official(_) => return None,
        })
    }
}

/// The whole contract in Markdown: a table for each area, and one of the
/// official validations.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    let counts = [Strength::Must, Strength::Should, Strength::May].map(|strength| {
        let count = rules().filter(|rule| rule.strength == strength).count();
        format!("{count} {}", strength.word())
    });
    let _ = writeln!(page, "\n{} rules: {}.", rules().count(), counts.join(", "));
    let mut area = "";
    for rule in rules() {
        if rule.area() != area {
            area = rule.area();
            let _ =
                writeln!(page, "\n# {area}\n\n| rule | strength | claim | source | checks |\n|---|---|---|---|---|");
        }
        let _ = writeln!(page, "{}", row(rule));
    }
    page.push_str("\n# Official validations\n\n| validation | rules |\n|---|---|\n");
    for validation in validations() {
        let ids: Vec<String> = rules_of(&validation).map(|rule| format!("`{}`", rule.id)).collect();
        let _ = writeln!(page, "| `{validation}` | {} |", ids.join(", "));
    }
    page
}

fn row(rule: &Rule) -> String {
    let mut checks: Vec<String> = rule.checks.iter().filter_map(Check::label).collect();
    match rule.validations().count() {
        0 => {}
        1 => checks.push("1 official".to_owned()),
        count => checks.push(format!("{count} official")),
    }
    let checks = checks.join(", ");
    format!("| `{}` | {} | {} | {} | {checks} |", rule.id, rule.strength.word(), rule.claim, rule.source)
}
