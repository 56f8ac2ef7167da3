//! Sessions: who may fetch what, and for how long.

use super::*;

/// An owner has fetched one of two jobs of a session.
fn owned() -> (World, String) {
    let mut world = World::new();
    for id in [1, 2] {
        world.done(Call::EnqueueForWorker { item: work("i", id, Some("s"), None) });
    }
    let token = world.job().token;
    (world, token)
}

fn fetches(world: &World, owner: &str) -> bool {
    world.clone().pick_job(Pick::Oldest, Some(claim(owner)), Tags::Any).is_some()
}

fn renew(world: &mut World, owner: &str, idle_ms: u64) -> usize {
    let (owners, idle_for) = (vec![owner.to_owned()], Duration::from_millis(idle_ms));
    match world.ask(&Call::RenewSessionLock { owners, extend_for: LOCK, idle_for }) {
        Reply::Count(count) => count,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_is_its_owners_until_its_lock_ends() {
    let (mut world, _) = owned();
    world.pass(9);
    assert!(fetches(&world, "w") && !fetches(&world, "other"));
    assert_eq!(world.store.next_job_after(world.time()), Some(world.at(1)));
    world.pass(1);
    assert!(fetches(&world, "w") && fetches(&world, "other"));
}

#[test]
fn when_a_session_ends_is_waited_for_while_jobs_are_bound_to_it() {
    let mut world = World::new();
    world.done(Call::EnqueueForWorker { item: work("i", 1, Some("s"), None) });
    let long = Some(SessionClaim { owner: "w".to_owned(), lock_for: 2 * LOCK });
    let token = world.pick_job(Pick::Oldest, long, Tags::Any).expect("it is free").token;
    assert_eq!(world.store.next_job_after(world.time()), Some(world.at(10)), "the job's lock");
    world.pass(10);
    assert_eq!(world.store.next_job_after(world.time()), Some(world.at(10)), "the session's");
    let mut acked = world.clone();
    assert_eq!(acked.store.next_job_after(Time(1019)), Some(Time(1020)));
    assert_eq!(acked.store.next_job_after(Time(1020)), None);
    let again = acked.job();
    acked.done(Call::AckWorkItem { token: again.token, completion: None });
    assert_eq!(acked.store.next_job_after(acked.time()), None, "nobody waits for an empty session");
    assert_ne!(token, "");
}

#[test]
fn a_session_is_renewed_for_its_owner_while_it_is_in_use() {
    let (mut world, _) = owned();
    world.pass(9);
    assert_eq!(renew(&mut world.clone(), "other", 100), 0);
    assert_eq!(renew(&mut world.clone(), "w", 9), 0, "idle for as long as it may be");
    assert_eq!(renew(&mut world, "w", 10), 1);
    world.pass(9);
    assert!(!fetches(&world, "other"));
    world.pass(1);
    assert!(fetches(&world, "other"));
    assert_eq!(renew(&mut world, "w", 100), 0, "its lock has ended");
}

#[test]
fn renewing_or_acking_a_job_keeps_its_session_in_use() {
    for acks in [false, true] {
        let (mut world, token) = owned();
        world.pass(5);
        world.done(match acks {
            true => Call::AckWorkItem { token, completion: None },
            false => Call::RenewWorkItemLock { token, extend_for: LOCK },
        });
        world.pass(4);
        assert_eq!(renew(&mut world.clone(), "w", 4), 0);
        assert_eq!(renew(&mut world, "w", 5), 1);
    }
}

#[test]
fn a_session_whose_lock_has_ended_does_not_come_into_use_again() {
    let mut world = World::new();
    world.done(Call::EnqueueForWorker { item: work("i", 1, Some("s"), None) });
    let short = SessionClaim { owner: "w".to_owned(), lock_for: LOCK / 2 };
    let token = world.pick_job(Pick::Oldest, Some(short), Tags::Any).expect("it is free").token;
    world.pass(5);
    let before = format!("{:?}", world.store);
    world.done(Call::RenewWorkItemLock { token: token.clone(), extend_for: LOCK });
    let active = |text: &str| text.split("active_at: ").nth(1).map(|rest| rest[..10].to_owned());
    assert_eq!(active(&before), active(&format!("{:?}", world.store)));
}

#[test]
fn sessions_are_swept_when_their_lock_is_over_and_no_job_is_bound_to_them() {
    let (mut world, token) = owned();
    world.done(Call::AckWorkItem { token, completion: None });
    let sweep = |world: &mut World| world.ask(&Call::CleanupOrphanedSessions { idle_for: Duration::ZERO });
    world.pass(11);
    assert_eq!(sweep(&mut world), Reply::Count(0), "one job is left");
    let token = world.job().token;
    world.done(Call::AckWorkItem { token, completion: None });
    world.pass(10);
    assert_eq!(sweep(&mut world), Reply::Count(0), "its lock ends now");
    world.pass(1);
    assert_eq!(sweep(&mut world), Reply::Count(1));
    assert_eq!((world.store.session_count(), sweep(&mut world)), (0, Reply::Count(0)));
}
