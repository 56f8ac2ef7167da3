//! Two stores are alike when nothing that an answer could show tells them apart.
//!
//! Likeness takes items for the same where they are shared, so every world here
//! is a copy of one, and [`POOL`] has one of each item.

use std::cell::RefCell;

use duroxide_sim::call::ActivityId;
use semver::Version;

use super::*;

thread_local! {
    static POOL: RefCell<Vec<Item>> = const { RefCell::new(Vec::new()) };
}

/// The one item that is equal to this one.
fn shared(item: WorkItem) -> Item {
    POOL.with_borrow_mut(|pool| match pool.iter().find(|there| ***there == item) {
        Some(there) => there.clone(),
        None => {
            pool.push(item.into());
            pool[pool.len() - 1].clone()
        }
    })
}

fn sent(item: WorkItem, ms: u64) -> Call {
    Call::EnqueueForOrchestrator { item: shared(item), delay: Some(Duration::from_millis(ms)) }
}

fn queued(id: u64, session: Option<&str>) -> Call {
    Call::EnqueueForWorker { item: shared((*work("i", id, session, None)).clone()) }
}

/// A recorded instance `i` with an event, a waiting message and a job, under no
/// lock; another, `j`, that has only been sent a message.
fn base() -> World {
    thread_local! {
        static BASE: World = {
            let mut world = World::new();
            world.begin("i");
            world.done(sent(raised("i"), 0));
            world.done(queued(1, Some("s")));
            world.done(sent(start("j"), 0));
            world
        };
    }
    BASE.with(World::clone)
}

fn with(change: impl FnOnce(&mut World)) -> World {
    after(0, change)
}

fn after(ms: u64, change: impl FnOnce(&mut World)) -> World {
    let mut world = base();
    world.pass(ms);
    change(&mut world);
    world
}

fn take(world: &mut World, instance: &str) -> String {
    world.pick_turn(Pick::Instance(instance.to_owned()), None).expect("it can be fetched").token
}

/// Fetches `i` and commits this ack.
fn committed(change: impl FnOnce(&mut AckTurn)) -> World {
    with(|world| {
        let mut ack = AckTurn::nothing(take(world, "i"), 1);
        change(&mut ack);
        world.done(commit(ack));
    })
}

fn status(status: &str, output: Option<&str>) -> World {
    committed(|ack| {
        ack.metadata.status = Some(status.to_owned());
        ack.metadata.output = output.map(str::to_owned);
    })
}

fn kind(kind: EventKind) -> World {
    committed(|ack| ack.history = vec![event_of("i", 1, 2, kind)])
}

/// The job fetched and given back.
fn returned(ms: u64, ignore_attempt: bool) -> World {
    with(|world| {
        let token = world.job().token;
        world.done(Call::AbandonWorkItem { token, delay: Some(Duration::from_millis(ms)), ignore_attempt });
    })
}

/// The start of `j`, or `i`, fetched and given back for later.
fn abandoned(ignore_attempt: bool) -> World {
    with(|world| {
        let token = take(world, "i");
        world.done(Call::AbandonOrchestrationItem { token, delay: None, ignore_attempt });
    })
}

/// Worlds in which turns were fetched, or not.
fn turns() -> Vec<(&'static str, World)> {
    vec![
        ("nothing at all", World::new()),
        ("the base", base()),
        ("a message more", with(|world| world.done(sent(raised("i"), 0)))),
        ("a message that comes later", with(|world| world.done(sent(raised("i"), 5)))),
        ("another message", with(|world| world.done(sent(letter("i"), 0)))),
        ("a message for another", with(|world| world.done(sent(raised("j"), 0)))),
        ("a turn fetched", with(|world| drop(take(world, "i")))),
        ("a turn fetched later", after(1, |world| drop(take(world, "i")))),
        ("the other turn fetched", with(|world| drop(take(world, "j")))),
        ("a turn fetched and given back", abandoned(false)),
        ("a turn acked", committed(|_| {})),
        (
            "a turn acked later",
            after(1, |world| {
                let token = take(world, "i");
                world.done(commit(AckTurn::nothing(token, 1)));
            }),
        ),
    ]
}

