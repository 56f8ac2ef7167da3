//! [`Judge`]: what is done to each call.

use std::sync::{Arc, Weak};

use super::cause::Cause;
use super::cluster::Cluster;
use super::executor::Side;
use super::no_progress::NoProgress;
use super::panics;
use super::plan::Action;
use crate::call::Reply;
use crate::faults::{CallContext, FaultAction, FaultRule};
use crate::trace::NodeEvent;

/// The fault rule over all calls of a simulation: it applies the plan first, then the rules
/// of the test.
pub(super) struct Judge {
    cluster: Weak<Cluster>,
    rules: Vec<Arc<dyn FaultRule>>,
}

impl Judge {
    pub fn new(cluster: Weak<Cluster>, rules: Vec<Arc<dyn FaultRule>>) -> Judge {
        Judge { cluster, rules }
    }

    /// Counts a call, and ends the run if there are too many at one moment.
    fn count(&self, cluster: &Cluster, asked: &CallContext<'_>) {
        let calls = cluster.pulse.calls(asked.at);
        if calls > cluster.pulse.limits.calls {
            cluster.pulse.end_for(Cause::NoProgress(NoProgress::Calls {
                at: asked.at - cluster.start,
                calls,
                by: asked.by.to_owned(),
                method: asked.method(),
                instance: asked.call.instance().map(str::to_owned),
            }));
        }
    }
}

impl FaultRule for Judge {
    fn judge(&self, asked: &CallContext<'_>) -> FaultAction {
        panics::survived();
        let Some(cluster) = self.cluster.upgrade() else { return FaultAction::Pass };
        self.count(&cluster, asked);
        cluster.notice_fetcher(asked);
        cluster.pulse.note_turn(asked.by, asked.call, None);
        // Activities do their work between calls, so properties are checked here too.
        if !asked.call.is_read() {
            cluster.look();
        }
        let mut verdict = FaultAction::Pass;
        for what in cluster.executor.at(Side::Before, asked, &cluster.topology) {
            match what {
                Action::Fault(fault) if verdict == FaultAction::Pass => verdict = fault,
                Action::Fault(_) => {}
                what => cluster.perform(&what),
            }
        }
        for rule in &self.rules {
            if verdict == FaultAction::Pass {
                verdict = rule.judge(asked);
            }
        }
        if verdict.concerns(asked.call) {
            cluster.log.mark(asked.by, NodeEvent::Fault { method: asked.method(), nth: asked.nth, verdict });
        }
        verdict
    }

    fn applied(&self, asked: &CallContext<'_>, reply: &Reply) {
        let Some(cluster) = self.cluster.upgrade() else { return };
        self.rules.iter().for_each(|rule| rule.applied(asked, reply));
        cluster.pulse.note_turn(asked.by, asked.call, Some(reply));
        if let Some(no_progress) = cluster.chains.lock().note(asked, reply) {
            cluster.pulse.end_for(Cause::NoProgress(no_progress));
        }
        if let Some(unknown) = cluster.unknown_handler(asked, reply) {
            cluster.pulse.end_for(Cause::UnknownHandler(unknown));
        }
        if !asked.call.is_read() {
            cluster.look();
            cluster.codes.stir();
        }
        cluster.executor.at(Side::After, asked, &cluster.topology).iter().for_each(|what| cluster.perform(what));
    }
}
