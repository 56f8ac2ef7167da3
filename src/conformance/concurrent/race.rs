//! [`Race`]: calls of several callers that no order explains, to be read.

use std::fmt;

use super::program::Program;
use crate::call::Reply;
use crate::clock::Time;
use crate::conformance::linearize::Made;
use crate::conformance::oracle::Mismatch;
use crate::seed::Seed;
use crate::trace::Words;

/// Calls of several callers that no order explains.
#[derive(Clone, Debug, PartialEq)]
pub struct Race {
    /// The rule's id in the contract table.
    pub rule: &'static str,
    /// The calls that contradict each other, in the order in which they were
    /// made. Others of the run would not have helped to explain them.
    pub history: Vec<Made>,
    /// The calls among them at which every order ends at the latest, and why.
    pub stuck: Vec<(usize, Mismatch)>,
    /// What the callers did; the smallest program found that shows it, where it
    /// can be repeated.
    pub program: Program,
    /// The seed of the order in which the callers came to run, where there was
    /// one: with the program it repeats the run.
    pub schedule: Option<Seed>,
    /// The seed of the program it was found in.
    pub seed: Seed,
}

/// The width of a caller's column in the table.
const COLUMN: usize = 4;

impl fmt::Display for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} is broken: no order of these calls explains their answers.", self.rule)?;
        writeln!(f)?;
        self.table(f)?;
        writeln!(f)?;
        for (call, mismatch) in &self.stuck {
            let Some(made) = self.history.get(*call) else { continue };
            let expected = match &mismatch.expected {
                Reply::Refused(refusal) => format!("a refusal ({:?})", refusal.class),
                other => self.words().reply(other),
            };
            writeln!(
                f,
                "In the order that explains most of them, {} of caller {} would be answered with {expected} ({:?}).",
                made.call.method(),
                made.caller,
                mismatch.aspect,
            )?;
        }
        match self.schedule {
            Some(schedule) => writeln!(f, "\nSchedule {schedule}, found with seed {}, program:", self.seed)?,
            None => writeln!(f, "\nFound with seed {}, program:", self.seed)?,
        }
        write!(f, "{}", self.program)
    }
}

impl Race {
    fn words(&self) -> Words {
        Words::new(self.history.first().map_or(Time(0), |made| made.at))
    }

    /// A line for each invocation and each answer, a column for each caller.
    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut columns: Vec<usize> = self.history.iter().map(|made| made.caller).collect();
        columns.sort_unstable();
        columns.dedup();
        let column = |made: &Made| columns.iter().position(|caller| *caller == made.caller).unwrap_or_default();
        let mut words = self.words();
        let mut lines: Vec<(u64, usize, bool)> = Vec::new();
        for (call, made) in self.history.iter().enumerate() {
            lines.push((made.invoked, call, true));
            lines.extend((made.reply.is_some()).then_some((made.replied, call, false)));
        }
        lines.sort_unstable();
        let heads: Vec<String> = columns.iter().map(|caller| format!("{caller:<COLUMN$}")).collect();
        writeln!(f, "caller {}", heads.concat().trim_end())?;
        let mut open = vec![false; columns.len()];
        for (_, call, begins) in lines {
            let made = &self.history[call];
            let own = column(made);
            let bars = (0..columns.len()).map(|at| match (at == own, begins, open[at]) {
                (true, true, _) => format!("{:<COLUMN$}", "┌"),
                (true, false, _) => format!("{:<COLUMN$}", "└"),
                (false, _, true) => format!("{:<COLUMN$}", "│"),
                (false, _, false) => " ".repeat(COLUMN),
            });
            let bars: String = bars.collect();
            open[own] = begins;
            let text = match (&made.reply, begins) {
                (_, true) => words.call(&made.call),
                (Some(reply), false) => format!("-> {}", words.reply(reply)),
                (None, false) => String::new(),
            };
            writeln!(f, "       {bars} {text}")?;
        }
        Ok(())
    }
}
