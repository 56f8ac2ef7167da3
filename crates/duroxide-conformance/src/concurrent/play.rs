//! Runs a program: rounds of concurrent callers, with a single caller that
//! reads everything between them.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use duroxide_sim::call::{AckTurn, Call, Handler, Reply, instance_of};
use duroxide_sim::clock::Time;
use duroxide_sim::provider::Under;
use duroxide_sim::seed::Seed;
use tokio::sync::Barrier;

use super::interleave::interleave;
use super::record::Caller;
use super::yield_injector::YieldInjector;
use crate::calls::reads;
use crate::linearize::Made;
use crate::race::{Program, Round};
use crate::readback::{any_job, any_turn};
use crate::resolve::Bindings;
use crate::script::{Act, Step};
use crate::script_runner::ScriptRunner;

/// Where the callers of a round run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On this thread, interleaved as the seed determines.
    Interleaved(Seed),
    /// As tasks of the runtime, on all of its threads.
    Tasks(Seed),
    /// Sequentially: in the given order of callers, then in an order determined
    /// by the seed.
    OneByOne(VecDeque<usize>, Seed),
}

/// A time after which every lock of a program has expired and every message is
/// visible.
const LAPSE_MS: u64 = 7_200_000;

/// The maximum number of items taken out of the queues at the end.
const MOST_TAKEN: usize = 300;

/// Runs a program on an empty provider and returns the calls and answers.
pub(super) async fn play(
    program: &Program,
    runner: &mut ScriptRunner<'_>,
    place: Place,
    patience: Duration,
    lapse: Lapse,
) -> Vec<Made> {
    let handler = Arc::new(Under::new(runner.empty().await));
    let bindings = Bindings::new(runner.now());
    let alone = Caller { number: 0, handler, record: Arc::default(), bindings, patience };
    let mut play = Play { runner, alone, place, names: BTreeSet::new(), learned: 0 };
    // The calls made until then are judged in any case.
    let _ = play.all(program, lapse).await;
    play.alone.record.history()
}

/// A cancelled call may still be running, at the time of its start, so the
/// clock must not be moved before it has ended; and when that is cannot be
/// determined.
struct StillAtWork;

/// Whether time advances at the end of a program until every lock has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lapse {
    Locks,
    Nothing,
}

struct Play<'a, 'l> {
    runner: &'a mut ScriptRunner<'l>,
    /// The caller between rounds, when no other is active.
    alone: Caller,
    place: Place,
    names: BTreeSet<String>,
    /// The number of calls whose instance names were collected.
    learned: usize,
}

impl Play<'_, '_> {
    async fn all(&mut self, program: &Program, lapse: Lapse) -> Result<(), StillAtWork> {
        for (number, round) in program.rounds.iter().enumerate() {
            self.round(round, &number.to_string()).await?;
            self.read_everything().await;
        }
        if lapse == Lapse::Locks {
            self.wait(LAPSE_MS).await?;
        }
        self.empty_queues().await;
        self.read_everything().await;
        Ok(())
    }

    async fn round(&mut self, round: &Round, number: &str) -> Result<(), StillAtWork> {
        for step in &round.before {
            match step {
                Step::Wait(ms) => self.wait(*ms).await?,
                Step::Call(act) => drop(self.alone.act(self.runner.now(), act).await),
                Step::ReadBack | Step::Drain | Step::Corrupt(_) | Step::Reopen => {}
            }
        }
        let at = self.runner.now();
        let first = self.alone.record.len();
        let (Place::Interleaved(seed) | Place::Tasks(seed) | Place::OneByOne(_, seed)) = &self.place;
        let seed = seed.child(number);
        let handler: Arc<dyn Handler> =
            Arc::new(YieldInjector::over(self.alone.handler.clone(), seed.child("dawdle").stream()));
        let callers = round.callers.iter().enumerate().map(|(number, acts)| {
            (Caller { number: number + 1, handler: handler.clone(), ..self.alone.clone() }, acts.clone())
        });
        match &mut self.place {
            Place::Interleaved(_) => {
                let works = callers.map(|(caller, acts)| Box::pin(caller.work(at, acts)) as _);
                interleave(works.collect(), seed.child("order").stream()).await;
            }
            Place::Tasks(_) => {
                let gate = Arc::new(Barrier::new(round.callers.len()));
                let tasks: Vec<_> = callers
                    .map(|(caller, acts)| {
                        let gate = gate.clone();
                        tokio::spawn(async move {
                            gate.wait().await;
                            caller.work(at, acts).await;
                        })
                    })
                    .collect();
                for task in tasks {
                    task.await.expect("callers catch the panics of calls");
                }
            }
            Place::OneByOne(turns, _) => one_by_one(callers.collect(), at, turns, seed).await,
        }
        for made in self.alone.record.since(first) {
            if let Some(reply) = &made.reply {
                self.alone.bindings.note(&made.call, reply);
            }
        }
        Ok(())
    }

