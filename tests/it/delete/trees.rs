//! Generated trees of sub-orchestrations, and what can be said about them
//! without asking a provider.
//!
//! Roots start a second apart, everything in a tree happens at a multiple of
//! [`BEAT`] after its root's start, and tests act half a beat later: nothing
//! is ever due at the moment at which a test looks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use duroxide::providers::{Provider, TagFilter};
use duroxide::runtime::RuntimeOptions;
use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::{ActivityContext, Client, OrchestrationContext, OrchestrationStatus};
use duroxide_sim::sim::{Handle, START};
use duroxide_sim::{Node, Sim};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// Milliseconds between two things that happen in a tree.
pub const BEAT: u64 = 20_000;

/// One orchestration with its children.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Branch {
    pub fate: Fate,
    /// How many executions come before the one that does everything.
    pub continues: u64,
    /// Whether the children are started after the orchestration's own wait,
    /// and not before it.
    pub late: bool,
    /// Whether it waits for its children. Otherwise it may end before them.
    pub joins: bool,
    pub values: usize,
    pub status: bool,
    pub children: Vec<Branch>,
}

impl Branch {
    /// An orchestration that has a fate and nothing else.
    pub fn leaf(fate: Fate) -> Branch {
        Branch { fate, continues: 0, late: false, joins: false, values: 0, status: false, children: Vec::new() }
    }
}

/// What an orchestration waits for, in beats. All but the first two also end
/// with the event `finish`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    Complete,
    Fail,
    Forever,
    Timer(u64),
    Work(u64),
    Session(u64),
    /// An activity that no worker takes.
    Unserved,
}

impl Fate {
    /// How long it waits by itself, in milliseconds.
    fn length(self) -> Option<u64> {
        match self {
            Fate::Complete | Fate::Fail => Some(0),
            Fate::Timer(beats) | Fate::Work(beats) | Fate::Session(beats) => Some(beats * BEAT),
            Fate::Forever | Fate::Unserved => None,
        }
    }
}

/// What is known of one instance. Times are in milliseconds after [`START`].
#[derive(Clone, Debug)]
pub struct Known {
    pub id: String,
    pub parent: Option<String>,
    pub fate: Fate,
    /// `None` for children of a parent that waits for ever before it starts them.
    pub start: Option<u64>,
    /// When its own wait is over.
    pub waited: Option<u64>,
    pub end: Option<u64>,
    pub executions: u64,
    pub values: usize,
    pub status: bool,
}

impl Known {
    pub fn exists(&self, now: u64) -> bool {
        self.start.is_some_and(|start| start <= now)
    }

    pub fn ended(&self, now: u64) -> bool {
        self.end.is_some_and(|end| end <= now)
    }

    /// How many messages and jobs it has in the queues: the timer's message is
    /// sent when the timer is created, and a job stays until it is acked.
    pub fn queued(&self, now: u64) -> u64 {
        let waits = self.exists(now) && self.waited.is_none_or(|at| at > now);
        u64::from(waits && !matches!(self.fate, Fate::Forever))
    }
}

/// A tree as it will be if nobody interferes, parents first.
pub fn tree(id: &str, node: &Branch, start: u64) -> Vec<Known> {
    let mut all = Vec::new();
    grow(id, None, node, Some(start), &mut all);
    all
}

/// Adds a node and its descendants; returns when the node ends.
fn grow(id: &str, parent: Option<&str>, node: &Branch, start: Option<u64>, all: &mut Vec<Known>) -> Option<u64> {
    let waited = start.zip(node.fate.length()).map(|(start, length)| start + length);
    let place = all.len();
    all.push(Known {
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        fate: node.fate,
        start,
        waited,
        end: None,
        executions: node.continues + 1,
        values: node.values,
        status: node.status,
    });
    let mut end = waited;
    for (n, child) in node.children.iter().enumerate() {
        let from = if node.late { waited } else { start };
        let child = grow(&format!("{id}.{n}"), Some(id), child, from, all);
        if node.joins {
            end = end.and_then(|end| child.map(|child| end.max(child)));
        }
    }
    all[place].end = end;
    end
}

/// The forest of these roots, each with its tree.
pub fn forest(roots: &[Branch]) -> Vec<Vec<Known>> {
    roots.iter().enumerate().map(|(n, root)| tree(&format!("r{n}"), root, n as u64 * 1000)).collect()
}

/// What of a forest exists at a moment.
pub fn existing(trees: &[Vec<Known>], now: u64) -> Vec<Known> {
    trees.iter().flatten().filter(|known| known.exists(now)).cloned().collect()
}

pub fn any_node() -> impl Strategy<Value = Branch> {
    let leaf = any_childless();
    leaf.prop_recursive(3, 12, 3, |inner| {
        (any_childless(), prop::collection::vec(inner, 1..=3)).prop_map(|(node, children)| Branch { children, ..node })
    })
}

