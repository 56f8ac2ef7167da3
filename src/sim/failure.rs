//! [`Failure`]: how a simulation failed, and how to repeat it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::cause::Cause;
use super::hints;
use super::impaired;
use super::observed::Observed;
use super::plan::{Action, Plan, PlanEntry};
use super::stall_report::MOST;
use super::tails::Tail;
use super::waits::Unfinished;
use crate::clock::{Escapes, Time, escapes};
use crate::faults::FaultAction;
use crate::laws::Breach;
use crate::seed::{SEED_VARIABLE, Seed};
use crate::text::{Line, Lines, counted};
use crate::trace::{Span, Trace};

/// A failed simulation. `Display` prints what happened, where, and the command that repeats
/// the run. `Debug` prints the same text, so that `unwrap` and `expect` show it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Why it failed.
    pub cause: Cause,
    /// The seed of the run.
    pub seed: Seed,
    /// The start of virtual time.
    pub start: Time,
    /// The virtual time of the failure.
    pub at: Time,
    /// The instances that had not ended, and what each waited for.
    pub waits: Vec<Unfinished>,
    /// What the tasks of the body were waiting for ([`super::Handle::until`]), as the end of
    /// the sentence "the body waits until …".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub awaited: Vec<String>,
    /// The calls of activities that a double held ([`super::Double::held`]) or does not answer
    /// ([`super::Double::never`]) at that moment.
    #[serde(default)]
    pub unanswered: Vec<String>,
    /// If the body failed: the last events of the instances that its failure concerns.
    pub tails: Vec<Tail>,
    /// If the run ended for another reason that concerns liveness: the `eventually`
    /// properties ([`super::Sim::eventually`]) that did not hold yet.
    pub pending: Vec<String>,
    /// The broken laws.
    pub breaches: Vec<Breach>,
    /// Every provider call up to the failure.
    pub trace: Trace,
    /// The given plan with everything that a storm drew. It repeats the run without the
    /// storm ([`super::Sim::replay`]).
    pub plan: Plan,
    /// The plan entries that never happened.
    pub unreached: Vec<PlanEntry>,
    /// The names of all [`super::Sim::sometimes`] properties, and whether each held.
    pub sometimes: BTreeMap<String, bool>,
    /// Actions of the code under test that reached past the simulation.
    pub escapes: Escapes,
    /// What the run did besides its provider calls: its log, activities and effects.
    #[serde(default, skip_serializing_if = "Observed::is_empty")]
    pub observed: Observed,
    /// The stack of the run's thread, innermost function first, if the thread did not
    /// answer ([`Cause::Hang`]) and its stack could be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stack: Vec<String>,
    /// The last lines that the run's process printed, if the process died or had to be
    /// killed.
    #[serde(default)]
    pub printed: Vec<String>,
}

impl Failure {
    /// Whether safety held: no law and no property was broken, and the body did not fail.
    pub fn is_safe(&self) -> bool {
        self.breaches.is_empty() && !self.cause.is_of_safety()
    }

    /// Whether liveness held: everything that must happen did.
    pub fn is_live(&self) -> bool {
        !self.cause.is_of_liveness()
    }

    pub(crate) fn setup(seed: Seed, start: Time, why: String) -> Box<Failure> {
        Failure::without_trace(seed, start, Cause::Setup(why))
    }

    /// Creates a failure of which only the cause is known.
    pub(crate) fn without_trace(seed: Seed, start: Time, cause: Cause) -> Box<Failure> {
        let trace = Trace { started: start, entries: Vec::new(), marks: Vec::new(), remains: None };
        Box::new(Failure {
            cause,
            seed,
            start,
            at: start,
            waits: Vec::new(),
            awaited: Vec::new(),
            unanswered: Vec::new(),
            tails: Vec::new(),
            pending: Vec::new(),
            breaches: Vec::new(),
            trace,
            plan: Plan::new(),
            unreached: Vec::new(),
            sometimes: BTreeMap::new(),
            escapes: Escapes::new(),
            observed: Observed::default(),
            stack: Vec::new(),
            printed: Vec::new(),
        })
    }

    /// Returns the command that repeats this run.
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

/// Prints a failure without the command that repeats it.
struct Story<'a>(&'a Failure);

impl fmt::Display for Story<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.tell(f)
    }
}

impl Failure {
    /// Returns the text of the failure, without the command that repeats the run.
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
            // What broke it is the cause, which stands above.
            let verdict = |holds| if holds { "held" } else { "broken" };
            writeln!(f, "  safety:       {}", verdict(self.is_safe()))?;
            writeln!(f, "  liveness:     {}", verdict(self.is_live()))?;
        }
        if matches!(self.cause, Cause::Hang(_) | Cause::RealTimeLimit | Cause::StepLimit(_))
            && let Some(last) = self.trace.entries.last()
        {
            writeln!(f, "  last call:    {} by {}", last.call.method(), Line(&last.by))?;
        }
        let lists = [
            ("The body waits until:", &self.awaited),
            ("Unfinished instances:", &self.waits_as_text()),
            ("Calls of activities that their doubles do not answer:", &self.unanswered),
            ("Nodes that were impaired at the end:", &impaired::nodes(&self.trace)),
            ("Last events of the instances concerned:", &self.tails_as_text()),
            (
                "Clocks that were wrong (an event has the time of the node that added it):",
                &impaired::clocks(&self.trace),
            ),
            ("Properties that must eventually hold, and did not yet:", &self.pending),
            ("Broken laws:", &self.breaches_as_text()),
            ("Inputs:", &self.inputs_as_text()),
            ("Client calls of the plan:", &self.calls_as_text()),
            ("Injected faults:", &self.plan_as_text()),
            ("Actions that reached past the simulation:", &self.strays_as_text()),
            ("Stack of the simulation's thread:", &self.stack),
            ("Last output of its process:", &self.printed),
        ];
        hints::of(&self.cause, &self.trace, !self.unanswered.is_empty())
            .iter()
            .try_for_each(|hint| writeln!(f, "\n{hint}"))?;
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
            lines.push(format!("and {}.", counted(more.len(), "more instance", "more instances")));
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

    fn calls_as_text(&self) -> Vec<String> {
        self.plan.entries.iter().filter(|entry| entry.is_client_call()).map(PlanEntry::to_string).collect()
    }

    /// Returns the lines of the plan's faults; of a long plan, the first ones that are not
    /// latencies.
    fn plan_as_text(&self) -> Vec<String> {
        const MOST: usize = 30;
        let latency = |entry: &PlanEntry| matches!(entry.what, Action::Fault(FaultAction::Delay { .. }));
        let all: Vec<&PlanEntry> = self.plan.entries.iter().filter(|entry| !entry.is_client_call()).collect();
        if all.len() <= MOST {
            let entries = all.into_iter().cloned().collect();
            let plan = Plan { inputs: BTreeMap::new(), entries, calm: self.plan.calm };
            return plan.to_string().lines().map(str::to_owned).collect();
        }
        let mut lines: Vec<String> =
            all.iter().filter(|entry| !latency(entry)).take(MOST).map(ToString::to_string).collect();
        let latencies = all.iter().filter(|entry| latency(entry)).count();
        let more = counted(all.len() - lines.len(), "more entry", "more entries");
        lines.push(format!("and {more}, {latencies} of them call latencies."));
        lines
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

/// Returns the command that runs this test or program with `seed`.
fn command(seed: Seed) -> String {
    format!("{SEED_VARIABLE}={seed} {}", crate::command::here())
}
