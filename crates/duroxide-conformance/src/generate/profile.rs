//! [`Profile`]: the focus of a script, and the precision of its clock.

use std::fmt;
use std::time::Duration;

use crate::contract::Family;

/// Declares the areas with their names.
macro_rules! areas {
    ($($(#[$doc:meta])* $variant:ident $name:literal)*) => {
        /// The focus of a script.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // The names say it.
        pub enum Area {
            $($(#[$doc])* $variant,)*
        }

        impl Area {
            /// Every area.
            pub const ALL: &[Area] = &[$(Area::$variant),*];

            /// The name in lower case.
            pub fn name(self) -> &'static str {
                match self {
                    $(Area::$variant => $name,)*
                }
            }
        }
    };
}

areas! {
    Everything "everything"
    Locks "locks"
    Histories "histories"
    Queues "queues"
    Sessions "sessions"
    Tags "tags"
    Versions "versions"
    Kv "kv"
    Status "status"
    Reads "reads"
    Delete "delete"
    Prune "prune"
    Payloads "payloads"
    Numbers "numbers"
    Time "time"
    Attempts "attempts"
    /// Futures are dropped before they complete.
    Dropped "dropped"
    /// The storage is reopened repeatedly.
    Durable "durable"
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The kind of scripts to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The focus. Everything else occurs too, but less often.
    pub area: Area,
    /// Whether the clock is exact, so that scripts can hit the very millisecond
    /// in which a lock expires. Otherwise every wait is a whole number of ticks
    /// and every deadline is at half a tick, so that a few milliseconds make no
    /// difference.
    pub exact: bool,
    /// The length of a tick, if time is not exact.
    pub tick_ms: u64,
}

impl Profile {
    /// One profile for each area, with exact time.
    pub const ALL: &[Profile] = &{
        let mut all = [Profile::of(Area::Everything); Area::ALL.len()];
        let mut at = 0;
        while at < all.len() {
            all[at] = Profile::of(Area::ALL[at]);
            at += 1;
        }
        all
    };

    /// The profile of an area, with exact time.
    pub const fn of(area: Area) -> Profile {
        Profile { area, exact: true, tick_ms: 1 }
    }

    /// The profile on a grid of ticks.
    pub fn on_grid(self, tick_ms: u64) -> Profile {
        Profile { exact: false, tick_ms: tick_ms.max(2), ..self }
    }

    /// The profile on a grid of this tick, or unchanged without one.
    pub(crate) fn in_ticks(self, tick: Option<Duration>) -> Profile {
        tick.map_or(self, |tick| self.on_grid(tick.as_millis() as u64))
    }

    /// The area's name.
    pub fn name(self) -> &'static str {
        self.area.name()
    }

    /// The profile of this name, with exact time.
    pub fn named(name: &str) -> Option<Profile> {
        Profile::ALL.iter().copied().find(|profile| profile.name() == name)
    }

    /// The profiles most likely to show that a rule is broken, given the rule's
    /// id or a prefix of it; the most likely first, and the general one last.
    pub fn for_rule(id: &str) -> Vec<Profile> {
        let claim = id.split_once('.').map_or("", |(_, claim)| claim);
        let areas = Family::of(id).map_or(&[][..], |family| areas(family, claim));
        areas.iter().copied().chain([Area::Everything]).map(Profile::of).collect()
    }
}

/// The areas whose scripts are most likely to break a rule.
fn areas(family: Family, claim: &str) -> &'static [Area] {
    match family {
        Family::Turn if claim.starts_with("capability") => &[Area::Versions],
        Family::Turn if claim.starts_with("kv") || claim.starts_with("values") => &[Area::Kv],
        Family::Turn if claim.starts_with("history") => &[Area::Histories, Area::Locks],
        Family::AckTurn if claim.starts_with("pinned") => &[Area::Versions],
        Family::AckTurn if claim.ends_with("values") => &[Area::Kv],
        Family::Turn | Family::AckTurn => &[Area::Locks, Area::Histories, Area::Queues, Area::Attempts],
        Family::AbandonTurn | Family::RenewTurn | Family::AbandonJob | Family::RenewJob => {
            &[Area::Locks, Area::Attempts, Area::Time]
        }
        Family::Enqueue | Family::EnqueueJob => &[Area::Queues, Area::Time],
        Family::Job | Family::AckJob => &[Area::Locks, Area::Attempts, Area::Queues],
        Family::Tag => &[Area::Tags],
        Family::Session => &[Area::Sessions],
        Family::Read | Family::Append => &[Area::Histories, Area::Reads],
        Family::Kv if claim.ends_with("pruning") => &[Area::Prune, Area::Kv],
        Family::Kv => &[Area::Kv],
        Family::Status => &[Area::Status],
        Family::Stats => &[Area::Reads, Area::Kv],
        Family::List | Family::Info | Family::Execution | Family::Metrics | Family::Depths | Family::Tree => {
            &[Area::Reads]
        }
        Family::Delete | Family::DeleteBulk => &[Area::Delete],
        Family::Prune | Family::PruneBulk => &[Area::Prune],
        Family::Payload if claim.starts_with("names") => &[Area::Payloads, Area::Kv, Area::Tags, Area::Sessions],
        Family::Payload => &[Area::Payloads, Area::Numbers],
        Family::Time => &[Area::Time],
        Family::Error => &[Area::Payloads, Area::Numbers],
        Family::Dropped => &[Area::Dropped],
        Family::Durable => &[Area::Durable],
        // No area is about these.
        Family::Concurrent | Family::Identity => &[],
    }
}
