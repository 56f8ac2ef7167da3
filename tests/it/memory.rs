//! The provider by itself: on real time as a drop-in, with extreme inputs, and
//! how a fetch waits.

mod extremes;
mod polls;
mod real;
mod waiting;
mod warped;

use std::sync::Arc;
use std::time::Duration;

use duroxide_sim::Memory;
use duroxide_sim::call::{AckTurn, Call, Handler, Job, Metadata, Reply, SessionClaim, Tags, Turn};
use duroxide_sim::duroxide::providers::WorkItem;

const SECOND: Duration = Duration::from_secs(1);

async fn ask(memory: &Memory, call: Call) -> Reply {
    memory.handle(Arc::new(call)).await
}

#[track_caller]
fn turn(reply: Reply) -> Turn {
    match reply {
        Reply::Turn(Some(turn)) => *turn,
        other => panic!("no turn but {other:?}"),
    }
}

#[track_caller]
fn job(reply: Reply) -> Job {
    match reply {
        Reply::Job(Some(job)) => *job,
        other => panic!("no job but {other:?}"),
    }
}

fn start(instance: &str) -> Call {
    start_after(instance, None)
}

fn start_after(instance: &str, delay: Option<Duration>) -> Call {
    let item = crate::start_item(instance, "Orchestration");
    Call::EnqueueForOrchestrator { item: item.into(), delay }
}

fn event(instance: &str, data: impl Into<String>) -> Call {
    let item = WorkItem::ExternalRaised { instance: instance.to_owned(), name: "event".to_owned(), data: data.into() };
    Call::EnqueueForOrchestrator { item: item.into(), delay: None }
}

fn activity(instance: &str, id: u64, session: Option<&str>) -> WorkItem {
    WorkItem::ActivityExecute {
        instance: instance.to_owned(),
        execution_id: 1,
        id,
        name: "Activity".to_owned(),
        input: String::new(),
        session_id: session.map(str::to_owned),
        tag: None,
    }
}

fn enqueue_job(id: u64, session: Option<&str>) -> Call {
    Call::EnqueueForWorker { item: activity("i", id, session).into() }
}

fn fetch_turn(lock_for: Duration, poll_for: Duration) -> Call {
    Call::FetchOrchestrationItem { lock_for, poll_for, versions: None }
}

fn fetch_job(lock_for: Duration, poll_for: Duration) -> Call {
    Call::FetchWorkItem { lock_for, poll_for, session: None, tags: Tags::DefaultOnly }
}

fn fetch_job_as(owner: &str, session_lock: Duration, lock_for: Duration, poll_for: Duration) -> Call {
    let session = Some(SessionClaim { owner: owner.to_owned(), lock_for: session_lock });
    Call::FetchWorkItem { lock_for, poll_for, session, tags: Tags::DefaultOnly }
}

/// An ack that records the instance and does no more.
fn ack(token: &str) -> AckTurn {
    AckTurn {
        token: token.to_owned(),
        execution: 1,
        history: Vec::new(),
        jobs: Vec::new(),
        messages: Vec::new(),
        metadata: Metadata { orchestration_name: Some("Orchestration".to_owned()), ..Metadata::default() },
        cancelled: Vec::new(),
    }
}

fn ack_turn(ack: AckTurn) -> Call {
    Call::AckOrchestrationItem(Box::new(ack))
}
