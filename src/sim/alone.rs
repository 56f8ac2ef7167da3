//! Running one activity by itself.

use duroxide::OrchestrationContext;
use duroxide::runtime::registry::OrchestrationRegistry;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::node::Build;
use super::{Handle, OutputError, Sim, typed};

/// The orchestration that calls the activity, and its instance.
const CALLER: &str = "run-activity";

impl Sim {
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