/// Worlds in which different things were committed.
fn commits() -> Vec<(&'static str, World)> {
    let version = Some(Version::new(2, 0, 0));
    let value = |value: &str| {
        kind(EventKind::KeyValueSet { key: "k".to_owned(), value: value.to_owned(), last_updated_at_ms: 1 })
    };
    vec![
        ("another name", committed(|ack| ack.metadata.orchestration_name = Some("P".to_owned()))),
        ("a version", committed(|ack| ack.metadata.orchestration_version = Some("2.0.0".to_owned()))),
        ("pinned", committed(|ack| ack.metadata.pinned_duroxide_version = version)),
        ("another execution", committed(|ack| ack.execution = 2)),
        ("failed", status("Failed", None)),
        ("completed", status("Completed", None)),
        ("completed with an output", status("Completed", Some("x"))),
        ("an event", kind(EventKind::ExternalSubscribed { name: "e".to_owned() })),
        ("a custom status", kind(EventKind::CustomStatusUpdated { status: Some("x".to_owned()) })),
        ("a custom status cleared", kind(EventKind::CustomStatusUpdated { status: None })),
        ("a value", value("v")),
        ("another value", value("w")),
        ("damaged", with(|world| assert!(world.store.corrupt_history("i")))),
        ("a child", with(|world| world.begin_under("c", Some("i")))),
        ("a root", with(|world| world.begin("c"))),
        ("a child of another", with(|world| world.begin_under("c", Some("j")))),
        (
            "a job cancelled",
            committed(|ack| {
                ack.cancelled = vec![ActivityId { instance: "i".to_owned(), execution: 1, activity: 1 }];
            }),
        ),
        (
            "deleted",
            with(|world| {
                let call = Call::DeleteInstance { instance: "i".to_owned(), force: true };
                assert!(matches!(world.ask(&call), Reply::Deleted(_)));
            }),
        ),
    ]
}

/// Worlds that differ in the worker queue.
fn jobs() -> Vec<(&'static str, World)> {
    vec![
        ("a job more", with(|world| world.done(queued(2, None)))),
        ("a job fetched", with(|world| drop(world.job()))),
        ("a job fetched later", after(1, |world| drop(world.job()))),
        (
            "a job fetched by another owner",
            with(|world| drop(world.pick_job(Pick::Oldest, Some(claim("other")), Tags::Any).expect("it is free"))),
        ),
        ("a job given back", returned(0, false)),
        ("a job given back for later", returned(5, false)),
        ("a job given back, not counted", returned(0, true)),
    ]
}

#[test]
fn stores_that_differ_in_anything_that_shows_are_not_alike() {
    let worlds: Vec<_> = turns().into_iter().chain(commits()).chain(jobs()).collect();
    for (n, (one, world)) in worlds.iter().enumerate() {
        assert_eq!(world.store.fingerprint(), world.store.clone().fingerprint(), "{one}: alike its own copy");
        for (other, second) in &worlds[..n] {
            assert_ne!(world.store.fingerprint(), second.store.fingerprint(), "{one}, {other}");
        }
    }
}

/// Applies these calls to copies of one store, in order and in reverse.
#[track_caller]
fn alike_in_any_order(world: &World, calls: &[Call]) {
    let run = |calls: &mut dyn Iterator<Item = &Call>| {
        let mut world = world.clone();
        calls.for_each(|call| world.done(call.clone()));
        world.store
    };
    let (forth, back) = (run(&mut calls.iter()), run(&mut calls.iter().rev()));
    assert!(forth != back, "the order shows in how they are kept");
    assert_eq!(forth.fingerprint(), back.fingerprint());
}

#[test]
fn the_order_in_which_messages_and_jobs_were_numbered_does_not_count() {
    alike_in_any_order(&base(), &[sent(raised("i"), 0), sent(letter("i"), 0)]);
    alike_in_any_order(&base(), &[sent(start("x"), 0), sent(start("y"), 0)]);
    alike_in_any_order(&base(), &[queued(7, None), queued(8, None)]);
}

#[test]
fn a_token_counts_while_its_lock_is_there() {
    let mut world = base();
    let mut other = world.clone();
    other.tokens = 100;
    take(&mut world, "i");
    take(&mut other, "i");
    assert_ne!(world.store.fingerprint(), other.store.fingerprint(), "what acks the turn differs");
    world.pass(10);
    other.pass(10);
    other.tokens = world.tokens;
    take(&mut world, "i");
    take(&mut other, "i");
    assert_eq!(world.store.fingerprint(), other.store.fingerprint(), "both were taken over under one token");
}