fn any_childless() -> impl Strategy<Value = Branch> {
    let fate = prop_oneof![
        4 => Just(Fate::Complete),
        1 => Just(Fate::Fail),
        1 => Just(Fate::Forever),
        2 => (1..=4u64).prop_map(Fate::Timer),
        2 => (1..=4u64).prop_map(Fate::Work),
        1 => (1..=4u64).prop_map(Fate::Session),
        1 => Just(Fate::Unserved),
    ];
    let rest = (prop_oneof![3 => Just(0), 1 => 1..=2u64], any::<bool>(), any::<bool>(), 0..=2usize, any::<bool>());
    (fate, rest).prop_map(|(fate, (continues, late, joins, values, status))| Branch {
        fate,
        continues,
        late,
        joins,
        values,
        status,
        children: Vec::new(),
    })
}

/// Half a beat after some beat.
pub fn any_moment() -> impl Strategy<Value = u64> {
    (0..=4u64).prop_map(|beats| beats * BEAT + BEAT / 2)
}

async fn live(ctx: OrchestrationContext, input: String) -> Result<String, String> {
    let mut node: Branch = serde_json::from_str(&input).map_err(|error| error.to_string())?;
    let id = ctx.instance_id();
    for n in 0..node.values {
        ctx.set_kv_value(format!("key{n}"), id.clone());
    }
    if node.status {
        ctx.set_custom_status("alive");
    }
    if node.continues > 0 {
        node.continues -= 1;
        return ctx.continue_as_new(text(&node)).await;
    }
    let spawn = || {
        let child = |(n, child)| ctx.schedule_sub_orchestration_with_id("Live", format!("{id}.{n}"), text(child));
        node.children.iter().enumerate().map(child).collect::<Vec<_>>()
    };
    let early = if node.late { Vec::new() } else { spawn() };
    wait(&ctx, node.fate).await;
    let children = if node.late { spawn() } else { early };
    if !node.children.is_empty() {
        // The turn that ends an orchestration starts no children any more.
        ctx.schedule_timer(Duration::ZERO).await;
    }
    for child in children {
        if node.joins {
            let _ = child.await;
        } else {
            // Dropping it would cancel the child.
            std::mem::forget(child);
        }
    }
    if node.fate == Fate::Fail { Err("meant to fail".to_owned()) } else { Ok(id) }
}

async fn wait(ctx: &OrchestrationContext, fate: Fate) {
    let work = |beats: u64| beats.to_string();
    let activity = match fate {
        Fate::Complete | Fate::Fail => return,
        Fate::Forever => {
            ctx.schedule_wait("finish").await;
            return;
        }
        Fate::Timer(beats) => {
            let timer = ctx.schedule_timer(Duration::from_millis(beats * BEAT));
            ctx.select2(timer, ctx.schedule_wait("finish")).await;
            return;
        }
        Fate::Work(beats) => ctx.schedule_activity("Work", work(beats)),
        Fate::Session(beats) => {
            let session = format!("session of {} for {beats}", ctx.instance_id());
            ctx.schedule_activity_on_session("Work", work(beats), session)
        }
        Fate::Unserved => ctx.schedule_activity("Work", work(0)).with_tag("nowhere"),
    };
    ctx.select2(activity, ctx.schedule_wait("finish")).await;
}

pub fn text(node: &Branch) -> String {
    serde_json::to_string(node).expect("a node is plain data")
}

