//! `delete_instances_atomic`, which no client calls by itself: exactly the
//! named instances, all or none, and no child is left behind.

use std::collections::BTreeSet;
use std::time::Duration;

use duroxide::providers::ProviderAdmin;
use duroxide_sim::sim::Handle;
use proptest::prelude::*;
use proptest::sample::Index;

use super::trees::*;
use super::{assert_counts, counts, others};
use crate::check;

/// What must become of a call for `ids`.
#[derive(Debug, PartialEq)]
enum Expected {
    Deleted,
    /// With a text of which one must be in the message.
    Refused(Vec<String>),
}

fn expected(there: &[Known], ids: &BTreeSet<String>, force: bool, now: u64) -> Expected {
    let named = |id: &String| ids.contains(id);
    let mut reasons = Vec::new();
    if !force && there.iter().any(|known| named(&known.id) && !known.ended(now)) {
        reasons.push("still running".to_owned());
    }
    let left = there.iter().filter(|known| known.parent.as_ref().is_some_and(named) && !named(&known.id));
    reasons.extend(left.map(|known| format!("{:?} is a child of", known.id)));
    if reasons.is_empty() { Expected::Deleted } else { Expected::Refused(reasons) }
}

/// Deletes `ids` at once and checks the outcome; returns whether they are gone.
async fn delete(sim: &Handle, trees: &[Vec<Known>], ids: &[String], force: bool, now: u64) -> bool {
    let client = sim.client();
    let set: BTreeSet<String> = ids.iter().cloned().collect();
    let there = existing(trees, now);
    let gone: Vec<Known> = there.iter().filter(|known| set.contains(&known.id)).cloned().collect();
    let counts = counts(&client, &gone, now).await;
    let others = others(trees, &set, now);
    let before = views(&client, &others).await;
    let store = sim.memory().snapshot();

    let result = sim.memory().delete_instances_atomic(ids, force).await;

    match expected(&there, &set, force, now) {
        Expected::Deleted => {
            assert_counts(&result.unwrap(), &counts);
            for id in &set {
                assert_gone(sim, id).await;
            }
            for known in others {
                // A parent that stays lists the children that are gone no more.
                let lists = gone.iter().any(|other| other.id.starts_with(&format!("{}.", known.id)));
                let same = view(&client, &known.id).await == before[&known.id];
                assert_eq!(same, !lists, "{}", known.id);
            }
            sim.sleep(Duration::from_secs(600)).await;
            for id in &set {
                assert_gone(sim, id).await;
            }
            true
        }
        Expected::Refused(reasons) => {
            let error = result.expect_err("it would leave a child behind or end a running instance");
            assert!(reasons.iter().any(|reason| error.message.contains(reason)), "{error}: {reasons:?}");
            assert!(!error.is_retryable());
            assert!(sim.memory().snapshot() == store, "a refused deletion has changed something");
            false
        }
    }
}

#[test]
fn any_set_of_instances_is_deleted_whole_or_not_at_all() {
    let roots = prop::collection::vec(any_node(), 1..=2);
    let set = prop::collection::vec(any::<Index>(), 0..=4);
    // Either single instances or those with all their descendants.
    let all = (roots, set, any::<bool>(), any::<bool>(), any_moment());
    check(24, all, |(roots, set, whole, force, now)| {
        world().without_laws().run(move |sim| async move {
            let trees = forest(&roots);
            plant(&sim, &roots).await;
            until(&sim, now).await;
            let there = existing(&trees, now);
            let mut ids: Vec<String> = set.iter().map(|index| index.get(&there).id.clone()).collect();
            if whole {
                let under = |id: &str| ids.iter().any(|root| id == root || id.starts_with(&format!("{root}.")));
                ids = there.iter().map(|known| known.id.clone()).filter(|id| under(id)).collect();
            }
            ids.push("nobody".to_owned());
            delete(&sim, &trees, &ids, force, now).await;
        });
        Ok(())
    });
}

#[test]
fn a_tree_that_has_grown_since_it_was_read_is_not_deleted() {
    check(24, (any_node(), 1..=3u64, any_moment(), any_moment()), |(root, beats, one, other)| {
        world().without_laws().run(move |sim| async move {
            let root = Branch { fate: Fate::Timer(beats), late: true, ..root };
            let trees = forest(std::slice::from_ref(&root));
            plant(&sim, &[root]).await;
            until(&sim, one.min(other)).await;
            let read = sim.client().get_instance_tree("r0").await.unwrap().all_ids;
            let known: BTreeSet<String> = existing(&trees, one.min(other)).into_iter().map(|known| known.id).collect();
            assert_eq!(read.iter().cloned().collect::<BTreeSet<_>>(), known);
            assert_eq!(read.len(), known.len());

            until(&sim, one.max(other)).await;
            let grown = existing(&trees, one.max(other)).len() > read.len();
            assert_eq!(delete(&sim, &trees, &read, true, one.max(other)).await, !grown);
        });
        Ok(())
    });
}
