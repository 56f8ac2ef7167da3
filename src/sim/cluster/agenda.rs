//! The agenda: carries out what is due at a virtual time.

use std::pin::pin;
use std::sync::{Arc, Weak};

use duroxide::Client;
use tokio::sync::Notify;

use super::Cluster;
use crate::clock::{self, Time};
use crate::provider::Port;
use crate::sim::client_call::{self, ClientCall};
use crate::sim::executor::Due;
use crate::sim::node_error::NodeError;
use crate::sim::plan::Action;
use crate::sim::tasks::ours;

impl Cluster {
    /// Starts the agenda's task, once there is an item on the agenda.
    pub(super) fn keep_agenda(self: &Arc<Self>) {
        if self.executor.begins_agenda() {
            ours(|| tokio::spawn(keep(Arc::downgrade(self), self.executor.bell())));
        }
    }

    /// Carries out an item of the agenda.
    fn carry_out(self: &Arc<Self>, due: Due) {
        match due {
            Due::PlanEntry(number) => self.perform(&self.executor.reach(number)),
            Due::Approach(number, at) => {
                let is_tie = || self.memory.inspect(|store| store.has_message_due_at(at));
                if self.executor.comes_first(number, self.seed, is_tie) {
                    self.perform(&self.executor.reach(number));
                } else {
                    self.executor.schedule(at, Due::Last(number));
                }
            }
            Due::Last(number) => {
                let (cluster, what) = (self.clone(), self.executor.reach(number));
                ours(|| {
                    tokio::spawn(async move {
                        let _under_way = cluster.sleepers.one();
                        clock::settle().await;
                        cluster.perform(&what);
                    })
                });
            }
            Due::Start(node) => self.start_aside(&node, &Action::Start { node: node.clone() }),
            Due::End(node, impairment) => {
                self.end_impairment(&node, impairment, clock::now()).expect("a node with an impairment exists");
            }
        }
        self.codes.stir();
    }

    /// Makes a client call of the plan. Until it is answered, it counts as under way.
    pub(super) fn call_as_client(self: &Arc<Self>, call: &ClientCall, what: &Action) {
        let (cluster, call, what) = (self.clone(), call.clone(), what.clone());
        tokio::spawn(async move {
            let _under_way = cluster.sleepers.one();
            let client = Client::new(Arc::new(Port::over(cluster.client_storage(client_call::CALLER))));
            let lost = call.is_lost_without_instance() && !cluster.memory.inspect(|store| store.knows(call.instance()));
            let done = match call.make(&client).await {
                Ok(()) if lost => {
                    let none = cluster.no_instance(call.instance());
                    Err(NodeError::Plan(format!("It reached nobody: {none}.")))
                }
                done => done.map_err(|error| NodeError::Plan(error.to_string())),
            };
            cluster.skipped(client_call::CALLER, &what, done);
        });
    }
}

/// Carries out the items of the agenda, each at its time.
async fn keep(cluster: Weak<Cluster>, bell: Arc<Notify>) {
    loop {
        let mut rung = pin!(bell.notified());
        rung.as_mut().enable();
        let Some(cluster) = cluster.upgrade() else { return };
        while let Some(due) = cluster.executor.due(clock::now()) {
            cluster.carry_out(due);
        }
        let next = cluster.executor.next().unwrap_or(Time::MAX);
        drop(cluster);
        tokio::select! {
            biased;
            () = rung => {}
            () = clock::sleep_until(next) => {}
        }
    }
}
