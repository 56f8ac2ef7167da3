//! Waits of days, whose polls the provider spares: what they wait for is still
//! seen within 100 ms, and one that times out runs over by at most a hundredth
//! and the 100 ms that any wait may.

use std::time::Duration;

use duroxide_sim::sim::Run;
use duroxide_sim::{Node, Sim};
use proptest::prelude::*;

use super::waits::{For, all_of};
use super::{asked, ms, no_activities, run, text, timed};
use crate::check;

const DAY: u64 = 86_400_000;

/// Durations from 100 s up to 60 days, each order of magnitude as likely.
fn long() -> impl Strategy<Value = u64> {
    prop_oneof![100_000..1_000_000u64, 1_000_000..DAY, DAY..60 * DAY]
}

/// One wait from the start for an instance that does its thing at `at`:
/// whether it was seen, and when the wait was back.
fn one(what: For, at: u64, timeout: u64) -> Result<Run<(bool, u64)>, TestCaseError> {
    run(Sim::new(4).node(Node::new("a", no_activities(), timed())), move |sim| async move {
        let client = sim.client();
        client.start_orchestration("one", what.orchestration(), at.to_string()).await.map_err(text)?;
        let seen = what.wait(&client, "one", ms(timeout)).await?;
        Ok((seen, sim.elapsed().as_millis() as u64))
    })
}

#[test]
fn a_long_wait_is_back_within_100_ms_of_what_it_waits_for() {
    check(16, (For::any(), long()), |(what, at)| {
        let (seen, back) = one(what, at, at + DAY)?.value;
        prop_assert!(seen);
        prop_assert!((at..=at + 100).contains(&back), "it happened at {at}, and was seen at {back}");
        Ok(())
    });
}

#[test]
fn a_long_wait_that_times_out_runs_over_by_at_most_a_hundredth() {
    check(16, (For::any(), long()), |(what, timeout)| {
        let (seen, back) = one(what, 10 * timeout, timeout)?.value;
        prop_assert!(!seen);
        let latest = timeout + timeout / 100 + 100;
        prop_assert!((timeout..=latest).contains(&back), "a wait of {timeout} ms took {back} ms");
        Ok(())
    });
}

#[test]
fn a_wait_of_30_days_takes_below_5000_reads() {
    for what in [For::End, For::Key] {
        let run = one(what, 29 * DAY + DAY / 2, 30 * DAY).unwrap_or_else(|error| panic!("{error}"));
        assert!(run.value.0);
        let reads = asked(&run.trace, "client", |call| what.is_read(call, "one")).len();
        assert!(reads < 5_000, "{reads} reads");
    }
}

#[test]
fn tasks_that_wait_for_the_same_instance_all_see_its_end_within_100_ms() {
    check(16, (For::any(), long(), offsets()), |(what, at, offsets)| same(what, at, offsets, false));
}

#[test]
fn waits_for_the_same_instance_joined_in_one_task_all_see_its_end_within_100_ms() {
    // The provider cannot tell such waits apart where they read at one moment.
    let at = prop_oneof![100_000..300_000u64, long()];
    check(24, (For::any(), at, offsets()), |(what, at, offsets)| same(what, at, offsets, true));
}

fn offsets() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0..90_000u64, 1..4)
}

/// Waits for one instance that begin at the offsets, in a task each or joined.
fn same(what: For, at: u64, offsets: Vec<u64>, joined: bool) -> Result<(), TestCaseError> {
    let run = run(Sim::new(5).node(Node::new("a", no_activities(), timed())), move |sim| async move {
        sim.client().start_orchestration("one", what.orchestration(), at.to_string()).await.map_err(text)?;
        let wait = |offset: u64| {
            let (sim, client) = (sim.clone(), sim.client());
            Box::pin(async move {
                sim.sleep(ms(offset)).await;
                let seen = what.wait(&client, "one", ms(at + DAY)).await?;
                Ok::<_, String>((seen, sim.elapsed().as_millis() as u64))
            })
        };
        let waits = offsets.into_iter().map(wait);
        if joined {
            return all_of(waits.collect()).await;
        }
        let mut ends = Vec::new();
        for task in waits.map(tokio::spawn).collect::<Vec<_>>() {
            ends.push(task.await.map_err(text)??);
        }
        Ok(ends)
    })?;
    for (seen, back) in run.value {
        prop_assert!(seen && (at..=at + 100).contains(&back), "it happened at {}, and was seen at {}", at, back);
    }
    Ok(())
}

