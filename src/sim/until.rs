//! The methods of [`Handle`] that wait for conditions.
//!
//! A wait is woken when the storage changes, an activity begins or ends, or an effect is
//! recorded; it does not poll, makes no provider call, and meets no fault. A run in which
//! nothing can happen any more ends as stalled, and its failure says what the body waits
//! for.

use std::pin::pin;
use std::time::Duration;

use duroxide::{Event, EventKind};
use serde::de::DeserializeOwned;

use super::awaited::Condition;
use super::handle::Handle;
use super::output::OutputError;
use super::rest::{self, Bounds};
use crate::text::Quoted;

impl Handle {
    /// Waits until `holds` is true. It is evaluated now, and whenever the storage changes,
    /// an activity begins or ends, or an effect is recorded. `what` completes the sentence
    /// "the body waits until …" in the text of a failure.
    ///
    /// If it can never be true because nothing happens any more, the run ends as stalled
    /// ([`super::Cause::Stalled`]).
    ///
    /// ```
    /// use duroxide_sim::sim::Double;
    /// use duroxide_sim::{Node, Sim};
    /// use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
    /// use duroxide_sim::duroxide::OrchestrationContext;
    ///
    /// let orchestrations = OrchestrationRegistry::builder()
    ///     .register("Order", |ctx: OrchestrationContext, _: String| async move { ctx.schedule_activity("Charge", "").await })
    ///     .build();
    /// Sim::new(1)
    ///     .node(Node::new("a", ActivityRegistry::builder().build(), orchestrations))
    ///     .activity("Charge", Double::returns("paid").held())
    ///     .run(|sim| async move {
    ///         sim.client().start_orchestration("order-1", "Order", "").await?;
    ///         sim.until("the payment has begun", |sim| !sim.activities("order-1").is_empty()).await;
    ///         sim.release("Charge")?;
    ///         assert_eq!(sim.finished::<String>("order-1").await?, "paid");
    ///         Ok::<_, Box<dyn std::error::Error>>(())
    ///     });
    /// ```
    ///
    /// # Panics
    ///
    /// If `what` is empty: a failure could not say what the body waits for.
    pub async fn until(&self, what: &str, holds: impl Fn(&Handle) -> bool) {
        assert!(!what.is_empty(), "Handle::until was given an empty text. Say what the body waits for.");
        self.wait(Condition { what: what.to_owned(), instance: None }, holds).await;
    }

    async fn wait(&self, condition: Condition, holds: impl Fn(&Handle) -> bool) {
        let cluster = self.running();
        let _listed = cluster.awaited.one(condition);
        let _waiter = cluster.waiters.one();
        loop {
            let (mut stirred, mut effects) = (pin!(cluster.codes.stirred()), pin!(cluster.effects.added()));
            stirred.as_mut().enable();
            effects.as_mut().enable();
            if holds(self) {
                return;
            }
            tokio::select! {
                biased;
                () = stirred => {}
                () = effects => {}
            }
        }
    }

    /// Waits until the instance has ended: completed, failed or was cancelled.
    pub async fn until_ended(&self, instance: &str) {
        let what = format!("instance {} has ended", Quoted(instance));
        let ended = |sim: &Handle| sim.running().memory.inspect(|store| store.has_ended(instance));
        self.wait(Condition { what, instance: Some(instance.to_owned()) }, ended).await;
    }

    /// Waits until the instance has ended, however long that takes, and returns its output as
    /// a `T`.
    ///
    /// # Errors
    ///
    /// As for [`Handle::output`], except that the time cannot be up.
    pub async fn finished<T: DeserializeOwned>(&self, instance: &str) -> Result<T, OutputError> {
        self.until_ended(instance).await;
        self.output(instance, Duration::ZERO).await
    }

    /// Waits until the history of the instance's latest execution has an event for which
    /// `is_it` is true. `what` completes the sentence "the body waits until …".
    ///
    /// ```no_run
    /// # async fn waits(sim: duroxide_sim::Handle) {
    /// use duroxide_sim::duroxide::EventKind;
    ///
    /// let fired = |event: &duroxide_sim::duroxide::Event| matches!(event.kind, EventKind::TimerFired { .. });
    /// sim.until_event("order-1", "the first timer of order-1 has fired", fired).await;
    /// # }
    /// ```
    pub async fn until_event(&self, instance: &str, what: &str, is_it: impl Fn(&Event) -> bool) {
        let found = |sim: &Handle| {
            let latest = sim.running().memory.inspect(|store| store.executions_of(instance).pop());
            latest.is_some_and(|(_, _, _, events)| events.iter().any(|event| is_it(event)))
        };
        self.wait(Condition { what: what.to_owned(), instance: Some(instance.to_owned()) }, found).await;
    }

    /// Waits until the instance waits for an external event of this name, so that an event
    /// raised from then on is received.
    pub async fn until_subscribed(&self, instance: &str, event: &str) {
        let what = format!("instance {} waits for the event {}", Quoted(instance), Quoted(event));
        let subscribes = |found: &Event| match &found.kind {
            EventKind::ExternalSubscribed { name } | EventKind::QueueSubscribed { name } => name == event,
            _ => false,
        };
        self.until_event(instance, &what, subscribes).await;
    }

    /// Waits until the instance has this custom status.
    pub async fn until_custom_status(&self, instance: &str, status: &str) {
        let what = format!("the custom status of instance {} is {}", Quoted(instance), Quoted(status));
        let holds = |sim: &Handle| {
            let found = sim.running().memory.inspect(|store| store.custom_status(instance, 0));
            found.and_then(|(found, _)| found).is_some_and(|found| found == status)
        };
        self.wait(Condition { what, instance: Some(instance.to_owned()) }, holds).await;
    }

    /// Waits until the instance has this value under this key (duroxide's `set_kv_value`).
    pub async fn until_kv_value(&self, instance: &str, key: &str, value: &str) {
        let what = format!("the key {} of instance {} has the value {}", Quoted(key), Quoted(instance), Quoted(value));
        let holds = |sim: &Handle| {
            let found = sim.running().memory.inspect(|store| store.kv_value(instance, key));
            found.is_some_and(|found| found == value)
        };
        self.wait(Condition { what, instance: Some(instance.to_owned()) }, holds).await;
    }

    /// Waits until an effect with this key has been recorded ([`Handle::effects`]).
    pub async fn until_effect(&self, key: &str) {
        let what = format!("the effect {} has been recorded", Quoted(key));
        self.wait(Condition { what, instance: None }, |sim| sim.effects().count(key) > 0).await;
    }

    /// Waits until nothing is under way or due: no turn, no activity, no timer or other
    /// message, and nothing on the plan's agenda ([`super::Sim::eventually`]). An
    /// orchestration that waits for an event is quiet; one that waits for a timer is not.
    pub async fn until_quiet(&self) {
        let cluster = self.running();
        let _listed = cluster.awaited.one(Condition { what: "nothing is under way or due".to_owned(), instance: None });
        let calm = cluster.start + cluster.executor.record().plan.calm.unwrap_or_default();
        let bounds = Bounds { until: cluster.end, search: None };
        if rest::reached(cluster, calm, bounds, || true).await.is_err() {
            // The limit on virtual time ends the run.
            std::future::pending().await
        }
    }
}
