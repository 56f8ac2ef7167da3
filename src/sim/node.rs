//! Nodes: real runtimes over the simulation's provider.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::runtime::{Runtime, RuntimeOptions};
use duroxide::{ActivityContext, runtime::ActivityHandler};

use super::Sim;
use super::life::Life;
use super::run::panic_text;
use super::tasks::ours;
use crate::call::Handler;
use crate::clock;
use crate::provider::Port;

/// What a node is made of: a name, and what it can run as. The first build is
/// the one it starts with.
#[derive(Clone)]
pub(super) struct Spec {
    pub name: String,
    pub builds: Vec<Build>,
}

/// What a node runs.
pub(super) type Code = (ActivityRegistry, OrchestrationRegistry);

/// Makes a node's code anew.
pub(super) type Make = Arc<dyn Fn() -> Code + Send + Sync>;

/// The code and the options of a node.
#[derive(Clone)]
pub(super) struct Build {
    pub name: String,
    pub activities: ActivityRegistry,
    pub orchestrations: OrchestrationRegistry,
    pub options: RuntimeOptions,
    /// What makes its code for each start, where that is not always the same.
    pub make: Option<Make>,
}

impl Build {
    /// The code for one start.
    fn code(&self) -> Code {
        match &self.make {
            Some(make) => make(),
            None => (self.activities.clone(), self.orchestrations.clone()),
        }
    }
}

impl Sim {
    /// Adds a node whose code is made anew for each of its starts, so that what
    /// the code keeps in memory is lost in a crash as it is in a real one.
    /// [`Sim::node`] takes registries that outlive the node's restarts, and with
    /// them whatever their closures hold. `make` is called once more at first,
    /// for the names of what it registers.
    ///
    /// ```
    /// use duroxide_sim::Sim;
    /// use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
    /// use duroxide_sim::duroxide::ActivityContext;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// let sim = Sim::new(1).node_anew("a", Sim::default_options(), || {
    ///     let counted = AtomicU64::new(0); // Begins from zero after every crash.
    ///     let activities = ActivityRegistry::builder().register("Count", move |_: ActivityContext, _: String| {
    ///         let number = counted.fetch_add(1, Ordering::Relaxed) + 1;
    ///         async move { Ok(number.to_string()) }
    ///     });
    ///     (activities.build(), OrchestrationRegistry::builder().build())
    /// });
    /// ```
    pub fn node_anew(
        self,
        name: &str,
        options: RuntimeOptions,
        make: impl Fn() -> (ActivityRegistry, OrchestrationRegistry) + Send + Sync + 'static,
    ) -> Sim {
        self.with_node(name, make(), options, Some(Arc::new(make)))
    }

    /// Adds a node with its first build.
    pub(super) fn with_node(mut self, name: &str, code: Code, options: RuntimeOptions, make: Option<Make>) -> Sim {
        let (activities, orchestrations) = code;
        let build = Build { name: Sim::FIRST_BUILD.to_owned(), activities, orchestrations, options, make };
        self.nodes.push(Spec { name: name.to_owned(), builds: vec![build] });
        self
    }
}

/// A node that is up.
pub(super) struct Up {
    pub runtime: Arc<Runtime>,
    pub life: Arc<Life>,
}

impl Up {
    /// Starts a runtime over `storage`. `incarnation` counts all starts in the
    /// simulation: duroxide makes a runtime's id of the last digits of the
    /// clock, and on a virtual clock two nodes would get the same one.
    pub async fn start(build: Build, storage: impl Handler + 'static, life: Arc<Life>, incarnation: u64) -> Up {
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
fn tied(activities: &ActivityRegistry, life: &Arc<Life>) -> ActivityRegistry {
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
