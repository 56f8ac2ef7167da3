//! Saboteurs of long polling, which answer too late or never.

use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::Time;

use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "a fetch of turns waits for work", rule: "turn.poll-ends-in-time", trick: turns_are_awaited },
    Saboteur { name: "a fetch of jobs waits for work", rule: "job.poll-ends-in-time", trick: jobs_are_awaited },
];

fn turns_are_awaited(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    bench.never_answers = reply == Reply::Turn(None);
    reply
}

fn jobs_are_awaited(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    bench.never_answers = reply == Reply::Job(None);
    reply
}

#[test]
fn saboteurs_of_polling_are_caught() {
    super::hunt::catch_all("polling", ALL);
}
