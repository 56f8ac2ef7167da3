//! The methods of [`Sim`] about activities: doubles, and running one by itself.

use duroxide::OrchestrationContext;
use duroxide::runtime::registry::OrchestrationRegistry;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::node::Build;
use super::{Double, Handle, OutputError, Sim, typed};

/// The orchestration that calls the activity, and its instance.
const CALLER: &str = "run-activity";

impl Sim {
    /// Replaces an activity by a double on all nodes and builds. The activity's own handler
    /// runs for the calls that no double of the activity admits ([`Double::for_input`],
    /// [`Double::for_instance`]); of several that do, the one added first answers.
    ///
    /// A double for an activity that no node has fails the run ([`super::Cause::Setup`]); see
    /// [`Sim::activity`] for activities that exist only as doubles.
    ///
    /// ```
    /// use duroxide_sim::sim::Double;
    /// use duroxide_sim::{Node, Sim};
    /// use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
    /// use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext, RetryPolicy};
    /// use std::time::Duration;
    ///
    /// let activities = ActivityRegistry::builder()
    ///     .register("Charge", |_: ActivityContext, _: String| async move { Err("no network in tests".to_owned()) })
    ///     .build();
    /// let orchestrations = OrchestrationRegistry::builder()
    ///     .register("Order", |ctx: OrchestrationContext, card: String| async move {
    ///         ctx.schedule_activity_with_retry("Charge", card, RetryPolicy::new(3)).await
    ///     })
    ///     .build();
    ///
    /// Sim::new(1)
    ///     .node(Node::new("a", activities, orchestrations))
    ///     .double("Charge", Double::fails("503").times(2).then(Double::returns("receipt-1")))
    ///     .run(|sim| async move {
    ///         sim.client().start_orchestration("order-1", "Order", "4711").await?;
    ///         assert_eq!(sim.output::<String>("order-1", Duration::from_secs(600)).await?, "receipt-1");
    ///         assert_eq!(sim.activities("order-1").len(), 3);
    ///         Ok::<_, Box<dyn std::error::Error>>(())
    ///     });
    /// ```
    pub fn double(mut self, activity: impl Into<String>, double: Double) -> Sim {
        self.doubles.push((activity.into(), double));
        self
    }

    /// Adds an activity that exists only as a double, on all nodes and builds that have no
    /// handler of this name: for activities whose handlers cannot be built in a test. Where
    /// there is a handler, the double replaces it, as with [`Sim::double`].
    pub fn activity(mut self, activity: impl Into<String>, double: Double) -> Sim {
        let activity = activity.into();
        self.activities.insert(activity.clone());
        self.double(activity, double)
    }

    /// Runs one activity of the nodes by itself, with a real `ActivityContext`, and returns
    /// its result. Input and result have the form of duroxide's typed activities.
    ///
    /// ```
    /// use duroxide_sim::{Node, Sim};
    /// use duroxide_sim::duroxide::ActivityContext;
    /// use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
    ///
    /// let activities = ActivityRegistry::builder()
    ///     .register_typed("Double", |_: ActivityContext, n: u32| async move { n.checked_mul(2).ok_or("too large".to_owned()) })
    ///     .build();
    /// let node = || Node::new("a", activities.clone(), OrchestrationRegistry::builder().build());
    /// assert_eq!(Sim::new(1).node(node()).run_activity("Double", 21), Ok(42));
    /// assert_eq!(Sim::new(1).node(node()).run_activity::<u32>("Double", u32::MAX), Err("too large".to_owned()));
    /// ```
    ///
    /// # Errors
    ///
    /// If the activity fails, with its error.
    ///
    /// # Panics
    ///
    /// If the simulation fails, for example because no node has the activity, or if the
    /// result is not a `T`.
    #[track_caller]
    pub fn run_activity<T>(mut self, activity: &str, input: impl Serialize) -> Result<T, String>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let input = typed::encode(&input).unwrap_or_else(|error| {
            self.misused
                .get_or_insert(format!("The input of activity {activity:?} cannot be written as JSON: {error}."));
            String::new()
        });
        self.nodes.iter_mut().flat_map(|node| &mut node.builds).for_each(Build::with_caller);
        let activity = activity.to_owned();
        self.run(|sim: Handle| async move {
            let text = serde_json::to_string(&(activity, input)).map_err(|error| error.to_string())?;
            sim.client().start_orchestration(CALLER, CALLER, text).await.map_err(|error| error.to_string())?;
            match sim.finished::<T>(CALLER).await {
                Ok(value) => Ok(Ok(value)),
                Err(OutputError::Failed { details, .. }) => Ok(Err(message(&details))),
                Err(error) => Err(error.to_string()),
            }
        })
    }
}

/// The error that the activity returned.
fn message(details: &duroxide::ErrorDetails) -> String {
    match details {
        duroxide::ErrorDetails::Application { message, .. } => message.clone(),
        other => other.display_message(),
    }
}

impl Build {
    /// Adds the orchestration that calls the activity.
    fn with_caller(&mut self) {
        self.add_orchestrations(|known| OrchestrationRegistry::builder_from(known).register(CALLER, call).build());
    }
}

async fn call(ctx: OrchestrationContext, text: String) -> Result<String, String> {
    let (activity, input): (String, String) = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    ctx.schedule_activity(activity, input).await
}
