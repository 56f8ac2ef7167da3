//! `official::<module>::<name>`: duroxide's own validations.
//!
//! They wait in real time, so they never run while the clock is warped; on
//! virtual time they take almost no time.

use std::panic::{AssertUnwindSafe, catch_unwind};

use duroxide_sim::unstable::text::Lines;

use super::Trial;
use super::context::{Outcome, TrialContext};
use crate::detect::on_its_clock;
use crate::official::{For, Validation, polls_long};
use crate::pace::Pace;
use crate::storage::TimeSource;
use crate::trial_storage::TrialStorage;

/// Modules whose validations access the most recently created storage, or run
/// whole runtimes with short timeouts.
const ALONE: [&str; 3] = ["official::capability_filtering::", "official::error_handling::", "official::race_replay::"];

pub(super) fn trials(_: &TrialContext) -> Vec<Trial> {
    let trial = |validation: &'static Validation| {
        Trial::new(validation.trial, move |context: &TrialContext| {
            let outcome = validate(context, validation);
            judge(context, validation, outcome)
        })
    };
    Validation::all().iter().map(trial).collect()
}

/// Applies a waiver: a waived validation has to fail, unless its waiver says
/// that it passes in some runs.
fn judge(context: &TrialContext, validation: &Validation, outcome: Outcome) -> Outcome {
    match (context.waivers_of(validation.trial).next(), outcome) {
        (Some(waiver), Outcome::Failed(_)) => Outcome::Ignored(format!("waived: {} ({})", waiver.reason, waiver.link)),
        (Some(waiver), Outcome::Passed) if !waiver.intermittent => Outcome::Failed(format!(
            "{} now passes: remove the waiver ({}, line {}).",
            validation.trial,
            context.waivers.file().display(),
            waiver.line
        )),
        (_, outcome) => outcome,
    }
}

fn validate(context: &TrialContext, validation: &'static Validation) -> Outcome {
    let time = match context.time() {
        Ok(time) => time,
        Err(why) => return Outcome::Failed(why),
    };
    let _lane = context.lane(ALONE.iter().any(|module| validation.trial.starts_with(module)));
    let trial_storage = context.trial_storage();
    let body = async |trial_storage: &TrialStorage| {
        let long = match validation.whose {
            For::Everybody => None,
            _ => Some(polls_long(trial_storage).await),
        };
        match (validation.whose, long) {
            (For::ShortPolls, Some(true)) => Outcome::Ignored("fetches of this provider wait".to_owned()),
            (For::LongPolls, Some(false)) => Outcome::Ignored("fetches of this provider do not wait".to_owned()),
            _ => {
                (validation.run)(trial_storage).await;
                Outcome::Passed
            }
        }
    };
    let run = || match time {
        TimeSource::Virtual => {
            let run = on_its_clock(&trial_storage, context.config.seed, async |_: Pace| body(&trial_storage).await);
            context.block_on(run).unwrap_or_else(Outcome::Failed)
        }
        _ => context.block_on(body(&trial_storage)),
    };
    let outcome = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| {
        let why = panic_text(&*payload);
        if trial_storage.was_reaching() && !context.storage.can_corrupt() {
            return Outcome::Ignored(format!("the factory lacks a method that this validation needs: {why}"));
        }
        Outcome::Failed(why)
    });
    context.block_on(trial_storage.give_all_back());
    outcome
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    Lines(text.unwrap_or("It panicked without a message.")).to_string()
}
