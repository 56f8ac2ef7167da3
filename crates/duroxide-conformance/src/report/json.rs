//! The report as JSON, for programs.

use super::Report;

pub(super) fn write(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("a report holds only what JSON can say");
    text.push('\n');
    text
}
