//! Several callers at once: what a correct provider does has an order, and what
//! a provider does that looks first and acts later has none.

mod orders;
pub mod saboteur;

use std::sync::Arc;

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_conformance::unstable::{Program, Race, check_concurrent, check_concurrent_tasks, replay_race};
use duroxide_conformance::{Config, Storage, TimeSource, Verdict};
use duroxide_sim::{Memory, Seed};
use saboteur::{Fault, RULES};
use tokio::runtime::{Builder, Runtime};

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
    fn label(&self) -> String {
        self.0.map_or_else(|| "Memory".to_owned(), |fault| format!("{fault:?}"))
    }

    fn time(&self) -> TimeSource {
        TimeSource::Virtual
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

fn config(seed: u64, calls: u64) -> Config {
    Config::default().seed(Seed(seed)).calls(calls).quiet()
}

fn interleaved(maker: Maker, seed: u64, calls: u64) -> Verdict {
    runtime().block_on(check_concurrent(&maker, &config(seed, calls)))
}

fn in_threads(maker: Maker, seed: u64, calls: u64) -> Verdict {
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime");
    runtime.block_on(check_concurrent_tasks(&maker, &config(seed, calls)))
}

#[track_caller]
fn assert_all_explained(verdict: &Verdict) {
    verdict.assert_clean();
    assert!(verdict.counts.inconclusive.is_empty(), "{:?}", verdict.counts.inconclusive);
}

#[test]
fn memory_is_linearizable_however_its_callers_interleave() {
    assert_all_explained(&interleaved(Maker(None), 7, 20_000));
}

#[test]
fn memory_is_linearizable_on_many_threads() {
    assert_all_explained(&in_threads(Maker(None), 8, 10_000));
}

/// Finds the rule broken that `fault` breaks, small, and again when it is
/// replayed.
#[track_caller]
fn check(fault: Fault) {
    let (_, rule) = RULES.iter().find(|(known, _)| *known == fault).expect("it breaks a rule");
    let maker = Maker(Some(fault));
    let verdict = interleaved(maker, 1, 8_000);
    let Some(race) = verdict.races.iter().find(|race| race.rule == *rule) else {
        panic!("{fault:?} breaks {rule}, and that is not found:\n{verdict}");
    };
    assert!(race.program.len() <= 9, "{fault:?}: a program of {} calls\n{race}", race.program.len());
    let program: Program = race.program.to_string().parse().expect("a program parses from its text");
    assert_eq!(program, race.program);
    let schedule = race.schedule.expect("what is interleaved on one thread has a schedule");
    let again = runtime().block_on(replay_race(&maker, &program, schedule)).expect("a replay finds it again");
    assert_eq!((again.rule, again.schedule), (race.rule, race.schedule));
    let order = |race: &Race| -> Vec<(usize, u64, u64)> {
        race.history.iter().map(|made| (made.caller, made.invoked, made.replied)).collect()
    };
    assert_eq!(order(&again), order(race), "{fault:?}: a replay is the same run");
}

/// A test for each fault.
macro_rules! found {
    ($($test:ident: $fault:ident,)*) => {
        $(
            #[test]
            fn $test() {
                check(Fault::$fault);
            }
        )*

        const FOUND: &[Fault] = &[$(Fault::$fault),*];
    };
}

found! {
    an_instance_that_two_fetches_get_is_found: TurnTakenTwice,
    a_job_that_two_fetches_get_is_found: JobTakenTwice,
    a_session_with_two_owners_is_found: SessionOwnedTwice,
    two_acks_with_one_token_are_found: AckedTwice,
    a_message_that_another_overwrites_is_found: MessageLost,
    an_ack_of_a_cancelled_job_is_found: CancelledAndAcked,
    a_completion_that_a_fetch_swallows_is_found: SentButLost,
    a_job_that_goes_missing_is_found: JobLost,
    an_instance_that_an_ack_brings_back_is_found: Recreated,
    an_ack_that_shows_half_done_is_found: AckInTwoSteps,
    a_token_that_contention_makes_invalid_is_found: TokenDenied,
    a_refusal_for_good_of_whoever_comes_second_is_found: BusyForGood,
}

#[test]
fn every_fault_that_breaks_a_rule_has_a_test() {
    let faults: Vec<Fault> = RULES.iter().map(|(fault, _)| *fault).collect();
    assert_eq!(FOUND, faults);
}

#[test]
fn whoever_comes_second_may_be_told_to_try_again() {
    let verdict = interleaved(Maker(Some(Fault::Busy)), 2, 8_000);
    verdict.assert_clean();
    let inconclusive: u64 = verdict.counts.inconclusive.values().sum();
    assert!(inconclusive * 20 < verdict.counts.scripts, "{verdict}");
}

#[test]
fn what_one_caller_at_a_time_is_told_too_is_no_race() {
    interleaved(Maker(Some(Fault::AlwaysWrong)), 5, 8_000).assert_clean();
}

#[test]
fn threads_show_what_interleaving_shows() {
    let verdict = in_threads(Maker(Some(Fault::TurnTakenTwice)), 3, 8_000);
    assert!(verdict.races.iter().any(|race| race.rule == "concurrent.one-lock-winner"), "{verdict}");
}

#[test]
fn the_same_seed_gives_the_same_races() {
    let show = || interleaved(Maker(Some(Fault::AckedTwice)), 4, 5_000).races;
    assert_eq!(show(), show());
}

#[test]
fn a_race_is_shown_as_callers_over_time() {
    let verdict = interleaved(Maker(Some(Fault::TurnTakenTwice)), 1, 3_000);
    let race = verdict.races.iter().find(|race| race.rule == "concurrent.one-lock-winner").expect("it is found");
    crate::snapshot("concurrent_race", &race.to_string());
}
