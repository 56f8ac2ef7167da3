//! [`Storages`]: the simulation's storage, and further ones that the body asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::laws::{self, Breach};
use crate::provider::Memory;
use crate::trace::{Entry, Remains, Trace};

/// All storages of a run.
pub(super) struct Storages {
    main: Arc<Memory>,
    /// Whether anything has been given access to the simulation's own storage.
    used: AtomicBool,
    /// The further storages, each with the name of its only caller.
    further: Mutex<Vec<(String, Arc<Memory>)>>,
}

impl Storages {
    /// Creates the storages of a run, of which there is one. Nodes use it from the start.
    pub fn new(main: Arc<Memory>, has_nodes: bool) -> Storages {
        Storages { main, used: AtomicBool::new(has_nodes), further: Mutex::default() }
    }

    /// Returns the simulation's own storage, for a caller.
    pub fn main(&self) -> Arc<Memory> {
        self.used.store(true, Ordering::Relaxed);
        self.main.clone()
    }

    /// Returns a storage that nothing has used, for the caller `name`.
    pub fn unused(&self, name: &str) -> Arc<Memory> {
        if !self.used.swap(true, Ordering::Relaxed) {
            return self.main.clone();
        }
        let memory = Arc::new(Memory::with_settings(self.main.settings()));
        self.further.lock().push((name.to_owned(), memory.clone()));
        memory
    }

    /// Returns every storage.
    pub fn all(&self) -> Vec<Arc<Memory>> {
        let further = self.further.lock();
        std::iter::once(&self.main).chain(further.iter().map(|(_, memory)| memory)).cloned().collect()
    }

    /// Checks every law over the calls to each storage.
    pub fn check(&self, trace: &Trace) -> Vec<Breach> {
        let further = self.further.lock();
        if further.is_empty() {
            return laws::check(trace);
        }
        let storage_of = |entry: &Entry| further.iter().position(|(name, _)| **name == *entry.by);
        let mut breaches = Vec::new();
        for storage in std::iter::once(None).chain((0..further.len()).map(Some)) {
            let of_storage = trace.entries.iter().enumerate().filter(|(_, entry)| storage_of(entry) == storage);
            let (numbers, entries): (Vec<usize>, Vec<Entry>) = of_storage.map(|(n, entry)| (n, entry.clone())).unzip();
            let remains = match storage {
                Some(further_one) => Some(remains(&further[further_one].1)),
                None => trace.remains.clone(),
            };
            let part = Trace { started: trace.started, entries, marks: Vec::new(), remains };
            let at = |breach: Breach| Breach { entry: breach.entry.map(|number| numbers[number]), ..breach };
            breaches.extend(laws::check(&part).into_iter().map(at));
        }
        breaches.sort_by_key(|breach| breach.entry.unwrap_or(usize::MAX));
        breaches
    }
}

/// Returns what is in the queues of a storage.
pub(super) fn remains(memory: &Memory) -> Remains {
    let (messages, jobs) = memory.inspect(|store| store.queued());
    Remains { messages, jobs }
}
