//! [`Program`]: the calls of several concurrent callers, as plain data.

use std::fmt;
use std::str::FromStr;

use duroxide_sim::unstable::text::{Json, Line};
use serde::{Deserialize, Serialize};

use crate::script::{Act, Step};

/// The calls of several concurrent callers. Displays as one line of JSON for
/// each round and parses from that; lines that begin with `#` are comments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// The rounds, in order; everything is read between two rounds.
    pub rounds: Vec<Round>,
}

/// Sequential setup, followed by concurrent calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// The setup: calls of a single caller, and waits.
    pub before: Vec<Step>,
    /// The calls of each caller, while time stands still. Tokens in them are
    /// numbered from the caller's own fetches back to those before the round.
    pub callers: Vec<Vec<Act>>,
}

impl Program {
    /// The number of calls, not counting those between rounds.
    pub fn len(&self) -> usize {
        let of = |round: &Round| round.before.len() + round.callers.iter().map(Vec::len).sum::<usize>();
        self.rounds.iter().map(of).sum()
    }

    /// Whether there are no calls.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The removable places, least important first.
    pub(crate) fn places(&self) -> Vec<Place> {
        let of = |(round, it): (usize, &Round)| {
            let acts = it.callers.iter().enumerate();
            let acts = acts.flat_map(move |(caller, acts)| (0..acts.len()).map(move |at| (Some(caller), at)));
            let all = (0..it.before.len()).map(|at| (None, at)).chain(acts).collect::<Vec<_>>();
            all.into_iter().map(move |(caller, at)| Place { round, caller, at })
        };
        let mut places: Vec<Place> = self.rounds.iter().enumerate().flat_map(of).collect();
        places.reverse();
        places
    }

    /// The program without the calls and steps at `places`.
    pub(crate) fn without(&self, places: &[Place]) -> Program {
        let mut program = self.clone();
        for (number, round) in program.rounds.iter_mut().enumerate() {
            let left = |caller, at: usize| !places.contains(&Place { round: number, caller, at });
            keep(&mut round.before, |at| left(None, at));
            for (caller, acts) in round.callers.iter_mut().enumerate() {
                keep(acts, |at| left(Some(caller), at));
            }
            round.callers.retain(|acts| !acts.is_empty());
        }
        program.rounds.retain(|round| !round.before.is_empty() || !round.callers.is_empty());
        program
    }
}

/// A removable part of a program: a setup step or a caller's call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    round: usize,
    caller: Option<usize>,
    at: usize,
}

fn keep<T>(all: &mut Vec<T>, test: impl Fn(usize) -> bool) {
    let mut at = 0;
    all.retain(|_| {
        at += 1;
        test(at - 1)
    });
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rounds.iter().try_for_each(|round| {
            let line = serde_json::to_string(round).map_err(|_| fmt::Error)?;
            writeln!(f, "{}", Json(line))
        })
    }
}

impl FromStr for Program {
    type Err = ProgramError;

    fn from_str(text: &str) -> Result<Program, ProgramError> {
        let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
        let rounds = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let read = |(line, text): (usize, &str)| {
            serde_json::from_str(text).map_err(|error| ProgramError { line, reason: error.to_string() })
        };
        Ok(Program { rounds: rounds.map(read).collect::<Result<_, _>>()? })
    }
}

/// A text that is not a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramError {
    line: usize,
    reason: String,
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Line {} is not a round of a program: {}. A round is one line of JSON, as a finding prints it; comments \
             begin with #.",
            self.line,
            Line(&self.reason)
        )
    }
}

impl std::error::Error for ProgramError {}
