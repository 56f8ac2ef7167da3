//! `wait_for_orchestration` and `wait_for_kv_value` in their first 100 s, and
//! beyond where polls are not spared: exact to the millisecond.
//!
//! Both read once at the call, then again at once and after 5, 10, 20, 40, 80
//! and from then on 100 ms, as long as the time is not over when they look.
//! What happens at the very instant of a read comes after it: a turn is
//! fetched when nothing else can run at its instant.

use std::time::Duration;

use duroxide_sim::call::Call;
use duroxide_sim::duroxide::{Client, ClientError, OrchestrationStatus};
use duroxide_sim::provider::MemorySettings;
use duroxide_sim::{Node, Sim};
use proptest::prelude::*;

use super::{asked, ms, no_activities, run, text, timed};
use crate::check;

/// What a wait does, by itself: the moments it reads at, when it is back, and
/// whether it saw what it waited for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wait {
    pub reads: Vec<u64>,
    pub back: u64,
    pub seen: bool,
}

/// The wait that begins at `from` for something that happens at `at`.
fn expected(from: u64, at: u64, timeout: Duration) -> Wait {
    let mut reads = vec![from];
    let (mut now, mut delay) = (from, 5);
    if at < now {
        return Wait { reads, back: now, seen: true };
    }
    while ms(now - from) < timeout {
        reads.push(now);
        if at < now {
            return Wait { reads, back: now, seen: true };
        }
        now += delay;
        delay = (delay * 2).min(100);
    }
    Wait { reads, back: now, seen: false }
}

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum For {
    End,
    Key,
}

impl For {
    pub fn any() -> impl Strategy<Value = For> {
        prop_oneof![Just(For::End), Just(For::Key)]
    }

    pub fn orchestration(self) -> &'static str {
        match self {
            For::End => "End",
            For::Key => "Set",
        }
    }

    /// Waits; true when it was seen, false when the time was over.
    pub async fn wait(self, client: &Client, instance: &str, timeout: Duration) -> Result<bool, String> {
        let result = match self {
            For::End => client.wait_for_orchestration(instance, timeout).await.map(|status| {
                assert!(matches!(status, OrchestrationStatus::Completed { .. }), "{status:?}");
            }),
            For::Key => {
                client.wait_for_kv_value(instance, "key", timeout).await.map(|value| assert_eq!(value, "value"))
            }
        };
        match result {
            Ok(()) => Ok(true),
            Err(ClientError::Timeout) => Ok(false),
            Err(error) => Err(text(error)),
        }
    }

    pub fn is_read(self, call: &Call, of: &str) -> bool {
        match (self, call) {
            (For::End, Call::Read { instance }) => instance == of,
            (For::Key, Call::GetKvValue { instance, key }) => instance == of && key == "key",
            _ => false,
        }
    }
}

/// One wait for an instance started at 0, begun at `from`.
fn one(what: For, at: u64, from: u64, timeout: Duration, settings: MemorySettings) -> Result<Wait, TestCaseError> {
    let sim = Sim::new(1).node(Node::new("a", no_activities(), timed())).settings(settings);
    let run = run(sim, move |sim| async move {
        let client = sim.client();
        client.start_orchestration("one", what.orchestration(), at.to_string()).await.map_err(text)?;
        sim.sleep(ms(from)).await;
        let seen = what.wait(&client, "one", timeout).await?;
        Ok((seen, sim.elapsed().as_millis() as u64))
    })?;
    let (seen, back) = run.value;
    Ok(Wait { reads: asked(&run.trace, "client", |call| what.is_read(call, "one")), back, seen })
}

fn short() -> impl Strategy<Value = (u64, u64, Duration)> {
    let timeout = (0..3_000_000u64).prop_map(Duration::from_micros);
    (0..2_500u64, 0..1_500u64, timeout)
}

#[test]
fn a_wait_reads_on_its_grid_and_returns_at_the_first_read_that_can_know() {
    check(96, (For::any(), short()), |(what, (at, from, timeout))| {
        prop_assert_eq!(one(what, at, from, timeout, MemorySettings::default())?, expected(from, at, timeout));
        Ok(())
    });
}

#[test]
fn a_wait_is_exact_for_its_first_100_seconds() {
    let at = prop_oneof![1_000..100_000u64, 99_000..100_000u64, Just(99_999)];
    let timeout = prop_oneof![Just(ms(200_000)), (90_000_000..=100_000_000u64).prop_map(Duration::from_micros)];
    check(12, (For::any(), at, timeout), |(what, at, timeout)| {
        prop_assert_eq!(one(what, at, 0, timeout, MemorySettings::default())?, expected(0, at, timeout));
        Ok(())
    });
}

