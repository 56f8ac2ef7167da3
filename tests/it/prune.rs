//! Pruning old executions of chains made by continue-as-new.
//!
//! What is expected comes from the generated plan of each chain and from the
//! histories as the client read them before. Sources: `ProviderAdmin`
//! (`prune_executions`, `prune_executions_bulk`), `PruneOptions`,
//! `InstanceFilter` and `PruneResult`.

mod chains;

use std::collections::BTreeMap;

use duroxide::{Client, InstanceFilter, OrchestrationStatus, PruneOptions, PruneResult};
use duroxide_sim::sim::{Handle, START};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::check;
use crate::filters::{any_filter, any_nudge, at};
use chains::*;

/// The executions that must go: neither current nor running, outside the last
/// `keep_last`, and ended strictly before the time given.
fn pruned(chain: &Chain, now: u64, there: &[u64], options: &PruneOptions) -> Vec<u64> {
    let current = chain.current(now);
    let kept = options.keep_last.unwrap_or(0) as usize;
    let newest = there.iter().rev().take(kept).collect::<Vec<_>>();
    let before = |execution: u64| {
        options.completed_before.is_none_or(|before| chain.ended(execution).is_some_and(|at| START.0 + at < before))
    };
    let old = there.iter().copied().filter(|id| *id != current && !newest.contains(&id) && before(*id));
    old.collect()
}

/// What pruning these executions must report, by the histories as they are now.
async fn counts(client: &Client, id: &str, gone: &[u64]) -> PruneResult {
    let mut counts = PruneResult { instances_processed: 1, ..PruneResult::default() };
    for execution in gone {
        counts.executions_deleted += 1;
        counts.events_deleted += client.read_execution_history(id, *execution).await.unwrap().len() as u64;
    }
    counts
}

fn assert_counts(found: &PruneResult, expected: &PruneResult) {
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
}

/// Options whose time is still to be taken from a plan: a millisecond before
/// the end of some execution, then, or one after.
#[derive(Clone, Debug)]
struct Options {
    keep_last: Option<u32>,
    before: Option<(Index, i64)>,
}

fn any_options() -> impl Strategy<Value = Options> {
    let keep_last = prop_oneof![2 => Just(None), 3 => (0..=9u32).prop_map(Some), 1 => Just(Some(u32::MAX))];
    let before = prop::option::of((any::<Index>(), any_nudge()));
    (keep_last, before).prop_map(|(keep_last, before)| Options { keep_last, before })
}

impl Options {
    fn fill(&self, chain: &Chain) -> PruneOptions {
        let ends: Vec<u64> = (1..=chain.executions()).map(|id| chain.ended(id).unwrap_or(chain.last_start())).collect();
        let completed_before = self.before.as_ref().map(|(index, nudge)| at(*index.get(&ends), *nudge));
        PruneOptions { keep_last: self.keep_last, completed_before }
    }
}

/// Prunes once and checks everything; returns the executions that are left.
async fn prune_one(sim: &Handle, chain: &Chain, now: u64, there: &[u64], options: &PruneOptions) -> Vec<u64> {
    let client = sim.client();
    let gone = pruned(chain, now, there, options);
    let left: Vec<u64> = there.iter().copied().filter(|id| !gone.contains(id)).collect();
    let expected = counts(&client, &chain.id, &gone).await;
    let before = views(&client, &chain.id, &left).await;

    let found = client.prune_executions(&chain.id, options.clone()).await.unwrap();

    assert_counts(&found, &expected);
    assert_eq!(client.list_executions(&chain.id).await.unwrap(), left, "{options:?}");
    let metrics = client.get_system_metrics().await.unwrap();
    let events = counts(&client, &chain.id, &left).await.events_deleted;
    assert_eq!((metrics.total_instances, metrics.total_executions), (1, left.len() as u64));
    assert_eq!(metrics.total_events, events);
    assert_eq!(views(&client, &chain.id, &left).await, before);
    for execution in &gone {
        assert_eq!(client.read_execution_history(&chain.id, *execution).await.unwrap().len(), 0);
        assert!(client.get_execution_info(&chain.id, *execution).await.is_err(), "{execution}");
    }
    let again = client.prune_executions(&chain.id, options.clone()).await.unwrap();
    assert_counts(&again, &PruneResult { instances_processed: 1, ..PruneResult::default() });
    left
}

