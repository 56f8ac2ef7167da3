//! [`Reason`]: whether two runs fail for the same reason.

use std::collections::BTreeSet;

use crate::sim::{Cause, Failure, Unfinished, Wait};

/// Why a run failed, as far as it must stay the same while it is made smaller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// The kind of cause, and the property, the law or the text.
    what: String,
    /// The instances that had not ended, where that is the failure, each with the
    /// kind of what it waits for.
    stuck: BTreeSet<(String, String)>,
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
            Cause::Stalled { .. } => "stalled".to_owned(),
            Cause::UnknownHandler(unknown) => format!("unknown {}", unknown.lack),
            Cause::NoProgress(circle) => format!("no progress {}", circle.kind()),
            Cause::Unfinished(_) => "unfinished".to_owned(),
            Cause::VirtualTimeLimit(_) => "virtual time".to_owned(),
            Cause::StepLimit(_) => "steps".to_owned(),
            Cause::RealTimeLimit | Cause::Hang(_) => "hang".to_owned(),
            Cause::RealIo => "real input and output".to_owned(),
            Cause::Died(how) => format!("died {}", shape(how)),
        };
        Reason { what, stuck: if is_of_instances(&failure.cause) { stuck(failure) } else { BTreeSet::new() } }
    }

    /// Whether a smaller run that failed for `other` shows what this one did: an
    /// instance that waits for something else by then has another failure.
    pub fn is_shown_by(&self, other: &Reason) -> bool {
        let none = self.stuck.is_empty() && other.stuck.is_empty();
        self.what == other.what && (none || !self.stuck.is_disjoint(&other.stuck))
    }
}

/// Whether a failure is that instances do not end. A property says by itself what
/// is wrong, whichever instance has it so.
fn is_of_instances(cause: &Cause) -> bool {
    matches!(cause, Cause::Stalled { .. } | Cause::Unfinished(_) | Cause::VirtualTimeLimit(_))
}

/// The instances that had not ended, each with the kind of what it waits for.
fn stuck(failure: &Failure) -> BTreeSet<(String, String)> {
    let pairs = |unfinished: &Unfinished| {
        let of = |wait: &Wait| (unfinished.instance.clone(), kind(wait).to_owned());
        unfinished.waits.iter().map(of).collect::<Vec<_>>()
    };
    failure.waits.iter().flat_map(pairs).collect()
}

fn kind(wait: &Wait) -> &str {
    match wait {
        Wait::Start => "start",
        Wait::Unstarted { .. } => "unstarted",
        Wait::Open { kind, .. } => kind,
        Wait::Message { .. } => "message",
        Wait::Lock(_) => "lock",
        Wait::Node(_) => "node",
        Wait::Unseen => "unseen",
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
