//! One saboteur for each kind of fault: a workflow, or the way it is run, that is
//! wrong so that this kind alone shows it. Each kind by itself is tried at many
//! calls and moments of each saboteur's run, and of a run that is right.
//!
//! What a workflow cannot tell apart, and what is therefore not tried:
//!
//! - A fetch that is dropped looks like one that is refused. Who is wrong in a
//!   way that only a drop shows is a provider, one that takes an item first and
//!   answers later (see [`super::layer`]).
//! - A pause of the node just after a fetch, be it a stall, a partition or a late
//!   reply, that is as long as the lock looks like a short lock. Late replies are
//!   shorter here, and nodes pause later.
//! - A lock that ends between a look at it and what is done then looks like a
//!   stall between the two. Short locks are shorter here.
//! - A permanent refusal of a turn's or an activity's ack, or of a renewal, and a
//!   retryable one of a renewal: duroxide gives work up for those.
//! - A stop in good order looks like an upgrade to the same code.

mod saboteurs;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use duroxide_sim::call::{Effect, Method};
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{Client, ClientError, OrchestrationStatus};
use duroxide_sim::faults::FaultAction;
use duroxide_sim::sim::{Action, Plan};
use duroxide_sim::{Handle, Node, Sim};

use super::{SECOND, point};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Refuse,
    RefuseForGood,
    LoseReply,
    Delay,
    Hang,
    Drop,
    ShortLock,
    Crash,
    Upgrade,
    Partition,
    Stall,
    Skew,
}

const KINDS: [Kind; 12] = [
    Kind::Refuse,
    Kind::RefuseForGood,
    Kind::LoseReply,
    Kind::Delay,
    Kind::Hang,
    Kind::Drop,
    Kind::ShortLock,
    Kind::Crash,
    Kind::Upgrade,
    Kind::Partition,
    Kind::Stall,
    Kind::Skew,
];

impl Kind {
    /// What it may do to a call of this method.
    fn faults(self, method: Method) -> Vec<FaultAction> {
        let fetches = method.effect() == Effect::Fetch;
        let (long, none) = (10 * SECOND, Duration::ZERO);
        match self {
            Kind::Refuse => vec![FaultAction::Refuse { retryable: true }],
            Kind::RefuseForGood if matches!(method, Method::EnqueueForOrchestrator | Method::EnqueueForWorker) => {
                vec![FaultAction::Refuse { retryable: false }]
            }
            Kind::LoseReply => vec![FaultAction::LoseReply],
            Kind::Delay => {
                vec![FaultAction::Delay { before: long, after: none }, FaultAction::Delay { before: none, after: long }]
            }
            Kind::Hang => vec![FaultAction::Hang { applied: false }, FaultAction::Hang { applied: true }],
            Kind::Drop if fetches => {
                vec![FaultAction::Drop { after: SECOND / 2 }, FaultAction::Drop { after: 3 * SECOND }]
            }
            Kind::ShortLock if fetches => vec![FaultAction::ShortLock { lasts: SECOND / 2 }],
            _ => Vec::new(),
        }
    }

    /// What it may do to a node.
    fn troubles(self, node: &str) -> Vec<Action> {
        let skew = |by_ms| Action::Skew { node: node.to_owned(), by_ms };
        match self {
            Kind::Crash => vec![Action::crash(node, SECOND)],
            Kind::Partition => vec![Action::partition(node, 10 * SECOND), Action::partition(node, 60 * SECOND)],
            Kind::Stall => vec![Action::stall(node, 10 * SECOND), Action::stall(node, 60 * SECOND)],
            Kind::Skew => vec![skew(60_000), skew(-60_000)],
            _ => Vec::new(),
        }
    }

