//! [`Mismatch`]: how an answer deviates from every allowed one, as plain data.

use duroxide_sim::call::Reply;
use duroxide_sim::clock::Time;
use duroxide_sim::store::Ineligible;

mod part;

pub use part::{Field, HistoryPart, JobPart, NamesPart, Part, StatusPart, TreePart, TurnPart};

/// How an answer deviates from every allowed answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// The part of the answer, or the property of it, that deviates.
    pub aspect: Aspect,
    /// An allowed answer. For a fetch that found nothing, the item it should
    /// have returned.
    pub expected: Reply,
}

impl Mismatch {
    /// Ranks mismatches, so that the most plausible world explains the failure;
    /// lower is closer. A wrong part of an answer is closer than an item that
    /// does not exist in that world.
    pub(crate) fn distance(&self) -> u8 {
        match self.aspect {
            Aspect::Part(_) | Aspect::Retryable => 0,
            Aspect::Accepted | Aspect::Refused | Aspect::Token | Aspect::Panicked | Aspect::Hung => 1,
            // Worlds in which the item exists but is not eligible are closer.
            Aspect::Barred(Ineligible::Absent) => 3,
            Aspect::Barred(_) | Aspect::Missed => 2,
        }
    }
}

/// The way in which an answer deviates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// The call succeeded, but had to be refused.
    Accepted,
    /// The call was refused without a reason.
    Refused,
    /// The error is marked retryable, but a retry cannot succeed.
    Retryable,
    /// A fetch found nothing, although an item was eligible.
    Missed,
    /// A fetch returned an item that was not eligible.
    Barred(Ineligible),
    /// A fetch returned a lock token that was issued before.
    Token,
    /// This part of the answer is wrong.
    Part(Part),
    /// The call panicked.
    Panicked,
    /// The call did not complete in time.
    Hung,
}

impl Aspect {
    /// The aspect without times, by which two deviations of one kind differ.
    pub(crate) fn untimed(&self) -> Aspect {
        match self {
            Aspect::Barred(Ineligible::Locked(_)) => Aspect::Barred(Ineligible::Locked(Time::MAX)),
            Aspect::Barred(Ineligible::Invisible(_)) => Aspect::Barred(Ineligible::Invisible(Time::MAX)),
            aspect => aspect.clone(),
        }
    }
}
