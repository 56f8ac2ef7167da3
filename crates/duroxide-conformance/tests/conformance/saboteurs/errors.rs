//! Saboteurs of errors.

use duroxide::providers::WorkItem;
use duroxide_sim::call::{Call, Class, Refusal, Reply};
use duroxide_sim::clock::Time;

use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur {
        name: "try the lost lock again",
        rule: "error.lock-lost-is-permanent",
        trick: |b, n, c| again(b, n, c, &[Class::LockLost]),
    },
    Saboteur {
        name: "try the unknown again",
        rule: "error.not-found-is-permanent",
        trick: |b, n, c| again(b, n, c, &[Class::NotFound]),
    },
    Saboteur {
        name: "try to delete again",
        rule: "error.not-deletable-is-permanent",
        trick: |b, n, c| again(b, n, c, &[Class::StillRunning, Class::SubOrchestration, Class::ChildLeft]),
    },
    Saboteur {
        name: "try the duplicate again",
        rule: "error.invalid-is-permanent",
        trick: |b, n, c| again(b, n, c, &[Class::DuplicateEvent]),
    },
    Saboteur {
        name: "try the unreadable again",
        rule: "error.corrupt-is-permanent",
        trick: |b, n, c| again(b, n, c, &[Class::Corrupt]),
    },
    Saboteur { name: "a turn locks the whole table", rule: "error.contention-is-retryable", trick: table_is_locked },
    Saboteur { name: "a character cut in two", rule: "error.no-panic", trick: panics },
];

/// Errors of these classes say that a retry may help.
fn again(bench: &mut Bench, now: Time, call: &Call, classes: &[Class]) -> Reply {
    let mut reply = bench.ask(now, call);
    if let Reply::Refused(refusal) = &mut reply
        && classes.contains(&refusal.class)
    {
        refusal.retryable = true;
    }
    reply
}

/// Whoever enqueues while a turn is held is refused for good.
fn table_is_locked(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::EnqueueForOrchestrator { .. } if bench.live(now).is_some() => {
            Reply::Refused(Refusal::permanent(Class::Other, call.method().name(), "The database table is locked."))
        }
        _ => bench.ask(now, call),
    }
}

fn panics(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::EnqueueForOrchestrator { item, .. } => {
            if let WorkItem::ExternalRaised { data, .. } = &**item
                && data.len() > 1
                && !data.is_char_boundary(data.len() - 1)
            {
                // Without a message on the way.
                std::panic::resume_unwind(Box::new("The text is cut within a character."));
            }
            bench.ask(now, call)
        }
        _ => bench.ask(now, call),
    }
}

#[test]
fn saboteurs_of_errors_are_caught() {
    super::hunt::catch_all("errors", ALL);
}
