//! Deleting instances: whole trees of sub-orchestrations, single and in bulk.
//!
//! What is expected comes from the generated plan of each tree ([`trees`]) and
//! from the histories as the client read them before. Sources: `ProviderAdmin`
//! (`delete_instances_atomic`, `delete_instance`, `delete_instance_bulk`),
//! `InstanceFilter`, `DeleteInstanceResult` and the client's methods.

mod atomic;
mod between;
mod stale;
mod trees;

use std::collections::BTreeSet;
use std::time::Duration;

use duroxide::{Client, ClientError, DeleteInstanceResult, InstanceFilter, PruneOptions};
use duroxide_sim::sim::{Handle, START};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::check;
use crate::filters::{Filter, any_filter};
use trees::*;

/// What deleting instances must report, from their plans and from the events
/// that the client reads now.
async fn counts(client: &Client, gone: &[Known], now: u64) -> DeleteInstanceResult {
    let mut counts = DeleteInstanceResult::default();
    for known in gone {
        counts.instances_deleted += 1;
        counts.executions_deleted += known.executions;
        counts.queue_messages_deleted += known.queued(now);
        for execution in 1..=known.executions {
            let history = client.read_execution_history(&known.id, execution).await.unwrap();
            assert!(!history.is_empty(), "{} execution {execution} has no history", known.id);
            counts.events_deleted += history.len() as u64;
        }
    }
    counts
}

fn assert_counts(found: &DeleteInstanceResult, expected: &DeleteInstanceResult) {
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
}

/// Checks the figures about the whole system against the plans of all that is
/// left, with `mail` more messages queued than the plans say.
async fn assert_totals(client: &Client, left: &[Known], now: u64, mail: usize) {
    let events = counts(client, left, now).await.events_deleted;
    let those = |wanted: &dyn Fn(&Known) -> bool| left.iter().filter(|known| wanted(known)).count() as u64;
    let metrics = client.get_system_metrics().await.unwrap();
    let statuses = (metrics.running_instances, metrics.completed_instances, metrics.failed_instances);
    let running = those(&|known| !known.ended(now));
    let failed = those(&|known| known.ended(now) && known.fate == Fate::Fail);
    assert_eq!(statuses, (running, left.len() as u64 - running - failed, failed));
    assert_eq!(metrics.total_instances, left.len() as u64);
    assert_eq!(metrics.total_executions, left.iter().map(|known| known.executions).sum::<u64>());
    assert_eq!(metrics.total_events, events);

    let depths = client.get_queue_depths().await.unwrap();
    let queued = |wanted: &dyn Fn(Fate) -> bool| those(&|known| known.queued(now) > 0 && wanted(known.fate)) as usize;
    assert_eq!(depths.orchestrator_queue, queued(&|fate| matches!(fate, Fate::Timer(_))) + mail);
    // Every activity that a worker takes has been taken.
    assert_eq!(depths.worker_queue, queued(&|fate| fate == Fate::Unserved));
}

/// What of `trees` exists at `now` and is in no tree of `gone`.
fn others(trees: &[Vec<Known>], gone: &BTreeSet<String>, now: u64) -> Vec<Known> {
    existing(trees, now).into_iter().filter(|known| !gone.contains(&known.id)).collect()
}

