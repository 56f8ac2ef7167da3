//! What comes too late: turns and activities that were fetched before their
//! instance was deleted.

use std::time::Duration;

use duroxide::providers::{ExecutionMetadata, Provider, ProviderAdmin, ProviderError, TagFilter, WorkItem};
use duroxide::{ClientError, Event, EventKind};
use duroxide_sim::sim::Handle;
use duroxide_sim::{Memory, Sim};
use proptest::prelude::*;

use super::trees::*;
use crate::check;

/// Deletes a tree, if there is one, and starts another under its name; returns
/// all that clients see of the second when it can go no further.
fn second_life(first: Option<Branch>, second: &Branch, moment: u64) -> Vec<String> {
    let second = second.clone();
    world().run(move |sim| async move {
        let client = sim.client();
        if let Some(first) = first {
            plant(&sim, &[first]).await;
            until(&sim, moment).await;
            client.delete_instance("r0", true).await.unwrap();
        }
        until(&sim, moment).await;
        client.start_orchestration("r0", "Live", text(&second)).await.unwrap();
        // Long enough for whatever the first life still had under way.
        until(&sim, moment + 20 * BEAT).await;
        let mut views = vec![client.list_all_instances().await.unwrap().join(" ")];
        for known in tree("r0", &second, moment).iter().filter(|known| known.start.is_some()) {
            assert_as_planned(&client, known, known.end.is_some()).await;
            let first = client.read_execution_history(&known.id, 1).await.unwrap().swap_remove(0);
            assert_eq!(first.event_id, 1);
            assert!(matches!(first.kind, EventKind::OrchestrationStarted { .. }), "{first:?}");
            views.push(view(&client, &known.id).await);
        }
        Ok::<_, String>(views)
    })
}

/// The same tree with sessions that no second life uses. A session belongs to
/// no instance and is not deleted with one: its owner stays busy with the first
/// life's activity until it finds that its lock is lost, and the second life's
/// activities on the same session would wait for it.
fn in_other_sessions(node: Branch) -> Branch {
    let fate = if let Fate::Session(beats) = node.fate { Fate::Session(beats + 10) } else { node.fate };
    Branch { fate, children: node.children.into_iter().map(in_other_sessions).collect(), ..node }
}

#[test]
fn a_deleted_instance_starts_again_as_if_it_had_never_been() {
    check(24, (any_node(), any_node(), any_moment()), |(first, second, moment)| {
        let first = in_other_sessions(first);
        prop_assert_eq!(second_life(Some(first), &second, moment), second_life(None, &second, moment));
        Ok(())
    });
}

const LOCK: Duration = Duration::from_secs(30);

async fn fetch_turn(memory: &Memory) -> (duroxide::providers::OrchestrationItem, String) {
    let fetched = memory.fetch_orchestration_item(LOCK, Duration::ZERO, None).await.unwrap();
    let (item, token, _) = fetched.expect("there is a turn to fetch");
    (item, token)
}

/// Commits a first turn that schedules one activity.
async fn ack_first_turn(memory: &Memory, token: &str) -> Result<(), ProviderError> {
    let started = EventKind::OrchestrationStarted {
        name: "Live".to_owned(),
        version: "1.0.0".to_owned(),
        input: String::new(),
        parent_instance: None,
        parent_id: None,
        parent_execution_id: None,
        carry_forward_events: None,
        initial_custom_status: None,
    };
    let scheduled =
        EventKind::ActivityScheduled { name: "Work".to_owned(), input: String::new(), session_id: None, tag: None };
    let history =
        vec![Event::with_event_id(1, "r0", 1, None, started), Event::with_event_id(2, "r0", 1, None, scheduled)];
    let job = WorkItem::ActivityExecute {
        instance: "r0".to_owned(),
        execution_id: 1,
        id: 2,
        name: "Work".to_owned(),
        input: String::new(),
        session_id: None,
        tag: None,
    };
    let metadata = ExecutionMetadata {
        orchestration_name: Some("Live".to_owned()),
        orchestration_version: Some("1.0.0".to_owned()),
        ..ExecutionMetadata::default()
    };
    memory.ack_orchestration_item(token, 1, history, vec![job], Vec::new(), metadata, Vec::new()).await
}

async fn ack_job(memory: &Memory, token: &str) -> Result<(), ProviderError> {
    let completion =
        WorkItem::ActivityCompleted { instance: "r0".to_owned(), execution_id: 1, id: 2, result: "worked".to_owned() };
    memory.ack_work_item(token, Some(completion)).await
}

