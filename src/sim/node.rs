//! [`Node`]: a real runtime over the simulation's provider.

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

/// What a node runs.
type Code = (ActivityRegistry, OrchestrationRegistry);

/// Makes a node's code for one start.
type Factory = Arc<dyn Fn() -> Code + Send + Sync>;

/// A node of a simulation: a real duroxide `Runtime` with a name, over the simulation's
/// provider.
///
/// A node has one or several *builds*, programs that it can run as. It starts as the
/// first one, and can be upgraded and downgraded to the others
/// ([`super::Handle::upgrade`], [`super::Handle::start_as`], [`super::Action::Upgrade`]).
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

/// The code and the options of a node.
#[derive(Clone)]
pub(super) struct Build {
    pub name: String,
    pub activities: ActivityRegistry,
    pub orchestrations: OrchestrationRegistry,
    pub options: RuntimeOptions,
    /// What makes its code for each start, where that is not always the same.
    factory: Option<Factory>,
}

impl fmt::Debug for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Build").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Build {
    /// The code for one start.
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

    /// A node with these registries and [`super::Sim::default_options`].
    ///
    /// The registries outlive the node's restarts, and with them whatever their
    /// closures hold; see [`Node::with_factory`].
    pub fn new(name: impl Into<String>, activities: ActivityRegistry, orchestrations: OrchestrationRegistry) -> Node {
        let options = super::Sim::default_options();
        let name_of_build = Node::FIRST_BUILD.to_owned();
        let build = Build { name: name_of_build, activities, orchestrations, options, factory: None };
        Node { name: name.into(), builds: vec![build] }
    }

    /// A node whose code is made by `factory` for each of its starts, so that what the
    /// code keeps in memory is lost in a crash as it is in a real one. `factory` is
    /// called once more at first, for the names of what it registers.
    ///
    /// ```
    /// use duroxide_sim::duroxide::ActivityContext;
    /// use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
    /// use duroxide_sim::{Node, Sim};
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// let sim = Sim::new(1).node(Node::with_factory("a", || {
    ///     let counted = AtomicU64::new(0); // Begins from zero after every crash.
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

    /// Adds another build, with the options of the one before.
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

    /// Sets the options of the build that was added last; they are used as they are.
    /// Start from [`super::Sim::default_options`]: those of duroxide poll every 30
    /// seconds, which is slow over months of virtual time.
    pub fn options(mut self, options: RuntimeOptions) -> Node {
        self.last().options = options;
        self
    }

    fn last(&mut self) -> &mut Build {
        self.builds.last_mut().expect("a node begins with one build")
    }
}

/// A node that is up.
pub(super) struct Up {
    pub runtime: Arc<Runtime>,
    pub life: Arc<ProcessRun>,
}

impl Up {
    /// Starts a runtime over `storage`. `incarnation` counts all starts in the
    /// simulation: duroxide makes a runtime's id of the last digits of the
    /// clock, and on a virtual clock two nodes would get the same one.
    pub async fn start(build: Build, storage: impl Handler + 'static, life: Arc<ProcessRun>, incarnation: u64) -> Up {
        let (activities, orchestrations) = build.code();
        let activities = tied(&activities, &life);
        let provider = Arc::new(Port::over(storage));
        let mut start = pin!(Runtime::start_with_options(provider, activities, orchestrations, build.options));
        let nanos = i64::try_from(incarnation % 1_000_000).expect("it is below a million");
        let runtime = poll_fn(|cx| ours(|| clock::shifted(nanos, || start.as_mut().poll(cx)))).await;
        Up { runtime, life }
    }

    /// Ends the node as a power cut would: nothing reaches the storage from
    /// this instant on, and no activity goes on.
    pub fn crash(self) {
        self.life.end();
        ours(|| tokio::spawn(self.runtime.shutdown(Some(0))));
    }
}

/// Fails the activity where it panics, as duroxide does: but that takes tokio's
/// text, with the number that the task has in the process.
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

/// The same activities, tied to one life of the node: they go on only while it
/// runs, and see its clock.
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
