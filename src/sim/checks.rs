//! Checks that plans and clients fit the nodes of a simulation.

use std::collections::BTreeSet;

use super::client_call::CALLER;
use super::plan::{Action, Plan, PlanEntry, Trigger};
use super::topology::Topology;
use crate::faults::FaultAction;

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
                FaultAction::Pass
                | FaultAction::Refuse { .. }
                | FaultAction::LoseReply
                | FaultAction::Delay { .. }
                | FaultAction::Hang { .. }
                | FaultAction::Drop { .. } => ". Give the fault a duration, or remove it.".to_owned(),
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
    if matches!(entry.what, Action::Client { .. }) {
        if !matches!(entry.when, Trigger::At(_)) {
            return wrong("a client call happens at a virtual time. Use Trigger::At.".to_owned());
        }
        if topology.nodes.contains_key(CALLER) {
            return wrong(format!(
                "a node is named {CALLER:?}, which is the name of the plan's client in traces. Give the node another name."
            ));
        }
    }
    let (Trigger::Before(point) | Trigger::After(point)) = &entry.when else { return Ok(()) };
    if point.nth == 0 {
        return wrong("calls are counted from 1.".to_owned());
    }
    Ok(())
}
