//! [`RunContext`]: what a run is made of, shared between its thread and the watchdog.

use std::sync::Arc;

use parking_lot::Mutex;

use super::doubles::Doubles;
use super::effects::Effects;
use super::handlers::Handlers;
use super::limits::Limits;
use super::node::Node;
use super::pulse::Pulse;
use super::record::Record;
use super::storages::Storages;
use super::storm::Storm;
use crate::clock::Time;
use crate::faults::FaultRule;
use crate::logs::Lines;
use crate::provider::Memory;
use crate::seed::Seed;
use crate::trace::Log;

/// What the nodes and clients of a run need, shared between threads.
pub(super) struct RunContext {
    pub seed: Seed,
    pub start: Time,
    pub limits: Limits,
    pub memory: Arc<Memory>,
    pub storages: Arc<Storages>,
    pub log: Log,
    /// What the code of the run logs.
    pub lines: Lines,
    pub pulse: Arc<Pulse>,
    pub record: Arc<Mutex<Record>>,
    pub effects: Effects,
    pub doubles: Arc<Doubles>,
    pub handlers: Arc<Handlers>,
    pub unknown_handlers: bool,
}

impl RunContext {
    /// Returns when the calm begins: at the start, if there is no storm.
    pub fn calm(&self) -> Time {
        self.start + self.record.lock().plan.calm.unwrap_or_default()
    }
}

/// The nodes of a run, and its sources of faults besides the plan.
pub(super) struct RunSpec {
    pub nodes: Vec<Node>,
    pub rules: Vec<Arc<dyn FaultRule>>,
    pub storm: Option<Storm>,
    pub latencies: bool,
}
