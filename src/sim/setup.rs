//! The setup of a simulation, and the checks that it can run at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::node::Node;
use super::plan::{Action, Plan, PlanEntry, Trigger};
use super::property::Property;
use super::storm::{Storm, Topology};
use super::{Limits, Sim};
use crate::clock::{self, Time};
use crate::faults::{FaultAction, FaultRule};
use crate::seed::Seed;

/// The nodes of a run, and its sources of faults besides the plan.
pub(super) struct RunSpec {
    pub nodes: Vec<Node>,
    pub rules: Vec<Arc<dyn FaultRule>>,
    pub storm: Option<Storm>,
    pub latencies: bool,
}

/// Returns the seed to use.
///
/// # Errors
///
/// If the simulation cannot run, with the reason as full sentences.
pub(super) fn check(sim: &Sim) -> Result<Seed, String> {
    if !clock::SUPPORTED {
        return Err("Simulations need Linux with glibc on x86-64 or AArch64, and this crate's feature `interpose` \
                     (on by default). On other platforms, use Memory on real time."
            .to_owned());
    }
    if clock::is_virtual() {
        return Err("A simulation cannot be started inside a simulation. Start it from a test's own thread.".to_owned());
    }
    sim.limits.check()?;
    check_times(sim.start, &sim.limits)?;
    check_nodes(&sim.nodes)?;
    check_properties(&sim.properties)?;
    if let Some(why) = &sim.misused {
        return Err(why.clone());
    }
    let topology = topology(&sim.nodes);
    check_plan(&sim.plan, &topology)?;
    if !sim.replays {
        check_script(&sim.plan)?;
        sim.storm.as_ref().and_then(|storm| storm.impossible(&topology)).map_or(Ok(()), Err)?;
    }
    match Seed::from_env() {
        Ok(seed) => Ok(seed.unwrap_or(sim.seed)),
        Err(error) => Err(error.to_string()),
    }
}

fn check_times(start: Time, limits: &Limits) -> Result<(), String> {
    const LONGEST: Duration = Duration::from_secs(200 * 365 * 86_400);
    if limits.virtual_time > LONGEST {
        return Err("The limit on virtual time is above 200 years, which is past the end of the virtual clock.".into());
    }
    if start + limits.virtual_time > Time::LAST {
        return Err(format!("The virtual clock cannot start at {start}: it ends in the year 2554."));
    }
    Ok(())
}

fn check_nodes(nodes: &[Node]) -> Result<(), String> {
    for (n, spec) in nodes.iter().enumerate() {
        if spec.name.is_empty() {
            return Err("A node has an empty name. Give it a name that traces and plans can show.".to_owned());
        }
        if spec.name == CLIENT {
            return Err(format!(
                "A node has the name {CLIENT:?}, which traces and plans use for the calls of Handle::client. Give the \
                 node another name."
            ));
        }
        if nodes[..n].iter().any(|other| other.name == spec.name) {
            return Err(format!("Two nodes have the name {:?}. Give each a name of its own.", spec.name));
        }
        for (m, build) in spec.builds.iter().enumerate() {
            if spec.builds[..m].iter().any(|other| other.name == build.name) {
                let name = &spec.name;
                return Err(format!("Node {name:?} has two builds {:?}. Give each a name of its own.", build.name));
            }
        }
    }
    Ok(())
}

/// The name under which calls of an unnamed client appear.
pub(super) const CLIENT: &str = "client";

/// Checks that a client may have this name.
pub(super) fn check_client(name: &str, topology: &Topology) -> Result<(), String> {
    if name.is_empty() {
        return Err("The body asked for a client with an empty name. Give it a name that traces can show.".to_owned());
    }
    if topology.nodes.contains_key(name) {
        return Err(format!(
            "The body asked for a client named {name:?}, but a node has that name, and their calls could not be told \
             apart. Give the client another name."
        ));
    }
    Ok(())
}

fn check_properties(properties: &[Property]) -> Result<(), String> {
    for (n, property) in properties.iter().enumerate() {
        let name = &property.name;
        if properties[..n].iter().any(|other| other.name == *name) {
            return Err(format!("Two properties have the name {name:?}. Give each a name of its own."));
        }
    }
    Ok(())
}

/// Checks that every entry of a handwritten plan can have an effect.
pub(super) fn check_script(plan: &Plan) -> Result<(), String> {
    let mut faults = BTreeSet::new();
    for entry in &plan.entries {
        if entry.what.lasts().is_some_and(|lasts| lasts.is_zero()) {
            return Err(format!(
                "The plan's entry \"{entry}\" has a duration of zero, so it changes nothing. Make it longer."
            ));
        }
        let (Trigger::Before(point), Action::Fault(verdict)) = (&entry.when, &entry.what) else { continue };
        if !verdict.concerns_method(point.method) {
            let why = match verdict {
                FaultAction::ShortLock { .. } => format!(": {} locks nothing.", point.method),
                _ => ". Give the fault a duration, or remove it.".to_owned(),
            };
            return Err(format!("The plan's entry \"{entry}\" changes nothing{why}"));
        }
        if !faults.insert(point) {
            return Err(format!(
                "The plan has two faults for {point}, but a call can have only one. Remove \"{entry}\", or move it to \
                 another call."
            ));
        }
    }
    Ok(())
}

/// Returns what fault generators need to know about the nodes.
pub(super) fn topology(nodes: &[Node]) -> Topology {
    let builds = |spec: &Node| spec.builds.iter().map(|build| build.name.clone()).collect();
    let options = || nodes.iter().flat_map(|spec| &spec.builds).map(|build| &build.options);
    let locks = options().map(|options| options.orchestrator_lock_timeout.min(options.worker_lock_timeout));
    Topology {
        nodes: nodes.iter().map(|spec| (spec.name.clone(), builds(spec))).collect::<BTreeMap<_, Vec<String>>>(),
        shortest_lock: locks.min().unwrap_or(Duration::MAX),
        fewest_attempts: options().map(|options| options.max_attempts).min().unwrap_or(u32::MAX),
    }
}

/// Returns the largest `max_attempts` of any node.
pub(super) fn most_attempts(nodes: &[Node]) -> u32 {
    let attempts = nodes.iter().flat_map(|spec| &spec.builds).map(|build| build.options.max_attempts);
    attempts.max().unwrap_or_default()
}

/// Checks that a plan names only nodes and builds that exist.
pub(super) fn check_plan(plan: &Plan, topology: &Topology) -> Result<(), String> {
    plan.entries.iter().try_for_each(|entry| check_entry(entry, topology))
}

fn check_entry(entry: &PlanEntry, topology: &Topology) -> Result<(), String> {
    let wrong = |why: String| Err(format!("The plan's entry \"{entry}\" cannot be carried out: {why}"));
    if let Some(node) = entry.what.node() {
        let Some(builds) = topology.nodes.get(node) else {
            let names: Vec<&String> = topology.nodes.keys().collect();
            return wrong(format!("the simulation has no node {node:?}; it has {names:?}."));
        };
        if let Action::Upgrade { build, .. } = &entry.what
            && !builds.contains(build)
        {
            return wrong(format!("node {node:?} has no build {build:?}; it has {builds:?}."));
        }
    }
    if matches!(entry.what, Action::Fault(_)) && !matches!(entry.when, Trigger::Before(_)) {
        return wrong("a fault applies to a call. Name the call with Trigger::Before.".to_owned());
    }
    let (Trigger::Before(point) | Trigger::After(point)) = &entry.when else { return Ok(()) };
    if point.nth == 0 {
        return wrong("calls are counted from 1.".to_owned());
    }
    Ok(())
}
