//! [`Source`]: a run to be shown.

use super::cause::CauseMoment;
use super::given::Given;
use super::walk::Walked;
use crate::sim::Unfinished;
use crate::trace::Trace;

/// A run to be shown.
pub(super) struct Source<'a> {
    pub name: String,
    pub trace: &'a Trace,
    /// The indices of its calls in the whole run, if it is a part of it.
    pub numbers: Vec<usize>,
    /// The number of calls in the whole run.
    pub calls: usize,
    pub seed: Option<String>,
    /// In milliseconds.
    pub elapsed: u64,
    pub failure: Option<SourceFailure>,
    pub given: Vec<Given>,
    pub walked: Walked,
}

/// How the run failed.
pub(super) struct SourceFailure {
    pub headline: String,
    pub text: String,
    /// In milliseconds since the start.
    pub at: u64,
    pub cause: Option<CauseMoment>,
    pub instances: Vec<String>,
    /// What the unfinished instances wait for.
    pub waits: Vec<Unfinished>,
}