#[test]
fn a_wait_whose_polls_are_not_spared_is_exact_for_as_long_as_it_lasts() {
    let settings = MemorySettings { spare_client_polls: false, ..MemorySettings::default() };
    check(8, (For::any(), 100_000..250_000u64, 100_000..250_000u64), |(what, at, timeout)| {
        prop_assert_eq!(one(what, at, 0, ms(timeout), settings)?, expected(0, at, ms(timeout)));
        Ok(())
    });
}

#[test]
fn tasks_that_wait_for_one_instance_each_keep_their_own_grid() {
    let waiters = prop::collection::vec((For::any(), 0..400u64, 0..2_000u64), 1..5);
    check(48, (waiters, 0..2_000u64), |(waiters, at)| {
        let sim = Sim::new(2).node(Node::new("a", no_activities(), timed()));
        let tasks = waiters.clone();
        let run = run(sim, move |sim| async move {
            sim.client().start_orchestration("end", "End", at.to_string()).await.map_err(text)?;
            sim.client().start_orchestration("set", "Set", at.to_string()).await.map_err(text)?;
            let mut handles = Vec::new();
            for (n, (what, from, timeout)) in tasks.into_iter().enumerate() {
                let (sim, client) = (sim.clone(), sim.client_named(&format!("waiter {n}")));
                handles.push(tokio::spawn(async move {
                    sim.sleep(ms(from)).await;
                    let seen = what.wait(&client, instance(what), ms(timeout)).await?;
                    Ok::<_, String>((seen, sim.elapsed().as_millis() as u64))
                }));
            }
            let mut ends = Vec::new();
            for handle in handles {
                ends.push(handle.await.map_err(text)??);
            }
            Ok(ends)
        })?;
        for (n, (what, from, timeout)) in waiters.into_iter().enumerate() {
            let (seen, back) = run.value[n];
            let reads = asked(&run.trace, &format!("waiter {n}"), |call| what.is_read(call, instance(what)));
            prop_assert_eq!(Wait { reads, back, seen }, expected(from, at, ms(timeout)));
        }
        Ok(())
    });
}

fn instance(what: For) -> &'static str {
    match what {
        For::End => "end",
        For::Key => "set",
    }
}

#[test]
fn a_task_that_waits_for_several_instances_keeps_a_grid_for_each() {
    check(48, prop::collection::vec((For::any(), 0..2_000u64, 0..2_000u64), 1..5), |waits| {
        let sim = Sim::new(3).node(Node::new("a", no_activities(), timed()));
        let all = waits.clone();
        let run = run(sim, move |sim| async move {
            let client = sim.client();
            let mut open = Vec::new();
            for (n, (what, at, timeout)) in all.into_iter().enumerate() {
                let name = n.to_string();
                client.start_orchestration(&name, what.orchestration(), at.to_string()).await.map_err(text)?;
                let (sim, client) = (sim.clone(), client.clone());
                open.push(Box::pin(async move {
                    let seen = what.wait(&client, &name, ms(timeout)).await?;
                    Ok::<_, String>((seen, sim.elapsed().as_millis() as u64))
                }));
            }
            all_of(open).await
        })?;
        for (n, (what, at, timeout)) in waits.into_iter().enumerate() {
            let (seen, back) = run.value[n];
            let reads = asked(&run.trace, "client", |call| what.is_read(call, &n.to_string()));
            prop_assert_eq!(Wait { reads, back, seen }, expected(0, at, ms(timeout)));
        }
        Ok(())
    });
}

/// The results of all futures, run side by side in the calling task.
pub(super) async fn all_of<F, T>(futures: Vec<F>) -> Result<Vec<T>, String>
where
    F: Future<Output = Result<T, String>> + Unpin,
{
    let mut open: Vec<Option<F>> = futures.into_iter().map(Some).collect();
    let mut done: Vec<Option<T>> = open.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, result) in open.iter_mut().zip(&mut done) {
            let polled = future.as_mut().map(|running| std::pin::Pin::new(running).poll(cx));
            match polled {
                Some(std::task::Poll::Ready(Ok(value))) => (*future, *result) = (None, Some(value)),
                Some(std::task::Poll::Ready(Err(error))) => return std::task::Poll::Ready(Err(error)),
                _ => {}
            }
        }
        if open.iter().all(Option::is_none) { std::task::Poll::Ready(Ok(())) } else { std::task::Poll::Pending }
    })
    .await?;
    Ok(done.into_iter().flatten().collect())
}
