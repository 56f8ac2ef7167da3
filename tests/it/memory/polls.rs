//! What a wait loop's reads are spared, read by read: see `MemorySettings::spare_client_polls`.
//!
//! A loop reads every 100 ms. Its first thousand reads are answered at once;
//! after that one is held while nothing changes, for a hundredth of the time the
//! loop has waited.

use duroxide_sim::clock;
use duroxide_sim::duroxide::{Event, EventKind};
use duroxide_sim::sim::Handle;
use duroxide_sim::{Memory, MemorySettings, Sim};

use super::*;

const PAUSE: Duration = Duration::from_millis(100);

fn simulate<F: Future<Output = ()> + 'static>(body: impl FnOnce(Handle, Arc<Memory>) -> F + Send + 'static) {
    Sim::new(1).without_laws().run(move |sim| {
        let memory = Arc::new(Memory::new());
        body(sim, memory)
    });
}

fn read(instance: &str) -> Call {
    Call::Read { instance: instance.to_owned() }
}

fn value(key: &str) -> Call {
    Call::GetKvValue { instance: "i".to_owned(), key: key.to_owned() }
}

/// One read: how long it took, in milliseconds.
async fn took(memory: &Memory, call: &Call) -> u64 {
    let asked = clock::now();
    ask(memory, call.clone()).await;
    (clock::now() - asked).as_millis() as u64
}

/// A loop's next reads: how long each of them took.
async fn reads(memory: &Memory, call: &Call, many: usize) -> Vec<u64> {
    let mut all = Vec::new();
    for _ in 0..many {
        all.push(took(memory, call).await);
        tokio::time::sleep(PAUSE).await;
    }
    all
}

/// A loop up to the first read that can be held.
async fn long(memory: &Memory, call: &Call) {
    assert_eq!(reads(memory, call, 1000).await, [0; 1000], "{call:?}");
}

fn append(instance: &str, id: u64) -> Call {
    let event = Event {
        event_id: id,
        source_event_id: None,
        instance_id: instance.to_owned(),
        execution_id: 1,
        timestamp_ms: 0,
        duroxide_version: "0.1.32".to_owned(),
        kind: EventKind::ExternalSubscribed { name: "e".to_owned() },
    };
    Call::AppendWithExecution { instance: instance.to_owned(), execution: 1, events: vec![event.into()] }
}

/// Does this to the provider after so many milliseconds.
fn later<F: Future<Output = ()> + Send>(
    memory: &Arc<Memory>,
    ms: u64,
    act: impl FnOnce(Arc<Memory>) -> F + Send + 'static,
) {
    let memory = memory.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        act(memory).await;
    });
}

#[test]
fn a_thousand_reads_are_answered_at_once_and_later_ones_after_a_hundredth() {
    for call in [read("i"), value("k")] {
        simulate(move |_, memory| async move {
            long(&memory, &call).await;
            // It has waited 100 s, then 101.1 s, then 102.211 s.
            assert_eq!(reads(&memory, &call, 3).await, [1000, 1011, 1023]);
        });
    }
}

#[test]
fn nothing_is_held_where_polls_are_not_spared() {
    Sim::new(1).without_laws().run(|_| async {
        let memory = Memory::with_settings(MemorySettings { spare_client_polls: false, ..MemorySettings::default() });
        assert_eq!(reads(&memory, &read("i"), 1100).await, [0; 1100]);
    });
}

#[test]
fn other_reads_are_never_held() {
    simulate(|_, memory| async move {
        let all = Call::GetKvAllValues { instance: "i".to_owned() };
        assert_eq!(reads(&memory, &all, 1100).await, [0; 1100]);
    });
}

#[test]
fn a_held_read_is_answered_when_its_instance_changes() {
    simulate(|_, memory| async move {
        long(&memory, &read("i")).await;
        later(&memory, 300, |memory| async move {
            ask(&memory, append("other", 1)).await;
        });
        later(&memory, 400, |memory| async move {
            ask(&memory, append("i", 1)).await;
        });
        assert_eq!(reads(&memory, &read("i"), 1).await, [400]);
        // The change has been seen; it holds nothing up and lets nothing pass.
        assert_eq!(reads(&memory, &read("i"), 1).await, [1005]);
        later(&memory, 250, |memory| async move {
            assert!(memory.corrupt_history("i"));
        });
        assert_eq!(reads(&memory, &read("i"), 1).await, [250]);
        later(&memory, 150, |memory| async move {
            let call = Call::DeleteInstancesAtomic { instances: vec!["other".to_owned()], force: true };
            ask(&memory, call).await;
        });
        assert_eq!(reads(&memory, &read("i"), 1).await, [150], "a deletion may change any instance");
    });
}