/// A simulation whose node `a` can run every tree, with room for all activities
/// of a forest at once.
pub fn world() -> Sim {
    let activities = ActivityRegistry::builder()
        .register("Work", |_: ActivityContext, beats: String| async move {
            let beats: u64 = beats.parse().map_err(|_| "beats are a number".to_owned())?;
            tokio::time::sleep(Duration::from_millis(beats * BEAT)).await;
            Ok("worked".to_owned())
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder().register("Live", live).build();
    let options = RuntimeOptions {
        worker_concurrency: 40,
        max_sessions_per_runtime: 100,
        worker_tag_filter: TagFilter::DefaultOnly,
        ..Sim::default_options()
    };
    Sim::new(7).node(Node::new("a", activities, orchestrations).options(options))
}

/// Starts the roots a second apart.
pub async fn plant(sim: &Handle, roots: &[Branch]) {
    for (n, root) in roots.iter().enumerate() {
        until(sim, n as u64 * 1000).await;
        sim.client().start_orchestration(&format!("r{n}"), "Live", text(root)).await.unwrap();
    }
}

/// Waits until so many milliseconds after the start.
pub async fn until(sim: &Handle, moment: u64) {
    sim.sleep((START + Duration::from_millis(moment)) - sim.now()).await;
}

/// Everything a client can see of an instance, as text.
pub async fn view(client: &Client, id: &str) -> String {
    let mut text = format!("{:?}\n", client.get_instance_info(id).await);
    for execution in client.list_executions(id).await.unwrap() {
        text += &format!("{:?}\n", client.get_execution_info(id, execution).await);
        text += &format!("{:?}\n", client.read_execution_history(id, execution).await);
    }
    let values: BTreeMap<_, _> = client.get_kv_all_values(id).await.unwrap().into_iter().collect();
    let tree: BTreeSet<_> = client.get_instance_tree(id).await.unwrap().all_ids.into_iter().collect();
    let status = client.get_orchestration_status(id).await;
    let stats = client.get_orchestration_stats(id).await;
    text + &format!("{values:?}\n{tree:?}\n{status:?}\n{stats:?}")
}

pub async fn views(client: &Client, all: &[Known]) -> BTreeMap<String, String> {
    let mut views = BTreeMap::new();
    for known in all {
        views.insert(known.id.clone(), view(client, &known.id).await);
    }
    views
}

/// Checks that an instance is as its plan says, running or ended.
pub async fn assert_as_planned(client: &Client, known: &Known, ended: bool) {
    let id = &known.id;
    let status = client.get_orchestration_status(id).await.unwrap();
    let expected = match (ended, known.fate) {
        (false, _) => matches!(status, OrchestrationStatus::Running { .. }),
        (true, Fate::Fail) => matches!(status, OrchestrationStatus::Failed { .. }),
        (true, _) => matches!(&status, OrchestrationStatus::Completed { output, .. } if output == id),
    };
    assert!(expected, "{known:?} is {status:?}");
    let custom = match &status {
        OrchestrationStatus::Running { custom_status, .. }
        | OrchestrationStatus::Completed { custom_status, .. }
        | OrchestrationStatus::Failed { custom_status, .. } => custom_status.as_deref(),
        OrchestrationStatus::NotFound => None,
    };
    assert_eq!(custom, known.status.then_some("alive"), "{known:?}");
    assert_eq!(client.list_executions(id).await.unwrap(), (1..=known.executions).collect::<Vec<_>>(), "{known:?}");
    let values: BTreeMap<_, _> = client.get_kv_all_values(id).await.unwrap().into_iter().collect();
    assert_eq!(values, (0..known.values).map(|n| (format!("key{n}"), id.clone())).collect(), "{known:?}");
    let info = client.get_instance_info(id).await.unwrap();
    assert_eq!(info.parent_instance_id, known.parent, "{known:?}");
}

/// Checks that no client sees anything of an instance.
pub async fn assert_gone(sim: &Handle, id: &str) {
    let client = sim.client();
    let status = client.get_orchestration_status(id).await.unwrap();
    assert!(matches!(status, OrchestrationStatus::NotFound), "{id}: {status:?}");
    assert!(client.get_instance_info(id).await.is_err(), "{id} has a record");
    assert_eq!(client.list_executions(id).await.unwrap(), Vec::<u64>::new(), "{id}");
    for execution in 1..=3 {
        assert_eq!(client.read_execution_history(id, execution).await.unwrap().len(), 0, "{id}");
    }
    assert!(client.get_kv_all_values(id).await.unwrap().is_empty(), "{id} has values");
    assert_eq!(sim.memory().get_custom_status(id, 0).await.unwrap(), None, "{id}");
    assert_eq!(client.get_instance_tree(id).await.unwrap().all_ids, [id], "{id} has children");
    assert!(!client.list_all_instances().await.unwrap().iter().any(|other| other == id), "{id} is listed");
    assert_eq!(sim.memory().inspect(|store| store.messages_of(id).len()), 0, "{id} has messages");
}

/// Ends whatever still waits, tree by tree level by level, and checks that
/// every instance comes to its planned end.
pub async fn assert_can_finish(sim: &Handle, trees: &[Vec<Known>]) {
    let client = sim.client();
    let rounds = 5; // One more than trees are deep.
    for _ in 0..rounds {
        sim.sleep(Duration::from_secs(600)).await;
        for id in client.list_instances_by_status("Running").await.unwrap() {
            client.raise_event(&id, "finish", "").await.unwrap();
        }
    }
    sim.sleep(Duration::from_secs(600)).await;
    for known in trees.iter().flatten() {
        assert_as_planned(&client, known, true).await;
    }
}

/// Checks that a provider keeps nothing at all but its count of ids, once its
/// sessions have been swept.
pub async fn assert_bare(sim: &Handle) {
    sim.sleep(Duration::from_secs(4 * 86_400)).await;
    let kept = format!("{:#?}", sim.memory().snapshot());
    let empty = format!("{:#?}", duroxide_sim::store::Store::new());
    let without_count = |text: &str| {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("last_id:"));
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(without_count(&kept), without_count(&empty));
}
