//! [`Reason`]: whether two runs fail for the same reason.

use std::collections::BTreeSet;

use crate::sim::{Cause, Failure};

/// Why a run failed, as far as it must stay the same while it is made smaller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// The kind of cause, and the property, the law or the text.
    what: String,
    /// The instances that had not ended, where that is the failure.
    instances: BTreeSet<String>,
}

impl Reason {
    pub fn of(failure: &Failure) -> Reason {
        let what = match &failure.cause {
            Cause::Setup(why) => format!("setup {why}"),
            Cause::Error(text) => format!("error {}", shape(text)),
            Cause::Panic(text) => format!("panic {}", shape(text)),
            Cause::TaskPanic(panics) => {
                let first = panics.first().map(|panic| shape(&panic.to_string()));
                format!("task panic {}", first.unwrap_or_default())
            }
            Cause::Property { name, .. } => format!("always {name}"),
            Cause::Eventually { name, .. } => format!("eventually {name}"),
            Cause::AtEnd { name, .. } => format!("at end {name}"),
            Cause::NeverAtRest { name, .. } => format!("never at rest {name}"),
            Cause::Unreached(_) => "unreached".to_owned(),
            Cause::Laws => format!("law {:?}", failure.breaches.first().map(|breach| breach.law)),
            // A lower limit or bound is the same failure.
            Cause::Stalled(_) => "stalled".to_owned(),
            Cause::Unfinished(_) => "unfinished".to_owned(),
            Cause::VirtualTimeLimit(_) => "virtual time".to_owned(),
            Cause::StepLimit(_) => "steps".to_owned(),
            Cause::RealTimeLimit | Cause::Hang => "hang".to_owned(),
            Cause::Died(how) => format!("died {}", shape(how)),
        };
        // A property says by itself what is wrong, whichever instance has it so.
        let names_none = matches!(failure.cause, Cause::Eventually { .. });
        let waits = failure.waits.iter().filter(|_| failure.cause.is_of_liveness() && !names_none);
        // A sentence begins with the instance's name.
        let instances = waits.filter_map(|wait| wait.split(" waits for ").next().map(str::to_owned)).collect();
        Reason { what, instances }
    }

    /// Whether a smaller run that failed for `other` shows what this one did.
    pub fn is_shown_by(&self, other: &Reason) -> bool {
        let common = self.instances.is_empty() || other.instances.is_empty();
        self.what == other.what && (common || !self.instances.is_disjoint(&other.instances))
    }
}

/// The first line of a text, its numbers all alike: times and ids change while a
/// run is made smaller.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for c in text.lines().next().unwrap_or_default().chars() {
        match c {
            '0'..='9' if shape.ends_with('#') => {}
            '0'..='9' => shape.push('#'),
            _ => shape.push(c),
        }
    }
    shape
}
