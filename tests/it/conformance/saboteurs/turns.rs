//! Saboteurs of fetching turns.

use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::Time;

use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "attempts are not counted", rule: "turn.attempts-rise", trick: attempts_stand_still },
    Saboteur { name: "events come out backwards", rule: "turn.history-order", trick: history_backwards },
];

fn attempts_stand_still(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let mut reply = bench.ask(now, call);
    if let Reply::Turn(Some(turn)) = &mut reply {
        turn.attempts = 1;
    }
    reply
}

fn history_backwards(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let mut reply = bench.ask(now, call);
    if let Reply::Turn(Some(turn)) = &mut reply {
        turn.history.reverse();
    }
    reply
}
