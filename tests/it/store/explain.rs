//! Why something can be fetched, or cannot: never other than fetches find it.

use duroxide_sim::store::Ineligible;
use semver::Version;

use super::*;

fn range(min: u64, max: u64) -> Vec<VersionRange> {
    vec![VersionRange { min: Version::new(min, 0, 0), max: Version::new(max, 0, 0) }]
}

/// Instances in every state that decides who may fetch them: `plain`, `v2`
/// (pinned to version 2), `late`, `held`, `over` (its lock has just ended),
/// `mail` (nothing started it) and `idle` (nothing to do).
fn turns() -> World {
    let mut world = World::new();
    for (instance, pinned) in [("v2", Some(Version::new(2, 0, 0))), ("idle", None)] {
        world.send(start(instance));
        let mut ack = ack(&world.turn().token, vec![event(instance, 1)]);
        ack.metadata.pinned_duroxide_version = pinned;
        world.done(commit(ack));
    }
    world.send(raised("v2"));
    world.send(start("over"));
    world.pick_turn(Pick::Instance("over".to_owned()), None).expect("it has been started");
    world.pass(5);
    world.send(start("held"));
    world.pick_turn(Pick::Instance("held".to_owned()), None).expect("it has been started");
    world.pass(5);
    world.send(start("plain"));
    world.send_after(start("late"), 3);
    world.send(raised("mail"));
    world
}

const INSTANCES: [&str; 8] = ["plain", "v2", "late", "held", "over", "mail", "idle", "nobody"];

#[test]
fn every_bar_to_a_turn_is_named() {
    let world = turns();
    let bar = |instance, versions: Option<&[VersionRange]>| world.store.bar_to_turn(world.time(), instance, versions);
    assert_eq!(bar("plain", None), None);
    assert_eq!(bar("v2", None), None);
    assert_eq!(bar("v2", Some(&range(1, 2))), None);
    assert_eq!(bar("v2", Some(&range(3, 4))), Some(Ineligible::Version));
    assert_eq!(bar("plain", Some(&range(3, 4))), None, "what is pinned to no version passes any filter");
    assert_eq!(bar("plain", Some(&[])), Some(Ineligible::Version), "but not the empty one");
    assert_eq!(bar("late", None), Some(Ineligible::Invisible(world.at(3))));
    assert_eq!(bar("held", None), Some(Ineligible::Locked(world.at(5))));
    assert_eq!(bar("over", None), None, "a lock holds no longer at its end");
    assert_eq!(bar("mail", None), Some(Ineligible::NotStarted));
    assert_eq!(bar("idle", None), Some(Ineligible::Absent));
    assert_eq!(bar("nobody", None), Some(Ineligible::Absent));
}

#[test]
fn a_turn_is_barred_exactly_while_no_fetch_takes_it() {
    let mut world = turns();
    for _ in 0..12 {
        for versions in [None, Some(vec![]), Some(range(1, 2)), Some(range(3, 4))] {
            let (now, filter) = (world.time(), versions.as_deref());
            let taken = |pick| world.clone().pick_turn(pick, versions.clone()).map(|turn| turn.instance);
            let mut can: Vec<&str> =
                INSTANCES.into_iter().filter(|name| taken(Pick::Instance((*name).to_owned())).is_some()).collect();
            let free = |name: &&str| world.store.bar_to_turn(now, name, filter).is_none();
            assert_eq!(INSTANCES.into_iter().filter(free).collect::<Vec<_>>(), can);
            let mut said = world.store.eligible_turns(now, filter);
            said.sort_unstable();
            can.sort_unstable();
            assert_eq!(said, can);
            assert_eq!(world.store.eligible_turn(now, filter), taken(Pick::Oldest).as_deref());
        }
        world.pass(1);
    }
}

