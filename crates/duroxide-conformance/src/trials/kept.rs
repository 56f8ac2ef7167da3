//! `regression::<file>`: the kept scripts of earlier findings.

use super::Trial;
use super::stand::{Outcome, Stand};
use crate::check::Work;
use crate::regress::Kept;

pub(super) fn trials(stand: &Stand) -> Vec<Trial> {
    let Some(regressions) = &stand.config.regressions else { return Vec::new() };
    let trial = |kept: Kept| {
        let name = kept.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Trial::new(format!("regression::{name}"), move |stand: &Stand| {
            Outcome::of(&stand.examine(&stand.waivers, Work::Kept(kept)))
        })
    };
    match regressions.load() {
        Ok(kept) => kept.into_iter().map(trial).collect(),
        Err(error) => vec![Trial::new("regression::folder", move |_: &Stand| Outcome::Failed(error.to_string()))],
    }
}
