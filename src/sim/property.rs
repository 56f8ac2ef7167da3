//! What the test says must hold always, sometimes, eventually or at the end,
//! beside the laws.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::handle::Handle;
use super::panics;
use super::run::panic_text;

/// Says what is wrong, where it is.
type Test = Box<dyn Fn(&Handle) -> Result<(), String> + Send + Sync>;

/// What is demanded.
pub(super) enum PropertyKind {
    Always(Test),
    Sometimes(Box<dyn Fn(&Handle) -> bool + Send + Sync>),
    Eventually(Test),
    AtEnd(Test),
}

/// Something that is demanded, by name.
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

/// The properties of a run, and the first that did not hold.
pub(super) struct Properties {
    list: Vec<Property>,
    /// Which of the list have held that should sometimes.
    reached: Vec<AtomicBool>,
    broken: Mutex<Option<Broken>>,
    /// What must hold eventually and did not at the run's end.
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

    /// Looks at each that must always hold until one does not, and at each that
    /// should sometimes and has not. Says whether one does not hold.
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

    /// Whether there is anything that is judged when nothing is under way or due.
    pub fn are_for_the_end(&self) -> bool {
        self.list.iter().any(|property| matches!(property.demand, PropertyKind::Eventually(_) | PropertyKind::AtEnd(_)))
    }

    /// Each that must hold eventually, where it does not yet.
    pub fn eventually(&self, handle: &Handle) -> impl Iterator<Item = Option<Broken>> {
        self.list.iter().filter_map(|property| match &property.demand {
            PropertyKind::Eventually(test) => Some(property.judge(|| test(handle))),
            PropertyKind::Always(_) | PropertyKind::Sometimes(_) | PropertyKind::AtEnd(_) => None,
        })
    }

    /// The first that must hold at the end and does not.
    pub fn at_end(&self, handle: &Handle) -> Option<Broken> {
        self.list.iter().find_map(|property| match &property.demand {
            PropertyKind::AtEnd(test) => property.judge(|| test(handle)),
            PropertyKind::Always(_) | PropertyKind::Sometimes(_) | PropertyKind::Eventually(_) => None,
        })
    }

    /// The name of the first that must hold at the end.
    pub fn first_at_end(&self) -> Option<String> {
        let first = self.list.iter().find(|property| matches!(property.demand, PropertyKind::AtEnd(_)));
        first.map(|property| property.name.clone())
    }

    /// Takes note of them, when a run ends before they are asked for.
    pub fn note_pending(&self, handle: &Handle) {
        *self.pending.lock() =
            self.eventually(handle).flatten().map(|broken| format!("{:?}: {}", broken.name, broken.what)).collect();
    }

    /// Those that were taken note of.
    pub fn take_pending(&self) -> Vec<String> {
        std::mem::take(&mut self.pending.lock())
    }

    pub fn broken(&self) -> Option<Broken> {
        self.broken.lock().clone()
    }

    /// Those that should sometimes hold, and whether they did.
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
    /// A panic in a node's call would be the node's, and be lost there.
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
