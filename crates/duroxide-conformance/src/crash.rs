//! Crash testing: a process that works on a storage is killed at a random
//! moment; every change it was told about must survive.
//!
//! The child process (`child`) is this program, started with an environment
//! variable. It opens the storage and runs a script, and writes each call to
//! its standard output before making it, and then the answer. The parent
//! process kills it (SIGKILL), reopens the storage, reads everything back and
//! drains it, with an oracle that has followed the output. The call in progress
//! may have taken effect completely or not at all.
//!
//! Power failures, which also lose data held by the operating system, are not
//! covered.

mod child;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::seed::Seed;
use duroxide_sim::unstable::call::is_fetch;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::blame::{blame, is_of_ended_lock};
use super::contract::{Rule, rule};
use super::drive::{Deviation, End, Observed, Run, Stage, ignore_events, past_reads, play, resume};
use super::explore::signature::{DeviationSignature, deviations};
use super::minimise::spelled_out;
use super::mismatch::{Aspect, JobPart, Mismatch, Part, TurnPart};
use super::oracle::Oracle;
use super::pace::Pace;
use super::reading::Reading;
use super::script::{Script, Step};
use super::storage::{Storage, TimeSource};

pub(crate) use child::{is_child, work};

/// The environment variable that makes a program the child process.
const VARIABLE: &str = "DUROXIDE_SIM_CRASH";

/// The instructions to the child process.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    location: String,
    /// The start of its clock.
    at: Time,
    script: Script,
}

/// A line of its output.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Line {
    Asked(Time, Box<Call>),
    Answered(Box<Reply>),
    /// The script has ended.
    Done,
}

/// The outcome of a crash.
pub(crate) struct Crash {
    /// The calls before and after the crash.
    pub run: Run,
    /// The number of calls answered before the crash.
    pub answered: usize,
    /// The broken rule, if any.
    pub rule: Option<&'static str>,
}

/// Starts a process that runs `script`, kills it at a moment drawn from `seed`,
/// and checks what remains. Returns `None` if the storage has no location.
///
/// # Errors
///
/// A message, if the process or the clock is not available.
pub(crate) async fn crash(
    storage: &dyn Storage,
    script: &Script,
    seed: Seed,
    patience: Duration,
) -> Result<Option<Crash>, String> {
    let source = storage.time();
    let mut pace = Pace::new(if source.is_warped() { source } else { TimeSource::Warp }).await?;
    let provider = storage.create_provider().await;
    let Some(location) = storage.location(&provider) else {
        storage.dispose(provider).await;
        return Ok(None);
    };
    let order = Order { location: location.clone(), at: pace.now(), script: script.clone() };
    let observed = kill_one(&order, seed)?;
    let answered = observed.iter().filter(|seen| seen.reply.is_some()).count();
    if let Some(last) = observed.last() {
        let behind = last.at - pace.now();
        pace.wait(behind.as_millis() as u64).await.map_err(|_| "Time cannot advance that far.".to_owned())?;
    }
    let Some(reopened) = storage.open(&location).await else {
        storage.dispose(provider).await;
        return Err(format!("The storage at {location:?} could not be reopened after the crash."));
    };
    storage.settle(&reopened).await;
    let before = observed.len();
    let stage = Stage {
        provider: reopened,
        storage,
        pace: &mut pace,
        policy: &past_reads,
        skip: None,
        observer: &ignore_events,
        patience,
    };
    let mut run = resume(observed, &looking(), stage).await;
    storage.dispose(provider).await;
    // Deviations before the crash, and those that also occur without one, are
    // not due to the crash.
    let after: Vec<Deviation> = deviations(&run).filter(|deviation| deviation.observed >= before).cloned().collect();
    let mut found = None;
    if !after.is_empty() {
        let anomalies = anomalies(storage, &run.observed[..before], &mut pace, patience).await;
        found = telling(
            &run,
            after.into_iter().filter(|deviation| !anomalies.contains(&DeviationSignature::of(&run, deviation))),
        );
    }
    let rule = found.map(|deviation| {
        run.observed.truncate(deviation.observed + 1);
        let rule = broken_rule(&run, before, &deviation.mismatch, storage.reading()).id;
        run.end = End::Deviates(deviation);
        rule
    });
    Ok(Some(Crash { run, answered, rule }))
}

