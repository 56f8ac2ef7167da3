//! [`Race`]: concurrent calls that are not linearizable, for display.

mod program;

use std::fmt;

use duroxide_sim::call::Reply;
use duroxide_sim::clock::Time;
use duroxide_sim::seed::Seed;
use duroxide_sim::store::Ineligible;
use duroxide_sim::trace::Answer;
use duroxide_sim::unstable::text::Line as OneLine;
use duroxide_sim::unstable::trace::{Tokens, answer, words};
use serde::Serialize;

use super::contract;
use super::finding::{Line, Subject, line};
use super::linearize::Made;
use super::mismatch::{Aspect, Mismatch};

pub use program::{Program, ProgramError, Round};

/// Concurrent calls whose answers no sequential order explains.
#[derive(Clone, Debug, PartialEq)]
pub struct Race {
    /// The id of the rule in the contract table.
    pub rule: &'static str,
    /// The calls that contradict each other, in the order in which they were
    /// made. The other calls of the run do not resolve the contradiction.
    pub history: Vec<Made>,
    /// The calls at which the search for an order failed, and why.
    pub stuck: Vec<(usize, Mismatch)>,
    /// When the run began.
    pub base: Time,
    /// The program; shrunk if its runs are repeatable.
    pub program: Program,
    /// The seed of the callers' interleaving, if they were interleaved: with
    /// the program it repeats the run (see
    /// [`replay_race`](crate::unstable::replay_race)).
    pub schedule: Option<Seed>,
    /// The seed of the generated program.
    pub seed: Seed,
    /// The provider.
    pub subject: Subject,
}

/// A race as text: printed as it is, and written as JSON in reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownRace {
    /// The rule's id.
    pub rule: String,
    /// The rule's claim.
    pub claim: String,
    /// The document that the rule comes from.
    pub source: String,
    /// The provider's label.
    pub provider: String,
    /// A line for each invocation and each answer, with a column for each
    /// caller.
    pub table: Vec<String>,
    /// The calls at which the search for an order failed.
    pub stuck: Vec<String>,
    /// The program, one round a line.
    pub program: Vec<String>,
    /// The seed of the interleaving, if there was one.
    pub schedule: Option<u64>,
    /// The seed of the generated program.
    pub seed: u64,
}

/// The width of a caller's column in the table.
const COLUMN: usize = 4;

impl Race {
    /// The race as text.
    pub fn shown(&self) -> ShownRace {
        let cited = contract::find(self.rule);
        ShownRace {
            rule: self.rule.to_owned(),
            claim: cited.map_or("", |rule| rule.claim).to_owned(),
            source: cited.map_or("", |rule| rule.source).to_owned(),
            provider: self.subject.label.clone(),
            table: self.table(),
            stuck: self.stuck.iter().filter_map(|(call, mismatch)| self.stuck_at(*call, mismatch)).collect(),
            program: self.program.to_string().lines().map(str::to_owned).collect(),
            schedule: self.schedule.map(|seed| seed.0),
            seed: self.seed.0,
        }
    }

    fn stuck_at(&self, call: usize, mismatch: &Mismatch) -> Option<String> {
        let made = self.history.get(call)?;
        let expected = match &mismatch.expected {
            Reply::Refused(refusal) => format!("a refusal ({:?})", refusal.class),
            Reply::Done => "done".to_owned(),
            other => {
                let answer: Answer = answer(other);
                words(&made.call, &answer, &mut Tokens::default(), self.base).answered.unwrap_or_default()
            }
        };
        let (method, caller) = (made.call.method().name(), made.caller);
        Some(format!("{method} of caller {caller} would be answered with {expected}: {}", self.why(&mismatch.aspect)))
    }

