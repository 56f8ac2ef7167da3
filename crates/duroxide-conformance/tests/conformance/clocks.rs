//! Which clock a provider follows is found by trying, and told.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_conformance::{Area, Config, Profile, Suite, Verdict};
use duroxide_sim::Memory;
use duroxide_sim::call::{Answering, Call, Handler};
use duroxide_sim::provider::Port;

const MS: Duration = Duration::from_millis(1);

/// What is wrong with the locks of turns.
#[derive(Clone, Copy, Debug)]
enum Locks {
    Right,
    TooLong,
    TooShort,
    /// They hold for nobody, and delays are none.
    AbsentLikeDelays,
}

struct Crooked(Memory, Locks);

impl Handler for Crooked {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        let mut call = (*call).clone();
        match (&mut call, self.1) {
            (Call::FetchOrchestrationItem { lock_for, .. }, Locks::TooLong) => *lock_for += MS,
            (Call::FetchOrchestrationItem { lock_for, .. }, Locks::TooShort) => *lock_for = lock_for.saturating_sub(MS),
            (Call::FetchOrchestrationItem { lock_for, .. }, Locks::AbsentLikeDelays) => *lock_for = Duration::ZERO,
            (Call::EnqueueForOrchestrator { delay, .. }, Locks::AbsentLikeDelays) => *delay = None,
            _ => {}
        }
        self.0.handle(Arc::new(call))
    }

    fn describe(&self) -> String {
        "a provider with crooked locks".to_owned()
    }

    fn has_admin(&self) -> bool {
        true
    }
}

#[async_trait]
impl ProviderFactory for Locks {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        Arc::new(Port::over(Crooked(Memory::new(), *self)))
    }
}

fn checked(locks: Locks) -> Verdict {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be built");
    let config = Config::default().quiet().calls(3_000).profiles([Profile::of(Area::Locks)]).no_regressions();
    runtime.block_on(Suite::new(locks).config(config).check())
}

fn rules(verdict: &Verdict) -> Vec<&'static str> {
    verdict.findings.iter().map(|finding| finding.rule).collect()
}

#[test]
fn a_lock_that_is_a_millisecond_off_is_named_and_the_clock_found_all_the_same() {
    // Its claim has both sides: a lock holds a millisecond before its end, and not at it.
    let rule = "turn.lock-ends-at";
    for locks in [Locks::TooLong, Locks::TooShort] {
        let verdict = checked(locks);
        assert_eq!(verdict.clock, "a warped system clock", "{locks:?}: {verdict}");
        assert!(rules(&verdict).contains(&rule), "{locks:?}: {verdict}");
    }
}

#[test]
fn the_report_says_which_clock_was_found_and_by_what() {
    let verdict = checked(Locks::Right);
    assert!(verdict.is_clean(), "{verdict}");
    let note = "Time source: the system clock of this process: a lock of 60 s expired when the system clock of this \
                process was advanced by 600 s (detected; Storage::time overrides it).";
    assert!(verdict.notes.iter().any(|found| found == note), "{:?}", verdict.notes);
}

#[test]
fn a_clock_that_cannot_be_found_is_an_error_that_says_what_to_do() {
    let verdict = checked(Locks::AbsentLikeDelays);
    assert!(!verdict.is_clean() && verdict.findings.is_empty(), "{verdict}");
    let [trouble] = &verdict.troubles[..] else { panic!("{verdict}") };
    assert!(trouble.starts_with("The provider's clock cannot be detected: "), "{trouble}");
    assert!(trouble.contains("Set the clock with Storage::time"), "{trouble}");
}
