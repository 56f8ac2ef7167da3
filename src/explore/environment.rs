//! The settings from environment variables.

use std::path::PathBuf;
use std::str::FromStr;

use super::shard::Shard;
use super::{BASE_VARIABLE, RECORD_VARIABLE, SEEDS_VARIABLE, SHARD_VARIABLE};
use crate::seed::Seed;
use crate::text::Quoted;

/// The share of the seeds, or all seeds if none is set.
pub(super) fn shard() -> Result<Shard, String> {
    Ok(variable(SHARD_VARIABLE, "2/8")?.unwrap_or_default())
}

/// The number of seeds.
pub(super) fn seeds() -> Result<Option<u64>, String> {
    match variable(SEEDS_VARIABLE, "500")? {
        Some(0) => Err(format!(
            "{SEEDS_VARIABLE}=0 allows nothing to run, so the test would prove nothing. Set at least one seed."
        )),
        count => Ok(count),
    }
}

/// The first seed.
pub(super) fn base() -> Result<Option<Seed>, String> {
    variable(BASE_VARIABLE, "1000")
}

/// The folder for histories.
pub(super) fn record() -> Option<PathBuf> {
    std::env::var_os(RECORD_VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// The value of a variable; `example` is one that can be used.
fn variable<T: FromStr<Err: std::fmt::Display>>(name: &str, example: &str) -> Result<Option<T>, String> {
    let Some(text) = std::env::var_os(name) else { return Ok(None) };
    let text = text.to_string_lossy();
    let value = text.trim().parse().map_err(|error: T::Err| {
        let (why, text) = (error.to_string(), Quoted(&text));
        let why = why.trim_end_matches('.');
        format!("{name}={text} cannot be used: {why}. Set it as in {name}={example}, or unset it.")
    });
    value.map(Some)
}
