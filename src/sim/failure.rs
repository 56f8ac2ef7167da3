//! [`Failure`]: how a simulation went wrong, and how to see it again.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::cause::Cause;
use super::hints;
use super::impaired;
use super::plan::{Action, Plan, PlanEntry};
use super::stall_report::MOST;
use super::tails::Tail;
use super::waits::Unfinished;
use crate::clock::{Escapes, Time, escapes};
use crate::faults::FaultAction;
use crate::laws::Breach;
use crate::seed::{SEED_VARIABLE, Seed};
use crate::text::{Line, Lines};
use crate::trace::{Span, Trace};

/// A simulation that failed. Prints what happened, where, and the command that
/// repeats it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Why.
    pub cause: Cause,
    /// The seed it ran from.
    pub seed: Seed,
    /// When virtual time began.
    pub start: Time,
    /// The virtual time of the failure.
    pub at: Time,
    /// The instances that had not ended, and what they waited for.
    pub waits: Vec<Unfinished>,
    /// The last events of the instances that it is about, where the body failed.
    pub tails: Vec<Tail>,
    /// What must eventually hold ([`super::Sim::eventually`]) and did not yet, where
    /// the run ended for something else that did not come.
    pub pending: Vec<String>,
    /// The laws that were broken.
    pub breaches: Vec<Breach>,
    /// Every provider call up to the failure.
    pub trace: Trace,
    /// The plan that was given, with what a storm drew: the run repeats from it
    /// without the storm ([`super::Sim::replay`]).
    pub plan: Plan,
    /// Those of the plan's entries that never happened.
    pub unreached: Vec<PlanEntry>,
    /// What should sometimes hold ([`super::Sim::sometimes`]), and whether it did.
    pub sometimes: BTreeMap<String, bool>,
    /// What reached past the simulation.
    pub escapes: Escapes,
    /// The functions that the run's thread was in, the innermost first, where it did not
    /// answer ([`Cause::Hang`]) and they could be found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stack: Vec<String>,
    /// The last lines that the run's process printed, where that died or had to be
    /// ended.
    #[serde(default)]
    pub printed: Vec<String>,
}

impl Failure {
    /// Whether nothing happened that must not: no law and no property is broken,
    /// and the body has not failed.
    pub fn is_safe(&self) -> bool {
        self.breaches.is_empty() && !self.cause.is_of_safety()
    }

    /// Whether everything happened that must.
    pub fn is_live(&self) -> bool {
        !self.cause.is_of_liveness()
    }

    pub(crate) fn setup(seed: Seed, start: Time, why: String) -> Box<Failure> {
        Failure::without_trace(seed, start, Cause::Setup(why))
    }

    /// A failure of which nothing else is known.
    pub(crate) fn without_trace(seed: Seed, start: Time, cause: Cause) -> Box<Failure> {
        let trace = Trace { started: start, entries: Vec::new(), marks: Vec::new(), remains: None };
        Box::new(Failure {
            cause,
            seed,
            start,
            at: start,
            waits: Vec::new(),
            tails: Vec::new(),
            pending: Vec::new(),
            breaches: Vec::new(),
            trace,
            plan: Plan::new(),
            unreached: Vec::new(),
            sometimes: BTreeMap::new(),
            escapes: Escapes::new(),
            stack: Vec::new(),
            printed: Vec::new(),
        })
    }

    /// The command that repeats this run.
    pub fn command(&self) -> String {
        command(self.seed)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.story())?;
        if matches!(self.cause, Cause::Setup(_)) {
            return Ok(());
        }
        write!(f, "\nRepeat it with:\n  {}", self.command())
    }
}

/// A failure without the command.
struct Story<'a>(&'a Failure);

impl fmt::Display for Story<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.tell(f)
    }
}

