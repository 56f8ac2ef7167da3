//! Generated scripts against generated programs, without ties: the model says
//! exactly what comes out.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use duroxide::EventKind;
use duroxide_sim::trace::History;

use super::model::{Ties, predict};
use super::program::{Act, Op, Seen, Standing, Step, play};

/// Operations come at full seconds. A step's time has a part below the second
/// that is its own power of two: the sum of some of them is never full seconds,
/// so that no timer meets an operation.
pub const SECOND: u64 = 1000;
const UNTIL: u64 = 60 * SECOND;
const INSTANCES: [&str; 3] = ["one", "two", "nobody"];

pub fn name() -> impl Strategy<Value = char> {
    // Events and queues have the same names: they must not be mixed up.
    select(vec!['a', 'b'])
}

fn timed(ms: impl Strategy<Value = u64> + Clone + 'static) -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => name().prop_map(Step::Wait),
        4 => name().prop_map(Step::Dequeue),
        2 => ms.clone().prop_map(Step::Timer),
        4 => (name(), ms.clone()).prop_map(|(queue, ms)| Step::DequeueOrTimer(queue, ms)),
        4 => (name(), ms.clone()).prop_map(|(name, ms)| Step::WaitOrTimer(name, ms)),
        1 => ms.prop_map(Step::Activity),
        2 => Just(Step::ContinueAsNew),
    ]
}

/// Programs of a third of `most` to `most` steps; `ms` gives the times.
pub fn programs(most: usize, ms: impl Strategy<Value = u64> + Clone + 'static) -> impl Strategy<Value = Vec<Step>> {
    vec(timed(ms), most / 3..=most)
}

/// Gives the `n`th step its own part below the second.
pub fn apart((n, step): (usize, Step)) -> Step {
    let own = |ms: u64| ms + (1 << n);
    match step {
        Step::Timer(ms) => Step::Timer(own(ms)),
        Step::Activity(ms) => Step::Activity(own(ms)),
        Step::DequeueOrTimer(queue, ms) => Step::DequeueOrTimer(queue, own(ms)),
        Step::WaitOrTimer(name, ms) => Step::WaitOrTimer(name, own(ms)),
        step => step,
    }
}

/// Operations but starts, each with data of its own once [`script`] has run.
pub fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        20 => name().prop_map(|name| Op::Raise(name, String::new())),
        20 => name().prop_map(|queue| Op::Enqueue(queue, String::new())),
        1 => Just(Op::Cancel(String::new())),
    ]
}

/// A script: the starts and the operations in the order of their times, a start
/// first in its moment. Every operation carries its own word.
pub fn script(starts: Vec<Act>, mut rest: Vec<Act>) -> Vec<Act> {
    rest.sort_by_key(|act| act.at);
    for (n, act) in rest.iter_mut().enumerate() {
        match &mut act.op {
            Op::Raise(_, data) => *data = format!("event{n}"),
            Op::Enqueue(_, data) => *data = format!("message{n}"),
            Op::Cancel(reason) => *reason = format!("reason{n}"),
            Op::Start(_) | Op::Crash | Op::Restart => {}
        }
    }
    let mut all = starts;
    all.extend(rest);
    all.sort_by_key(|act| act.at);
    all
}

fn scripts() -> impl Strategy<Value = Vec<Act>> {
    let program = programs(9, (0..4_u64).prop_map(|s| s * SECOND));
    let program = program.prop_map(|steps| steps.into_iter().enumerate().map(apart).collect::<Vec<Step>>());
    let start = (0..3_u64, program.boxed());
    let target = prop_oneof![6 => Just("one"), 3 => Just("two"), 1 => Just("nobody")];
    let act = (0..16_u64, target, ops()).prop_map(|(s, instance, op)| Act { at: s * SECOND, instance, op });
    (start.clone(), start, vec(act, 0..=40)).prop_map(|(one, two, acts)| {
        let start = |(s, steps), instance| Act { at: s * SECOND, instance, op: Op::Start(steps) };
        script(vec![start(one, "one"), start(two, "two")], acts)
    })
}

#[test]
fn every_script_comes_out_as_the_documents_say() {
    crate::check(200, scripts(), |script| {
        for (instance, (seen, _)) in INSTANCES.iter().zip(play(&script, UNTIL, &INSTANCES)) {
            let models = predict(&script, instance, UNTIL, Ties::None);
            let expected = models.into_iter().next().map(|model| model.seen);
            prop_assert_eq!(seen, expected.unwrap_or_else(missing), "{}", instance);
        }
        Ok(())
    });
}

fn missing() -> Seen {
    Seen { standing: Standing::Missing, received: Vec::new(), executions: 0 }
}

