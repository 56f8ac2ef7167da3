//! `official::<module>::<name>`: duroxide's own validations.
//!
//! They wait in real time, so they never run while the clock is warped; on
//! virtual time they take almost no time.

use std::panic::{AssertUnwindSafe, catch_unwind};

use duroxide_sim::unstable::text::Lines;

use super::Trial;
use super::stand::{Outcome, Stand};
use crate::depot::Depot;
use crate::detect::on_its_clock;
use crate::official::{For, Validation, polls_long};
use crate::pace::Pace;
use crate::storage::TimeSource;

/// Modules whose validations access the most recently created storage, or run
/// whole runtimes with short timeouts.
const ALONE: [&str; 3] = ["official::capability_filtering::", "official::error_handling::", "official::race_replay::"];

pub(super) fn trials(_: &Stand) -> Vec<Trial> {
    let trial = |validation: &'static Validation| {
        Trial::new(validation.trial, move |stand: &Stand| {
            let outcome = validate(stand, validation);
            judge(stand, validation, outcome)
        })
    };
    Validation::all().iter().map(trial).collect()
}

/// Applies a waiver: a waived validation has to fail.
fn judge(stand: &Stand, validation: &Validation, outcome: Outcome) -> Outcome {
    match (stand.waivers_of(validation.trial).next(), outcome) {
        (Some(waiver), Outcome::Failed(_)) => Outcome::Ignored(format!("waived: {} ({})", waiver.reason, waiver.link)),
        (Some(waiver), Outcome::Passed) => Outcome::Failed(format!(
            "{} now passes: remove the waiver ({}, line {}).",
            validation.trial,
            stand.waivers.file().display(),
            waiver.line
        )),
        (_, outcome) => outcome,
    }
}

fn validate(stand: &Stand, validation: &'static Validation) -> Outcome {
    let time = match stand.time() {
        Ok(time) => time,
        Err(why) => return Outcome::Failed(why),
    };
    let _lane = stand.lane(ALONE.iter().any(|module| validation.trial.starts_with(module)));
    let depot = stand.depot();
    let body = async |depot: &Depot| {
        let long = match validation.whose {
            For::Everybody => None,
            _ => Some(polls_long(depot).await),
        };
        match (validation.whose, long) {
            (For::ShortPolls, Some(true)) => Outcome::Ignored("fetches of this provider wait".to_owned()),
            (For::LongPolls, Some(false)) => Outcome::Ignored("fetches of this provider do not wait".to_owned()),
            _ => {
                (validation.run)(depot).await;
                Outcome::Passed
            }
        }
    };
    let run = || match time {
        TimeSource::Virtual => {
            let run = on_its_clock(&depot, stand.config.seed, async |_: Pace| body(&depot).await);
            stand.block_on(run).unwrap_or_else(Outcome::Failed)
        }
        _ => stand.block_on(body(&depot)),
    };
    let outcome = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| {
        let why = panic_text(&*payload);
        if depot.was_reaching() && !stand.storage.can_corrupt() {
            return Outcome::Ignored(format!("the factory lacks a method that this validation needs: {why}"));
        }
        Outcome::Failed(why)
    });
    stand.block_on(depot.give_all_back());
    outcome
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    Lines(text.unwrap_or("It panicked without a message.")).to_string()
}
