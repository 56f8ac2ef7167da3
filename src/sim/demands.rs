//! What a test demands of a simulation, beside what its body asserts.

use std::time::Duration;

use super::property::{Demand, Property};
use super::{Effects, Handle, Sim};

impl Sim {
    /// Demands that something holds whatever goes wrong: `test` looks at the
    /// simulation before and after every call that may change anything, and at
    /// the end, and says what is wrong; a panic in it says it as well. The run
    /// ends there ([`super::Cause::Property`]).
    pub fn always(self, name: &str, test: impl Fn(&Handle) -> Result<(), String> + Send + Sync + 'static) -> Sim {
        self.demand(name, Demand::Always(Box::new(test)))
    }

    /// Names something that should hold at some moment of some run, such as a
    /// rare path: `test` looks at the same moments as those of [`Sim::always`].
    /// One run tells whether it did ([`super::Run::sometimes`]); exploring fails
    /// where it held in none of them.
    pub fn sometimes(self, name: &str, test: impl Fn(&Handle) -> bool + Send + Sync + 'static) -> Sim {
        self.demand(name, Demand::Sometimes(Box::new(test)))
    }

    /// Demands that something holds at last: after the body has ended well and a
    /// storm's calm has begun, `test` is asked again and again until nothing is
    /// wrong. It has as long as [`Sim::finish_within`] says, or an hour of
    /// virtual time ([`super::Cause::Eventually`]).
    pub fn eventually(self, name: &str, test: impl Fn(&Handle) -> Result<(), String> + Send + Sync + 'static) -> Sim {
        self.demand(name, Demand::Eventually(Box::new(test)))
    }

    fn demand(mut self, name: &str, demand: Demand) -> Sim {
        self.properties.push(Property { name: name.to_owned(), demand });
        self
    }

    /// Demands that every instance ends once nothing goes wrong any more. The
    /// run goes on after the body has ended well, for at most `bound` after that
    /// or after the beginning of a storm's calm, whichever is later
    /// ([`super::Cause::Unfinished`]).
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
