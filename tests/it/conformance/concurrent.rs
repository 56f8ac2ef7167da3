//! Several callers at once: what a correct provider does has an order, and what
//! a provider does that looks first and acts later has none.

mod orders;
mod saboteur;

use std::sync::Arc;

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_sim::conformance::{
    Callers, ConcurrentConfig, ConcurrentVerdict, Program, Race, Storage, TimeSource, check_concurrent, replay,
};
use duroxide_sim::{Memory, Seed};
use saboteur::Fault;

/// Makes memories, or what breaks them.
#[derive(Clone, Copy)]
struct Maker(Option<Fault>);

#[async_trait]
impl ProviderFactory for Maker {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        self.0.map_or_else(|| Arc::new(Memory::new()) as _, saboteur::provider)
    }
}

impl Storage for Maker {
    fn time(&self) -> TimeSource {
        TimeSource::Virtual
    }
}

fn simulated(maker: Maker, seed: u64, programs: u64) -> ConcurrentVerdict {
    let config = ConcurrentConfig { seed: Seed(seed), programs, ..ConcurrentConfig::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(check_concurrent(&maker, &config))
}

fn in_threads(maker: Maker, seed: u64, programs: u64) -> ConcurrentVerdict {
    let config =
        ConcurrentConfig { seed: Seed(seed), programs, callers: Callers::Tasks, ..ConcurrentConfig::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("a runtime").block_on(check_concurrent(&maker, &config))
}

#[track_caller]
fn assert_clean(verdict: &ConcurrentVerdict) {
    let races: Vec<String> = verdict.races.iter().map(ToString::to_string).collect();
    assert!(races.is_empty(), "{}", races.join("\n"));
    assert!(verdict.inconclusive.is_empty(), "{:?}", verdict.inconclusive);
    assert!(verdict.rounds >= verdict.programs && verdict.calls > 30 * verdict.programs, "{verdict:?}");
}

#[test]
fn memory_is_linearizable_however_its_callers_interleave() {
    assert_clean(&simulated(Maker(None), 7, 250));
}

#[test]
fn memory_is_linearizable_on_many_threads() {
    assert_clean(&in_threads(Maker(None), 8, 100));
}

/// Finds `rule` broken by `fault`, small, and again when it is replayed.
#[track_caller]
fn check(fault: Fault, rule: &str) {
    let verdict = simulated(Maker(Some(fault)), 1, 150);
    let rules: Vec<&str> = verdict.races.iter().map(|race| race.rule).collect();
    let Some(race) = verdict.races.iter().find(|race| race.rule == rule) else {
        let all: Vec<String> = verdict.races.iter().map(ToString::to_string).collect();
        panic!("{fault:?} breaks {rule}, found: {rules:?}\n{}", all.join("\n"));
    };
    assert!(race.program.len() <= 8, "{fault:?}: a program of {} calls\n{race}", race.program.len());
    let program: Program = race.program.to_string().parse().expect("a program parses from its text");
    assert_eq!(program, race.program);
    let maker = Maker(Some(fault));
    let again = replay(&maker, &program, race.schedule.expect("a simulated run has a schedule"));
    let again = tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(again);
    let again = again.expect("a replay finds it again");
    assert_eq!((again.rule, again.schedule), (race.rule, race.schedule));
    let order = |race: &Race| -> Vec<(usize, u64, u64)> {
        race.history.iter().map(|made| (made.caller, made.invoked, made.replied)).collect()
    };
    assert_eq!(order(&again), order(race), "{fault:?}: a replay is the same run");
}

#[test]
fn an_instance_that_two_fetches_get_is_found() {
    check(Fault::TurnTakenTwice, "concurrent.one-lock-winner");
}

#[test]
fn a_job_that_two_fetches_get_is_found() {
    check(Fault::JobTakenTwice, "concurrent.one-lock-winner");
}

#[test]
fn two_acks_with_one_token_are_found() {
    check(Fault::AckedTwice, "concurrent.one-ack-winner");
}

#[test]
fn a_message_that_another_overwrites_is_found() {
    check(Fault::MessageLost, "concurrent.nothing-lost");
}

#[test]
fn an_ack_of_a_cancelled_job_is_found() {
    check(Fault::CancelledAndAcked, "concurrent.linearizable");
}

#[test]
fn an_instance_that_an_ack_brings_back_is_found() {
    check(Fault::Recreated, "concurrent.deletions");
}

#[test]
fn an_ack_that_shows_half_done_is_found() {
    check(Fault::AckInTwoSteps, "concurrent.linearizable");
}

#[test]
fn a_refusal_for_good_of_whoever_comes_second_is_found() {
    check(Fault::BusyForGood, "concurrent.no-false-refusals");
}

#[test]
fn a_session_with_two_owners_is_found() {
    check(Fault::SessionOwnedTwice, "concurrent.one-lock-winner");
}

#[test]
fn a_completion_that_a_fetch_swallows_is_found() {
    check(Fault::SentInVain, "concurrent.nothing-lost");
}

#[test]
fn a_job_that_goes_missing_is_found() {
    check(Fault::JobLost, "concurrent.nothing-lost");
}

#[test]
fn whoever_comes_second_may_be_told_to_try_again() {
    let verdict = simulated(Maker(Some(Fault::Busy)), 2, 100);
    assert!(verdict.races.is_empty(), "{}", verdict.races[0]);
    let inconclusive: u64 = verdict.inconclusive.values().sum();
    assert!(inconclusive < 10, "{:?}", verdict.inconclusive);
}

#[test]
fn threads_find_what_the_simulator_finds() {
    let verdict = in_threads(Maker(Some(Fault::TurnTakenTwice)), 3, 60);
    assert!(verdict.races.iter().any(|race| race.rule == "concurrent.one-lock-winner"), "{:?}", verdict.races);
}

#[test]
fn the_same_seed_gives_the_same_races() {
    let show = || simulated(Maker(Some(Fault::AckedTwice)), 4, 60).races;
    assert_eq!(show(), show());
}

#[test]
fn a_race_is_shown_as_callers_over_time() {
    let verdict = simulated(Maker(Some(Fault::TurnTakenTwice)), 1, 60);
    let race = verdict.races.iter().find(|race| race.rule == "concurrent.one-lock-winner").expect("it is found");
    crate::snapshot("concurrent_race", &race.to_string());
}