/// Deletes one root of a forest and checks all that can be seen of it.
async fn delete_one(sim: &Handle, roots: &[Branch], target: usize, now: u64, force: bool, mail: &[Index]) {
    let client = sim.client();
    let mut trees = forest(roots);
    plant(sim, roots).await;
    until(sim, now).await;
    let there = existing(&trees, now);
    if !mail.is_empty() {
        // With no node running the messages stay where they are.
        sim.crash("a").unwrap();
    }
    let target: Vec<Known> = existing(&[trees.remove(target)], now);
    let ids: BTreeSet<String> = target.iter().map(|known| known.id.clone()).collect();
    let mut expected = counts(&client, &target, now).await;
    for index in mail {
        let to = &index.get(&there).id;
        client.raise_event(to, "other", "data").await.unwrap();
        expected.queue_messages_deleted += u64::from(ids.contains(to));
    }
    let mail_to_others = mail.iter().filter(|index| !ids.contains(&index.get(&there).id)).count();
    let others = others(&trees, &ids, now);
    let before = views(&client, &others).await;
    let store = sim.memory().snapshot();

    let root = &target[0].id;
    let running = target.iter().any(|known| !known.ended(now));
    let mut result = client.delete_instance(root, force).await;
    if running && !force {
        assert!(matches!(&result, Err(ClientError::InstanceStillRunning { instance_id }) if instance_id == root));
        assert!(sim.memory().snapshot() == store, "a refused deletion has changed something");
        result = client.delete_instance(root, true).await;
    }
    assert_counts(&result.unwrap(), &expected);
    for id in &ids {
        assert_gone(sim, id).await;
    }
    assert_eq!(views(&client, &others).await, before);
    assert_totals(&client, &others, now, mail_to_others).await;

    if !mail.is_empty() {
        sim.start("a").await.unwrap();
    }
    assert_can_finish(sim, &trees).await;
    for id in &ids {
        assert_gone(sim, id).await;
    }
    for root in trees.iter().map(|tree| &tree[0].id) {
        client.delete_instance(root, false).await.unwrap();
    }
    assert_bare(sim).await;
}

#[test]
fn deletion_takes_the_whole_tree_and_nothing_else() {
    let forest = prop::collection::vec(any_node(), 1..=3);
    let mail = prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(any::<Index>(), 1..=6)];
    let all = (forest, any::<Index>(), any_moment(), any::<bool>(), mail);
    check(24, all, |(roots, target, now, force, mail)| {
        let target = target.index(roots.len());
        world().run(move |sim| async move { delete_one(&sim, &roots, target, now, force, &mail).await });
        Ok(())
    });
}

/// Whether a filter selects a tree: by its root, and only if all of it has
/// ended.
fn selects(filter: &InstanceFilter, tree: &[Known], now: u64) -> bool {
    let root = &tree[0];
    let listed = filter.instance_ids.as_ref().is_none_or(|ids| ids.contains(&root.id));
    let early = filter.completed_before.is_none_or(|before| root.end.is_some_and(|end| START.0 + end < before));
    listed && early && tree.iter().filter(|known| known.exists(now)).all(|known| known.ended(now))
}

async fn delete_many(sim: &Handle, roots: &[Branch], filter: &Filter, now: u64) {
    let client = sim.client();
    let trees = forest(roots);
    plant(sim, roots).await;
    until(sim, now).await;
    let there = existing(&trees, now);
    let names: Vec<&str> = there.iter().map(|known| known.id.as_str()).collect();
    let ends: Vec<u64> = trees.iter().map(|tree| tree[0].end.unwrap_or(now)).collect();
    let filter = filter.fill(&names, &ends);
    let mut expected = Vec::new();
    for tree in &trees {
        let there = existing(std::slice::from_ref(tree), now);
        expected.push((selects(&filter, tree, now), counts(&client, &there, now).await, there));
    }
    let before = views(&client, &existing(&trees, now)).await;

    let found = client.delete_instance_bulk(filter.clone()).await.unwrap();

    // Which instances a limit cuts off is not said; it must be told by looking.
    let left: BTreeSet<String> = client.list_all_instances().await.unwrap().into_iter().collect();
    let (gone, kept): (Vec<_>, Vec<_>) = expected.iter().partition(|(_, _, tree)| !left.contains(&tree[0].id));
    assert!(gone.iter().all(|(selected, _, _)| *selected), "{filter:?} has deleted {gone:?}");
    let selected = expected.iter().filter(|(selected, _, _)| *selected).count();
    assert_eq!(gone.len(), selected.min(filter.limit.unwrap_or(1000) as usize), "{filter:?}");
    let mut sum = DeleteInstanceResult::default();
    for (_, counts, tree) in gone {
        sum.instances_deleted += counts.instances_deleted;
        sum.executions_deleted += counts.executions_deleted;
        sum.events_deleted += counts.events_deleted;
        sum.queue_messages_deleted += counts.queue_messages_deleted;
        for known in tree {
            assert_gone(sim, &known.id).await;
        }
    }
    assert_counts(&found, &sum);
    let there: Vec<Known> = kept.iter().flat_map(|(_, _, tree)| tree.clone()).collect();
    assert_totals(&client, &there, now, 0).await;
    for known in kept.iter().flat_map(|(_, _, tree)| tree) {
        assert_eq!(view(&client, &known.id).await, before[&known.id]);
    }
    let kept: Vec<_> = trees.into_iter().filter(|tree| left.contains(&tree[0].id)).collect();
    assert_can_finish(sim, &kept).await;
    let rest = client.delete_instance_bulk(InstanceFilter::default()).await.unwrap();
    assert_eq!(rest.instances_deleted as usize, kept.iter().flatten().count());
    assert_bare(sim).await;
}

