//! [`Awaited`]: the conditions that the tasks of the body wait for.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// What the tasks of the body wait for.
#[derive(Clone, Debug, Default)]
pub(super) struct Awaited(Arc<Mutex<(u64, BTreeMap<u64, String>)>>);

impl Awaited {
    /// Lists `what` until the returned guard is dropped.
    pub fn one(&self, what: String) -> impl Drop + use<> {
        struct One(Awaited, u64);
        impl Drop for One {
            fn drop(&mut self) {
                self.0.0.lock().1.remove(&self.1);
            }
        }
        let mut all = self.0.lock();
        all.0 += 1;
        let number = all.0;
        all.1.insert(number, what);
        One(self.clone(), number)
    }

    pub fn each(&self) -> Vec<String> {
        self.0.lock().1.values().cloned().collect()
    }
}
