//! A small map with ascending numeric keys: executions by their ids.
//!
//! Most instances have one execution, for which a tree node would take more memory than the rest of
//! the instance.

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chain<T>(Vec<(u64, T)>);

impl<T> Default for Chain<T> {
    fn default() -> Chain<T> {
        Chain(Vec::new())
    }
}

impl<T> Chain<T> {
    fn position(&self, id: u64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&id, |entry| entry.0)
    }

    pub fn get(&self, id: u64) -> Option<&T> {
        self.position(id).ok().map(|at| &self.0[at].1)
    }

    /// The value of `id`, which is inserted if it does not exist.
    pub fn or_insert_with(&mut self, id: u64, make: impl FnOnce() -> T) -> &mut T {
        let at = self.position(id).unwrap_or_else(|at| {
            if self.0.is_empty() {
                self.0.reserve_exact(1);
            }
            self.0.insert(at, (id, make()));
            at
        });
        &mut self.0[at].1
    }

    pub fn remove(&mut self, id: u64) -> Option<T> {
        self.position(id).ok().map(|at| self.0.remove(at).1)
    }

    pub fn last_id(&self) -> Option<u64> {
        self.0.last().map(|entry| entry.0)
    }

    pub fn ids(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|entry| entry.0)
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, &T)> {
        self.0.iter().map(|(id, value)| (*id, value))
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().map(|entry| &mut entry.1)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