#[test]
fn bulk_deletion_takes_ended_trees_that_the_filter_selects() {
    let forest = prop::collection::vec(prop_oneof![any_node(), any_node().prop_map(ends)], 1..=4);
    check(48, (forest, any_filter(6), any_moment()), |(roots, filter, now)| {
        world().run(move |sim| async move { delete_many(&sim, &roots, &filter, now).await });
        Ok(())
    });
}

/// The same tree with everything in it ending at once, for forests in which
/// many trees are selected.
fn ends(node: Branch) -> Branch {
    let fate = if node.fate == Fate::Fail { Fate::Fail } else { Fate::Complete };
    Branch { fate, children: node.children.into_iter().map(ends).collect(), ..node }
}

#[test]
fn only_roots_that_exist_can_be_deleted() {
    let all = (any_node(), any_moment(), any::<bool>());
    check(8, all, |(root, now, force)| {
        world().run(move |sim| async move {
            let client = sim.client();
            plant(&sim, std::slice::from_ref(&root)).await;
            until(&sim, now).await;
            let store = sim.memory().snapshot();
            for known in existing(&forest(&[root]), now).iter().filter(|known| known.parent.is_some()) {
                let id = &known.id;
                let refused = client.delete_instance(id, force).await;
                match refused {
                    Err(ClientError::CannotDeleteSubOrchestration { instance_id }) => assert_eq!(&instance_id, id),
                    other => panic!("deleting {id} gave {other:?}"),
                }
            }
            let refused = client.delete_instance("nobody", force).await;
            assert!(matches!(refused, Err(ClientError::InstanceNotFound { instance_id }) if instance_id == "nobody"));
            assert!(sim.memory().snapshot() == store, "a refused deletion has changed something");
        });
        Ok(())
    });
}

#[test]
fn bulk_calls_take_a_thousand_instances_unless_told_otherwise() {
    world().run(|sim| async move {
        let client = sim.client();
        let node = Branch::leaf(Fate::Complete);
        for n in 0..1002 {
            client.start_orchestration(&format!("r{n}"), "Live", text(&node)).await.unwrap();
        }
        sim.sleep(Duration::from_secs(60)).await;
        let pruned = client.prune_executions_bulk(InstanceFilter::default(), PruneOptions::default()).await.unwrap();
        assert_eq!((pruned.instances_processed, pruned.executions_deleted), (1000, 0));
        for (limit, expected) in [(None, 1000), (Some(1), 1), (None, 1), (None, 0)] {
            let filter = InstanceFilter { limit, ..InstanceFilter::default() };
            let deleted = client.delete_instance_bulk(filter).await.unwrap();
            assert_eq!(deleted.instances_deleted, expected);
        }
        assert_bare(&sim).await;
    });
}
