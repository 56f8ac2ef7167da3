//! Which histories have an order: by hand, and against trying every order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use duroxide::{Event, EventKind};
use duroxide_conformance::Reading;
use duroxide_conformance::unstable::{Aspect, Linearity, Made, linearize};
use duroxide_sim::call::{AckTurn, Call, Class, Metadata, Refusal, Reply, instance_of};
use duroxide_sim::clock::Time;
use duroxide_sim::store::{Choice, Ineligible, Pick, Store};
use proptest::prelude::*;

use super::saboteur::news;

const AT: Time = Time(1_000);

fn enqueue(item: duroxide::providers::WorkItem) -> Call {
    Call::EnqueueForOrchestrator { item: Arc::new(item), delay: None }
}

fn start() -> Call {
    enqueue(crate::start_item("i", "order"))
}

fn fetch() -> Call {
    Call::FetchOrchestrationItem { lock_for: Duration::from_secs(60), poll_for: Duration::ZERO, versions: None }
}

fn status() -> Call {
    Call::GetCustomStatus { instance: "i".to_owned(), last_seen_version: 0 }
}

fn ack(token: &str, status: u64) -> Call {
    let kind = EventKind::CustomStatusUpdated { status: Some(status.to_string()) };
    let event = Event {
        event_id: status,
        source_event_id: None,
        instance_id: "i".to_owned(),
        execution_id: 1,
        timestamp_ms: 0,
        duroxide_version: String::new(),
        kind,
    };
    Call::AckOrchestrationItem(Box::new(AckTurn {
        token: token.to_owned(),
        execution: 1,
        history: vec![Arc::new(event)],
        jobs: Vec::new(),
        messages: Vec::new(),
        metadata: Metadata { orchestration_name: Some("order".to_owned()), ..Metadata::default() },
        cancelled: Vec::new(),
    }))
}

/// The calls, each with what it is answered when they are made one after the
/// other; a fetch issues the token `t` with its place.
fn one_by_one(calls: Vec<Call>) -> Vec<(Call, Reply)> {
    let mut store = Store::new();
    let answer = |(place, call): (usize, Call)| {
        let reply = store.apply(AT, &call, &Choice::new(format!("t{place}"), Pick::Oldest));
        (call, reply)
    };
    calls.into_iter().enumerate().map(answer).collect()
}

/// A history with these invocations and answers.
fn history(calls: Vec<(Call, Option<Reply>, u64, u64)>) -> Vec<Made> {
    let made = |(number, (call, reply, invoked, replied)): (usize, (Call, Option<Reply>, u64, u64))| Made {
        caller: number + 1,
        at: AT,
        call: Arc::new(call),
        replied: if reply.is_some() { replied } else { u64::MAX },
        reply,
        invoked,
    };
    let mut history: Vec<Made> = calls.into_iter().enumerate().map(made).collect();
    history.sort_by_key(|made| made.invoked);
    history
}

fn judge(history: &[Made]) -> Linearity {
    linearize(history, Reading::default())
}

fn turn() -> Reply {
    one_by_one(vec![start(), fetch()]).pop().expect("two calls were made").1
}

fn other_turn() -> Reply {
    let Reply::Turn(Some(mut turn)) = turn() else { panic!("a turn was fetched") };
    turn.token = "other".to_owned();
    Reply::Turn(Some(turn))
}

