//! [`crash_everywhere`]: one crash before and one after every provider call, each in a run
//! of its own.
//!
//! It repeats a scenario with one crash in each run, and compares the outcome and the
//! effects with those of a run without crashes. It draws nothing at random; use a storm for
//! several crashes in one run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::effects::Effects;
use super::plan::{Action, CallSite, Plan, PlanEntry, Trigger};
use super::{Failure, Handle, Outcome, Run, Sim};
use crate::call::Method;
use crate::text::Lines;
use crate::trace::Trace;

/// The delay between the crash and the restart.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// The crashes that [`crash_everywhere`] tried.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Survey {
    /// The crashes, one for each run.
    pub tried: Vec<PlanEntry>,
    /// The crashes that did not happen: the call was never applied, or was not made again
    /// in that run.
    pub unreached: Vec<PlanEntry>,
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut methods = BTreeMap::<Method, usize>::new();
        for entry in &self.tried {
            if let Trigger::Before(point) = &entry.when {
                *methods.entry(point.method).or_default() += 1;
            }
        }
        let calls: usize = methods.values().sum();
        writeln!(
            f,
            "Crashed before and after each of {calls} calls, in {} runs; {} of these crashes did not happen.",
            self.tried.len(),
            self.unreached.len()
        )?;
        methods.iter().try_for_each(|(method, calls)| writeln!(f, "  {calls:>5} {method}"))
    }
}

/// A crash that changed the outcome or the effects.
#[derive(Debug)]
pub struct Incident {
    /// The crash.
    pub crash: PlanEntry,
    /// The differences, as full sentences.
    pub difference: String,
    /// The failure of the run, if it failed.
    pub failure: Option<Box<Failure>>,
}

/// Why a scenario did not pass [`crash_everywhere`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Incidents {
    /// The scenario fails without any crash.
    Without(Box<Failure>),
    /// The trace has no call of a node, so there is no place for a crash: the simulation
    /// has no nodes, or keeps no trace.
    NoCalls,
    /// The simulation has a plan or a storm of its own, which would be ignored.
    HasFaults,
    /// Crashes changed the outcome or the effects.
    Found {
        /// The crashes that were tried.
        survey: Survey,
        /// The crashes that made a difference.
        incidents: Vec<Incident>,
    },
}

impl fmt::Display for Incidents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Incidents::Without(_) => f.write_str("The scenario fails without any crash."),
            Incidents::NoCalls => f.write_str(
                "No crash was tried: the trace of the run has no call of a node. Give the simulation a node that has \
                 work to do, and keep its trace (Sim::without_trace turns it off).",
            ),
            Incidents::HasFaults => f.write_str(
                "The simulation has a plan or a storm of its own, which crash_everywhere would ignore: the one crash \
                 is the only fault in each run. Build the simulation without them.",
            ),
            Incidents::Found { survey, incidents } => {
                const MOST: usize = 10;
                let count = incidents.len();
                writeln!(f, "{count} of {} crashes changed the outcome or the effects.", survey.tried.len())?;
                for Incident { crash, difference, .. } in incidents.iter().take(MOST) {
                    writeln!(f, "\n{crash}:\n  {}", Lines(difference))?;
                }
                if count > MOST {
                    writeln!(f, "\nand {} more.", count - MOST)?;
                }
                write!(f, "\n{survey}Repeat one of them with Sim::plan.")
            }
        }
    }
}

impl std::error::Error for Incidents {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Incidents::Without(failure) => Some(&**failure),
            Incidents::NoCalls | Incidents::HasFaults | Incidents::Found { .. } => None,
        }
    }
}

/// Runs a scenario once without faults, then once for each side of each provider call that
/// its nodes made, with a crash of the node there and a restart a second later. Every run
/// must have the same outcome and the same set of effects.
///
/// `build` creates the simulation for each run; its activities record what they do to the
/// outside world in the given [`Effects`]. `body` is the body of every run, and its value
/// is the outcome.
///
/// ```
/// use duroxide_sim::{Node, Sim};
/// use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
/// use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext};
/// use duroxide_sim::sim::crash_everywhere;
/// use std::time::Duration;
///
/// let survey = crash_everywhere(
///     |effects| {
///         let activities = ActivityRegistry::builder().register("Pay", move |ctx: ActivityContext, _: String| {
///             effects.add(format!("{} paid", ctx.instance_id()));
///             async { Ok("paid".to_owned()) }
///         });
///         let orchestrations = OrchestrationRegistry::builder()
///             .register("Order", |ctx: OrchestrationContext, _: String| async move { ctx.schedule_activity("Pay", "").await });
///         Sim::new(1).node(Node::new("a", activities.build(), orchestrations.build()))
///     },
///     |sim| async move {
///         sim.client().start_orchestration("order-1", "Order", "").await?;
///         let output = sim.output::<String>("order-1", Duration::from_secs(3600)).await?;
///         Ok::<_, Box<dyn std::error::Error>>(output)
///     },
/// );
/// assert!(survey.tried.len() > 10, "{survey}");
/// ```
///
/// # Panics
///
/// If the scenario fails, or a crash changes the outcome or the effects; the message lists
/// every such crash. Also if there is no call at which to crash, or if the simulation has a
/// plan or a storm of its own, which would be ignored.
#[track_caller]
pub fn crash_everywhere<B, F, R>(build: impl Fn(Effects) -> Sim, body: B) -> Survey
where
    B: Fn(Handle) -> F + Clone + Send + 'static,
    F: Future<Output = R> + 'static,
    R: Outcome,
    R::Value: PartialEq + fmt::Debug,
{
    // A closure would not pass on the caller's line.
    match try_crash_everywhere(build, body) {
        Ok(survey) => survey,
        Err(Incidents::Without(failure)) => panic!("The scenario fails without any crash. {failure}"),
        Err(incidents) => panic!("{incidents}"),
    }
}