impl Failure {
    /// What happened and where, without the command that repeats it.
    pub(crate) fn story(&self) -> impl fmt::Display + '_ {
        Story(self)
    }

    fn tell(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Cause::Setup(why) = &self.cause {
            return write!(f, "The simulation could not be run. {}", Lines(why));
        }
        writeln!(f, "The simulation failed: {}", self.cause)?;
        writeln!(f)?;
        writeln!(f, "  seed:         {}", self.seed)?;
        writeln!(f, "  virtual time: +{} ({})", Span(self.at - self.start), self.at)?;
        if !self.plan.entries.is_empty() {
            let verdict = |holds, broken| if holds { "held" } else { broken };
            let (unsafe_, stuck) =
                ("broken: something happened that must never", "broken: something did not happen that must");
            writeln!(f, "  safety:       {}", verdict(self.is_safe(), unsafe_))?;
            writeln!(f, "  liveness:     {}", verdict(self.is_live(), stuck))?;
        }
        if matches!(self.cause, Cause::Hang(_) | Cause::RealTimeLimit | Cause::StepLimit(_))
            && let Some(last) = self.trace.entries.last()
        {
            writeln!(f, "  last call:    {} by {}", last.call.method(), Line(&last.by))?;
        }
        let lists = [
            ("Unfinished instances:", &self.waits_as_text()),
            ("Nodes that were not running well at the end:", &impaired::nodes(&self.trace)),
            ("The last events of what it is about:", &self.tails_as_text()),
            ("What must eventually hold, and does not yet:", &self.pending),
            ("Broken laws:", &self.breaches_as_text()),
            ("Inputs:", &self.inputs_as_text()),
            ("What went wrong on purpose:", &self.plan_as_text()),
            ("What reached past the simulation:", &self.strays_as_text()),
            ("The stack of its thread:", &self.stack),
            ("The last of what it printed:", &self.printed),
        ];
        hints::of(&self.cause, &self.trace).iter().try_for_each(|hint| writeln!(f, "\n{hint}"))?;
        for (title, lines) in lists {
            if !lines.is_empty() {
                writeln!(f, "\n{title}")?;
                lines.iter().try_for_each(|line| writeln!(f, "  {}", Lines(line)))?;
            }
        }
        Ok(())
    }

    fn tails_as_text(&self) -> Vec<String> {
        self.tails.iter().flat_map(Tail::lines).collect()
    }

    fn waits_as_text(&self) -> Vec<String> {
        let looked = self.trace.remains.is_some();
        if self.waits.is_empty() && looked && !matches!(self.cause, Cause::Laws) {
            return vec!["none: every instance that was started has ended.".to_owned()];
        }
        let (shown, more) = self.waits.split_at(self.waits.len().min(MOST));
        let mut lines: Vec<String> = shown.iter().map(Unfinished::to_string).collect();
        if !more.is_empty() {
            lines.push(format!("and {} more instances.", more.len()));
        }
        lines
    }

    fn strays_as_text(&self) -> Vec<String> {
        escapes::lines(&self.escapes)
    }

    fn breaches_as_text(&self) -> Vec<String> {
        self.breaches.iter().take(10).map(|breach| breach.describe(self.start)).collect()
    }

    fn inputs_as_text(&self) -> Vec<String> {
        self.plan.inputs.iter().map(|(name, input)| format!("{}: {}", Line(name), input.value)).collect()
    }

    /// The plan's lines: where there are many, the first ones without latencies.
    fn plan_as_text(&self) -> Vec<String> {
        const MOST: usize = 30;
        let latency = |entry: &&PlanEntry| matches!(entry.what, Action::Fault(FaultAction::Delay { .. }));
        let all = &self.plan.entries;
        if all.len() <= MOST {
            let plan = Plan { inputs: BTreeMap::new(), ..self.plan.clone() };
            return plan.to_string().lines().map(str::to_owned).collect();
        }
        let mut lines: Vec<String> = all.iter().filter(|e| !latency(e)).take(MOST).map(PlanEntry::to_string).collect();
        let latencies = all.iter().filter(latency).count();
        lines.push(format!("and {} more, {latencies} of them latencies of calls.", all.len() - lines.len()));
        lines
    }
}

impl std::error::Error for Failure {}

/// The command that runs this test, or this program, with `seed`.
fn command(seed: Seed) -> String {
    format!("{SEED_VARIABLE}={seed} {}", crate::command::here())
}