#[test]
fn nothing_is_lost_and_nothing_comes_twice() {
    crate::check(200, scripts(), |script| {
        for (instance, (seen, history)) in INSTANCES.iter().zip(play(&script, UNTIL, &INSTANCES)) {
            account(&script, instance, &seen, &history)?;
        }
        Ok(())
    });
}

/// Accounts for everything that was sent to an instance, without the model.
pub fn account(script: &[Act], instance: &str, seen: &Seen, history: &History) -> Result<(), TestCaseError> {
    let sent: Vec<&Op> = script.iter().filter(|act| act.instance == instance).map(|act| &act.op).collect();
    let started = sent.iter().position(|op| matches!(op, Op::Start(_))).unwrap_or(sent.len());
    for name in ['a', 'b'] {
        let queued = |op: &&&Op| matches!(op, Op::Enqueue(queue, _) if *queue == name);
        let messages: Vec<&str> = sent[started..].iter().filter(queued).map(|op| word(op)).collect();
        messages_are_accounted_for(&messages, seen, history)?;
        let raised = |op: &&&Op| matches!(op, Op::Raise(event, _) if *event == name);
        let events: Vec<&str> = sent.iter().filter(raised).map(|op| word(op)).collect();
        events_are_accounted_for(&events, seen, history)?;
    }
    let all: Vec<&str> = sent.iter().map(|op| word(op)).collect();
    for run in &history.executions {
        let order = words(&run.events, &all).into_iter().map(|word| all.iter().position(|sent| *sent == word));
        prop_assert!(order.is_sorted_by(|one, next| one < next), "recorded once, in the order sent, whatever it is");
    }
    // What was sent before the start: messages are dropped, events come early.
    for early in sent[..started].iter().map(|op| word(op)) {
        prop_assert!(!seen.received.iter().any(|word| word == early), "{} came though it was early", early);
    }
    Ok(())
}

fn word(op: &Op) -> &str {
    match op {
        Op::Start(_) | Op::Crash | Op::Restart => "",
        Op::Raise(_, word) | Op::Enqueue(_, word) | Op::Cancel(word) => word,
    }
}

/// The messages that were sent to one queue of a running instance, in order.
fn messages_are_accounted_for(sent: &[&str], seen: &Seen, history: &History) -> Result<(), TestCaseError> {
    let received: Vec<&str> = seen.received.iter().map(String::as_str).filter(|word| sent.contains(word)).collect();
    prop_assert_eq!(&received[..], &sent[..received.len()], "received in the order sent, without gaps");

    let recorded: Vec<Vec<&str>> = history.executions.iter().map(|run| words(&run.events, sent)).collect();
    // Each execution holds a run of messages without gaps: what the one before
    // it left unread, then what came in its time.
    let mut next = 0;
    for held in &recorded {
        let from = held.first().and_then(|first| sent.iter().position(|word| word == first)).unwrap_or(next);
        prop_assert!(from <= next, "messages were lost before {:?}", held);
        prop_assert_eq!(&held[..], &sent[from..from + held.len()], "recorded in the order sent, without gaps");
        next = next.max(from + held.len());
    }
    let unread = &sent[received.len().min(next)..next];
    let last = recorded.last().map_or(&[][..], |held| &held[..]);
    prop_assert!(unread.iter().all(|word| last.contains(word)), "unread messages stay with the instance");
    if seen.standing == Standing::Running {
        prop_assert_eq!(next, sent.len(), "a running instance has every message");
    }
    Ok(())
}

/// The positional events of one name that were sent to an instance, in order.
fn events_are_accounted_for(sent: &[&str], seen: &Seen, history: &History) -> Result<(), TestCaseError> {
    let recorded: Vec<&str> = history.executions.iter().flat_map(|run| words(&run.events, sent)).collect();
    prop_assert_eq!(&recorded[..], &sent[..recorded.len()], "each is recorded once, in the order sent");
    if seen.standing == Standing::Running {
        prop_assert_eq!(recorded.len(), sent.len(), "a running instance records even what it drops");
    }
    let mut left = recorded.iter();
    for received in seen.received.iter().filter(|word| sent.contains(&word.as_str())) {
        prop_assert!(left.any(|word| word == received), "{} came twice, out of order or from nowhere", received);
    }
    Ok(())
}

/// The events' words that are among `sent`.
fn words<'a>(events: &'a [duroxide::Event], sent: &[&str]) -> Vec<&'a str> {
    let data = events.iter().filter_map(|event| match &event.kind {
        EventKind::QueueEventDelivered { data, .. } | EventKind::ExternalEvent { data, .. } => Some(data.as_str()),
        _ => None,
    });
    data.filter(|word| sent.contains(word)).collect()
}
