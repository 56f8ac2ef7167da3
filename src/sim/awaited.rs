//! [`Awaited`]: the conditions that the tasks of the body wait for, and the calls that doubles
//! keep waiting.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// A condition, as the end of a sentence.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub what: String,
    /// The instance that it is about, if it is about one.
    pub instance: Option<String>,
}

/// What waits at this moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Awaited(Arc<Mutex<(u64, BTreeMap<u64, Condition>)>>);

impl Awaited {
    /// Lists a condition until the returned guard is dropped.
    pub fn one(&self, condition: Condition) -> impl Drop + use<> {
        struct One(Awaited, u64);
        impl Drop for One {
            fn drop(&mut self) {
                self.0.0.lock().1.remove(&self.1);
            }
        }
        let mut all = self.0.lock();
        all.0 += 1;
        let number = all.0;
        all.1.insert(number, condition);
        One(self.clone(), number)
    }

    pub fn count(&self) -> usize {
        self.0.lock().1.len()
    }

    pub fn each(&self) -> Vec<Condition> {
        self.0.lock().1.values().cloned().collect()
    }
}
