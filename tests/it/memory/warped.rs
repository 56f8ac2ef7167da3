//! `Memory` on the real clock follows a warp, to the millisecond.

use duroxide_sim::clock::{Time, Warp};

use super::*;
use crate::clock::alone;

const MS: Duration = Duration::from_millis(1);
const LOCK: Duration = Duration::from_secs(3600);

/// Asks on another thread of the runtime. A fetch must not wait: its waits are
/// on monotonic time, which no warp moves.
async fn ask_there(memory: &Arc<Memory>, call: Call) -> Reply {
    let memory = memory.clone();
    tokio::spawn(async move { ask(&memory, call).await }).await.expect("no panic")
}

#[test]
fn locks_expire_exactly_when_a_warp_reaches_their_end() {
    alone("memory::warped::locks_expire_exactly_when_a_warp_reaches_their_end", || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
        runtime.expect("a runtime can be built").block_on(async {
            let warp = Warp::start(None).expect("no other is on");
            let memory = Arc::new(Memory::new());
            ask_there(&memory, start("i")).await;
            ask_there(&memory, enqueue_job(1, None)).await;
            let (fetch_turn, fetch_job) = (fetch_turn(LOCK, Duration::ZERO), fetch_job(LOCK, Duration::ZERO));
            for round in 1..20 {
                let held_turn = turn(ask_there(&memory, fetch_turn.clone()).await);
                let held_job = job(ask_there(&memory, fetch_job.clone()).await);
                assert_eq!((held_turn.attempts, held_job.attempts), (round, round));
                warp.advance(LOCK - MS).expect("far from the end");
                assert_eq!(ask_there(&memory, fetch_turn.clone()).await, Reply::Turn(None));
                assert_eq!(ask_there(&memory, fetch_job.clone()).await, Reply::Job(None));
                warp.advance(MS).expect("far from the end");
                let late = ask_there(&memory, ack_turn(ack(&held_turn.token))).await;
                assert!(matches!(late, Reply::Refused(_)), "{late:?}");
            }
        });
    });
}

#[test]
fn delayed_messages_come_exactly_when_a_warp_reaches_them() {
    alone("memory::warped::delayed_messages_come_exactly_when_a_warp_reaches_them", || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
        runtime.expect("a runtime can be built").block_on(async {
            let warp = Warp::start(Some(Time(1_000_000))).expect("no other is on");
            let memory = Arc::new(Memory::new());
            ask_there(&memory, start_after("i", Some(LOCK))).await;
            let fetch = fetch_turn(LOCK, Duration::ZERO);
            warp.advance(LOCK - MS).expect("far from the end");
            assert_eq!(ask_there(&memory, fetch.clone()).await, Reply::Turn(None));
            warp.advance(MS).expect("far from the end");
            assert_eq!(turn(ask_there(&memory, fetch).await).instance, "i");
        });
    });
}
