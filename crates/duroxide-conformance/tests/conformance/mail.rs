//! Queue messages that no orchestration stands behind: a provider that takes
//! the first turn it comes to has not looked at the rest.

use std::time::Duration;

use duroxide_conformance::unstable::check_storage;
use duroxide_conformance::{Area, Config, Profile};
use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::store::{Choice, OrphanPolicy, Pick};

use super::saboteurs::{Bench, Saboteur};
use super::tricks::block_on;

/// Drops messages that nobody has a use for only where it finds no turn.
const FIRST_COME: Saboteur =
    Saboteur { name: "Memory, first come", rule: "turn.orphan-queue-message-dropped", trick: stops_at_the_first };

/// Drops none of them, ever.
const HOARDS: Saboteur = Saboteur { name: "Memory, hoards", rule: FIRST_COME.rule, trick: keeps_all };

fn stops_at_the_first(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let finds = bench.store.eligible_turn(now, None).is_some();
    fetch_with(bench, now, call, if finds { OrphanPolicy::Kept } else { OrphanPolicy::Dropped })
}

fn keeps_all(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    fetch_with(bench, now, call, OrphanPolicy::Kept)
}

fn fetch_with(bench: &mut Bench, now: Time, call: &Call, mail: OrphanPolicy) -> Reply {
    if !matches!(call, Call::FetchOrchestrationItem { versions: None, .. }) {
        return bench.ask(now, call);
    }
    bench.count += 1;
    let choice = Choice { mail, ..Choice::new(format!("first come {}", bench.count), Pick::Oldest) };
    bench.store.apply(now, call, &choice)
}

fn config() -> Config {
    let profiles = [Area::Queues, Area::Everything, Area::Locks].map(Profile::of);
    Config::default().calls(40_000).at_most(Duration::from_secs(600)).profiles(profiles).no_regressions().quiet()
}

#[test]
fn a_fetch_need_not_look_past_the_turn_it_returns() {
    block_on(check_storage(&FIRST_COME, &config())).assert_clean();
}

#[test]
fn a_fetch_that_returns_nothing_has_found_them() {
    let verdict = block_on(check_storage(&HOARDS, &config()));
    let rules: Vec<&str> = verdict.findings.iter().map(|finding| finding.rule).collect();
    assert!(rules.iter().any(|rule| rule.starts_with("turn.orphan-queue-message")), "{rules:?}");
}