    /// The reason why the given answer is wrong.
    fn why(&self, aspect: &Aspect) -> String {
        match aspect {
            Aspect::Accepted => "the call had to be refused".to_owned(),
            Aspect::Refused => "there is no reason to refuse the call".to_owned(),
            Aspect::Retryable => "a retry cannot succeed".to_owned(),
            Aspect::Missed => "an item is eligible".to_owned(),
            Aspect::Token => "the token was issued before".to_owned(),
            Aspect::Part(part) => format!("{part} differs"),
            Aspect::Barred(bar) => match bar {
                Ineligible::Absent => "the fetched item is not in the queue".to_owned(),
                Ineligible::Locked(until) => {
                    format!("the fetched item is locked until {} ms", until.0.saturating_sub(self.base.0))
                }
                Ineligible::Invisible(from) => {
                    format!("the fetched item is not visible before {} ms", from.0.saturating_sub(self.base.0))
                }
                Ineligible::NotStarted => "the fetched instance was not started".to_owned(),
                Ineligible::Version | Ineligible::Tag => "the filter excludes the fetched item".to_owned(),
                Ineligible::Session => "the fetched item's session belongs to another worker".to_owned(),
            },
            Aspect::Panicked | Aspect::Hung => "the call was not answered".to_owned(),
        }
    }

    fn table(&self) -> Vec<String> {
        let mut columns: Vec<usize> = self.history.iter().map(|made| made.caller).collect();
        columns.sort_unstable();
        columns.dedup();
        let column = |made: &Made| columns.iter().position(|caller| *caller == made.caller).unwrap_or_default();
        let mut tokens = Tokens::default();
        let lines: Vec<Line> =
            self.history.iter().map(|made| line(self.base, &made.observed(), &mut tokens, false)).collect();
        let mut moments: Vec<(u64, usize, bool)> = Vec::new();
        for (call, made) in self.history.iter().enumerate() {
            moments.push((made.invoked, call, true));
            moments.extend(made.reply.is_some().then_some((made.replied, call, false)));
        }
        moments.sort_unstable();
        let heads: Vec<String> = columns.iter().map(|caller| format!("{caller:<COLUMN$}")).collect();
        let mut table = vec![format!("caller   {}", heads.concat().trim_end())];
        let mut open = vec![false; columns.len()];
        for (_, call, begins) in moments {
            let made = &self.history[call];
            let own = column(made);
            let bars = (0..columns.len()).map(|at| match (at == own, begins, open[at]) {
                (true, true, _) => format!("{:<COLUMN$}", "┌"),
                (true, false, _) => format!("{:<COLUMN$}", "└"),
                (false, _, true) => format!("{:<COLUMN$}", "│"),
                (false, _, false) => " ".repeat(COLUMN),
            });
            let bars: String = bars.collect();
            open[own] = begins && made.reply.is_some();
            let text = match (begins, &made.reply) {
                (true, Some(_)) => lines[call].call.clone(),
                (true, None) => format!("{}, without an answer", lines[call].call),
                (false, _) => format!("-> {}", lines[call].answer),
            };
            table.push(format!("{:>5} ms {bars}{text}", lines[call].at_ms));
        }
        table
    }
}

impl fmt::Display for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(f)
    }
}

impl fmt::Display for ShownRace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} breaks {} with concurrent callers", OneLine(&self.provider), self.rule)?;
        writeln!(f)?;
        writeln!(f, "  {}", self.claim)?;
        writeln!(f, "  Source: {}", self.source)?;
        writeln!(f)?;
        writeln!(
            f,
            "No sequential order of these calls explains their answers (a call is pending from \u{250c} to \u{2514}):"
        )?;
        writeln!(f)?;
        self.table.iter().try_for_each(|line| writeln!(f, "  {}", OneLine(line)))?;
        writeln!(f)?;
        if !self.stuck.is_empty() {
            writeln!(f, "In the longest order found")?;
            self.stuck.iter().try_for_each(|line| writeln!(f, "  {}", OneLine(line)))?;
            writeln!(f)?;
        }
        match self.schedule {
            Some(schedule) => {
                writeln!(f, "Found with seed {}. Schedule {schedule} of this program repeats it:", self.seed)?
            }
            None => writeln!(f, "Found with seed {}, on threads; not every run of the program shows it:", self.seed)?,
        }
        writeln!(f)?;
        self.program.iter().try_for_each(|line| writeln!(f, "    {}", OneLine(line)))
    }
}
