//! Storage on a server: its clock adds what a call takes there, and a call may
//! go on after its future is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_conformance::unstable::{Deviation, End, check_storage, replay};
use duroxide_conformance::{Area, Config, Profile, Script, Storage, TimeSource};
use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::{self, Time};

use super::saboteurs::{Bench, Saboteur};
use super::tricks::block_on;

/// Locks of turns end 3 ms late, as where a server adds what the fetch took.
const SLOW: Saboteur = Saboteur { name: "Memory, locks end 3 ms late", rule: "turn.exclusive", trick: lock_ends_late };

fn lock_ends_late(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::FetchOrchestrationItem { lock_for, poll_for, versions } => {
            let lock_for = lock_for.saturating_add(Duration::from_millis(3));
            bench.ask(now, &Call::FetchOrchestrationItem { lock_for, poll_for: *poll_for, versions: versions.clone() })
        }
        call => bench.ask(now, call),
    }
}

/// A saboteur that reads the wall clock.
struct Server {
    saboteur: Saboteur,
    time: TimeSource,
    settled: AtomicUsize,
}

impl Server {
    fn new(saboteur: Saboteur, time: TimeSource) -> Server {
        Server { saboteur, time, settled: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl ProviderFactory for Server {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        self.saboteur.create_provider().await
    }
}

#[async_trait]
impl Storage for Server {
    fn time(&self) -> TimeSource {
        self.time
    }

    async fn settle(&self, _: &Arc<dyn Provider>) {
        self.settled.fetch_add(1, Ordering::SeqCst);
    }
}

const AHEAD: TimeSource = TimeSource::WarpAhead { tick: Duration::from_secs(1) };

fn config() -> Config {
    Config::default().calls(6_000).no_regressions().quiet()
}

#[test]
fn what_a_call_takes_on_the_server_decides_nothing_on_a_clock_ahead_of_it() {
    let verdict = block_on(check_storage(&Server::new(SLOW, AHEAD), &config()));
    verdict.assert_clean();
    assert_eq!(verdict.clock, "a warped system clock, ahead of the server's, in ticks of 1000 ms");
    let exact = block_on(check_storage(&Server::new(SLOW, TimeSource::Warp), &config()));
    assert!(!exact.findings.is_empty(), "to the millisecond, the lock ends late");
}

#[test]
fn the_clock_begins_a_day_ahead() {
    let script: Script = r#"{"Call":{"call":"ListInstances"}}"#.parse().expect("a script");
    // With the claim, no other test holds the clock somewhere else meanwhile.
    let before = block_on(async { clock::Warp::claim().await.map(|_claim| clock::now()) }).expect("a warp can be had");
    let run = block_on(replay(&Server::new(SLOW, AHEAD), &script));
    assert!(run.base >= before + Duration::from_secs(86_400), "it began at {}", run.base);
}

/// A fetch whose lock lasts so long, and a wait.
fn lock_and_wait(lock_ms: u64, wait_ms: u64) -> Script {
    let (secs, nanos) = (lock_ms / 1000, lock_ms % 1000 * 1_000_000);
    let start = r#"{"Call":{"call":{"EnqueueForOrchestrator":{"item":{"StartOrchestration":{"instance":"i","orchestration":"a","input":"","version":null,"parent_instance":null,"parent_id":null,"parent_execution_id":null,"execution_id":1}},"delay":null}}}}"#;
    let fetch = format!(
        r#"{{"Call":{{"call":{{"FetchOrchestrationItem":{{"lock_for":{{"secs":{secs},"nanos":{nanos}}},"poll_for":{{"secs":0,"nanos":0}},"versions":null}}}}}}}}"#
    );
    format!("{start}\n{fetch}\n{{\"Wait\":{wait_ms}}}\n{fetch}").parse().expect("a script")
}

#[test]
fn what_would_end_near_a_tick_is_not_judged() {
    let end = |lock_ms, wait_ms| block_on(replay(&Server::new(SLOW, AHEAD), &lock_and_wait(lock_ms, wait_ms))).end;
    assert_eq!(end(1500, 1000), End::Agrees, "locked");
    assert_eq!(end(1500, 2000), End::Agrees, "free");
    assert_eq!(end(1500, 1001), End::Agrees, "waits are whole ticks: 2000");
    for lock_ms in [0, 1, 900, 1000, 1200, 2000] {
        assert!(
            matches!(end(lock_ms, 3000), End::Inconclusive(why) if why.contains("close to a tick")),
            "{lock_ms} ms"
        );
    }
}

#[test]
fn storage_settles_after_every_future_that_was_dropped() {
    let server = Server::new(SLOW, AHEAD);
    block_on(check_storage(&server, &config().profiles([Profile::of(Area::Dropped)]))).assert_clean();
    assert!(server.settled.load(Ordering::SeqCst) > 0);
}

const FRAIL: Saboteur = Saboteur { name: "Memory, frail", rule: "error.is-no-panic", trick: panics };

fn panics(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::ListInstances => panic!("no list today"),
        call => bench.ask(now, call),
    }
}

#[test]
fn a_panic_is_told_with_its_place() {
    let script: Script = r#"{"Call":{"call":"ListInstances"}}"#.parse().expect("a script");
    let run = block_on(replay(&FRAIL, &script));
    assert!(matches!(run.end, End::Deviates(Deviation { observed: 0, .. })));
    let said = run.observed[0].panic.as_deref().expect("it panicked");
    assert!(said.starts_with("no list today (") && said.contains("conformance/server.rs:"), "{said}");
}