/// Selects the most informative deviation: the first, unless it is only a queue
/// depth, which does not tell what happened to the messages; a later fetch
/// does.
fn telling(run: &Run, mut all: impl Iterator<Item = Deviation>) -> Option<Deviation> {
    let first = all.next()?;
    let counts = matches!(&*run.observed[first.observed].call, Call::GetQueueDepths | Call::GetInstanceStats { .. });
    let fetches = |deviation: &Deviation| deviation.mismatch.aspect == Aspect::Missed;
    Some(all.find(|later| counts && fetches(later)).unwrap_or(first))
}

/// The steps after a crash.
fn looking() -> Script {
    Script { steps: vec![Step::ReadBack, Step::Drain] }
}

/// The provider's deviations after the same calls without a crash, both with
/// the call in progress and without it. These are not due to crashes.
async fn anomalies(
    storage: &dyn Storage,
    observed: &[Observed],
    pace: &mut Pace,
    patience: Duration,
) -> Vec<DeviationSignature> {
    let signatures = Mutex::new(Vec::new());
    let policy = |observed: &[Observed], mismatch: &Mismatch| {
        signatures.lock().push(DeviationSignature::seen(observed, mismatch));
        past_reads(observed, mismatch)
    };
    let base = observed.first().map_or_else(|| pace.now(), |seen| seen.at);
    let mut run = Run {
        base,
        observed: observed.to_vec(),
        end: End::Agrees,
        waived: Vec::new(),
        avoided: BTreeSet::new(),
        ruled_out: Vec::new(),
    };
    let with = Script { steps: [spelled_out(&run, 0), looking().steps].concat() };
    run.observed.retain(|seen| seen.reply.is_some());
    let without = Script { steps: [spelled_out(&run, 0), looking().steps].concat() };
    for script in if with == without { vec![with] } else { vec![with, without] } {
        let provider = storage.create_provider().await;
        let stage = Stage {
            provider: provider.clone(),
            storage,
            pace: &mut *pace,
            policy: &policy,
            skip: None,
            observer: &ignore_events,
            patience,
        };
        play(&script, stage).await;
        storage.dispose(provider).await;
    }
    signatures.into_inner()
}

/// The rule that the last observed call breaks. Of the calls after the crash,
/// it is the first with a wrong answer.
fn broken_rule(run: &Run, before: usize, mismatch: &Mismatch, reading: Reading) -> &'static Rule {
    let under_way = run.observed[..before].last().filter(|last| last.reply.is_none());
    match &mismatch.aspect {
        Aspect::Panicked | Aspect::Hung => blame(&run.observed, mismatch),
        Aspect::Part(Part::Turn(TurnPart::Attempts) | Part::Job(JobPart::Attempts)) => {
            rule!("durable.attempts-survive")
        }
        Aspect::Missed if is_of_ended_lock(&run.observed, mismatch) => rule!("durable.locks-end"),
        _ if has_lost_the_last(run, before, reading) => rule!("durable.acknowledged-survives"),
        Aspect::Missed if was_taken(under_way, mismatch) => rule!("durable.locks-end"),
        _ if under_way.is_some() => rule!("durable.nothing-half-done"),
        _ => rule!("durable.acknowledged-survives"),
    }
}

/// Whether the call in progress was a fetch that took the item which should
/// have been found since; the item would then not be on its first attempt.
fn was_taken(under_way: Option<&Observed>, mismatch: &Mismatch) -> bool {
    let attempts = match &mismatch.expected {
        Reply::Turn(Some(turn)) => turn.attempts,
        Reply::Job(Some(job)) => job.attempts,
        _ => 0,
    };
    under_way.is_some_and(|seen| is_fetch(&seen.call)) && attempts > 1
}

