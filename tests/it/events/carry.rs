//! How much continue-as-new carries.

use std::collections::VecDeque;

use duroxide::EventKind;
use proptest::collection::vec;
use proptest::prelude::*;

use super::model::CARRIED;
use super::program::{Act, Op, Seen, Standing, Step, play};
use super::scripts::name;

const INSTANCE: &str = "mailbox";

/// The messages of all queues, oldest first.
type Inbox = VecDeque<(char, String)>;

/// The oldest message of a queue.
fn take(inbox: &mut Inbox, queue: char) -> Option<String> {
    let oldest = inbox.iter().position(|(name, _)| *name == queue)?;
    inbox.remove(oldest).map(|(_, data)| data)
}

/// Steps that read so many messages.
fn reads(queue: char, count: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    for n in 0..count {
        // The runtime allows no more than 100 rounds of answers in a turn.
        if n % 40 == 39 {
            steps.push(Step::Timer(1));
        }
        steps.push(Step::Dequeue(queue));
    }
    steps
}

/// Fills the inbox, reads some of it, continues as new `times` times, and then
/// reads as much as should be left.
fn check(inbox: &Inbox, first: &[char], times: usize) -> Result<(), TestCaseError> {
    let mut left = inbox.clone();
    let mut expected = Vec::new();
    let mut steps = vec![Step::Timer(100)];
    for queue in first {
        if let Some(data) = take(&mut left, *queue) {
            expected.push(data);
            steps.push(Step::Dequeue(*queue));
        }
    }
    left.truncate(CARRIED);
    let carried: Vec<String> = left.iter().map(|(_, data)| data.clone()).collect();
    steps.extend(std::iter::repeat_n(Step::ContinueAsNew, times));
    for queue in ['b', 'a'] {
        let read: Vec<String> = std::iter::from_fn(|| take(&mut left, queue)).collect();
        steps.push(Step::Timer(1));
        steps.extend(reads(queue, read.len()));
        expected.extend(read);
    }

    let start = Act { at: 0, instance: INSTANCE, op: Op::Start(steps) };
    let enqueue = |(queue, data)| Act { at: 50, instance: INSTANCE, op: Op::Enqueue(queue, data) };
    let script: Vec<Act> = std::iter::once(start).chain(inbox.iter().cloned().map(enqueue)).collect();
    let (Seen { standing, received, executions }, history) = play(&script, 60_000, &[INSTANCE]).remove(0);
    let received: Vec<String> = received.into_iter().filter(|word| word != "fired").collect();
    prop_assert_eq!((standing, executions, received), (Standing::Completed, 1 + times, expected));
    // And nothing lies there that was not read.
    let recorded = history.events().iter().filter_map(|event| match &event.kind {
        EventKind::QueueEventDelivered { data, .. } => Some(data.clone()),
        _ => None,
    });
    prop_assert_eq!(recorded.collect::<Vec<_>>(), carried);
    Ok(())
}

#[test]
fn a_hundred_unread_messages_are_carried_and_the_newest_are_dropped() {
    let sent = prop_oneof![1 => vec(name(), 0..20), 3 => vec(name(), 85..130)];
    crate::check(30, (sent, vec(name(), 0..12), 1..3_usize), |(sent, first, times)| {
        let inbox = sent.iter().enumerate().map(|(n, queue)| (*queue, format!("message{n}"))).collect();
        check(&inbox, &first, times)
    });
}
