//! [`Node`]: a real duroxide runtime on the simulation's provider.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::runtime::{Runtime, RuntimeOptions};
use duroxide::{ActivityContext, runtime::ActivityHandler};

use super::life::ProcessRun;
use super::run::panic_text;
use super::tasks::ours;
use crate::call::Handler;
use crate::clock;
use crate::provider::Port;

/// The code of a node: its activities and orchestrations.
type Code = (ActivityRegistry, OrchestrationRegistry);

/// Creates the code of a node for one start.
type Factory = Arc<dyn Fn() -> Code + Send + Sync>;

/// A node of a simulation: a real duroxide `Runtime` with a name, on the simulation's
/// provider.
///
/// A node has one or more *builds*: programs that it can run. It starts with the first one,
/// and can be upgraded or downgraded to the others ([`super::Handle::upgrade`],
/// [`super::Handle::start_as`], [`super::Action::Upgrade`]).
///
/// ```
/// use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
/// use duroxide_sim::{Node, Sim};
///
/// let activities = ActivityRegistry::builder().build();
/// let (old, new) = (OrchestrationRegistry::builder().build(), OrchestrationRegistry::builder().build());
/// let sim = Sim::new(1)
///     .node(Node::new("a", activities.clone(), old).with_build("v2", activities.clone(), new.clone()))
///     .node(Node::new("b", activities, new));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a node takes part in a simulation once it is given to Sim::node"]
pub struct Node {
    pub(super) name: String,
    pub(super) builds: Vec<Build>,
}

/// The code and the options of one build of a node.
#[derive(Clone)]
pub(super) struct Build {
    pub name: String,
    pub activities: ActivityRegistry,
    pub orchestrations: OrchestrationRegistry,
    pub options: RuntimeOptions,
    /// Creates the code for each start, if it is not the same every time.
    factory: Option<Factory>,
}

impl fmt::Debug for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Build").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Build {
    /// Returns the code for one start.
    fn code(&self) -> Code {
        match &self.factory {
            Some(make) => make(),
            None => (self.activities.clone(), self.orchestrations.clone()),
        }
    }
}

impl Node {
    /// The name of a node's first build.
    pub const FIRST_BUILD: &str = "first";

    /// Creates a node with these registries and [`super::Sim::default_options`].
    ///
    /// The registries survive the node's restarts, and so does the state held by their
    /// closures; see [`Node::with_factory`].
    pub fn new(name: impl Into<String>, activities: ActivityRegistry, orchestrations: OrchestrationRegistry) -> Node {
        let options = super::Sim::default_options();
        let name_of_build = Node::FIRST_BUILD.to_owned();
        let build = Build { name: name_of_build, activities, orchestrations, options, factory: None };
        Node { name: name.into(), builds: vec![build] }
    }

    /// Creates a node whose code is created by `factory` for each start, so that a crash
    /// loses the state that the code keeps in memory. `factory` is also called once at the
    /// beginning, to learn the names of the handlers.
    ///
    /// ```
    /// use duroxide_sim::duroxide::ActivityContext;
    /// use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
    /// use duroxide_sim::{Node, Sim};
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// let sim = Sim::new(1).node(Node::with_factory("a", || {
    ///     let counted = AtomicU64::new(0); // Starts at zero after every crash.
    ///     let activities = ActivityRegistry::builder().register("Count", move |_: ActivityContext, _: String| {
    ///         let number = counted.fetch_add(1, Ordering::Relaxed) + 1;
    ///         async move { Ok(number.to_string()) }
    ///     });
    ///     (activities.build(), OrchestrationRegistry::builder().build())
    /// }));
    /// ```
    pub fn with_factory(
        name: impl Into<String>,
        factory: impl Fn() -> (ActivityRegistry, OrchestrationRegistry) + Send + Sync + 'static,
    ) -> Node {
        let (activities, orchestrations) = factory();
        let mut node = Node::new(name, activities, orchestrations);
        node.last().factory = Some(Arc::new(factory));
        node
    }

    /// Adds another build, with the options of the previous one.
    pub fn with_build(
        mut self,
        build: impl Into<String>,
        activities: ActivityRegistry,
        orchestrations: OrchestrationRegistry,
    ) -> Node {
        let options = self.last().options.clone();
        self.builds.push(Build { name: build.into(), activities, orchestrations, options, factory: None });
        self
    }

    /// Sets the options of the most recently added build; they are used unchanged. Start
    /// from [`super::Sim::default_options`]: duroxide's defaults poll every 30 seconds,
    /// which is slow over months of virtual time.
    pub fn options(mut self, options: RuntimeOptions) -> Node {
        self.last().options = options;
        self
    }

    fn last(&mut self) -> &mut Build {
        self.builds.last_mut().expect("a node has at least one build")
    }
}

/// A node that is running.
pub(super) struct Up {
    pub runtime: Arc<Runtime>,
    pub life: Arc<ProcessRun>,
}

impl Up {
    /// Starts a runtime on `storage`. `incarnation` counts all starts in the simulation:
    /// duroxide derives a runtime's id from the last digits of the clock, and on a virtual
    /// clock two nodes would get the same id.
    pub async fn start(build: Build, storage: impl Handler + 'static, life: Arc<ProcessRun>, incarnation: u64) -> Up {
        let (activities, orchestrations) = build.code();
        let activities = tied(&activities, &life);
        let provider = Arc::new(Port::over(storage));
        let mut start = pin!(Runtime::start_with_options(provider, activities, orchestrations, build.options));
        let nanos = i64::try_from(incarnation % 1_000_000).expect("a number below a million fits in an i64");
        let runtime = poll_fn(|cx| ours(|| clock::shifted(nanos, || start.as_mut().poll(cx)))).await;
        Up { runtime, life }
    }

    /// Ends the node like a power failure: from this instant on nothing reaches the
    /// storage, and no activity continues.
    pub fn crash(self) {
        self.life.end();
        ours(|| tokio::spawn(self.runtime.shutdown(Some(0))));
    }
}

/// Fails the activity if it panics, as duroxide does. duroxide's error text would contain
/// tokio's task id, which is not deterministic.
async fn caught(work: impl Future<Output = Result<String, String>>) -> Result<String, String> {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)));
        polled.unwrap_or_else(|payload| {
            Poll::Ready(Err(format!("the activity panicked with message {:?}", panic_text(&*payload))))
        })
    })
    .await
}

/// Wraps the activities so that they belong to one process run: they continue only while it
/// runs, and see the node's clock.
fn tied(activities: &ActivityRegistry, life: &Arc<ProcessRun>) -> ActivityRegistry {
    let handlers = activities.list_names().into_iter().filter_map(|name| {
        let (_, handler) = activities.resolve_handler(&name)?;
        Some((name, handler))
    });
    let tie = |builder: duroxide::runtime::registry::ActivityRegistryBuilder,
               (name, handler): (String, Arc<dyn ActivityHandler>)| {
        let life = life.clone();
        builder.register(name.clone(), move |ctx: ActivityContext, input: String| {
            let (handler, life) = (handler.clone(), life.clone());
            let (activity, instance) = (name.clone(), ctx.instance_id().to_owned());
            async move { caught(life.code(activity, instance, handler.invoke(ctx, input))).await }
        })
    };
    handlers.fold(ActivityRegistry::builder(), tie).build()
}