/// Jobs in every state that decides who may fetch them, by their numbers.
fn jobs() -> World {
    let mut world = World::new();
    for (id, session, tag) in [(1, None, None), (2, None, None), (3, Some("s"), None)] {
        world.done(Call::EnqueueForWorker { item: work("i", id, session, tag) });
        world.pick_job(Pick::Job(work("i", id, session, tag), 0), Some(claim("w")), Tags::Any).expect("it is free");
        world.pass(2);
    }
    world.done(Call::EnqueueForWorker { item: work("i", 4, None, None) });
    let token = world.pick_job(Pick::Job(work("i", 4, None, None), 0), None, Tags::Any).expect("it is free").token;
    let delay = Some(Duration::from_millis(7));
    world.done(Call::AbandonWorkItem { token, delay, ignore_attempt: false });
    world.done(Call::EnqueueForWorker { item: work("i", 5, None, Some("gpu")) });
    world.done(Call::EnqueueForWorker { item: work("i", 6, Some("s"), None) });
    world.done(Call::EnqueueForWorker { item: work("i", 7, None, None) });
    world.pass(4);
    world
}

fn every_job() -> Vec<Item> {
    let plain = [1, 2, 4, 7, 9].map(|id| work("i", id, None, None));
    let odd = [work("i", 3, Some("s"), None), work("i", 5, None, Some("gpu")), work("i", 6, Some("s"), None)];
    plain.into_iter().chain(odd).collect()
}

#[test]
fn every_bar_to_a_job_is_named() {
    let world = jobs();
    let bar =
        |item: Item, session: Option<&SessionClaim>, tags| world.store.bar_to_job(world.time(), &item, session, tags);
    let plain = |id| work("i", id, None, None);
    let (w, other) = (claim("w"), claim("other"));
    assert_eq!(bar(plain(7), None, &Tags::Any), None);
    assert_eq!(bar(plain(9), None, &Tags::Any), Some(Ineligible::Absent));
    assert_eq!(bar(plain(1), None, &Tags::Any), None, "a lock holds no longer at its end");
    assert_eq!(bar(plain(2), None, &Tags::Any), Some(Ineligible::Locked(world.at(2))));
    assert_eq!(bar(work("i", 3, Some("s"), None), Some(&w), &Tags::Any), Some(Ineligible::Locked(world.at(4))));
    assert_eq!(bar(plain(4), None, &Tags::Any), Some(Ineligible::Invisible(world.at(3))));
    let tagged = work("i", 5, None, Some("gpu"));
    assert_eq!(bar(tagged.clone(), None, &Tags::Any), None);
    assert_eq!(bar(tagged, None, &Tags::DefaultOnly), Some(Ineligible::Tag));
    let bound = work("i", 6, Some("s"), None);
    assert_eq!(bar(bound.clone(), Some(&w), &Tags::Any), None);
    assert_eq!(bar(bound.clone(), Some(&other), &Tags::Any), Some(Ineligible::Session));
    assert_eq!(bar(bound, None, &Tags::Any), Some(Ineligible::Session));
}

#[test]
fn a_job_is_barred_exactly_while_no_fetch_takes_it() {
    let mut world = jobs();
    let filters = [Tags::Any, Tags::DefaultOnly, Tags::Tags(["gpu".to_owned()].into()), Tags::None];
    for _ in 0..12 {
        for tags in &filters {
            for session in [None, Some(claim("w")), Some(claim("other"))] {
                let (now, asks) = (world.time(), session.as_ref());
                let taken = |pick| world.clone().pick_job(pick, session.clone(), tags.clone()).map(|job| job.item);
                for item in every_job() {
                    let bar = world.store.bar_to_job(now, &item, asks, tags);
                    assert_eq!(bar.is_none(), taken(Pick::Job(item.clone(), 0)).is_some(), "{item:?}: {bar:?}");
                }
                let oldest = taken(Pick::Oldest);
                assert_eq!(world.store.eligible_job(now, asks, tags), oldest);
                let every: Vec<Item> =
                    every_job().into_iter().filter(|item| taken(Pick::Job(item.clone(), 0)).is_some()).collect();
                assert_eq!(world.store.eligible_jobs(now, asks, tags), every.len());
                // Counted round, the n-th is the first again.
                assert_eq!(taken(Pick::Nth(every.len())), oldest);
            }
        }
        world.pass(1);
    }
}