/// The maximum number of lost calls that is tried to explain the state.
const MOST_LOST: usize = 16;

/// Whether the state is that before the last answered calls: the storage has
/// lost those calls completely.
fn has_lost_the_last(run: &Run, before: usize, reading: Reading) -> bool {
    let changes = |seen: &&Observed| seen.reply.is_some() && !seen.call.is_read();
    let answered: Vec<&Observed> = run.observed[..before].iter().filter(changes).collect();
    // Reads that deviate without a crash too are ignored.
    let is_anomaly = |at: usize| at + 1 < run.observed.len() && run.waived.iter().any(|other| other.observed == at);
    let after: Vec<&Observed> =
        (before..run.observed.len()).filter(|at| !is_anomaly(*at)).map(|at| &run.observed[at]).collect();
    let explains = |kept: &usize| {
        let mut oracle = Oracle::new(reading);
        answered[..*kept].iter().chain(&after).all(|seen| follows(&mut oracle, seen))
    };
    (0..answered.len()).rev().take(MOST_LOST).any(|kept| explains(&kept))
}

fn follows(oracle: &mut Oracle, seen: &Observed) -> bool {
    match &seen.reply {
        Some(Reply::Refused(refusal)) if refusal.retryable => oracle.doubt(seen.at, &seen.call).is_ok(),
        Some(reply) => oracle.follow(seen.at, &seen.call, reply).is_ok() && !oracle.is_lost(),
        None => false,
    }
}

/// Starts the process, kills it and returns what it reported.
fn kill_one(order: &Order, seed: Seed) -> Result<Vec<Observed>, String> {
    let told = |error: std::io::Error| format!("The child process of the crash test could not be started: {error}.");
    let text = serde_json::to_string(order)
        .map_err(|error| format!("The child process's order could not be serialized: {error}."))?;
    let program = std::env::current_exe().map_err(told)?;
    let mut child = Command::new(program)
        .env(VARIABLE, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(told)?;
    if let Some(mut input) = child.stdin.take() {
        use std::io::Write as _;
        input.write_all(text.as_bytes()).map_err(told)?;
    }
    let Some(output) = child.stdout.take() else { return Err("The child process has no standard output.".to_owned()) };
    let mut random = seed.child("crash").stream();
    let calls = order.script.steps.iter().filter(|step| matches!(step, Step::Call(_))).count() as u64;
    let limit = random.below(calls.max(1)) as usize;
    let spin = random.below(20_000);
    let mut lines = BufReader::new(output).lines();
    let mut said = Vec::new();
    while let Some(Ok(line)) = lines.next() {
        let Ok(line) = serde_json::from_str::<Line>(&line) else { break };
        let answered = matches!(line, Line::Answered(_));
        let done = matches!(line, Line::Done);
        said.push(line);
        if done || answered && said.iter().filter(|line| matches!(line, Line::Answered(_))).count() > limit {
            break;
        }
    }
    // Waits until somewhere within the next call, by the machine's speed rather
    // than by a clock.
    (0..spin).for_each(|_| std::hint::spin_loop());
    let _ = child.kill();
    let _ = child.wait();
    // Output that was written before the process died but not read yet.
    while let Some(Ok(line)) = lines.next() {
        let Ok(line) = serde_json::from_str::<Line>(&line) else { break };
        said.push(line);
    }
    Ok(observed(said))
}

fn observed(said: Vec<Line>) -> Vec<Observed> {
    let mut all: Vec<Observed> = Vec::new();
    for line in said {
        match line {
            Line::Asked(at, call) => {
                all.push(Observed::unscripted(at, Arc::new(*call), None));
            }
            Line::Answered(reply) => {
                if let Some(last) = all.last_mut() {
                    last.reply = Some(*reply);
                }
            }
            Line::Done => {}
        }
    }
    all
}
