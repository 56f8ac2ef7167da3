//! Readings that the documents allow beside Memory's own.

use super::*;

fn answer(world: &mut World, call: &Call, leeway: Leeway) -> Reply {
    world.choose(call, Pick::Oldest, leeway, OrphanPolicy::Dropped)
}

fn class(reply: Reply) -> Class {
    match reply {
        Reply::Refused(refusal) => refusal.class,
        other => panic!("{other:?} is no refusal"),
    }
}

#[test]
fn orphaned_sessions_may_be_kept() {
    let mut world = World::new();
    world.done(Call::EnqueueForWorker { item: work("i", 1, Some("s"), None) });
    let token = world.job().token;
    world.done(Call::AckWorkItem { token, completion: None });
    world.pass(11);
    let sweep = Call::CleanupOrphanedSessions { idle_for: Duration::ZERO };
    for other in [Leeway::None, Leeway::IgnoreDuplicates, Leeway::RefuseExpired] {
        assert_eq!(answer(&mut world.clone(), &sweep, other), Reply::Count(1), "{other:?}");
    }
    assert_eq!(answer(&mut world, &sweep, Leeway::KeepSessions), Reply::Count(0));
    assert_eq!(world.store.session_count(), 1);
    assert_eq!(answer(&mut world, &sweep, Leeway::None), Reply::Count(1));
    assert_eq!(world.store.session_count(), 0);
}

#[test]
fn a_job_whose_lock_has_ended_may_be_refused_to_be_abandoned() {
    for (passed, refused) in [(9, false), (10, true)] {
        let mut world = World::new();
        world.done(Call::EnqueueForWorker { item: work("i", 1, None, None) });
        let token = world.job().token;
        world.pass(passed);
        let abandon = Call::AbandonWorkItem { token, delay: None, ignore_attempt: false };
        assert_eq!(answer(&mut world.clone(), &abandon, Leeway::None), Reply::Done, "Memory's reading");
        let strict = answer(&mut world.clone(), &abandon, Leeway::RefuseExpired);
        assert_eq!(strict != Reply::Done, refused, "{strict:?}");
    }
}

#[test]
fn events_that_are_there_may_be_left_out() {
    let append = |ids: &[u64]| Call::AppendWithExecution {
        instance: "i".to_owned(),
        execution: 1,
        events: ids.iter().map(|id| event("i", *id)).collect(),
    };
    let ids = |world: &mut World| match world.ask(&Call::Read { instance: "i".to_owned() }) {
        Reply::Events(events) => events.iter().map(|event| event.event_id).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let mut world = World::new();
    world.begin("i");
    world.done(append(&[2]));
    for again in [&[2, 3][..], &[3, 3]] {
        assert_eq!(class(answer(&mut world, &append(again), Leeway::None)), Class::DuplicateEvent);
        assert_eq!(ids(&mut world), [1, 2]);
    }
    assert_eq!(class(answer(&mut world, &append(&[0]), Leeway::None)), Class::Invalid);
    assert_eq!(class(answer(&mut world, &append(&[0]), Leeway::IgnoreDuplicates)), Class::Invalid);
    assert_eq!(answer(&mut world, &append(&[3, 2, 5, 3]), Leeway::IgnoreDuplicates), Reply::Done);
    assert_eq!(ids(&mut world), [1, 2, 3, 5]);
    assert_eq!(answer(&mut world, &append(&[4]), Leeway::None), Reply::Done);
    assert_eq!(ids(&mut world), [1, 2, 3, 4, 5], "a history is in the order of its ids");
    let Reply::Metrics(metrics) = world.ask(&Call::GetSystemMetrics) else { panic!("metrics") };
    assert_eq!(metrics.total_events, 5);
}

#[test]
fn appending_nothing_makes_no_instance() {
    let mut world = World::new();
    world.done(Call::AppendWithExecution { instance: "i".to_owned(), execution: 1, events: Vec::new() });
    assert!(world.store == Store::new());
}