    /// Programs wait only where the clock is controlled.
    async fn wait(&mut self, ms: u64) -> Result<(), StillAtWork> {
        if self.alone.record.owes_an_answer() {
            return Err(StillAtWork);
        }
        let _ = self.runner.wait(ms).await;
        Ok(())
    }

    fn learn_names(&mut self) {
        for made in self.alone.record.since(self.learned) {
            self.learned += 1;
            self.names.extend(made.call.instance().map(str::to_owned));
            match &*made.call {
                Call::EnqueueForOrchestrator { item, .. } | Call::EnqueueForWorker { item } => {
                    self.names.insert(instance_of(item).into_owned());
                }
                Call::AckOrchestrationItem(ack) => {
                    self.names.extend(ack.messages.iter().map(|item| instance_of(item).into_owned()));
                }
                reads!()
                | Call::FetchOrchestrationItem { .. }
                | Call::AbandonOrchestrationItem { .. }
                | Call::RenewOrchestrationItemLock { .. }
                | Call::AppendWithExecution { .. }
                | Call::FetchWorkItem { .. }
                | Call::AckWorkItem { .. }
                | Call::RenewWorkItemLock { .. }
                | Call::AbandonWorkItem { .. }
                | Call::RenewSessionLock { .. }
                | Call::CleanupOrphanedSessions { .. }
                | Call::DeleteInstancesAtomic { .. }
                | Call::DeleteInstance { .. }
                | Call::DeleteInstanceBulk { .. }
                | Call::PruneExecutions { .. }
                | Call::PruneExecutionsBulk { .. } => {}
            }
        }
    }

    async fn call(&mut self, call: Call) -> Option<Reply> {
        let at = self.runner.now();
        self.alone.call(at, call).await
    }

    async fn read_everything(&mut self) {
        self.learn_names();
        for call in [Call::ListInstances, Call::GetSystemMetrics, Call::GetQueueDepths] {
            self.call(call).await;
        }
        for name in self.names.clone() {
            let instance = || name.clone();
            let calls = [
                Call::Read { instance: instance() },
                Call::GetInstanceInfo { instance: instance() },
                Call::GetCustomStatus { instance: instance(), last_seen_version: 0 },
                Call::GetKvAllValues { instance: instance() },
                Call::GetInstanceStats { instance: instance() },
                Call::GetInstanceTree { instance: instance() },
            ];
            for call in calls {
                self.call(call).await;
            }
            let Some(Reply::Numbers(executions)) = self.call(Call::ListExecutions { instance: instance() }).await
            else {
                continue;
            };
            for execution in executions {
                self.call(Call::ReadWithExecution { instance: instance(), execution }).await;
                self.call(Call::GetExecutionInfo { instance: instance(), execution }).await;
            }
        }
    }

    /// Fetches and acknowledges everything that is eligible.
    async fn empty_queues(&mut self) {
        for _ in 0..MOST_TAKEN {
            if let Some(Reply::Turn(Some(turn))) = self.call(any_turn()).await {
                self.call(Call::AckOrchestrationItem(Box::new(AckTurn::nothing(turn.token, turn.execution)))).await;
                continue;
            }
            let Some(Reply::Job(Some(job))) = self.call(any_job("the last")).await else { return };
            self.call(Call::AckWorkItem { token: job.token, completion: None }).await;
        }
    }
}

/// Lets one caller at a time make a call.
async fn one_by_one(callers: Vec<(Caller, Vec<Act>)>, at: Time, turns: &mut VecDeque<usize>, seed: Seed) {
    let mut random = seed.child("order").stream();
    let mut left: Vec<(Caller, VecDeque<Act>)> =
        callers.into_iter().map(|(caller, acts)| (caller, acts.into())).collect();
    loop {
        left.retain(|(_, acts)| !acts.is_empty());
        let chosen = match turns.front().map(|turn| left.iter().position(|(caller, _)| caller.number == *turn)) {
            _ if left.is_empty() => return,
            Some(place) => {
                turns.pop_front();
                place
            }
            None => Some(random.below(left.len() as u64) as usize),
        };
        if let Some((caller, acts)) = chosen.map(|chosen| &mut left[chosen])
            && let Some(act) = acts.pop_front()
        {
            caller.act(at, &act).await;
        }
    }
}
