//! `regression::<file>`: the kept scripts of earlier findings.

use super::Trial;
use super::context::{Outcome, TrialContext};
use crate::check::Work;
use crate::regress::Kept;

pub(super) fn trials(context: &TrialContext) -> Vec<Trial> {
    let Some(regressions) = &context.config.regressions else { return Vec::new() };
    let trial = |kept: Kept| {
        let name = kept.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Trial::new(format!("regression::{name}"), move |context: &TrialContext| {
            Outcome::of(&context.examine(&context.waivers, Work::Kept(kept)))
        })
    };
    match regressions.load() {
        Ok(kept) => kept.into_iter().map(trial).collect(),
        Err(error) => {
            vec![Trial::new("regression::folder", move |_: &TrialContext| Outcome::Failed(error.to_string()))]
        }
    }
}