#[track_caller]
fn check_stuck(history: &[Made], aspect: &Aspect) {
    match judge(history) {
        Linearity::Broken(broken) => {
            assert!(broken.stuck.iter().any(|(_, mismatch)| mismatch.aspect == *aspect), "{broken:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_may_take_effect_at_any_moment_until_its_answer() {
    let calls = vec![(start(), Some(Reply::Done), 0, 3), (fetch(), Some(turn()), 1, 2)];
    assert_eq!(judge(&history(calls)), Linearity::Explained);
}

#[test]
fn a_call_takes_effect_before_its_answer() {
    let calls = vec![(start(), Some(Reply::Done), 0, 1), (fetch(), Some(Reply::Turn(None)), 2, 3)];
    check_stuck(&history(calls), &Aspect::Missed);
}

#[test]
fn one_of_two_fetches_gets_the_lock() {
    let with = |second: Reply| {
        vec![(start(), Some(Reply::Done), 0, 1), (fetch(), Some(turn()), 2, 4), (fetch(), Some(second), 3, 5)]
    };
    assert_eq!(judge(&history(with(Reply::Turn(None)))), Linearity::Explained);
    let until = AT + Duration::from_secs(60);
    check_stuck(&history(with(other_turn())), &Aspect::Barred(Ineligible::Locked(until)));
    check_stuck(&history(with(turn())), &Aspect::Token);
}

#[test]
fn a_fetch_that_meets_an_ack_may_find_nothing() {
    let ack_at = |invoked, replied| {
        let first = vec![(start(), Some(Reply::Done), 0, 1), (fetch(), Some(turn()), 2, 3)];
        let more = enqueue(news("i", "more"));
        let last = vec![(more, Some(Reply::Done), 4, 5), (ack("t1", 1), Some(Reply::Done), invoked, replied)];
        let fetched = vec![(fetch(), Some(Reply::Turn(None)), 8, 9)];
        first.into_iter().chain(last).chain(fetched).collect()
    };
    assert_eq!(judge(&history(ack_at(6, 10))), Linearity::Explained);
    check_stuck(&history(ack_at(6, 7)), &Aspect::Missed);
}

#[test]
fn what_was_not_answered_may_have_happened_at_any_later_moment_or_never() {
    let then = |fetched: Vec<(Call, Option<Reply>, u64, u64)>| {
        let unanswered = vec![(start(), None, 0, 0)];
        judge(&history(unanswered.into_iter().chain(fetched).collect()))
    };
    let nothing = |at| (fetch(), Some(Reply::Turn(None)), at, at + 1);
    assert_eq!(then(vec![nothing(1), nothing(3)]), Linearity::Explained);
    assert_eq!(then(vec![nothing(1), (fetch(), Some(turn()), 3, 4), nothing(5)]), Linearity::Explained);
    let twice = then(vec![(fetch(), Some(turn()), 3, 4), (fetch(), Some(other_turn()), 5, 6)]);
    assert!(matches!(twice, Linearity::Broken(_)), "{twice:?}");
}

#[test]
fn a_refusal_that_a_retry_may_cure_is_an_open_question_and_another_is_not() {
    let refused = |retryable| {
        let refusal = Refusal { retryable, ..Refusal::permanent(Class::Other, "ack_orchestration_item", "Busy.") };
        let calls = vec![
            (start(), Some(Reply::Done), 0, 1),
            (fetch(), Some(turn()), 2, 3),
            (ack("t1", 1), Some(Reply::Refused(refusal)), 4, 6),
            (status(), Some(Reply::CustomStatus(None)), 5, 7),
        ];
        history(calls)
    };
    assert_eq!(judge(&refused(true)), Linearity::Explained);
    check_stuck(&refused(false), &Aspect::Refused);
}

#[test]
fn a_read_after_an_answer_sees_what_was_answered() {
    let read_at = |invoked, replied| {
        history(vec![
            (start(), Some(Reply::Done), 0, 1),
            (fetch(), Some(turn()), 2, 3),
            (ack("t1", 1), Some(Reply::Done), 4, 6),
            (status(), Some(Reply::CustomStatus(None)), invoked, replied),
        ])
    };
    assert_eq!(judge(&read_at(5, 7)), Linearity::Explained);
    assert!(matches!(judge(&read_at(7, 8)), Linearity::Broken(_)));
}

#[test]
fn a_list_need_not_be_of_one_moment() {
    let acks = ["a", "b"].map(|name| {
        let calls = vec![enqueue(crate::start_item(name, "order")), fetch()];
        let mut answered = one_by_one(calls);
        let Some((_, Reply::Turn(Some(turn)))) = answered.last_mut() else { panic!("a turn was fetched") };
        turn.token = name.to_owned();
        answered
    });
    let listed = |names: &[&str]| {
        let mut calls = Vec::new();
        for (call, reply) in acks.iter().flatten() {
            let at = calls.len() as u64 * 2;
            calls.push((call.clone(), Some(reply.clone()), at, at + 1));
        }
        let commit = |name: &str| {
            let mut call = ack(name, 1);
            if let Call::AckOrchestrationItem(ack) = &mut call {
                ack.history.clear();
            }
            call
        };
        calls.push((commit("a"), Some(Reply::Done), 11, 12));
        calls.push((commit("b"), Some(Reply::Done), 13, 14));
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        calls.push((Call::ListInstances, Some(Reply::Names(names)), 10, 15));
        judge(&history(calls))
    };
    for names in [&[] as &[&str], &["a"], &["b"], &["b", "a"]] {
        assert_eq!(listed(names), Linearity::Explained, "{names:?}");
    }
    for names in [&["c"] as &[&str], &["a", "c"]] {
        assert!(matches!(listed(names), Linearity::Broken(_)), "{names:?} names one that never was");
    }
}

/// Whether any order at all explains a history: every one is tried.
fn by_force(history: &[Made], store: &Store, done: &mut Vec<usize>) -> bool {
    if (0..history.len()).all(|call| done.contains(&call) || history[call].reply.is_none()) {
        return true;
    }
    for call in 0..history.len() {
        let made = &history[call];
        let too_early = |other: usize| !done.contains(&other) && history[other].replied < made.invoked;
        if done.contains(&call) || (0..history.len()).any(too_early) {
            continue;
        }
        let (token, pick) = match &made.reply {
            Some(Reply::Turn(Some(turn))) => (turn.token.clone(), Pick::Instance(turn.instance.clone())),
            Some(Reply::Turn(None)) if is_contended(history, call) => (String::new(), Pick::Nothing),
            _ => (format!("unseen {call}"), Pick::Oldest),
        };
        let mut next = store.clone();
        let reply = next.apply(made.at, &made.call, &Choice::new(token, pick));
        let fits = made.reply.as_ref().is_none_or(|got| is_same(&reply, got));
        done.push(call);
        if fits && by_force(history, &next, done) {
            return true;
        }
        done.pop();
    }
    false
}

fn is_contended(history: &[Made], call: usize) -> bool {
    let takes = |other: &Made| match &*other.call {
        Call::FetchOrchestrationItem { .. } => true,
        call => call.token().is_some() && !matches!(other.reply, Some(Reply::Refused(_))),
    };
    (0..history.len()).any(|other| other != call && history[other].overlaps(&history[call]) && takes(&history[other]))
}

/// The same but for the order of messages and the words of refusals.
fn is_same(expected: &Reply, got: &Reply) -> bool {
    let in_order = |reply: &Reply| match reply {
        Reply::Turn(Some(turn)) => {
            let mut turn = turn.clone();
            turn.messages.sort_by_key(|item| format!("{item:?}"));
            Reply::Turn(Some(turn))
        }
        other => other.clone(),
    };
    match (expected, got) {
        (Reply::Refused(_), Reply::Refused(_)) => true,
        _ => in_order(expected) == in_order(got),
    }
}

/// Whether no turn has a message before one that was sent earlier.
fn is_in_order(history: &[Made]) -> bool {
    let sent: BTreeMap<String, &Made> = history.iter().filter_map(|made| Some((item_of(&made.call)?, made))).collect();
    history.iter().all(|made| {
        let Some(Reply::Turn(Some(turn))) = &made.reply else { return true };
        let senders: Vec<&&Made> = turn.messages.iter().map(|item| &sent[&format!("{item:?}")]).collect();
        senders.iter().enumerate().all(|(at, first)| senders[at..].iter().all(|next| next.replied >= first.invoked))
    })
}

fn item_of(call: &Call) -> Option<String> {
    match call {
        Call::EnqueueForOrchestrator { item, .. } if !instance_of(item).is_empty() => Some(format!("{item:?}")),
        _ => None,
    }
}

/// Calls answered as in one order and made in another.
fn any_history() -> impl Strategy<Value = Vec<Made>> {
    let count = 6_usize;
    let kinds = prop::collection::vec(0..7_u8, count);
    let places = Just((0..2 * count as u64).collect::<Vec<u64>>()).prop_shuffle();
    // Near to the order of the answers, or anything.
    let spread = prop::sample::select(vec![0_u64, 3, 6, 11]);
    (kinds, places, spread, 0..12_usize, any::<bool>()).prop_map(move |(kinds, places, spread, lost, mixed_up)| {
        let call = |(place, kind): (usize, u8)| match kind {
            0 | 1 => enqueue(news("i", &place.to_string())),
            2 | 3 => fetch(),
            4 => ack("t1", place as u64),
            5 => Call::AbandonOrchestrationItem { token: "t1".to_owned(), delay: None, ignore_attempt: false },
            _ => status(),
        };
        let calls: Vec<Call> = [start(), fetch()].into_iter().chain(kinds.into_iter().enumerate().map(call)).collect();
        let mut answered = one_by_one(calls);
        if mixed_up {
            mix_up(&mut answered);
        }
        let made = answered.into_iter().enumerate().map(|(number, (call, reply))| {
            let near = |at: usize| 200 * number as u64 + 100 * (places[at] % (spread + 1)) + places[at];
            let (first, second) = match number {
                0 | 1 => (number as u64, number as u64),
                _ => (near(2 * number - 4), near(2 * number - 3)),
            };
            let reply = (number != lost || number < 2).then_some(reply);
            (call, reply, 2 * first.min(second), 2 * first.max(second) + 1)
        });
        history(made.collect())
    })
}

/// Gives the fetches one another's answers, and so the reads.
fn mix_up(answered: &mut [(Call, Reply)]) {
    for kind in [fetch(), status()] {
        let places: Vec<usize> = (2..answered.len()).filter(|place| answered[*place].0 == kind).collect();
        let replies: Vec<Reply> = places.iter().map(|place| answered[*place].1.clone()).collect();
        places.into_iter().zip(replies.into_iter().rev()).for_each(|(place, reply)| answered[place].1 = reply);
    }
}

#[test]
fn the_search_answers_as_trying_every_order_does() {
    let count = std::cell::Cell::new((0, 0));
    crate::check(600, any_history(), |history| {
        let expected = is_in_order(&history) && by_force(&history, &Store::new(), &mut Vec::new());
        let (yes, no) = count.get();
        count.set(if expected { (yes + 1, no) } else { (yes, no + 1) });
        match judge(&history) {
            Linearity::Explained => prop_assert!(expected, "explained, and no order is right"),
            Linearity::Broken(broken) => prop_assert!(!expected, "{broken:?}, and there is an order"),
            Linearity::Unknown => prop_assert!(false, "a small history is not too much"),
        }
        Ok(())
    });
    let (yes, no) = count.get();
    assert!(yes > 50 && no > 50, "{yes} histories have an order and {no} have none");
}
