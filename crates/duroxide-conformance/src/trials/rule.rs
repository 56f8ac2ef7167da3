//! `rule::<area>::<id>`: a trial for each rule of the contract.

use super::context::{Outcome, TrialContext};
use super::{Trial, generated};
use crate::check::Work;
use crate::contract::{self, Check, Rule};
use crate::explore::Plan;
use crate::generate::Profile;

pub(super) fn trials(_: &TrialContext) -> Vec<Trial> {
    let trial = |rule: &'static Rule| {
        Trial::new(format!("rule::{}::{}", rule.area(), rule.id), move |context: &TrialContext| look_at(context, rule))
    };
    contract::rules().map(trial).collect()
}

fn look_at(context: &TrialContext, rule: &'static Rule) -> Outcome {
    if let Some(waiver) = context.waivers_of(rule.id).next() {
        return Outcome::Ignored(format!("waived: {} ({})", waiver.reason, waiver.link));
    }
    if !rule.is_for_scripts() {
        return Outcome::Ignored(format!("scripts cannot break this rule; it is checked by: {}", elsewhere(rule)));
    }
    let plan = Plan {
        seed: context.config.seed.child(rule.id),
        calls: generated::calls_of_rule(context),
        profiles: Profile::for_rule(rule.id),
        focus: Some(rule.id),
    };
    Outcome::of(&context.examine(&context.waivers, Work::Plan(plan)))
}

fn elsewhere(rule: &Rule) -> String {
    let words = rule.checks.iter().map(|check| match check {
        Check::Concurrent => "concurrent::*".to_owned(),
        Check::Crash => "crash::*".to_owned(),
        Check::Official(name) => format!("official::{name}"),
        Check::Law(name) => format!("the law {name} in simulations"),
        Check::Script | Check::ReadBack | Check::Drain | Check::Dropped | Check::Reopen => "scripts".to_owned(),
    });
    let mut others: Vec<String> = words.collect();
    others.sort();
    others.dedup();
    if others.is_empty() { "nothing yet".to_owned() } else { others.join(", ") }
}
