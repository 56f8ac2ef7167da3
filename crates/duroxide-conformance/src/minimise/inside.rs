//! Simplifies steps: treats a step as the tree of its JSON, and tries simpler
//! values at every place of the tree.

use std::time::Duration;

use serde_json::Value;

use super::path::{Key, Path};
use super::plainer::{duration_of, emptied, plainer, span_of};
use super::{Search, names};
use crate::drive::Run;
use crate::script::{Script, Step};

impl<F: AsyncFnMut(&Script) -> Option<Run>> Search<F> {
    /// Simplifies the steps, one after the other.
    pub(super) async fn simplify(&mut self) {
        let mut at = 0;
        while at < self.best.len() && !self.is_spent() {
            self.empty_step(at).await;
            self.simplify_step(at).await;
            at += 1;
        }
    }

    /// Removes all optional parts of a step at once.
    async fn empty_step(&mut self, at: usize) {
        let Ok(value) = serde_json::to_value(&self.best.steps[at]) else { return };
        if let Some(step) = emptied(value) {
            self.attempt_step(at, step).await;
        }
    }

    async fn simplify_step(&mut self, at: usize) {
        let mut place = 0;
        while at < self.best.len() && !self.is_spent() {
            let Ok(value) = serde_json::to_value(&self.best.steps[at]) else { return };
            let places = places(&value);
            let Some(path) = places.get(place) else { return };
            // Candidates are tried only once, so visiting the same place again
            // costs little.
            if !self.simplify_place(at, &value, path).await {
                place += 1;
            }
        }
    }

    async fn simplify_place(&mut self, at: usize, value: &Value, path: &Path) -> bool {
        let Some(old) = find(value, path) else { return false };
        for new in plainer(value, path, old) {
            let mut changed = value.clone();
            if let Some(place) = find_mut(&mut changed, path) {
                *place = new.clone();
            }
            let Ok(step) = serde_json::from_value::<Step>(changed) else { continue };
            if step == self.best.steps[at] {
                continue;
            }
            if self.attempt_step(at, step.clone()).await {
                return true;
            }
            if let (Some(old), Some(new)) = (span_of(path, old), span_of(path, &new))
                && self.shorten_with_a_wait(at, step, old, new).await
            {
                return true;
            }
        }
        false
    }

    /// Shortens a lock together with a wait for it.
    async fn shorten_with_a_wait(&mut self, at: usize, step: Step, old: Duration, new: Duration) -> bool {
        let Some(less) = old.checked_sub(new).and_then(|less| u64::try_from(less.as_millis()).ok()) else {
            return false;
        };
        for wait in 0..self.best.len() {
            let Step::Wait(ms) = self.best.steps[wait] else { continue };
            let mut candidate = self.best.clone();
            if wait == at || ms < less || less == 0 {
                continue;
            }
            candidate.steps[at] = step.clone();
            candidate.steps[wait] = Step::Wait(ms - less);
            if self.attempt(candidate).await {
                return true;
            }
        }
        false
    }
}

/// Every place of a step that may be simplified, outer ones first.
fn places(value: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    visit(value, &mut Vec::new(), &mut found);
    found
}

fn visit(value: &Value, path: &mut Path, found: &mut Vec<Path>) {
    found.push(path.clone());
    if duration_of(value).is_some()
        || matches!(path.last(), Some(Key::Field(field)) if names::is_name(field) && value.is_string())
    {
        return;
    }
    let mut go = |key: Key, value: &Value| {
        path.push(key);
        visit(value, path, found);
        path.pop();
    };
    match value {
        Value::Array(values) => values.iter().enumerate().for_each(|(at, value)| go(Key::At(at), value)),
        Value::Object(fields) => fields.iter().for_each(|(field, value)| go(Key::Field(field.clone()), value)),
        _ => {}
    }
}

fn find<'a>(value: &'a Value, path: &[Key]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| match key {
        Key::Field(field) => value.get(field),
        Key::At(at) => value.get(at),
    })
}

fn find_mut<'a>(value: &'a mut Value, path: &[Key]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, key| match key {
        Key::Field(field) => value.get_mut(field),
        Key::At(at) => value.get_mut(at),
    })
}
