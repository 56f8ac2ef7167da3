//! Queue messages for instances that nothing has started.

use std::collections::BTreeSet;

use super::*;

/// A fetch that finds nothing to take, and drops mail as it is told.
fn fetch(world: &mut World, mail: OrphanPolicy) -> Option<Box<Turn>> {
    let call = Call::FetchOrchestrationItem { lock_for: LOCK, poll_for: Duration::ZERO, versions: None };
    match world.choose(&call, Pick::Oldest, Leeway::None, mail) {
        Reply::Turn(turn) => turn,
        other => panic!("{other:?}"),
    }
}

fn unclaimed(world: &World) -> Vec<&str> {
    world.store.unclaimed_mail(world.time()).into_iter().collect()
}

fn waiting(world: &World, instance: &str) -> usize {
    world.store.messages_of(instance).len()
}

#[test]
fn a_fetch_drops_the_letters_that_nobody_stands_behind() {
    let mut world = World::new();
    world.send(letter("a"));
    world.send(letter("b"));
    world.send_after(letter("late"), 1);
    world.send(raised("raised"));
    assert_eq!(unclaimed(&world), ["a", "b"]);
    assert_eq!(fetch(&mut world, OrphanPolicy::Dropped), None);
    assert_eq!(unclaimed(&world), BTreeSet::<&str>::new().into_iter().collect::<Vec<_>>());
    assert_eq!(["a", "b", "late", "raised"].map(|name| waiting(&world, name)), [0, 0, 1, 1]);
    world.pass(1);
    assert_eq!(unclaimed(&world), ["late"]);
    assert_eq!(fetch(&mut world, OrphanPolicy::Dropped), None);
    assert_eq!(waiting(&world, "late"), 0);
}

#[test]
fn of_several_messages_only_the_letters_are_dropped() {
    let mut world = World::new();
    world.send(raised("a"));
    world.send(letter("a"));
    world.send_after(letter("a"), 5);
    fetch(&mut world, OrphanPolicy::Dropped);
    let left: Vec<_> = world.store.messages_of("a").into_iter().map(|(item, at, _)| (item.clone(), at)).collect();
    assert_eq!(left, [(raised("a"), world.at(0)), (letter("a"), world.at(5))]);
}

#[test]
fn a_fetch_may_find_none_of_them_or_one() {
    let mut world = World::new();
    world.send(letter("a"));
    world.send(letter("b"));
    fetch(&mut world, OrphanPolicy::Kept);
    assert_eq!(unclaimed(&world), ["a", "b"]);
    fetch(&mut world, OrphanPolicy::DropOnly("b".to_owned()));
    assert_eq!(unclaimed(&world), ["a"]);
    assert_eq!(["a", "b"].map(|name| waiting(&world, name)), [1, 0]);
    fetch(&mut world, OrphanPolicy::DropOnly("a".to_owned()));
    assert_eq!(waiting(&world, "a"), 0);
}

#[test]
fn letters_stay_where_a_start_is_visible_or_an_orchestration_is_there() {
    let mut world = World::new();
    world.begin("known");
    world.send(letter("known"));
    world.send(letter("started"));
    world.send(start("started"));
    assert_eq!(unclaimed(&world), [""; 0]);
    // Takes one of the two, with its letter.
    assert_eq!(fetch(&mut world, OrphanPolicy::Dropped).map(|turn| turn.messages.len()), Some(1));
    assert_eq!(fetch(&mut world, OrphanPolicy::Dropped).map(|turn| turn.messages.len()), Some(2));
}

#[test]
fn a_letter_goes_where_the_start_is_not_visible_yet() {
    let mut world = World::new();
    world.send_after(start("a"), 1);
    world.send(letter("a"));
    assert_eq!(unclaimed(&world), ["a"]);
    assert_eq!(fetch(&mut world, OrphanPolicy::Dropped), None);
    assert_eq!(waiting(&world, "a"), 1, "the start alone");
    world.pass(1);
    assert_eq!(fetch(&mut world, OrphanPolicy::Dropped).map(|turn| turn.messages.len()), Some(1));
}

#[test]
fn a_letter_goes_with_its_first_turn_whose_lock_has_ended() {
    for (passed, wait) in [(9, 1), (10, 0), (11, 0)] {
        let mut world = World::new();
        world.send(letter("a"));
        world.send(start("a"));
        assert_eq!(world.turn().messages.len(), 2);
        world.send(letter("a"));
        assert_eq!(unclaimed(&world), [""; 0], "the first turn is under way");
        world.pass(passed);
        // A fetch that looks at the letters, and takes no turn.
        assert_eq!(world.pick_turn(Pick::Nothing, None), None);
        assert_eq!(waiting(&world, "a"), 3);
        world.pass(wait);
        let again = world.turn();
        assert_eq!((again.messages.len(), again.attempts), (3, 2));
        world.done(commit(ack(&again.token, vec![event("a", 1)])));
        assert_eq!(waiting(&world, "a"), 0);
    }
}

#[test]
fn letters_that_came_during_a_first_turn_go_when_it_is_given_back_for_later() {
    for looks in [false, true] {
        let mut world = World::new();
        world.send(start("a"));
        let token = world.turn().token;
        world.send(letter("a"));
        if looks {
            assert_eq!(world.pick_turn(Pick::Nothing, None), None);
        }
        let delay = Some(Duration::from_millis(5));
        world.done(Call::AbandonOrchestrationItem { token, delay, ignore_attempt: true });
        assert_eq!(unclaimed(&world), ["a"]);
        assert_eq!(fetch(&mut world, OrphanPolicy::Dropped), None);
        assert_eq!(waiting(&world, "a"), 1, "the start alone");
        world.pass(5);
        let turn = world.turn();
        assert_eq!((turn.messages.len(), turn.attempts), (1, 1));
    }
}

#[test]
fn letters_that_came_during_a_first_turn_go_when_its_ack_records_nothing() {
    let mut world = World::new();
    world.send(start("a"));
    let token = world.turn().token;
    world.send(letter("a"));
    world.done(commit(AckTurn::nothing(token, 1)));
    assert_eq!(unclaimed(&world), ["a"]);
    assert_eq!(fetch(&mut world, OrphanPolicy::Dropped), None);
    assert_eq!(waiting(&world, "a"), 0);
}