#[test]
fn a_change_between_two_reads_is_read_at_once() {
    simulate(|_, memory| async move {
        long(&memory, &value("k")).await;
        assert_eq!(took(&memory, &value("k")).await, 1000);
        ask(&memory, append("i", 1)).await;
        tokio::time::sleep(PAUSE).await;
        assert_eq!(took(&memory, &value("k")).await, 0);
        tokio::time::sleep(PAUSE).await;
        assert_eq!(took(&memory, &value("k")).await, 1012);
    });
}

#[test]
fn who_reads_something_else_or_at_another_time_begins_a_loop() {
    simulate(|_, memory| async move {
        long(&memory, &read("i")).await;
        assert_eq!(reads(&memory, &read("i"), 1).await, [1000]);
        // None of these is the loop's: another instance, another task.
        assert_eq!((took(&memory, &read("j")).await, took(&memory, &value("k")).await), (0, 0));
        let inside = memory.clone();
        let task = tokio::spawn(async move { took(&inside, &read("i")).await });
        assert_eq!(task.await.expect("no panic"), 0);
        // Nor is one that is too early or too late.
        for (pause, held) in [(99, 0), (100, 1000), (101, 0)] {
            let inside = memory.clone();
            let task = tokio::spawn(async move {
                assert_eq!(reads(&inside, &read("i"), 999).await, [0; 999]);
                assert_eq!(took(&inside, &read("i")).await, 0);
                tokio::time::sleep(Duration::from_millis(pause)).await;
                took(&inside, &read("i")).await
            });
            assert_eq!(task.await.expect("no panic"), held, "{pause} ms after the last answer");
        }
    });
}

#[test]
fn a_loop_that_was_broken_off_begins_from_nothing() {
    simulate(|_, memory| async move {
        long(&memory, &read("i")).await;
        tokio::time::sleep(PAUSE).await;
        long(&memory, &read("i")).await;
        assert_eq!(reads(&memory, &read("i"), 1).await, [1000], "the second loop has waited 100 s");
    });
}

#[test]
fn two_loops_of_one_task_are_each_spared() {
    simulate(|_, memory| async move {
        let (first, second) = (memory.clone(), memory.clone());
        let late = async move {
            tokio::time::sleep(PAUSE / 2).await;
            reads(&second, &read("i"), 1001).await
        };
        let call = read("i");
        let (first, second) = tokio::join!(reads(&first, &call, 1001), late);
        assert_eq!((first[..1000].iter().sum::<u64>(), first[1000]), (0, 1000));
        assert_eq!((second[..1000].iter().sum::<u64>(), second[1000]), (0, 1000));
    });
}

#[test]
fn a_loop_is_still_known_after_many_readers_have_come_and_gone() {
    simulate(|_, memory| async move {
        long(&memory, &read("i")).await;
        for n in 0..300 {
            ask(&memory, read(&format!("other {n}"))).await;
        }
        assert_eq!(reads(&memory, &read("i"), 1).await, [1000]);
        let inside = memory.clone();
        let others = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(500)).await;
            for n in 0..600 {
                ask(&inside, read(&format!("more {n}"))).await;
            }
        });
        // They come while this one is held.
        assert_eq!(reads(&memory, &read("i"), 2).await, [1011, 1023]);
        others.await.expect("no panic");
    });
}

#[test]
fn of_two_reads_at_the_moment_one_is_due_the_second_begins_a_loop() {
    simulate(|_, memory| async move {
        let call = read("i");
        long(&memory, &call).await;
        assert_eq!(tokio::join!(took(&memory, &call), took(&memory, &call)), (1000, 0));
    });
}

/// Reads of as many other instances, after so many milliseconds.
fn others(memory: &Arc<Memory>, ms: u64, many: usize) {
    later(memory, ms, move |memory| async move {
        for n in 0..many {
            ask(&memory, read(&format!("other {n}"))).await;
        }
    });
}

#[test]
fn a_loop_that_is_left_alone_is_still_spared() {
    simulate(|_, memory| async move {
        long(&memory, &read("i")).await;
        others(&memory, 950, 63);
        assert_eq!(reads(&memory, &read("i"), 2).await, [1000, 1011]);
    });
}

#[test]
fn a_held_read_is_answered_when_its_instance_changes_though_nobody_else_waits_so_long() {
    simulate(|_, memory| async move {
        long(&memory, &read("i")).await;
        others(&memory, 200, 200);
        later(&memory, 400, |memory| async move {
            ask(&memory, append("i", 1)).await;
        });
        assert_eq!(reads(&memory, &read("i"), 1).await, [400]);
    });
}
