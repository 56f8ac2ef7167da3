//! The methods of [`Sim`] that add properties.

use std::time::Duration;

use super::property::{Property, PropertyKind};
use super::{Effects, Handle, Sim};

impl Sim {
    /// Adds an invariant. `test` checks the simulation before and after every call that may
    /// change anything, and at the end, and returns what is wrong; a panic in `test` counts
    /// as a violation too. The run ends at the first violation
    /// ([`super::Cause::Property`]).
    pub fn always(self, name: &str, test: impl Fn(&Handle) -> Result<(), String> + Send + Sync + 'static) -> Sim {
        self.demand(name, PropertyKind::Always(Box::new(test)))
    }

    /// Adds something that should hold at some moment of some run, such as a rarely taken
    /// path. `test` is evaluated at the same moments as for [`Sim::always`]. A single run
    /// reports whether it held ([`super::Run::sometimes`]); exploring fails if it held in
    /// no run.
    pub fn sometimes(self, name: &str, test: impl Fn(&Handle) -> bool + Send + Sync + 'static) -> Sim {
        self.demand(name, PropertyKind::Sometimes(Box::new(test)))
    }

    /// Adds a liveness property: something that must become true, and still be true once
    /// nothing is under way or due any more ([`super::Cause::Eventually`]).
    ///
    /// The property is checked when the run is *at rest*: the body has succeeded, a storm's
    /// calm has begun, and nothing is under way or due: no turn, no activity (even one
    /// whose orchestration has ended), no timer or other message, nothing on the plan's
    /// agenda, and no task of the body in [`Handle::sleep`]. Results of `test` before that
    /// moment, good or bad, do not count. A body or an activity that has spawned tokio
    /// tasks may still act at any time; then all this must be true for an hour of virtual
    /// time in which nothing happens.
    ///
    /// The deadline is the bound of [`Sim::finish_within`], or one hour of virtual time,
    /// after the body's end or the beginning of the calm, whichever is later. If the run is
    /// not at rest by then, the property must hold at the deadline. The run then continues
    /// until it is at rest, where the property must hold again. In this phase it makes at
    /// most as many provider calls as before (at least 300, at most 100,000, not counting
    /// calls without effect, such as empty fetches). An orchestration that never ends keeps
    /// the run from ever being at rest; then only the deadline counts.
    ///
    /// A property that holds only temporarily fails if it does not hold at the moment that
    /// counts, and the failure says when it held.
    pub fn eventually(self, name: &str, test: impl Fn(&Handle) -> Result<(), String> + Send + Sync + 'static) -> Sim {
        self.demand(name, PropertyKind::Eventually(Box::new(test)))
    }

    /// Adds a property of the final state: `test` is called exactly once, when the run is
    /// at rest as [`Sim::eventually`] defines it ([`super::Cause::AtEnd`]). A run that does
    /// not come to rest within the bounds described there fails with a list of what is
    /// still under way or due ([`super::Cause::NeverAtRest`]): use [`Sim::eventually`] if
    /// an orchestration never ends.
    ///
    /// ```
    /// use duroxide_sim::{Node, Sim};
    /// use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
    /// use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext};
    /// use std::time::Duration;
    ///
    /// let sim = Sim::new(1);
    /// let booked = sim.effects();
    /// let activities = ActivityRegistry::builder().register("Book", move |_: ActivityContext, what: String| {
    ///     let booked = booked.clone();
    ///     async move {
    ///         tokio::time::sleep(Duration::from_secs(1)).await;
    ///         booked.add(what);
    ///         Ok(String::new())
    ///     }
    /// });
    /// let orchestrations = OrchestrationRegistry::builder()
    ///     .register("Trip", |ctx: OrchestrationContext, _: String| async move { ctx.schedule_activity("Book", "hotel").await });
    /// sim.node(Node::new("a", activities.build(), orchestrations.build()))
    ///     .at_end("booked once", |sim| match sim.effects().count("hotel") {
    ///         1 => Ok(()),
    ///         times => Err(format!("the hotel was booked {times} times")),
    ///     })
    ///     .run(|sim| async move { sim.client().start_orchestration("trip-1", "Trip", "").await });
    /// ```
    pub fn at_end(self, name: &str, test: impl Fn(&Handle) -> Result<(), String> + Send + Sync + 'static) -> Sim {
        self.demand(name, PropertyKind::AtEnd(Box::new(test)))
    }

    fn demand(mut self, name: &str, demand: PropertyKind) -> Sim {
        self.properties.push(Property { name: name.to_owned(), demand });
        self
    }

    /// Requires that every instance ends once there are no more faults: within `bound`
    /// after the body has succeeded or a storm's calm has begun, whichever is later
    /// ([`super::Cause::Unfinished`]). The run continues until it is at rest, as
    /// [`Sim::eventually`] defines it, or until the bound. What counts is when an instance
    /// ended: one that is started after the bound ends too late. An instance that failed or
    /// was cancelled has ended as well: if that is not enough, check its output
    /// ([`Handle::output`]) or add a property for what it should have done.
    ///
    /// The time that the body itself takes does not count. A body that waits for its
    /// orchestrations, be it for days, needs a bound only for what it leaves behind, such
    /// as an hour. A body that returns while timers of days are pending needs a bound that
    /// is longer than these timers.
    pub fn finish_within(mut self, bound: Duration) -> Sim {
        self.finish_within = Some(bound);
        self
    }

    /// Returns the record in which activities note their effects on the outside world. It
    /// is the same record as [`Handle::effects`] in the run, so properties and the body can
    /// read it.
    pub fn effects(&self) -> Effects {
        self.effects.clone()
    }
}
