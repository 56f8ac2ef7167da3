//! [`Origin`]: whose code is running on the thread of a simulation.
//!
//! The code of an activity is known while it is polled. A turn runs in the task that fetched it,
//! as does what duroxide itself does for a work item, so each fetch is recorded with its task. Any
//! other task is known by its latest call, until another task makes one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::Id;

use super::lines::Lines;
use crate::clock;

/// Whose code logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub node: Arc<str>,
    pub instance: Option<String>,
    pub activity: Option<String>,
    pub attempt: Option<u64>,
}

/// Where in a run the code is that runs now, and whose it is.
pub(crate) struct Place {
    /// The virtual time since the start of the run.
    pub at: Duration,
    /// The number of provider calls in the trace.
    pub calls: usize,
    pub origin: Option<Origin>,
}

#[derive(Default)]
struct Known {
    /// The log of the run.
    lines: Option<Lines>,
    /// What is being polled.
    polled: Option<Arc<Origin>>,
    /// What each task of a runtime has fetched. No order of these shows. Hashed without a key: the
    /// first random key on a thread determines those of the code under test.
    fetched: HashMap<Id, Origin, BuildHasherDefault<DefaultHasher>>,
    /// The task whose call was answered last, and its node.
    answered: Option<(Id, Arc<str>)>,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// Runs code of this origin.
pub(crate) fn within<T>(origin: &Arc<Origin>, code: impl FnOnce() -> T) -> T {
    struct Back(Option<Arc<Origin>>);
    impl Drop for Back {
        fn drop(&mut self) {
            KNOWN.with_borrow_mut(|known| known.polled = self.0.take());
        }
    }
    let _back = Back(KNOWN.with_borrow_mut(|known| known.polled.replace(origin.clone())));
    code()
}

/// Drives a future whose code has this origin.
pub(crate) async fn from<T>(origin: Origin, code: impl Future<Output = T>) -> T {
    let (origin, mut code) = (Arc::new(origin), pin!(code));
    poll_fn(|cx| within(&origin, || code.as_mut().poll(cx))).await
}

/// Records what this task works on from now on, because it has fetched it, or found nothing.
pub(crate) fn fetched(node: &Arc<str>, instance: Option<&str>, activity: Option<&str>) {
    let Some(task) = tokio::task::try_id() else { return };
    KNOWN.with_borrow_mut(|known| {
        let origin = known.fetched.entry(task).or_default();
        origin.node.clone_from(node);
        put(&mut origin.instance, instance);
        put(&mut origin.activity, activity);
    });
}

/// Puts a text in the place of another, without a new allocation: there are many fetches.
fn put(place: &mut Option<String>, text: Option<&str>) {
    match (place.as_mut(), text) {
        (Some(old), Some(new)) => new.clone_into(old),
        (_, new) => *place = new.map(str::to_owned),
    }
}

/// Records that a call by this task was answered, and the node to which it belongs.
pub(crate) fn answered(node: &Arc<str>) {
    if let Some(task) = tokio::task::try_id() {
        KNOWN.with_borrow_mut(|known| known.answered = Some((task, node.clone())));
    }
}

/// Returns where in its run the code of this thread is; `None` outside of a simulation.
pub(crate) fn place() -> Option<Place> {
    let lines = KNOWN.try_with(|known| known.try_borrow().ok()?.lines.clone()).ok().flatten()?;
    Some(Place { at: clock::now() - lines.start(), calls: lines.calls(), origin: here() })
}

/// Returns whose code is running, as far as that is known.
fn here() -> Option<Origin> {
    let task = tokio::task::try_id();
    // A thread that is ending has lost its record.
    let known = KNOWN.try_with(|known| {
        let known = known.try_borrow().ok()?;
        if let Some(polled) = &known.polled {
            return Some((**polled).clone());
        }
        let task = task?;
        let by_answer = || known.answered.as_ref().filter(|(by, _)| *by == task);
        let of_node = |(_, node): &(Id, Arc<str>)| Origin { node: node.clone(), ..Origin::default() };
        known.fetched.get(&task).cloned().or_else(|| by_answer().map(of_node))
    });
    known.ok().flatten()
}

/// Begins a run on this thread, with this log.
pub(super) fn begin(lines: &Lines) {
    KNOWN.set(Known { lines: Some(lines.clone()), ..Known::default() });
}
