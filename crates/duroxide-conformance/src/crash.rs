//! Crashes: a process that works on a storage is killed at a random moment, and
//! what it was told must be there.
//!
//! The process is this program again, told by an environment variable to be
//! the one that works (`child`): it opens the storage, runs a script, and says
//! on its standard output what it asks, before it asks it, and what it was
//! answered. This process kills it (SIGKILL), opens the storage anew, reads
//! everything back and drains it, with an oracle that has followed what was
//! said. The call that was under way may have happened or not, and no call half.
//!
//! Power cuts, where what the operating system holds is lost too, are not
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
use super::drive::{Deviation, End, Observed, Run, Stage, nobody, past_reads, play, resume};
use super::explore::look::{Look, deviations};
use super::minimise::spelled_out;
use super::oracle::{Aspect, Mismatch, Oracle, Reading};
use super::pace::Pace;
use super::script::{Script, Step};
use super::storage::{Storage, TimeSource};

pub(crate) use child::{is_child, work};

/// The variable that makes a program the one that works.
const VARIABLE: &str = "DUROXIDE_SIM_CRASH";

/// What the working process is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    location: String,
    /// Its clock begins here.
    at: Time,
    script: Script,
}

/// What it says: a line each.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Line {
    Asked(Time, Box<Call>),
    Answered(Box<Reply>),
    /// The script is at its end.
    Done,
}

/// How a crash ended.
pub(crate) struct Crash {
    /// What was observed before the crash and after it.
    pub run: Run,
    /// How many calls were answered before it.
    pub answered: usize,
    /// The rule that is broken, if one is.
    pub rule: Option<&'static str>,
}

/// Lets a process run `script`, kills it after so many answers and a moment,
/// and looks at what is left. `None` where the storage has no location.
///
/// # Errors
///
/// A sentence, where the process or the clock is not to be had.
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
        pace.wait(behind.as_millis() as u64).await.map_err(|_| "Time cannot move so far.".to_owned())?;
    }
    let Some(reopened) = storage.open(&location).await else {
        storage.dispose(provider).await;
        return Err(format!("The storage at {location:?} could not be opened again after the crash."));
    };
    storage.settle(&reopened).await;
    let before = observed.len();
    let stage = Stage {
        provider: reopened,
        storage,
        pace: &mut pace,
        policy: &past_reads,
        avoid: None,
        witness: &nobody,
        patience,
    };
    let mut run = resume(observed, &looking(), stage).await;
    storage.dispose(provider).await;
    // What deviates before the crash has nothing to do with it, and what
    // deviates without one has neither.
    let after: Vec<Deviation> = deviations(&run).filter(|deviation| deviation.observed >= before).cloned().collect();
    let mut found = None;
    if !after.is_empty() {
        let habits = habits(storage, &run.observed[..before], &mut pace, patience).await;
        found = telling(&run, after.into_iter().filter(|deviation| !habits.contains(&Look::of(&run, deviation))));
    }
    let rule = found.map(|deviation| {
        run.observed.truncate(deviation.observed + 1);
        let rule = rule(&run, before, &deviation.mismatch, storage.reading());
        run.end = End::Deviates(deviation);
        rule
    });
    Ok(Some(Crash { run, answered, rule }))
}

/// The deviation that tells the most: the first; but how many wait does not say
/// what has become of the others, and a fetch that comes later does.
fn telling(run: &Run, mut all: impl Iterator<Item = Deviation>) -> Option<Deviation> {
    let first = all.next()?;
    let counts = matches!(&*run.observed[first.observed].call, Call::GetQueueDepths | Call::GetInstanceStats { .. });
    let fetches = |deviation: &Deviation| deviation.mismatch.aspect == Aspect::Missed;
    Some(all.find(|later| counts && fetches(later)).unwrap_or(first))
}

/// What is done after a crash.
fn looking() -> Script {
    Script { steps: vec![Step::ReadBack, Step::Drain] }
}

/// How the provider deviates after the same calls when no process dies: with
/// the call that was under way, and without it. That has nothing to do with
/// crashes.
async fn habits(storage: &dyn Storage, observed: &[Observed], pace: &mut Pace, patience: Duration) -> Vec<Look> {
    let looks = Mutex::new(Vec::new());
    let policy = |observed: &[Observed], mismatch: &Mismatch| {
        looks.lock().push(Look::seen(observed, mismatch));
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
            avoid: None,
            witness: &nobody,
            patience,
        };
        play(&script, stage).await;
        storage.dispose(provider).await;
    }
    looks.into_inner()
}

/// The rule that what was found after a crash breaks. It is the last thing that
/// was observed; nothing is right but what was before it.
fn rule(run: &Run, before: usize, mismatch: &Mismatch, reading: Reading) -> &'static str {
    let under_way = run.observed[..before].last().filter(|last| last.reply.is_none());
    match &mismatch.aspect {
        Aspect::Panicked | Aspect::Hung => blame(&run.observed, mismatch),
        Aspect::Part("attempts") => "durable.attempts-survive",
        Aspect::Missed if is_of_ended_lock(&run.observed, mismatch) => "durable.locks-end",
        _ if has_lost_the_last(run, before, reading) => "durable.acknowledged-survives",
        Aspect::Missed if was_taken(under_way, mismatch) => "durable.locks-end",
        _ if under_way.is_some() => "durable.nothing-half-done",
        _ => "durable.acknowledged-survives",
    }
}

/// Whether the call that was under way was a fetch, and took what should have
/// been found since: it would not be the first attempt.
fn was_taken(under_way: Option<&Observed>, mismatch: &Mismatch) -> bool {
    let attempts = match &mismatch.expected {
        Reply::Turn(Some(turn)) => turn.attempts,
        Reply::Job(Some(job)) => job.attempts,
        _ => 0,
    };
    under_way.is_some_and(|seen| is_fetch(&seen.call)) && attempts > 1
}

/// How many calls that were answered a storage may have lost to be known by it.
const MOST_LOST: usize = 16;

/// Whether everything is as if the last calls that were answered had never been
/// made: the storage has lost them whole.
fn has_lost_the_last(run: &Run, before: usize, reading: Reading) -> bool {
    let changes = |seen: &&Observed| seen.reply.is_some() && !seen.call.is_read();
    let answered: Vec<&Observed> = run.observed[..before].iter().filter(changes).collect();
    // What only looks and is wrong without a crash too says nothing.
    let is_habit = |at: usize| at + 1 < run.observed.len() && run.waived.iter().any(|other| other.observed == at);
    let after: Vec<&Observed> =
        (before..run.observed.len()).filter(|at| !is_habit(*at)).map(|at| &run.observed[at]).collect();
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

/// Starts the process, kills it, and returns what it has said.
fn kill_one(order: &Order, seed: Seed) -> Result<Vec<Observed>, String> {
    let told = |error: std::io::Error| format!("The process that is to be killed could not be started: {error}.");
    let text = serde_json::to_string(order).map_err(|error| format!("The order has no JSON form: {error}."))?;
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
    let Some(output) = child.stdout.take() else { return Err("The process has no output.".to_owned()) };
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
    // Somewhere in the next call: the time is the machine's, and no clock's.
    (0..spin).for_each(|_| std::hint::spin_loop());
    let _ = child.kill();
    let _ = child.wait();
    // What it had said before it died, and nobody has read yet.
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
