//! Scripts in which timers and operations meet at one moment. The model gives
//! everything that may come out: whichever comes first, in one turn or several.

use proptest::collection::vec;
use proptest::prelude::*;

use super::model::{Ties, predict};
use super::program::{Act, Op, Step, play};
use super::scripts::{account, ops, programs, script};

const UNTIL: u64 = 60;
const INSTANCE: &str = "tied";

/// Everything happens in the same few milliseconds.
fn scripts() -> impl Strategy<Value = Vec<Act>> {
    let act = (0..7_u64, ops()).prop_map(|(at, op)| Act { at, instance: INSTANCE, op });
    (0..2_u64, programs(6, 1..4_u64), vec(act, 3..=12)).prop_map(|(at, steps, acts)| {
        let start = Act { at, instance: INSTANCE, op: Op::Start(steps) };
        script(vec![start], acts)
    })
}

#[test]
fn ties_come_out_in_one_of_the_ways_they_may() {
    crate::check(300, scripts(), |script| {
        let (seen, history) = play(&script, UNTIL, &[INSTANCE]).remove(0);
        let allowed = predict(&script, INSTANCE, UNTIL, Ties::Any);
        prop_assert!(
            allowed.iter().any(|model| model.seen == seen),
            "{seen:?} is not one of {:#?}",
            allowed.iter().map(|model| &model.seen).collect::<Vec<_>>()
        );
        account(&script, INSTANCE, &seen, &history)
    });
}

/// What is sent at the moment at which a select's timer is due.
fn at_the_bell(steps: Vec<Step>, ops: Vec<Op>) -> Vec<Act> {
    let start = Act { at: 0, instance: INSTANCE, op: Op::Start(steps) };
    let acts = ops.into_iter().map(|op| Act { at: 5, instance: INSTANCE, op }).collect();
    script(vec![start], acts)
}

#[test]
fn message_at_the_bell_is_taken_by_this_dequeue_or_by_the_next() {
    let message = || Op::Enqueue('a', String::new());
    crate::check(16, vec(Just(message()), 1..5), |messages| {
        let steps = vec![Step::DequeueOrTimer('a', 5), Step::Dequeue('a')];
        let (seen, _) = play(&at_the_bell(steps, messages.clone()), UNTIL, &[INSTANCE]).remove(0);
        let late = ["timeout", "message0"];
        let first = ["message0", "message1"];
        prop_assert!(seen.received == late || (seen.received == first && messages.len() > 1), "{:?}", seen.received);
        Ok(())
    });
}
