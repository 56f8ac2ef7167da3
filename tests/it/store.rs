//! The store call by call: what small scopes and simulations do not come to.
//!
//! Each test builds a [`World`] from calls and looks at answers, or at what the
//! store says about itself to those who explain an answer.

mod explain;
mod fingerprint;
mod leeway;
mod mail;
mod queries;
mod sessions;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use duroxide_sim::call::{self, AckTurn, Call, Class, Item, Job, Metadata, Reply, SessionClaim, Tags, Turn};
use duroxide_sim::call::{KeepRule, VersionRange};
use duroxide_sim::clock::Time;
use duroxide_sim::duroxide::providers::WorkItem;
use duroxide_sim::duroxide::{Event, EventKind};
use duroxide_sim::store::{Choice, Leeway, OrphanPolicy, Pick, Store};

/// How long every lock lasts.
const LOCK: Duration = Duration::from_millis(10);

/// A store at a moment of its time, 1000 ms at first.
#[derive(Clone)]
struct World {
    store: Store,
    now: u64,
    tokens: u64,
}

impl World {
    fn new() -> World {
        World { store: Store::new(), now: 1000, tokens: 0 }
    }

    fn time(&self) -> Time {
        Time(self.now)
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
    }

    fn choose(&mut self, call: &Call, pick: Pick, leeway: Leeway, mail: OrphanPolicy) -> Reply {
        self.tokens += 1;
        let choice = Choice { token: format!("t{}", self.tokens), pick, leeway, mail };
        self.store.apply(Time(self.now), call, &choice)
    }

    fn ask(&mut self, call: &Call) -> Reply {
        self.choose(call, Pick::Oldest, Leeway::None, OrphanPolicy::Dropped)
    }

    #[track_caller]
    fn done(&mut self, call: Call) {
        assert_eq!(self.ask(&call), Reply::Done, "{call:?}");
    }

    #[track_caller]
    fn refused(&mut self, call: Call) -> Class {
        let before = self.store.clone();
        match self.ask(&call) {
            Reply::Refused(refusal) => {
                assert!(self.store == before, "{call:?} is refused, and yet changes something");
                assert_eq!(refusal.operation, call.method().name());
                refusal.class
            }
            other => panic!("{call:?} is answered with {other:?}"),
        }
    }

    #[track_caller]
    fn send(&mut self, item: WorkItem) {
        self.done(send(item));
    }

    #[track_caller]
    fn send_after(&mut self, item: WorkItem, ms: u64) {
        self.done(Call::EnqueueForOrchestrator { item: item.into(), delay: Some(Duration::from_millis(ms)) });
    }

    fn pick_turn(&mut self, pick: Pick, versions: Option<Vec<VersionRange>>) -> Option<Turn> {
        let call = Call::FetchOrchestrationItem { lock_for: LOCK, poll_for: Duration::ZERO, versions };
        match self.choose(&call, pick, Leeway::None, OrphanPolicy::Dropped) {
            Reply::Turn(turn) => turn.map(|turn| *turn),
            other => panic!("{call:?} is answered with {other:?}"),
        }
    }

    #[track_caller]
    fn turn(&mut self) -> Turn {
        self.pick_turn(Pick::Oldest, None).expect("there is a turn to fetch")
    }

    fn pick_job(&mut self, pick: Pick, session: Option<SessionClaim>, tags: Tags) -> Option<Job> {
        let call = Call::FetchWorkItem { lock_for: LOCK, poll_for: Duration::ZERO, session, tags };
        match self.choose(&call, pick, Leeway::None, OrphanPolicy::Dropped) {
            Reply::Job(job) => job.map(|job| *job),
            other => panic!("{call:?} is answered with {other:?}"),
        }
    }

    #[track_caller]
    fn job(&mut self) -> Job {
        self.pick_job(Pick::Oldest, Some(claim("w")), Tags::Any).expect("there is a job to fetch")
    }

    /// Starts an instance and commits its first turn, with one event.
    #[track_caller]
    fn begin(&mut self, instance: &str) {
        self.begin_under(instance, None);
    }

    #[track_caller]
    fn begin_under(&mut self, instance: &str, parent: Option<&str>) {
        self.send(start(instance));
        let token = self.pick_turn(Pick::Instance(instance.to_owned()), None).expect("it can be fetched").token;
        let mut ack = ack(&token, vec![event(instance, 1)]);
        ack.metadata.parent_instance_id = parent.map(str::to_owned);
        self.done(commit(ack));
    }

    /// Ends the current execution of an instance with this status.
    #[track_caller]
    fn end(&mut self, instance: &str, execution: u64, status: &str) {
        self.send(raised(instance));
        let token = self.pick_turn(Pick::Instance(instance.to_owned()), None).expect("it can be fetched").token;
        let mut ack = AckTurn { execution, ..ack(&token, Vec::new()) };
        ack.metadata.status = Some(status.to_owned());
        ack.metadata.output = Some(format!("{status} {execution}"));
        self.done(commit(ack));
    }

    /// The moment at which something has happened, `ms` after it.
    fn at(&self, ms: u64) -> Time {
        Time(self.now + ms)
    }
}

fn start(instance: &str) -> WorkItem {
    crate::start_item(instance, "O")
}

fn raised(instance: &str) -> WorkItem {
    WorkItem::ExternalRaised { instance: instance.to_owned(), name: "e".to_owned(), data: "x".to_owned() }
}

fn letter(instance: &str) -> WorkItem {
    WorkItem::QueueMessage { instance: instance.to_owned(), name: "q".to_owned(), data: "x".to_owned() }
}

fn send(item: WorkItem) -> Call {
    Call::EnqueueForOrchestrator { item: item.into(), delay: None }
}

fn work(instance: &str, id: u64, session: Option<&str>, tag: Option<&str>) -> Item {
    Arc::new(WorkItem::ActivityExecute {
        instance: instance.to_owned(),
        execution_id: 1,
        id,
        name: "A".to_owned(),
        input: String::new(),
        session_id: session.map(str::to_owned),
        tag: tag.map(str::to_owned),
    })
}

fn claim(owner: &str) -> SessionClaim {
    SessionClaim { owner: owner.to_owned(), lock_for: LOCK }
}

fn event_of(instance: &str, execution: u64, id: u64, kind: EventKind) -> call::Event {
    Arc::new(Event {
        event_id: id,
        source_event_id: None,
        instance_id: instance.to_owned(),
        execution_id: execution,
        timestamp_ms: 1000,
        duroxide_version: "0.1.32".to_owned(),
        kind,
    })
}

fn event(instance: &str, id: u64) -> call::Event {
    event_of(instance, 1, id, EventKind::ExternalSubscribed { name: "e".to_owned() })
}

/// An ack that records the instance, with these events.
fn ack(token: &str, history: Vec<call::Event>) -> AckTurn {
    let metadata = Metadata { orchestration_name: Some("O".to_owned()), ..Metadata::default() };
    AckTurn { history, metadata, ..AckTurn::nothing(token, 1) }
}

fn commit(ack: AckTurn) -> Call {
    Call::AckOrchestrationItem(Box::new(ack))
}

fn completed(instance: &str) -> Item {
    Arc::new(WorkItem::ActivityCompleted {
        instance: instance.to_owned(),
        execution_id: 1,
        id: 1,
        result: "done".to_owned(),
    })
}
