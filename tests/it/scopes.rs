//! The store in small scopes: every sequence of a few calls over two instances,
//! and relations between whole runs. What each call has to answer is worked
//! out by a model that is nothing but lists (`model`); the store's indexes,
//! counters and orders are what is on trial.

mod model;
mod relations;
mod steps;

use duroxide_sim::call::{Call, Metrics, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::store::{Choice, Pick, Store};
use proptest::collection::vec;

use model::Model;
use steps::Step;

/// The store and what the model says about it.
#[derive(Clone, PartialEq)]
struct Pair {
    store: Store,
    model: Model,
}

impl Pair {
    fn new() -> Pair {
        Pair { store: Store::new(), model: Model::new(["a", "b"], 1_000) }
    }

    /// Takes one step, and says what is wrong after it.
    fn step(&mut self, step: Step) -> Result<(), String> {
        let Some(call) = self.model.call(step) else {
            self.model.pass(step);
            return self.look();
        };
        let now = Time(self.model.now);
        let choice = Choice::new(self.model.next_token(), step.pick());
        let before = self.store.clone();
        let answer = self.store.apply(now, &call, &choice);
        let expected = self.model.answer(step);
        if !same(&answer, &expected) {
            return Err(format!("{call:?} at {now:?} is answered with {answer:?}, and not with {expected:?}"));
        }
        if matches!(answer, Reply::Refused(_)) && self.store != before {
            return Err(format!("{call:?} at {now:?} is refused, and yet changes something"));
        }
        self.look()
    }

    /// Compares all that can be counted. Looking changes nothing.
    fn look(&mut self) -> Result<(), String> {
        let before = self.store.clone();
        self.count()?;
        if self.store == before { self.wakes() } else { Err("A call that only looks has changed something".to_owned()) }
    }

    fn count(&mut self) -> Result<(), String> {
        let depths = self.ask(&Call::GetQueueDepths);
        if depths != Reply::QueueDepths(self.model.depths()) {
            return Err(format!("The queue depths are {depths:?}, and not {:?}", self.model.depths()));
        }
        let metrics = self.ask(&Call::GetSystemMetrics);
        for counted in [self.model.metrics(), self.listed()] {
            if metrics != Reply::Metrics(counted) {
                return Err(format!("The metrics are {metrics:?}, and counting gives {counted:?}"));
            }
        }
        for instance in self.model.names {
            let expected = self.model.max_attempts(instance);
            if self.store.max_attempts(instance) != expected {
                return Err(format!("A message for {instance} has been fetched {expected} times at most"));
            }
        }
        Ok(())
    }

    /// The metrics as a client that lists everything counts them.
    fn listed(&mut self) -> Metrics {
        let mut metrics = Metrics::default();
        let Reply::Names(instances) = self.ask(&Call::ListInstances) else { return metrics };
        metrics.total_instances = instances.len() as u64;
        for status in ["Running", "Completed", "Failed"] {
            let listed = self.ask(&Call::ListInstancesByStatus { status: status.to_owned() });
            let Reply::Names(listed) = listed else { continue };
            let count = match status {
                "Running" => &mut metrics.running_instances,
                "Completed" => &mut metrics.completed_instances,
                _ => &mut metrics.failed_instances,
            };
            *count = listed.len() as u64;
        }
        for instance in self.model.names.map(str::to_owned) {
            if let Reply::Numbers(executions) = self.ask(&Call::ListExecutions { instance: instance.clone() }) {
                metrics.total_executions += executions.len() as u64;
            }
            if let Reply::Events(events) = self.ask(&Call::Read { instance }) {
                metrics.total_events += events.len() as u64;
            }
        }
        metrics
    }

    /// When a fetch should be tried again is never later than it could succeed.
    fn wakes(&self) -> Result<(), String> {
        let now = Time(self.model.now);
        let next = (self.model.next_turn().map(Time), self.model.next_job().map(Time));
        let said = (self.store.next_turn_after(now), self.store.next_job_after(now));
        if next == said { Ok(()) } else { Err(format!("The next turn and job can be fetched {next:?}, not {said:?}")) }
    }

    /// A call that only looks.
    fn ask(&mut self, call: &Call) -> Reply {
        let choice = Choice::new("unused", Pick::Oldest);
        self.store.apply(Time(self.model.now), call, &choice)
    }
}

/// Refusals are compared by their class.
fn same(answer: &Reply, expected: &Reply) -> bool {
    match (answer, expected) {
        (Reply::Refused(answer), Reply::Refused(expected)) => answer.class == expected.class,
        _ => answer == expected,
    }
}

/// Every sequence of `alphabet` up to a length.
struct Scope<'a> {
    alphabet: &'a [Step],
    path: Vec<Step>,
    applied: usize,
}

impl Scope<'_> {
    fn explore(&mut self, from: &Pair, left: usize) {
        if left == 0 {
            return;
        }
        for step in self.alphabet {
            self.path.push(*step);
            self.applied += 1;
            let mut pair = from.clone();
            if let Err(wrong) = pair.step(*step) {
                panic!("{wrong}.\nThe steps: {:?}", self.path);
            }
            // After a step that changed nothing come the sequences that are
            // tried from here anyway.
            if pair != *from {
                self.explore(&pair, left - 1);
            }
            self.path.pop();
        }
    }
}

fn explore(alphabet: &[Step], length: usize) {
    let mut scope = Scope { alphabet, path: Vec::new(), applied: 0 };
    scope.explore(&Pair::new(), length);
    println!("{} calls", scope.applied);
}

const A: usize = 0;
const B: usize = 1;

#[test]
fn every_short_sequence_of_turns() {
    use Step::*;
    let alphabet = [Start(A), Start(B), Late(A), Fetch(0), Commit(A), Abandon(A), Renew(A), Tick, Lapse];
    explore(&alphabet, 6);
}

#[test]
fn every_short_sequence_of_jobs() {
    use Step::*;
    let alphabet = [Job(A), Job(B), FetchJob(0), FetchJob(1), AckJob(A), AbandonJob(A), RenewJob(A), Tick, Lapse];
    explore(&alphabet, 6);
}

#[test]
fn every_short_sequence_around_a_deletion() {
    use Step::*;
    let alphabet = [Start(A), Event(A), Fetch(0), Commit(A), Finish(A), FetchJob(0), AckJob(A), Delete(A), Lapse];
    explore(&alphabet, 7);
}

#[test]
fn every_short_sequence_around_one_instance() {
    use Step::*;
    explore(&[Start(A), Cancel(A), Fetch(0), Repeat(A), Touch(A), Abandon(A), Lapse], 6);
}

#[test]
fn long_sequences_of_everything() {
    crate::check(96, vec(steps::any(), 0..80), |path| {
        let mut pair = Pair::new();
        for step in &path {
            pair.step(*step).map_err(proptest::test_runner::TestCaseError::fail)?;
        }
        Ok(())
    });
}
