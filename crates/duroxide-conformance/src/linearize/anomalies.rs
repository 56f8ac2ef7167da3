//! Deviations of a provider that also occur with sequential calls.
//!
//! Scripts find and report those. Concurrent mode tolerates them, so that they
//! do not hide deviations that require concurrency.

use std::collections::BTreeSet;
use std::mem::discriminant;

use crate::oracle::Aspect;

/// The known deviations, by method and kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct SequentialAnomalies(BTreeSet<(&'static str, String)>);

impl SequentialAnomalies {
    /// Records a deviation. Returns whether it is new.
    pub fn learn(&mut self, method: &'static str, aspect: &Aspect) -> bool {
        self.0.insert((method, kind(aspect)))
    }

    /// Whether this deviation is known.
    pub fn contains(&self, method: &'static str, aspect: &Aspect) -> bool {
        !self.0.is_empty() && self.0.contains(&(method, kind(aspect)))
    }

    /// Whether any deviation of this method is known.
    pub fn has_any_of(&self, method: &str) -> bool {
        self.0.iter().any(|(known, _)| *known == method)
    }
}

/// The kind of an aspect, without times.
fn kind(aspect: &Aspect) -> String {
    match aspect {
        Aspect::Barred(bar) => format!("{:?}", discriminant(bar)),
        other => format!("{other:?}"),
    }
}
