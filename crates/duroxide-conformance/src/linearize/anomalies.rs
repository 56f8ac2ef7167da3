//! Deviations of a provider that also occur with sequential calls.
//!
//! Scripts find and report those. Concurrent mode tolerates them, so that they
//! do not hide deviations that require concurrency.

use duroxide_sim::call::Method;

use crate::mismatch::Aspect;

/// The known deviations, by method and kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct SequentialAnomalies(Vec<(Method, Aspect)>);

impl SequentialAnomalies {
    /// Records a deviation. Returns whether it is new.
    pub fn learn(&mut self, method: Method, aspect: &Aspect) -> bool {
        let is_new = !self.contains(method, aspect);
        if is_new {
            self.0.push((method, aspect.untimed()));
        }
        is_new
    }

    /// Whether this deviation is known.
    pub fn contains(&self, method: Method, aspect: &Aspect) -> bool {
        self.0.iter().any(|(known, kind)| *known == method && *kind == aspect.untimed())
    }

    /// Whether any deviation of this method is known.
    pub fn has_any_of(&self, method: Method) -> bool {
        self.0.iter().any(|(known, _)| *known == method)
    }
}
