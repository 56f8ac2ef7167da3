//! Simplifies the names of instances, consistently in the whole script.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Search;
use crate::drive::Run;
use crate::script::{HERE, Script, Step};

/// The fields that hold names of instances.
const FIELDS: [&str; 9] = [
    "instance",
    "instances",
    "instance_id",
    "instance_ids",
    "parent_instance",
    "parent_instance_id",
    "Corrupt",
    "root_id",
    "all_ids",
];

/// Whether a field holds the name of an instance.
pub(super) fn is_name(field: &str) -> bool {
    FIELDS.contains(&field)
}

impl<F: AsyncFnMut(&Script) -> Option<Run>> Search<F> {
    /// Renames instances to i1, i2 and so on, and merges pairs of them.
    pub(super) async fn rename(&mut self) {
        let names = names(&self.best);
        let plain = |at: usize| format!("i{}", at + 1);
        let all: BTreeMap<String, String> =
            names.iter().enumerate().map(|(at, name)| (name.clone(), plain(at))).collect();
        if !self.attempt_renamed(&all).await {
            // A single long or unusual name may be essential.
            let free = |wanted: &String| !names.contains(wanted);
            for (at, name) in names.iter().enumerate().filter(|(at, name)| plain(*at) != **name) {
                if free(&plain(at)) {
                    self.attempt_renamed(&BTreeMap::from([(name.clone(), plain(at))])).await;
                }
            }
        }
        let mut second = 1;
        while let Some(name) = self::names(&self.best).get(second).cloned() {
            let earlier = self::names(&self.best)[..second].to_vec();
            let mut found = false;
            for first in earlier {
                found = found || self.attempt_renamed(&BTreeMap::from([(name.clone(), first)])).await;
            }
            if !found {
                second += 1;
            }
        }
    }

    async fn attempt_renamed(&mut self, to: &BTreeMap<String, String>) -> bool {
        let Some(candidate) = renamed(&self.best, to) else { return false };
        self.attempt(candidate).await
    }
}

/// The names of instances, in the order of their first use.
fn names(script: &Script) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for step in &script.steps {
        let mut value = serde_json::to_value(step).unwrap_or_default();
        each_name(&mut value, false, &mut |name| {
            if name != HERE && !found.contains(name) {
                found.push(name.clone());
            }
        });
    }
    found
}

fn renamed(script: &Script, to: &BTreeMap<String, String>) -> Option<Script> {
    let rename = |step: &Step| {
        let mut value = serde_json::to_value(step).ok()?;
        each_name(&mut value, false, &mut |name| {
            if let Some(new) = to.get(name) {
                name.clone_from(new);
            }
        });
        serde_json::from_value(value).ok()
    };
    Some(Script { steps: script.steps.iter().map(rename).collect::<Option<_>>()? })
}

fn each_name(value: &mut Value, named: bool, visit: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(name) if named => visit(name),
        Value::Array(values) => values.iter_mut().for_each(|value| each_name(value, named, visit)),
        Value::Object(fields) => {
            // A variant of a call may have the name of such a field, but holds
            // no name.
            fields.iter_mut().for_each(|(field, value)| each_name(value, is_name(field), visit));
        }
        _ => {}
    }
}