#[test]
fn a_job_that_could_be_fetched_now_is_barred_by_the_fetch_alone() {
    let mut world = World::new();
    let (tagged, bound) = (work("i", 1, None, Some("gpu")), work("i", 2, Some("s"), None));
    world.done(Call::EnqueueForWorker { item: tagged.clone() });
    world.done(Call::EnqueueForWorker { item: bound.clone() });
    let bars = |world: &World| {
        let bar = |item, tags| world.store.bar_to_job(world.time(), item, None, tags);
        (bar(&tagged, &Tags::DefaultOnly), bar(&bound, &Tags::Any))
    };
    let expected = (Some(Ineligible::Tag), Some(Ineligible::Session));
    assert_eq!(bars(&world), expected, "from the moment they came");
    world.job();
    world.job();
    world.pass(10);
    assert_eq!(bars(&world), expected, "from the moment their locks end");
    world.pass(5);
    assert_eq!(bars(&world), expected);
}

#[test]
fn of_several_jobs_with_one_item_the_nearest_counts() {
    let mut world = World::new();
    let item = work("i", 1, None, None);
    world.done(Call::EnqueueForWorker { item: item.clone() });
    world.done(Call::EnqueueForWorker { item: item.clone() });
    world.job();
    let bar = |world: &World| world.store.bar_to_job(world.time(), &item, None, &Tags::Any);
    assert_eq!(bar(&world), None, "the second one is free");
    world.pass(3);
    world.job();
    assert_eq!(bar(&world), Some(Ineligible::Locked(world.at(7))));
}

#[test]
fn of_several_jobs_with_one_item_the_one_fetched_so_often_is_taken() {
    let mut world = World::new();
    let item = work("i", 1, None, None);
    world.done(Call::EnqueueForWorker { item: item.clone() });
    world.job();
    world.pass(10);
    world.done(Call::EnqueueForWorker { item: item.clone() });
    let attempts = |world: &World, before| {
        let job = world.clone().pick_job(Pick::Job(item.clone(), before), None, Tags::Any);
        job.expect("both are free").attempts
    };
    assert_eq!(attempts(&world, 0), 1);
    assert_eq!(attempts(&world, 1), 2);
    assert_eq!(attempts(&world, 7), 2, "where none was, the oldest");
}

#[test]
fn a_token_is_known_until_its_lock_is_given_up_or_taken_over() {
    let mut world = World::new();
    world.send(start("i"));
    world.done(Call::EnqueueForWorker { item: work("i", 1, None, None) });
    let (turn, job) = (world.turn().token, world.job().token);
    assert!(!world.store.knows_token("never issued"));
    world.pass(10);
    assert!(world.store.knows_token(&turn) && world.store.knows_token(&job), "an ended lock is still known");
    let (turn2, job2) = (world.turn().token, world.job().token);
    assert!(!world.store.knows_token(&turn) && !world.store.knows_token(&job), "both were taken over");
    assert!(world.store.knows_token(&turn2) && world.store.knows_token(&job2));
    world.done(commit(ack(&turn2, vec![event("i", 1)])));
    world.done(Call::AckWorkItem { token: job2.clone(), completion: None });
    assert!(!world.store.knows_token(&turn2) && !world.store.knows_token(&job2), "both were acked");
}

#[test]
fn an_instance_is_created_with_its_first_ack() {
    let mut world = World::new();
    world.send(start("i"));
    assert_eq!(world.store.created_at("i"), None);
    world.pass(3);
    let token = world.turn().token;
    world.done(commit(ack(&token, vec![event("i", 1)])));
    let created = Some(world.time());
    world.pass(3);
    world.end("i", 1, "Completed");
    assert_eq!(world.store.created_at("i"), created);
    assert_eq!(world.store.created_at("nobody"), None);
}
