//! What the test says must always hold, beside the laws.

use std::fmt;

use parking_lot::Mutex;

use super::handle::Handle;

/// Says what is wrong, where it is.
type Test = Box<dyn Fn(&Handle) -> Result<(), String> + Send + Sync>;

/// Something that must always hold.
pub(super) struct Property {
    pub name: String,
    pub test: Test,
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
    broken: Mutex<Option<Broken>>,
}

impl Properties {
    pub fn new(list: Vec<Property>) -> Properties {
        Properties { list, broken: Mutex::default() }
    }

    pub fn are_none(&self) -> bool {
        self.list.is_empty()
    }

    /// Looks at each until one does not hold. Says whether one does not.
    pub fn look(&self, handle: &Handle) -> bool {
        if self.broken.lock().is_some() {
            return true;
        }
        let first = self.list.iter().find_map(|property| {
            let what = (property.test)(handle).err()?;
            Some(Broken { name: property.name.clone(), what })
        });
        let broken = first.is_some();
        *self.broken.lock() = first;
        broken
    }

    pub fn broken(&self) -> Option<Broken> {
        self.broken.lock().clone()
    }
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
