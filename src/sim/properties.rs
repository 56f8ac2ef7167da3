//! What a test demands of a simulation, beside what its body asserts.

use std::time::Duration;

use super::property::{Property, PropertyKind};
use super::{Effects, Handle, Sim};

impl Sim {
    /// Demands that something holds whatever goes wrong: `test` looks at the
    /// simulation before and after every call that may change anything, and at
    /// the end, and says what is wrong; a panic in it says it as well. The run
    /// ends there ([`super::Cause::Property`]).
    pub fn always(self, name: &str, test: impl Fn(&Handle) -> Result<(), String> + Send + Sync + 'static) -> Sim {
        self.demand(name, PropertyKind::Always(Box::new(test)))
    }

    /// Names something that should hold at some moment of some run, such as a
    /// rare path: `test` looks at the same moments as those of [`Sim::always`].
    /// One run tells whether it did ([`super::Run::sometimes`]); exploring fails
    /// where it held in none of them.
    pub fn sometimes(self, name: &str, test: impl Fn(&Handle) -> bool + Send + Sync + 'static) -> Sim {
        self.demand(name, PropertyKind::Sometimes(Box::new(test)))
    }

    /// Demands that something comes to hold, and still holds once nothing is under
    /// way or due any more ([`super::Cause::Eventually`]).
    ///
    /// It is judged when the run is *at rest*: the body has ended well, a storm's
    /// calm has begun, and nothing is under way or due: no turn, no activity (be it
    /// one whose orchestration has ended), no timer or other message, nothing on the plan's
    /// agenda, and no task of the body in [`Handle::sleep`]. What `test` says
    /// before that decides nothing, whether it is well or ill. A body or an activity that starts
    /// tasks of tokio's may do anything later; then all that has to be so for an
    /// hour of virtual time in which nothing happens.
    ///
    /// The deadline is the bound of [`Sim::finish_within`], or an hour of virtual
    /// time, after the body's end or the beginning of the calm, whichever is later. Where
    /// the run is not at rest by then, the property has to hold at the deadline. Then the
    /// run goes on to come to rest, where it has to hold too: it makes at most as many
    /// provider calls again as it had made (at least 300, at most 100,000; fetches in vain and
    /// the like are not counted). An
    /// orchestration that never ends never lets it rest; then the deadline
    /// decides alone.
    ///
    /// A property that holds only at times fails where it does not hold at the
    /// moment that counts, and the failure says when it had held.
    pub fn eventually(self, name: &str, test: impl Fn(&Handle) -> Result<(), String> + Send + Sync + 'static) -> Sim {
        self.demand(name, PropertyKind::Eventually(Box::new(test)))
    }

    /// Demands that something holds at the end: `test` is asked exactly once, when
    /// the run is at rest, which [`Sim::eventually`] explains
    /// ([`super::Cause::AtEnd`]). A run that does not come to rest within what is
    /// said there fails, and says what is still under way or due
    /// ([`super::Cause::NeverAtRest`]): use [`Sim::eventually`] where an orchestration never ends.
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

    /// Demands that every instance ends once nothing goes wrong any more: within
    /// `bound` after the body has ended well or after the beginning of a storm's
    /// calm, whichever is later ([`super::Cause::Unfinished`]). The run goes on
    /// until it is at rest, which [`Sim::eventually`] explains, or until the bound.
    /// What counts is when an instance ended: one that is started after the bound
    /// ends too late. One that failed or was cancelled has ended as well: ask for its
    /// output ([`Handle::output`]) or demand what it should have done where that is
    /// not enough.
    pub fn finish_within(mut self, bound: Duration) -> Sim {
        self.finish_within = Some(bound);
        self
    }

    /// Where activities write down what they do to the outside world. The same
    /// as [`Handle::effects`] in the run, so that properties and the body can
    /// look at it.
    pub fn effects(&self) -> Effects {
        self.effects.clone()
    }
}