#[test]
fn one_task_sees_the_ends_of_several_long_instances_each_within_100_ms() {
    check(16, prop::collection::vec((For::any(), long()), 1..5), |waits| {
        let all = waits.clone();
        let run = run(Sim::new(6).node(Node::new("a", no_activities(), timed())), move |sim| async move {
            let mut open = Vec::new();
            for (n, (what, at)) in all.into_iter().enumerate() {
                let (sim, client, name) = (sim.clone(), sim.client(), n.to_string());
                client.start_orchestration(&name, what.orchestration(), at.to_string()).await.map_err(text)?;
                open.push(Box::pin(async move {
                    let seen = what.wait(&client, &name, ms(at + DAY)).await?;
                    Ok::<_, String>((seen, sim.elapsed().as_millis() as u64))
                }));
            }
            all_of(open).await
        })?;
        for ((_, at), (seen, back)) in waits.into_iter().zip(run.value) {
            prop_assert!(seen && (at..=at + 100).contains(&back), "it happened at {}, and was seen at {}", at, back);
        }
        Ok(())
    });
}

#[test]
fn a_wait_for_an_instance_that_changes_often_still_ends_right_and_reads_no_more_than_its_grid() {
    let changes = (1..60u64, prop_oneof![1..250u64, 10_000..100_000u64, 1_000_000..DAY]);
    check(16, (For::any(), changes), |(what, (times, every))| {
        let run = run(Sim::new(7).node(Node::new("a", no_activities(), timed())), move |sim| async move {
            let client = sim.client();
            client.start_orchestration("one", "Chatter", format!("{times}/{every}")).await.map_err(text)?;
            let seen = what.wait(&client, "one", Duration::from_secs(100 * 86_400)).await?;
            Ok((seen, sim.elapsed().as_millis() as u64))
        })?;
        let (seen, back) = run.value;
        let at = times * every;
        prop_assert!(seen && (at..=at + 100).contains(&back), "it happened at {}, and was seen at {}", at, back);
        let reads = asked(&run.trace, "client", |call| what.is_read(call, "one"));
        // The first seven come within 155 ms.
        prop_assert!(reads.len() as u64 <= 8 + back / 100);
        // No more than one read for each change and what a quiet wait needs.
        prop_assert!((reads.len() as u64) < 5_000 + 2 * times, "{} reads", reads.len());
        Ok(())
    });
}

#[test]
fn an_end_just_after_another_change_is_seen_within_100_ms() {
    // The change brings a held read back, and the end comes before the next.
    check(16, (For::any(), long(), 1..250u64), |(what, first, then)| {
        let run = run(Sim::new(18).node(Node::new("a", no_activities(), timed())), move |sim| async move {
            let client = sim.client();
            client.start_orchestration("one", "Twice", format!("{first}/{then}")).await.map_err(text)?;
            let seen = what.wait(&client, "one", ms(first + DAY)).await?;
            Ok((seen, sim.elapsed().as_millis() as u64))
        })?;
        let ((seen, back), at) = (run.value, first + then);
        prop_assert!(seen && (at..=at + 100).contains(&back), "it happened at {}, and was seen at {}", at, back);
        Ok(())
    });
}

/// The first read after a wait that timed out comes just when that wait's next
/// one would have, and the provider cannot tell the two apart: after a long
/// wait it too may be held back for a hundredth of it.
#[test]
fn a_read_after_a_wait_that_timed_out_takes_at_most_a_hundredth_of_it_and_no_time_after_a_short_one() {
    check(16, prop_oneof![1..100_000u64, long()], |timeout| {
        let run = run(Sim::new(17).node(Node::new("a", no_activities(), timed())), move |sim| async move {
            let client = sim.client();
            client.start_orchestration("one", "End", (10 * timeout).to_string()).await.map_err(text)?;
            let seen = For::End.wait(&client, "one", ms(timeout)).await?;
            let before = sim.now();
            client.get_orchestration_status("one").await.map_err(text)?;
            Ok((seen, (sim.now() - before).as_millis() as u64))
        })?;
        let (seen, took) = run.value;
        let most = if timeout <= 100_000 { 0 } else { (timeout + timeout / 100 + 100) / 100 };
        prop_assert!(!seen && took <= most, "after a wait of {} ms a read took {} ms", timeout, took);
        Ok(())
    });
}
