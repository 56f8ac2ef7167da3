//! [`Node`]: the programs that a node can run, and their options.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use duroxide::runtime::RuntimeOptions;
use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};

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
    /// How long activities may continue when the node shuts down.
    pub(super) grace: Option<Duration>,
    /// Whether the simulation begins without it.
    pub(super) down: bool,
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
    /// Replaces the orchestrations by others that are made from them.
    pub fn add_orchestrations(
        &mut self,
        add: impl Fn(&OrchestrationRegistry) -> OrchestrationRegistry + Clone + Send + Sync + 'static,
    ) {
        self.orchestrations = add(&self.orchestrations);
        if let Some(factory) = self.factory.take() {
            self.factory = Some(Arc::new(move || {
                let (activities, orchestrations) = factory();
                (activities, add(&orchestrations))
            }));
        }
    }

    /// Returns the code for one start.
    pub fn code(&self) -> Code {
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
        Node { name: name.into(), builds: vec![build], grace: None, down: false }
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

    /// Sets how long running activities may continue when the node shuts down gracefully, by
    /// [`super::Handle::stop`], [`super::Handle::upgrade`] or a plan. It is rounded up to
    /// milliseconds; zero aborts them at once. The default is duroxide's, which is one second.
    pub fn shutdown_grace(mut self, grace: Duration) -> Node {
        self.grace = Some(grace);
        self
    }

    /// Lets the simulation begin while the node is down, as one that joins later:
    /// [`super::Handle::start`], [`super::Handle::start_as`], [`super::Handle::upgrade`] or
    /// [`super::Action::Start`] start it. Work that only this node can run waits until then.
    ///
    /// ```
    /// use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
    /// use duroxide_sim::{Node, Sim};
    ///
    /// let node = Node::new("b", ActivityRegistry::builder().build(), OrchestrationRegistry::builder().build());
    /// Sim::new(1).node(node.down()).run(|sim| async move {
    ///     assert!(sim.crash("b").is_err(), "it is down");
    ///     sim.start("b").await
    /// });
    /// ```
    pub fn down(mut self) -> Node {
        self.down = true;
        self
    }

    fn last(&mut self) -> &mut Build {
        self.builds.last_mut().expect("a node has at least one build")
    }
}
