//! [`DeviationSignature`]: the signature of a deviation, which shrinking preserves.

use duroxide_sim::call::{Class, Reply};

use crate::blame::blame;
use crate::drive::{Deviation, End, Observed, Run};
use crate::mismatch::{Aspect, Mismatch};

/// The signature of a deviation: the method, the deviating aspect, and the kind
/// of the expected error if there is one.
#[derive(PartialEq)]
pub(crate) struct DeviationSignature(&'static str, Aspect, Option<Class>);

impl DeviationSignature {
    pub fn of(run: &Run, deviation: &Deviation) -> DeviationSignature {
        DeviationSignature::seen(&run.observed[..=deviation.observed], &deviation.mismatch)
    }

    pub fn seen(observed: &[Observed], mismatch: &Mismatch) -> DeviationSignature {
        let method = observed.last().map_or("", |last| last.call.method().name());
        // The expiry of a lock is not part of the signature.
        let aspect = mismatch.aspect.untimed();
        let class = match &mismatch.expected {
            Reply::Refused(refusal) => Some(refusal.class),
            _ => None,
        };
        DeviationSignature(method, aspect, class)
    }
}

impl DeviationSignature {
    /// Whether both may have the same cause: the same part of an answer is
    /// wrong, in whatever method.
    pub fn resembles(&self, other: &DeviationSignature) -> bool {
        match (&self.1, &other.1) {
            (Aspect::Part(one), Aspect::Part(other)) => one.words() == other.words(),
            (one, another) => one == another && self.0 == other.0,
        }
    }
}

/// The id of the rule that a deviation breaks, according to its run.
pub(crate) fn rule_of(run: &Run, deviation: &Deviation) -> &'static str {
    blame(&run.observed[..=deviation.observed], &deviation.mismatch).id
}

/// Every deviation in a run.
pub(crate) fn deviations(run: &Run) -> impl Iterator<Item = &Deviation> {
    let last = match &run.end {
        End::Deviates(deviation) => Some(deviation),
        End::Agrees | End::Inconclusive(_) => None,
    };
    run.waived.iter().chain(last)
}