    /// Plans with this kind alone: the same calls of both nodes; one node, and
    /// with upgrades both.
    fn plans(self) -> Vec<Plan> {
        const METHODS: [Method; 5] = [
            Method::EnqueueForOrchestrator,
            Method::FetchOrchestrationItem,
            Method::AckOrchestrationItem,
            Method::FetchWorkItem,
            Method::AckWorkItem,
        ];
        let calls = METHODS.into_iter().flat_map(|method| (1..=2).map(move |nth| (method, nth)));
        let both = |method: Method, nth, verdict| {
            Plan::new().fault(point("a", method, nth), verdict).fault(point("b", method, nth), verdict)
        };
        let mut plans: Vec<Plan> = calls
            .flat_map(|(method, nth)| {
                let faults = self.faults(method).into_iter();
                faults.map(move |verdict| both(method, nth, verdict)).collect::<Vec<_>>()
            })
            .collect();
        for at in [5, 11, 15, 21, 50, 120].map(|tenths| SECOND * tenths / 10) {
            let troubles = ["a", "b"].into_iter().flat_map(|node| self.troubles(node));
            plans.extend(troubles.map(|what| Plan::new().at(at, what)));
            if self == Kind::Upgrade {
                plans.push(Plan::new().at(at, Action::upgrade("a", "next")).at(at, Action::upgrade("b", "next")));
            }
        }
        plans
    }
}

/// What is run: nodes a and b with an orchestration `Work`.
struct Bench {
    activities: ActivityRegistry,
    orchestrations: OrchestrationRegistry,
    /// What an upgrade leads to, where that is other code.
    next: Option<OrchestrationRegistry>,
    /// Whether somebody restarts nodes that get no further.
    watched: bool,
    /// Set when something has gone wrong that the outcome does not show.
    wrong: Arc<AtomicBool>,
}

impl Bench {
    /// Whether it comes out as it should.
    fn goes_well(self, plan: Plan, outcome: &str) -> bool {
        let next = self.next.unwrap_or_else(|| self.orchestrations.clone());
        let sim = ["a", "b"].into_iter().fold(Sim::new(1), |sim, node| {
            let node = Node::new(node, self.activities.clone(), self.orchestrations.clone());
            sim.node(node.with_build("next", self.activities.clone(), next.clone()))
        });
        let watched = self.watched;
        let run = sim.plan(plan).allow_unreached().try_run(move |sim| watch(sim, watched));
        run.is_ok_and(|run| run.value == outcome) && !self.wrong.load(Ordering::Relaxed)
    }
}

/// Runs one instance, and says what it returned. What still goes on then has two
/// more minutes.
async fn watch(sim: Handle, watched: bool) -> Result<String, String> {
    let client = sim.client();
    client.start_orchestration("i", "Work", "").await.map_err(|error| error.to_string())?;
    let mut output = end(&client, 600 * SECOND).await;
    for _ in 0..4 {
        if output.is_ok() || !watched {
            break;
        }
        for node in ["a", "b"] {
            sim.crash(node).map_err(|error| error.to_string())?;
            sim.start(node).await.map_err(|error| error.to_string())?;
        }
        output = end(&client, 600 * SECOND).await;
    }
    sim.sleep(120 * SECOND).await;
    output.map_err(|error| error.to_string())
}

async fn end(client: &Client, within: Duration) -> Result<String, ClientError> {
    Ok(match client.wait_for_orchestration("i", within).await? {
        OrchestrationStatus::Completed { output, .. } => output,
        other => format!("{other:?}"),
    })
}

/// Only these kinds show that something is wrong, and without a fault nothing
/// does.
#[track_caller]
fn only(kinds: &[Kind], outcome: &str, bench: impl Fn() -> Bench) {
    assert!(bench().goes_well(Plan::new(), outcome), "it goes wrong without a fault");
    let mut shown_by = BTreeSet::new();
    let mut first = String::new();
    for kind in KINDS {
        if let Some(plan) = kind.plans().into_iter().find(|plan| !bench().goes_well(plan.clone(), outcome)) {
            shown_by.insert(kind);
            first += &format!("{kind:?}:\n{plan}");
        }
    }
    assert_eq!(shown_by, BTreeSet::from_iter(kinds.iter().copied()), "{first}");
}
