//! Single claims, with what comes out written down by hand.

use duroxide::providers::WorkItem;

use super::program::{Act, Op, Outcome, Seen, Standing, Step, play, play_traced};

const INSTANCE: &str = "order";

fn at(at: u64, op: Op) -> Act {
    Act { at, instance: INSTANCE, op }
}

fn start(steps: &[Step]) -> Op {
    Op::Start(steps.to_vec())
}

fn raise(name: char, data: &str) -> Op {
    Op::Raise(name, data.to_owned())
}

fn enqueue(queue: char, data: &str) -> Op {
    Op::Enqueue(queue, data.to_owned())
}

fn seen(script: &[Act]) -> Seen {
    let outcome: Outcome = play(script, 10_000, &[INSTANCE]);
    outcome.into_iter().next().expect("the instance was looked at").0
}

#[track_caller]
fn assert_seen(script: &[Act], standing: Standing, received: &[&str]) {
    let seen = seen(script);
    assert_eq!((seen.standing, seen.received), (standing, received.iter().map(|word| (*word).to_owned()).collect()));
}

#[test]
fn event_before_its_wait_is_dropped() {
    let steps = [Step::Timer(100), Step::Wait('a')];
    let script = [at(0, start(&steps)), at(50, raise('a', "early")), at(150, raise('a', "late"))];
    assert_seen(&script[..2], Standing::Running, &["fired"]);
    assert_seen(&script, Standing::Completed, &["fired", "late"]);
}

#[test]
fn event_in_the_batch_of_the_start_is_dropped() {
    let script = [at(0, start(&[Step::Wait('a')])), at(0, raise('a', "early"))];
    assert_seen(&script, Standing::Running, &[]);
}

#[test]
fn second_event_of_a_batch_does_not_reach_the_next_wait() {
    let steps = [Step::Wait('a'), Step::Wait('a')];
    let script = [at(0, start(&steps)), at(5, raise('a', "first")), at(5, raise('a', "second"))];
    assert_seen(&script, Standing::Running, &["first"]);
    let later = [&script[..], &[at(6, raise('a', "third"))]].concat();
    assert_seen(&later, Standing::Completed, &["first", "third"]);
}

#[test]
fn event_does_not_outlive_continue_as_new() {
    let steps = [Step::Timer(100), Step::ContinueAsNew, Step::Wait('a')];
    let script = [at(0, start(&steps)), at(50, raise('a', "early"))];
    assert_seen(&script, Standing::Running, &["fired"]);
}

#[test]
fn event_and_message_of_one_name_are_not_mixed_up() {
    let steps = [Step::Wait('a'), Step::Dequeue('a')];
    let script = [at(0, start(&steps)), at(5, enqueue('a', "message")), at(6, raise('a', "event"))];
    assert_seen(&script, Standing::Completed, &["event", "message"]);
}

#[test]
fn message_waits_for_its_dequeue_through_continue_as_new() {
    let steps = [Step::Timer(100), Step::ContinueAsNew, Step::Timer(100), Step::Dequeue('a'), Step::Dequeue('a')];
    let script = [at(0, start(&steps)), at(50, enqueue('a', "first")), at(150, enqueue('a', "second"))];
    assert_seen(&script, Standing::Completed, &["fired", "fired", "first", "second"]);
}

#[test]
fn dequeue_that_timed_out_eats_no_message() {
    let steps = [Step::DequeueOrTimer('a', 20), Step::DequeueOrTimer('a', 20), Step::Dequeue('a'), Step::Dequeue('a')];
    let script = [at(0, start(&steps)), at(50, enqueue('a', "first")), at(51, enqueue('a', "second"))];
    assert_seen(&script, Standing::Completed, &["timeout", "timeout", "first", "second"]);
}

#[test]
fn message_before_the_start_is_dropped() {
    let script = [at(0, enqueue('a', "early")), at(5, start(&[Step::Dequeue('a')])), at(6, enqueue('a', "late"))];
    assert_seen(&script, Standing::Completed, &["late"]);
}

#[test]
fn cancellation_beats_what_completes_in_its_turn() {
    let cancel = Op::Cancel("enough".to_owned());
    let script = [at(0, start(&[Step::Wait('a')])), at(5, raise('a', "last")), at(5, cancel)];
    assert_seen(&script, Standing::Cancelled("enough".to_owned()), &["last"]);
}

#[test]
fn cancellation_before_the_start_waits_for_it() {
    let script = [at(0, Op::Cancel("never".to_owned())), at(5, start(&[Step::Wait('a')]))];
    assert_seen(&script, Standing::Cancelled("never".to_owned()), &[]);
}

#[test]
fn messages_for_a_missing_instance_are_dropped_and_the_rest_waits() {
    let script = [at(0, raise('a', "event")), at(5, enqueue('a', "message")), at(9, Op::Cancel("never".to_owned()))];
    let run = play_traced(&script, 10_000, &[INSTANCE]);
    assert_eq!(run.value[0].0, Seen { standing: Standing::Missing, received: Vec::new(), executions: 0 });
    let left = run.trace.remains.expect("a simulation looks at what is left").messages;
    let expected = [
        WorkItem::ExternalRaised { instance: INSTANCE.into(), name: "a".into(), data: "event".into() },
        WorkItem::CancelInstance { instance: INSTANCE.into(), reason: "never".into() },
    ];
    assert_eq!(left, expected.map(std::sync::Arc::new));
}

#[test]
fn nothing_reaches_a_finished_instance() {
    let script = [
        at(0, start(&[Step::Timer(5)])),
        at(10, raise('a', "event")),
        at(10, enqueue('a', "message")),
        at(20, Op::Cancel("late".to_owned())),
    ];
    let finished = play(&script[..1], 10_000, &[INSTANCE]);
    let run = play_traced(&script, 10_000, &[INSTANCE]);
    assert_eq!(run.value, finished);
    let left = run.trace.remains.expect("a simulation looks at what is left").messages;
    assert_eq!(left, [], "a finished instance's messages are taken out of the queue");
}