#[test]
fn pruning_takes_exactly_the_old_executions() {
    let prunes = prop::collection::vec((any_moment(), any_options()), 0..=3);
    check(32, (any_chain("c0"), prunes), |(chain, prunes)| {
        let plan = chain.clone();
        world().run(move |sim| async move {
            plant(&sim, &[&plan]).await;
            let mut there: Vec<u64> = Vec::new();
            let mut prunes = prunes.clone();
            prunes.sort_by_key(|(moment, _)| *moment);
            let mut current = 0;
            for (moment, options) in prunes {
                until(&sim, moment).await;
                there.extend(current + 1..=plan.current(moment));
                current = plan.current(moment);
                there = prune_one(&sim, &plan, moment, &there, &options.fill(&plan)).await;
            }
            assert_comes_to_its_end(&sim, &plan).await;
        });
        Ok(())
    });
}

/// All that clients see of the last execution in the end.
fn ending(chain: &Chain, prunes: &[(u64, Options)]) -> BTreeMap<u64, String> {
    let (chain, prunes) = (chain.clone(), prunes.to_vec());
    world().run(move |sim| async move {
        plant(&sim, &[&chain]).await;
        for (moment, options) in prunes {
            until(&sim, moment).await;
            sim.client().prune_executions(&chain.id, options.fill(&chain)).await.unwrap();
        }
        until(&sim, LATE).await;
        assert_comes_to_its_end(&sim, &chain).await;
        Ok::<_, String>(views(&sim.client(), &chain.id, &[chain.final_execution()]).await)
    })
}

#[test]
fn pruning_changes_nothing_that_comes_later() {
    let prunes = prop::collection::vec((any_moment(), any_options()), 1..=3);
    check(16, (any_chain("c0"), prunes), |(chain, mut prunes)| {
        prunes.sort_by_key(|(moment, _)| *moment);
        prop_assert_eq!(ending(&chain, &prunes), ending(&chain, &[]));
        Ok(())
    });
}

/// Whether a filter selects a chain: its time is that of the current execution.
fn selects(filter: &InstanceFilter, chain: &Chain, now: u64) -> bool {
    let listed = filter.instance_ids.as_ref().is_none_or(|ids| ids.contains(&chain.id));
    let ended = chain.ended(chain.current(now)).filter(|at| *at <= now);
    listed && filter.completed_before.is_none_or(|before| ended.is_some_and(|at| START.0 + at < before))
}

async fn prune_many(sim: &Handle, chains: &[Chain], filter: &InstanceFilter, options: &PruneOptions, now: u64) {
    let client = sim.client();
    let mut expected = Vec::new();
    for chain in chains {
        let there: Vec<u64> = (1..=chain.current(now)).collect();
        let gone = pruned(chain, now, &there, options);
        let counts = counts(&client, &chain.id, &gone).await;
        let before = views(&client, &chain.id, &there).await;
        expected.push((chain, gone, counts, before));
    }
    let found = client.prune_executions_bulk(filter.clone(), options.clone()).await.unwrap();

    // Which instances a limit cuts off is not said; it must be told by looking.
    let mut sum = PruneResult::default();
    let mut missed = 0;
    for (chain, gone, counts, before) in expected {
        let left = client.list_executions(&chain.id).await.unwrap();
        let untouched = left.len() == before.len();
        if untouched {
            missed += usize::from(!gone.is_empty() && selects(filter, chain, now));
        } else {
            assert!(selects(filter, chain, now), "{filter:?} does not select {}", chain.id);
            assert!(left.iter().all(|id| !gone.contains(id)) && left.len() + gone.len() == before.len(), "{options:?}");
            sum.executions_deleted += counts.executions_deleted;
            sum.events_deleted += counts.events_deleted;
        }
        let same = before.into_iter().filter(|(id, _)| left.contains(id)).collect();
        assert_eq!(views(&client, &chain.id, &left).await, same);
    }
    let selected = chains.iter().filter(|chain| selects(filter, chain, now)).count();
    let processed = selected.min(filter.limit.unwrap_or(1000) as usize);
    assert!(missed <= selected - processed, "{missed} selected chains were not pruned");
    sum.instances_processed = processed as u64;
    assert_counts(&found, &sum);
}

