//! The checks that a simulation can run at all.

use std::collections::BTreeSet;
use std::time::Duration;

use super::checks::{CLIENT, check_plan, check_script};
use super::double::Double;
use super::handlers::nearest;
use super::node::Node;
use super::property::Property;
use super::topology::Topology;
use super::{Limits, Sim};
use crate::clock::{self, Time};
use crate::seed::Seed;

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
    check_doubles(sim)?;
    if let Some(why) = &sim.misused {
        return Err(why.clone());
    }
    let topology = Topology::of(&sim.nodes);
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

/// How the names of duroxide's own activities begin.
const BUILT_IN: &str = "__duroxide_";

/// Checks that every double and every answer can be reached.
fn check_doubles(sim: &Sim) -> Result<(), String> {
    let builds = || sim.nodes.iter().flat_map(|node| &node.builds);
    let known: BTreeSet<String> = builds().flat_map(|build| build.activities.list_names()).collect();
    for (n, (name, double)) in sim.doubles.iter().enumerate() {
        if name.is_empty() || name.starts_with(BUILT_IN) {
            return Err(format!(
                "There is a double of activity {name:?}, which is not a name that an application's activity can have. \
                 Give it the name that orchestrations call."
            ));
        }
        if double.steps.iter().any(|step| step.takes > sim.limits.virtual_time) {
            return Err(format!(
                "The double of activity {name:?} cannot be used: Double::taking was given more than the limit on \
                 virtual time (Limits::virtual_time), so it would never answer. Give it a shorter time, or use \
                 Double::never."
            ));
        }
        if let Some(why) = &double.misused {
            return Err(format!("The double of activity {name:?} cannot be used: {}.", why.trim_end_matches('.')));
        }
        if !known.contains(name) && !sim.activities.contains(name) {
            let near = nearest(name, known.iter()).map(|near| format!("; the nearest name is {near:?}"));
            return Err(format!(
                "There is a double of activity {name:?}, but no node has such an activity{}. Correct the name, or add \
                 the activity with Sim::activity if it exists only as a double.",
                near.unwrap_or_default()
            ));
        }
        let all: fn(&Double) -> bool = |double| double.filters.is_empty();
        if sim.doubles[..n].iter().any(|(other, before)| other == name && all(before)) {
            return Err(format!(
                "A double of activity {name:?} is never reached, because one before it answers all calls. Add those \
                 with filters first."
            ));
        }
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