/// Tries everything that a stale turn token could do; nothing may happen.
async fn assert_turn_is_stale(memory: &Memory, token: &str) {
    let before = memory.snapshot();
    assert!(ack_first_turn(memory, token).await.is_err());
    assert!(memory.renew_orchestration_item_lock(token, LOCK).await.is_err());
    assert!(memory.abandon_orchestration_item(token, None, false).await.is_err());
    assert!(memory.snapshot() == before, "a stale turn has changed something");
}

async fn assert_job_is_stale(memory: &Memory, token: &str) {
    let before = memory.snapshot();
    assert!(ack_job(memory, token).await.is_err());
    assert!(memory.renew_work_item_lock(token, LOCK).await.is_err());
    assert!(memory.abandon_work_item(token, None, false).await.is_err());
    assert!(memory.snapshot() == before, "a stale activity has changed something");
}

/// Deletes `r0`, by the client where it has a record and with the primitive
/// where it is but a message. Whoever holds them, `queued` messages and jobs
/// must go with it.
async fn delete(sim: &Handle, recorded: bool, queued: u64) {
    let result = if recorded {
        sim.client().delete_instance("r0", true).await.unwrap()
    } else {
        let refused = sim.client().delete_instance("r0", true).await;
        assert!(matches!(refused, Err(ClientError::InstanceNotFound { .. })), "{refused:?}");
        sim.memory().delete_instances_atomic(&["r0".to_owned()], true).await.unwrap()
    };
    assert_eq!(result.instances_deleted, u64::from(recorded));
    assert_eq!(result.events_deleted, if recorded { 2 } else { 0 });
    assert_eq!(result.queue_messages_deleted, queued);
    assert_gone(sim, "r0").await;
}

#[test]
fn a_turn_fetched_before_the_deletion_cannot_be_acked() {
    for (recorded, expired) in [(false, false), (false, true), (true, false), (true, true)] {
        Sim::new(1).without_laws().run(move |sim| async move {
            let memory = sim.memory();
            sim.client().start_orchestration("r0", "Live", "").await.unwrap();
            let (_, mut token) = fetch_turn(&memory).await;
            if recorded {
                ack_first_turn(&memory, &token).await.unwrap();
                sim.client().raise_event("r0", "finish", "").await.unwrap();
                token = fetch_turn(&memory).await.1;
            }
            if expired {
                sim.sleep(LOCK).await;
            }
            // The message that was fetched, and the job of the first turn.
            delete(&sim, recorded, if recorded { 2 } else { 1 }).await;
            assert_turn_is_stale(&memory, &token).await;
            assert_gone(&sim, "r0").await;

            // Nor while a new instance of this name has its first turn.
            sim.client().start_orchestration("r0", "Live", "").await.unwrap();
            assert_turn_is_stale(&memory, &token).await;
            let (turn, new) = fetch_turn(&memory).await;
            assert_eq!((turn.history.len(), turn.messages.len(), turn.execution_id), (0, 1, 1));
            assert_turn_is_stale(&memory, &token).await;
            ack_first_turn(&memory, &new).await.unwrap();
            assert_turn_is_stale(&memory, &token).await;
        });
    }
}

#[test]
fn an_activity_fetched_before_the_deletion_cannot_be_acked() {
    Sim::new(1).without_laws().run(|sim| async move {
        let memory = sim.memory();
        let fetch = || memory.fetch_work_item(LOCK, Duration::ZERO, None, &TagFilter::Any);
        sim.client().start_orchestration("r0", "Live", "").await.unwrap();
        ack_first_turn(&memory, &fetch_turn(&memory).await.1).await.unwrap();
        let (_, token, _) = fetch().await.unwrap().expect("there is an activity to fetch");
        delete(&sim, true, 1).await;
        assert_job_is_stale(&memory, &token).await;
        assert_gone(&sim, "r0").await;

        sim.client().start_orchestration("r0", "Live", "").await.unwrap();
        assert_job_is_stale(&memory, &token).await;
        ack_first_turn(&memory, &fetch_turn(&memory).await.1).await.unwrap();
        assert_job_is_stale(&memory, &token).await;
        let (_, new, attempts) = fetch().await.unwrap().expect("the new activity is there");
        assert_eq!(attempts, 1);
        assert_job_is_stale(&memory, &token).await;
        ack_job(&memory, &new).await.unwrap();
    });
}