#[test]
fn bulk_pruning_prunes_the_instances_that_the_filter_selects() {
    let chains = (any_chain("c0"), any_chain("c1"), any_chain("c2"), any_chain("c3"));
    let all = (chains, 1..=4usize, any_filter(5), any_options(), any_moment());
    check(48, all, |(chains, many, filter, options, now)| {
        let mut chains = vec![chains.0, chains.1, chains.2, chains.3];
        chains.truncate(many);
        world().run(move |sim| async move {
            plant(&sim, &chains.iter().collect::<Vec<_>>()).await;
            until(&sim, now).await;
            let names: Vec<&str> = chains.iter().map(|chain| chain.id.as_str()).collect();
            let end = |chain: &Chain| chain.ended(chain.executions()).unwrap_or(now);
            let ends: Vec<u64> = chains.iter().map(end).collect();
            let (filter, options) = (filter.fill(&names, &ends), options.fill(&chains[0]));
            prune_many(&sim, &chains, &filter, &options, now).await;
            if filter.limit.is_none() {
                // Everything selected is pruned by now.
                let again = sim.client().prune_executions_bulk(filter, options).await.unwrap();
                assert_eq!((again.executions_deleted, again.events_deleted), (0, 0));
            }
            for chain in &chains {
                assert_comes_to_its_end(&sim, chain).await;
            }
        });
        Ok(())
    });
}

#[test]
fn an_unknown_instance_cannot_be_pruned() {
    world().run(|sim| async move {
        let client = sim.client();
        let refused = client.prune_executions("nobody", PruneOptions::default()).await;
        let error = refused.expect_err("there is no such instance");
        assert!(error.to_string().to_lowercase().contains("not found"), "{error}");
        assert!(!error.is_retryable());
        let status = client.get_orchestration_status("nobody").await.unwrap();
        assert!(matches!(status, OrchestrationStatus::NotFound));
    });
}

#[test]
fn sub_orchestrations_are_pruned_like_roots() {
    check(8, (any_chain("c0"), any_moment(), any::<bool>()), |(chain, now, bulk)| {
        world().run(move |sim| async move {
            plant_under(&sim, "root", &chain).await;
            until(&sim, now).await;
            let client = sim.client();
            let options = PruneOptions::default();
            let gone = pruned(&chain, now, &(1..=chain.current(now)).collect::<Vec<_>>(), &options);
            let mut expected = counts(&client, &chain.id, &gone).await;
            let found = if bulk {
                expected.instances_processed = 2;
                client.prune_executions_bulk(InstanceFilter::default(), options).await.unwrap()
            } else {
                client.prune_executions(&chain.id, options).await.unwrap()
            };
            assert_counts(&found, &expected);
            assert_comes_to_its_end(&sim, &chain).await;
            let root = client.get_orchestration_status("root").await.unwrap();
            assert!(matches!(root, OrchestrationStatus::Completed { .. }), "{root:?}");
            let deleted = client.delete_instance("root", false).await.unwrap();
            assert_eq!(deleted.instances_deleted, 2);
        });
        Ok(())
    });
}
