//! Generated chains of executions, and what can be said about them without
//! asking a provider.
//!
//! Chains start a second apart, each execution lasts a whole number of
//! [`BEAT`]s or no time at all, and tests act half a beat later: nothing is
//! ever due at the moment at which a test looks.

use std::collections::BTreeMap;
use std::time::Duration;

use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::{Client, OrchestrationContext, OrchestrationStatus};
use duroxide_sim::sim::{Handle, START};
use duroxide_sim::{Node, Sim};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

const BEAT: u64 = 20_000;

/// A moment at which every chain has ended or waits for good.
pub const LATE: u64 = 40 * BEAT + BEAT / 2;

/// An instance with its executions.
#[derive(Clone, Debug)]
pub struct Chain {
    pub id: String,
    /// In milliseconds after [`START`].
    start: u64,
    plan: Plan,
}

/// What is left of a chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Plan {
    /// How many beats the executions last, in order.
    beats: Vec<u64>,
    /// Whether the last one waits for an event, and then continues as new once
    /// more. Otherwise it ends when its beats are over.
    open: bool,
    fails: bool,
}

impl Chain {
    /// How many executions there are before anybody raises the event.
    pub fn executions(&self) -> u64 {
        self.plan.beats.len() as u64
    }

    /// The last execution after somebody has raised the event.
    pub fn final_execution(&self) -> u64 {
        self.executions() + u64::from(self.plan.open)
    }

    /// When an execution ends, if it does.
    pub fn ended(&self, execution: u64) -> Option<u64> {
        let lasts_for_ever = self.plan.open && execution == self.executions();
        let beats: u64 = self.plan.beats.iter().take(execution as usize).sum();
        (!lasts_for_ever).then_some(self.start + beats * BEAT)
    }

    /// When the last execution starts.
    pub fn last_start(&self) -> u64 {
        let before = self.plan.beats.len() - 1;
        self.start + self.plan.beats[..before].iter().sum::<u64>() * BEAT
    }

    /// The execution that is the latest at a moment.
    pub fn current(&self, now: u64) -> u64 {
        let over = (1..self.executions()).filter(|execution| self.ended(*execution).is_some_and(|at| at <= now));
        over.count() as u64 + 1
    }
}

/// A chain; its id is a letter and its place among the chains.
pub fn any_chain(id: &'static str) -> impl Strategy<Value = Chain> {
    let beats = prop::collection::vec(prop_oneof![1 => Just(0), 3 => 1..=3u64], 1..=8);
    (beats, any::<bool>(), any::<bool>()).prop_map(move |(beats, open, fails)| {
        let place: u64 = id[1..].parse().expect("an id ends with its place");
        Chain { id: id.to_owned(), start: place * 1000, plan: Plan { beats, open, fails } }
    })
}

/// Half a beat after some beat.
pub fn any_moment() -> impl Strategy<Value = u64> {
    (0..=16u64).prop_map(|beats| beats * BEAT + BEAT / 2)
}

/// Each execution leaves a value, and the last one tells what it finds.
async fn link(ctx: OrchestrationContext, input: String) -> Result<String, String> {
    let mut plan: Plan = serde_json::from_str(&input).map_err(|error| error.to_string())?;
    let execution = ctx.execution_id();
    ctx.set_kv_value(format!("key{execution}"), execution.to_string());
    ctx.set_custom_status(format!("execution {execution}"));
    let beats = plan.beats.remove(0);
    if beats > 0 {
        ctx.schedule_timer(Duration::from_millis(beats * BEAT)).await;
    }
    if plan.beats.is_empty() && plan.open {
        ctx.schedule_wait("finish").await;
        plan = Plan { beats: vec![0], open: false, ..plan };
    }
    if !plan.beats.is_empty() {
        return ctx.continue_as_new(text(&plan)).await;
    }
    let found = ctx.get_kv_length().to_string();
    if plan.fails { Err(found) } else { Ok(found) }
}

fn text(plan: &Plan) -> String {
    serde_json::to_string(plan).expect("a plan is plain data")
}

/// A simulation that can run every chain.
pub fn world() -> Sim {
    let above = |ctx: OrchestrationContext, input: String| async move {
        let (id, plan): (String, String) = serde_json::from_str(&input).map_err(|error| error.to_string())?;
        let _ = ctx.schedule_sub_orchestration_with_id("Link", id, plan).await;
        Ok(String::new())
    };
    let orchestrations = OrchestrationRegistry::builder().register("Link", link).register("Above", above).build();
    Sim::new(11).node(Node::new("a", ActivityRegistry::builder().build(), orchestrations))
}

/// Starts the chains, each at its time.
pub async fn plant(sim: &Handle, chains: &[&Chain]) {
    for chain in chains {
        until(sim, chain.start).await;
        sim.client().start_orchestration(&chain.id, "Link", text(&chain.plan)).await.unwrap();
    }
}

/// Starts a chain as the child of a root that waits for it.
pub async fn plant_under(sim: &Handle, root: &str, chain: &Chain) {
    let input = serde_json::to_string(&(&chain.id, text(&chain.plan))).expect("a plan is plain data");
    sim.client().start_orchestration(root, "Above", input).await.unwrap();
}

/// Waits until so many milliseconds after the start.
pub async fn until(sim: &Handle, moment: u64) {
    sim.sleep((START + Duration::from_millis(moment)) - sim.now()).await;
}

/// Everything a client can see of these executions, and of the instance.
pub async fn views(client: &Client, id: &str, executions: &[u64]) -> BTreeMap<u64, String> {
    let info = client.get_instance_info(id).await;
    let values: BTreeMap<_, _> = client.get_kv_all_values(id).await.unwrap().into_iter().collect();
    let status = client.get_orchestration_status(id).await;
    let stats = client.get_orchestration_stats(id).await;
    let whole = format!("{info:?}\n{values:?}\n{status:?}\n{stats:?}");
    let mut views = BTreeMap::new();
    for execution in executions {
        let info = client.get_execution_info(id, *execution).await.unwrap();
        let history = client.read_execution_history(id, *execution).await.unwrap();
        views.insert(*execution, format!("{info:?}\n{history:?}\n{whole}"));
    }
    views
}

/// Lets a chain run to its end, through one more execution where it is open,
/// and checks that it finds every value that any execution has left.
pub async fn assert_comes_to_its_end(sim: &Handle, chain: &Chain) {
    let client = sim.client();
    until(sim, LATE).await;
    let executions = chain.final_execution();
    if chain.plan.open {
        let status = client.get_orchestration_status(&chain.id).await.unwrap();
        assert!(matches!(status, OrchestrationStatus::Running { .. }), "{chain:?} is {status:?}");
        client.raise_event(&chain.id, "finish", "").await.unwrap();
        sim.sleep(Duration::from_millis(1)).await;
    }
    let found = executions.to_string();
    match client.get_orchestration_status(&chain.id).await.unwrap() {
        OrchestrationStatus::Completed { output, .. } if !chain.plan.fails => assert_eq!(output, found),
        OrchestrationStatus::Failed { details, .. } if chain.plan.fails => {
            assert!(details.display_message().ends_with(&found), "{details:?}");
        }
        status => panic!("{chain:?} is {status:?}"),
    }
    let values: BTreeMap<_, _> = client.get_kv_all_values(&chain.id).await.unwrap().into_iter().collect();
    assert_eq!(values, (1..=executions).map(|n| (format!("key{n}"), n.to_string())).collect());
    assert_eq!(client.list_executions(&chain.id).await.unwrap().last(), Some(&executions));
}
