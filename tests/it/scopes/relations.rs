//! Relations between runs that no model is needed for: all times shifted, all
//! names changed, neighbouring calls swapped.

use std::collections::BTreeMap;

use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::sim::START;
use duroxide_sim::store::{Choice, Pick, Store};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::model::Model;
use super::steps::{self, Step};

/// A store under calls whose answers are written down.
struct Run {
    store: Store,
    model: Model,
    answers: Vec<Reply>,
}

impl Run {
    fn new(names: [&'static str; 2], start: u64) -> Run {
        Run { store: Store::new(), model: Model::new(names, start), answers: Vec::new() }
    }

    fn of(names: [&'static str; 2], start: u64, path: &[Step]) -> Run {
        let mut run = Run::new(names, start);
        path.iter().for_each(|step| drop(run.step(*step)));
        run
    }

    /// The model is there to know the tokens and the time.
    fn step(&mut self, step: Step) -> Reply {
        let Some(call) = self.model.call(step) else {
            self.model.pass(step);
            return Reply::Done;
        };
        let answer = self.ask(&call, &self.model.next_token(), step.pick());
        self.model.answer(step);
        self.answers.push(answer.clone());
        answer
    }

    fn ask(&mut self, call: &Call, token: &str, pick: Pick) -> Reply {
        self.store.apply(Time(self.model.now), call, &Choice::new(token, pick))
    }

    /// What can be seen of each instance, whatever the order it was made in.
    fn seen(&mut self) -> Vec<Reply> {
        let instances = self.model.names.map(str::to_owned).into_iter();
        let calls = instances.flat_map(|instance| {
            [
                Call::GetInstanceInfo { instance: instance.clone() },
                Call::GetExecutionInfo { instance: instance.clone(), execution: 1 },
                Call::Read { instance },
            ]
        });
        let calls: Vec<Call> = calls.chain([Call::GetSystemMetrics, Call::GetQueueDepths]).collect();
        calls.iter().map(|call| self.ask(call, "unused", Pick::Oldest)).collect()
    }

    /// Every message with its attempts and the time it is visible from.
    fn messages(&self) -> Vec<String> {
        let one = |name| format!("{:?}", self.store.messages_of(name));
        self.model.names.into_iter().map(one).collect()
    }

    /// Fetches all there is, and keeps what does not depend on the order.
    fn drain(&mut self) -> BTreeMap<String, String> {
        let mut drained = BTreeMap::new();
        while let Reply::Turn(Some(turn)) = self.step(Step::Fetch(0)) {
            let seen = format!("{:?} {:?} {}", turn.history, turn.messages, turn.attempts);
            assert_eq!(drained.insert(turn.instance, seen), None, "an instance is fetched once at one time");
        }
        drained
    }
}

/// A reply as JSON with its times counted from `start`.
fn since(start: u64, reply: &Reply) -> Value {
    fn walk(start: u64, value: &mut Value) {
        const TIMES: [&str; 6] =
            ["fire_at_ms", "timestamp_ms", "created_at", "updated_at", "started_at", "completed_at"];
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_u64().filter(|_| TIMES.contains(&name.as_str())) {
                        Some(time) => *value = (time - start).into(),
                        None => walk(start, value),
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| walk(start, value)),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(reply).expect("a reply has a JSON form");
    walk(start, &mut value);
    value
}

#[test]
fn shifting_all_times_shifts_all_answers() {
    let starts = prop::sample::select(vec![0, 1, START.0, u64::MAX / 2, u64::MAX - 10_000]);
    crate::check(64, (vec(steps::any(), 0..60), starts), |(path, start)| {
        let runs = [7, start].map(|start| {
            let mut run = Run::of(["a", "b"], start, &path);
            let seen = run.seen();
            run.answers.iter().chain(&seen).map(|reply| since(start, reply)).collect::<Vec<Value>>()
        });
        prop_assert_eq!(&runs[0], &runs[1]);
        Ok(())
    });
}

#[test]
fn renaming_instances_renames_all_answers() {
    let names = prop::sample::select(vec![["m", "z"], ["", "0"], ["z", "m"], ["ä\0", "ä\0 "]]);
    crate::check(64, (vec(steps::any(), 0..60), names), |(path, names)| {
        let texts = [["a", "b"], names].map(|names| {
            let mut run = Run::of(names, 1_000, &path);
            let seen = run.seen();
            let text = |reply| {
                let mut text = serde_json::to_string(reply).expect("a reply has a JSON form");
                // A message quotes the name that was asked for.
                for (name, stands_for) in names.into_iter().zip(["first", "second"]) {
                    let quoted = serde_json::to_string(name).expect("a text has a JSON form");
                    text = text.replace(&format!("\"instance\":{quoted}"), &format!("\"instance\":{stands_for}"));
                    text = text.replace(&format!("\"instance_id\":{quoted}"), &format!("\"instance_id\":{stands_for}"));
                }
                if matches!(reply, Reply::Refused(_)) { "refused".to_owned() } else { text }
            };
            run.answers.iter().chain(&seen).map(text).collect::<Vec<String>>()
        });
        prop_assert_eq!(&texts[0], &texts[1]);
        Ok(())
    });
}

#[test]
fn neighbouring_calls_for_different_instances_can_be_swapped() {
    let neighbours = (steps::about(0), steps::about(1));
    crate::check(96, (vec(steps::any(), 0..40), vec(neighbours, 1..4)), |(path, pairs)| {
        let mut runs = [false, true].map(|swapped| {
            let mut run = Run::of(["a", "b"], 1_000, &path);
            let mut answers = Vec::new();
            for (left, right) in &pairs {
                if swapped {
                    let right = run.step(*right);
                    answers.extend([run.step(*left), right]);
                } else {
                    answers.extend([run.step(*left), run.step(*right)]);
                }
            }
            (run, answers)
        });
        let [(first, answers), (second, swapped)] = &mut runs;
        prop_assert_eq!(answers, swapped);
        prop_assert_eq!(first.messages(), second.messages());
        prop_assert_eq!(first.seen(), second.seen());
        for run in [&mut *first, &mut *second] {
            run.step(Step::Lapse);
        }
        prop_assert_eq!(first.drain(), second.drain());
        Ok(())
    });
}
