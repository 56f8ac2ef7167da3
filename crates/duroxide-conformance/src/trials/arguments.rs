//! The arguments that libtest does not know.

use std::path::PathBuf;

use crate::config::{ConfigError, report_of};
use crate::report::Format;

/// Reports to write.
type Reports = Vec<(Format, PathBuf)>;

/// Removes `--report format=file` and `--report=format=file` from the
/// arguments.
pub(super) fn split(arguments: Vec<String>) -> Result<(Vec<String>, Reports), ConfigError> {
    let (mut others, mut reports) = (Vec::new(), Vec::new());
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        if argument == "--report" {
            reports.push(report_of(&arguments.next().unwrap_or_default())?);
        } else if let Some(report) = argument.strip_prefix("--report=") {
            reports.push(report_of(report)?);
        } else {
            others.push(argument);
        }
    }
    Ok((others, reports))
}
