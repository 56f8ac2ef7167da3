//! The properties of a test, besides the laws: what must hold always, sometimes, eventually
//! or at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::handle::Handle;
use super::panics::{self, panic_text};

/// A check, which returns what is wrong if the property does not hold.
type Test = Box<dyn Fn(&Handle) -> Result<(), String> + Send + Sync>;

/// The kind of a property, with its check.
pub(super) enum PropertyKind {
    Always(Test),
    Sometimes(Box<dyn Fn(&Handle) -> bool + Send + Sync>),
    Eventually(Test),
    AtEnd(Test),
}

/// A named property.
pub(super) struct Property {
    pub name: String,
    pub demand: PropertyKind,
}

/// A property that did not hold.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    pub name: String,
    pub what: String,
}

/// The properties of a run, and the first violation.
pub(super) struct Properties {
    list: Vec<Property>,
    /// Whether each property has been reached, in the order of `list`. Only for `sometimes`
    /// properties.
    reached: Vec<AtomicBool>,
    broken: Mutex<Option<Broken>>,
    /// The `eventually` properties that did not hold when the run ended.
    pending: Mutex<Vec<String>>,
}

impl Properties {
    pub fn new(list: Vec<Property>) -> Properties {
        let reached = list.iter().map(|_| AtomicBool::new(false)).collect();
        Properties { list, reached, broken: Mutex::default(), pending: Mutex::default() }
    }

    pub fn are_none(&self) -> bool {
        self.list.is_empty()
    }

    /// Checks the `always` properties until one fails, and the `sometimes` properties that
    /// have not held yet. Returns whether an `always` property is broken.
    pub fn look(&self, handle: &Handle) -> bool {
        if self.broken.lock().is_some() {
            return true;
        }
        let first = self.list.iter().zip(&self.reached).find_map(|(property, reached)| match &property.demand {
            PropertyKind::Always(test) => property.judge(|| test(handle)),
            PropertyKind::Sometimes(test) if !reached.load(Ordering::Relaxed) => property.judge(|| {
                reached.store(test(handle), Ordering::Relaxed);
                Ok(())
            }),
            PropertyKind::Sometimes(_) | PropertyKind::Eventually(_) | PropertyKind::AtEnd(_) => None,
        });
        let broken = first.is_some();
        *self.broken.lock() = first;
        broken
    }

    /// Whether any property is checked when nothing is under way or due.
    pub fn are_for_the_end(&self) -> bool {
        self.list.iter().any(|property| matches!(property.demand, PropertyKind::Eventually(_) | PropertyKind::AtEnd(_)))
    }

    /// Checks each `eventually` property.
    pub fn eventually(&self, handle: &Handle) -> impl Iterator<Item = Option<Broken>> {
        self.list.iter().filter_map(|property| match &property.demand {
            PropertyKind::Eventually(test) => Some(property.judge(|| test(handle))),
            PropertyKind::Always(_) | PropertyKind::Sometimes(_) | PropertyKind::AtEnd(_) => None,
        })
    }

    /// Returns the first `at_end` property that does not hold.
    pub fn at_end(&self, handle: &Handle) -> Option<Broken> {
        self.list.iter().find_map(|property| match &property.demand {
            PropertyKind::AtEnd(test) => property.judge(|| test(handle)),
            PropertyKind::Always(_) | PropertyKind::Sometimes(_) | PropertyKind::Eventually(_) => None,
        })
    }

    /// Returns the name of the first `at_end` property.
    pub fn first_at_end(&self) -> Option<String> {
        let first = self.list.iter().find(|property| matches!(property.demand, PropertyKind::AtEnd(_)));
        first.map(|property| property.name.clone())
    }

    /// Records the `eventually` properties that do not hold, for a run that ends before
    /// they are checked.
    pub fn note_pending(&self, handle: &Handle) {
        *self.pending.lock() =
            self.eventually(handle).flatten().map(|broken| format!("{:?}: {}", broken.name, broken.what)).collect();
    }

    /// Returns the properties recorded by [`Properties::note_pending`].
    pub fn take_pending(&self) -> Vec<String> {
        std::mem::take(&mut self.pending.lock())
    }

    pub fn broken(&self) -> Option<Broken> {
        self.broken.lock().clone()
    }

    /// Returns the names of the `sometimes` properties, and whether each held.
    pub fn sometimes(&self) -> BTreeMap<String, bool> {
        let mut all = BTreeMap::new();
        for (property, reached) in self.list.iter().zip(&self.reached) {
            if matches!(property.demand, PropertyKind::Sometimes(_)) {
                *all.entry(property.name.clone()).or_default() |= reached.load(Ordering::Relaxed);
            }
        }
        all
    }
}

impl Property {
    /// Runs the check. A panic is caught here, because inside a node's call it would be
    /// attributed to the node and lost.
    fn judge(&self, test: impl FnOnce() -> Result<(), String>) -> Option<Broken> {
        let told = catch_unwind(AssertUnwindSafe(|| panics::reported(test)))
            .unwrap_or_else(|payload| Err(format!("the check itself panicked: {}", panic_text(&*payload))));
        Some(Broken { name: self.name.clone(), what: told.err()? })
    }
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