/// Like [`crash_everywhere`], but returns what was found as an error.
///
/// # Errors
///
/// When [`crash_everywhere`] panics.
pub fn try_crash_everywhere<B, F, R>(build: impl Fn(Effects) -> Sim, body: B) -> Result<Survey, Incidents>
where
    B: Fn(Handle) -> F + Clone + Send + 'static,
    F: Future<Output = R> + 'static,
    R: Outcome,
    R::Value: PartialEq + fmt::Debug,
{
    let attempt = |plan: &Plan| {
        let effects = Effects::default();
        let sim = build(effects.clone());
        let has_faults = sim.storm.is_some() || !sim.replays && !sim.plan.entries.is_empty();
        let run = sim.replay(plan.clone()).try_run(body.clone());
        (run, effects.keys(), has_faults)
    };
    let (without, expected_effects, has_faults) = attempt(&Plan::new());
    if has_faults {
        return Err(Incidents::HasFaults);
    }
    let without = without.map_err(Incidents::Without)?;
    let mut survey = Survey { tried: Vec::new(), unreached: Vec::new() };
    let mut incidents = Vec::new();
    for crash in crashes(&without.trace) {
        let plan = Plan { entries: vec![crash.clone()], ..Plan::new() };
        let (run, effects, _) = attempt(&plan);
        let unreached = match &run {
            Ok(run) => &run.unreached,
            Err(failure) => &failure.unreached,
        };
        survey.unreached.extend(unreached.iter().cloned());
        survey.tried.push(crash.clone());
        let mut differences = Vec::new();
        let failure = match run {
            Ok(Run { value, .. }) if value == without.value => None,
            Ok(Run { value, .. }) => {
                differences.push(format!("The outcome is {value:?}; without the crash it is {:?}.", without.value));
                None
            }
            Err(failure) => {
                differences.push(failure.to_string());
                Some(failure)
            }
        };
        differences.extend(compare(&expected_effects, &effects));
        if !differences.is_empty() {
            incidents.push(Incident { crash, difference: differences.join("\n"), failure });
        }
    }
    if survey.tried.is_empty() {
        return Err(Incidents::NoCalls);
    }
    if incidents.is_empty() { Ok(survey) } else { Err(Incidents::Found { survey, incidents }) }
}

/// Returns a crash before and after every call of a node in the trace.
fn crashes(trace: &Trace) -> Vec<PlanEntry> {
    let nodes: Vec<&str> = trace.marks.iter().filter(|mark| mark.what.is_ordinary()).map(|mark| &*mark.node).collect();
    let mut counts = BTreeMap::<(&str, Method), u64>::new();
    let calls = trace.entries.iter().filter(|entry| nodes.contains(&&*entry.by)).map(|entry| {
        let (node, method) = (&*entry.by, entry.call.method());
        let count = counts.entry((node, method)).or_default();
        *count += 1;
        CallSite::new(node, method, *count)
    });
    let sides = |point: CallSite| {
        let what = Action::crash(&point.node, RESTART_AFTER);
        let entry = |when| PlanEntry { when, what: what.clone() };
        [entry(Trigger::Before(point.clone())), entry(Trigger::After(point))]
    };
    calls.flat_map(sides).collect()
}

fn compare(expected: &[String], found: &[String]) -> Vec<String> {
    let missing = expected.iter().filter(|key| !found.contains(key));
    let new = found.iter().filter(|key| !expected.contains(key));
    let missing = missing.map(|key| format!("The effect {key:?} did not happen."));
    missing
        .chain(new.map(|key| format!("The effect {key:?} happened, but does not happen without the crash.")))
        .collect()
}
