//! The worker's side of an exploration, once the worker has reached it.
//!
//! A worker forks a process for each order, passes its answer on, and does nothing else, so that
//! every seed starts with the same memory.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use parking_lot::Mutex;
use serde::de::IgnoredAny;

use super::answer::{Answer, Order, Perform, Told};
use super::place::Place;
use super::pool::{Role, VARIABLE, connect};
use super::printed::Printed;
use super::{ExplorationReport, Problem, part};
use crate::clock::{self, Forked, Stopwatch};
use crate::sim::{Cause, Failure, Journal, Plan, START, Stuck};

/// The role of this process and its connection to the exploring test, once it has been told its
/// role.
static LINE: Mutex<Option<(BufReader<UnixStream>, Role)>> = Mutex::new(None);

/// What this process does for the exploration at `place`. Returns `None` if it is not a worker and
/// should explore, and the result of an exploration that ended before the one it works for.
/// Otherwise this function serves and does not return.
///
/// # Errors
///
/// A sentence, if the connection fails or the role cannot be read.
pub(super) fn part_of(place: &Place, perform: Perform) -> Result<Option<Result<ExplorationReport, Problem>>, String> {
    if std::env::var_os(VARIABLE).is_none() {
        return Ok(None);
    }
    let mut line = LINE.lock();
    if line.is_none() {
        *line = Some(join()?);
    }
    let Some((_, role)) = &*line else { return Ok(None) };
    let past = place.earlier().len();
    if let Some(ended) = role.earlier.get(past).filter(|_| role.name == place.name) {
        return Ok(Some(ended.clone()));
    }
    let Some((reader, role)) = line.take() else { return Ok(None) };
    drop(line);
    serve(place, reader, &role, perform);
    std::process::exit(0)
}

/// Connects to the exploring test and receives this process's role.
fn join() -> Result<(BufReader<UnixStream>, Role), String> {
    let told = |error: std::io::Error| {
        format!("The variable {VARIABLE} is set, but no exploring test answers at its address: {error}.")
    };
    let stream = connect(&std::env::var(VARIABLE).unwrap_or_default()).map_err(told)?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).map_err(told)?;
    let role: Role = serde_json::from_str(&line).map_err(|error| told(error.into()))?;
    Ok((reader, role))
}

/// Carries out orders until the connection closes.
fn serve(place: &Place, mut reader: BufReader<UnixStream>, role: &Role, perform: Perform) {
    let Ok(mut writer) = reader.get_ref().try_clone() else { return };
    let mut say = |line: &[u8]| writer.write_all(line).is_ok();
    if !say(&line(&(&place.name, &place.body))) {
        return;
    }
    let mut printed = Printed::here();
    let mut text = String::new();
    while matches!(reader.read_line(&mut text), Ok(1..)) {
        let Ok(order) = serde_json::from_str::<Order>(&text) else { return };
        if !say(&one(&order, role, printed.as_mut(), perform)) {
            return;
        }
        text.clear();
    }
}

/// Carries out an order in a forked process, and returns its answer.
fn one(order: &Order, role: &Role, mut printed: Option<&mut Printed>, perform: Perform) -> Vec<u8> {
    let failed = |cause: Cause, told: &[u8], printed: Option<&mut Printed>| {
        let failure = Failure::without_trace(order.seed, START, cause);
        let printed = printed.map(|printed| printed.lines()).unwrap_or_default();
        answer(&Answer::failed(Box::new(Failure { plan: plan_of(told), printed, ..*failure })))
    };
    // Duplicated, so that the file descriptors are none of 0 to 2, which a test may have closed.
    let pair = || UnixStream::pair().and_then(|(ours, theirs)| Ok((ours.try_clone()?, theirs.try_clone()?)));
    let (mut ours, theirs) = match pair() {
        Ok(pair) => pair,
        Err(error) => {
            return failed(
                Cause::Setup(format!("No socket to a seed's process could be created: {error}.")),
                &[],
                None,
            );
        }
    };
    printed.iter_mut().for_each(|printed| printed.clear());
    let work = || {
        part::begin_seed();
        // If this fails, the worker no longer listens.
        let say = |mut to: &UnixStream, line: &[u8]| drop(to.write_all(line));
        let journal = theirs.try_clone().ok().filter(|_| order.journal);
        let journal =
            journal.map(|to| -> Journal { Box::new(move |plan| say(&to, &line(&Told::<_, ()>::Plan(plan)))) });
        say(&theirs, &answer(&perform(order, journal)));
    };
    let forked = match clock::fork(work) {
        Ok(forked) => forked,
        Err(why) => {
            return failed(Cause::Setup(format!("{why} Explore before the test starts threads.")), &[], None);
        }
    };
    drop(theirs);
    let mut told = Vec::new();
    if !listen(&mut ours, role, printed.as_deref_mut(), &mut told) {
        forked.kill();
        forked.wait();
        return failed(Cause::Hang(Stuck::default()), &told, printed);
    }
    let last =
        told.strip_suffix(b"\n").map_or(&[][..], |told| told.rsplit(|byte| *byte == b'\n').next().unwrap_or(told));
    if !matches!(serde_json::from_slice(last), Ok(Told::<IgnoredAny, IgnoredAny>::Answer(_))) {
        let how = death(forked);
        return failed(Cause::Died(how), &told, printed);
    }
    forked.wait();
    [last, b"\n"].concat()
}

/// Reads what a seed's process writes until that process ends. Returns whether it ended in time.
fn listen(ours: &mut UnixStream, role: &Role, mut printed: Option<&mut Printed>, told: &mut Vec<u8>) -> bool {
    const OFTEN: Duration = Duration::from_millis(200);
    let (watch, mut buffer) = (Stopwatch::start(), [0; 1 << 16]);
    if ours.set_read_timeout(Some(OFTEN)).is_err() {
        return false;
    }
    loop {
        match ours.read(&mut buffer) {
            Ok(0) => return true,
            Ok(read) => told.extend_from_slice(&buffer[..read]),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                _ => return false,
            },
        }
        printed.iter_mut().for_each(|printed| printed.bound());
        // If the exploring test is gone, the result of the seed is no longer needed.
        if watch.elapsed() >= role.patience || std::os::unix::process::parent_id() != role.parent {
            return false;
        }
    }
}

/// Joins the parts of a plan that a process reported.
fn plan_of(told: &[u8]) -> Plan {
    let part = |line| match serde_json::from_slice(line) {
        Ok(Told::<Plan, IgnoredAny>::Plan(part)) => Some(part),
        // The last line may be incomplete.
        Ok(Told::Answer(_)) | Err(_) => None,
    };
    let parts = told.split(|byte| *byte == b'\n').filter_map(part);
    parts.fold(Plan::new(), |mut plan, part| {
        plan.entries.extend(part.entries);
        plan.calm = part.calm.or(plan.calm);
        plan.inputs.extend(part.inputs);
        plan
    })
}

fn death(forked: Forked) -> String {
    let status = forked.wait();
    let hint = match std::os::unix::process::ExitStatusExt::signal(&status) {
        Some(9) => " Often this means that the machine was out of memory.",
        Some(6) => " It aborted because of a stack overflow, a panic while panicking, or abort().",
        _ => "",
    };
    format!("{status}.{hint}")
}

fn answer(answer: &Answer) -> Vec<u8> {
    line(&Told::<(), _>::Answer(answer))
}

fn line(value: &impl serde::Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("plain data with text keys has a JSON form");
    line.push(b'\n');
    line
}
