//! Scripts during which the only node is down for a while: many things wait for
//! it then and come to one turn.

use proptest::collection::vec;
use proptest::prelude::*;

use super::model::{Ties, predict};
use super::program::{Act, Op, Step, play};
use super::scripts::{SECOND, account, apart, ops, programs, script};

const UNTIL: u64 = 90 * SECOND;
const INSTANCE: &str = "waiting";

/// A script and the node's outage in it. An activity would run again when its
/// lock ends, so there are none.
fn scripts() -> impl Strategy<Value = (Vec<Act>, u64, u64)> {
    let steps = programs(9, (0..4_u64).prop_map(|s| s * SECOND));
    let act = (0..16_u64, ops()).prop_map(|(s, op)| Act { at: s * SECOND, instance: INSTANCE, op });
    (steps, vec(act, 5..=40), 0..8_u64, 1..8_u64).prop_map(|(steps, mut acts, from, length)| {
        let steps = steps.into_iter().filter(|step| !matches!(step, Step::Activity(_))).enumerate().map(apart);
        let start = Act { at: 0, instance: INSTANCE, op: Op::Start(steps.collect()) };
        // Parts of steps below the second add up to 511 ms: nothing is due then.
        let (from, to) = (from * SECOND + 700, (from + length) * SECOND + 700);
        acts.push(Act { at: from, instance: INSTANCE, op: Op::Crash });
        acts.push(Act { at: to, instance: INSTANCE, op: Op::Restart });
        (script(vec![start], acts), from, to)
    })
}

#[test]
fn what_waits_for_a_node_comes_to_one_turn_in_its_order() {
    crate::check(200, scripts(), |(script, from, to)| {
        let (seen, history) = play(&script, UNTIL, &[INSTANCE]).remove(0);
        let expected = predict(&script, INSTANCE, UNTIL, Ties::Outage(from, to));
        prop_assert_eq!(Some(&seen), expected.iter().next().map(|model| &model.seen));
        account(&script, INSTANCE, &seen, &history)
    });
}
