//! [`Reason`]: decides whether two runs fail for the same reason.

use std::collections::BTreeSet;

use crate::sim::{Cause, Failure, Unfinished, Wait};

/// The part of a failure's cause that must stay the same while the failure is shrunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// The kind of cause with the name of the property, the law, or the text.
    what: String,
    /// The instances that had not ended, if that is the failure, each with the kind of its wait.
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
            // Runs with different limits or bounds have the same failure.
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

    /// Whether a smaller run that failed with `other` shows the same failure as this one. If its
    /// instances wait for other things, it does not.
    pub fn is_shown_by(&self, other: &Reason) -> bool {
        let none = self.stuck.is_empty() && other.stuck.is_empty();
        self.what == other.what && (none || !self.stuck.is_disjoint(&other.stuck))
    }
}

/// Whether the failure is that instances do not end. For a property the instances do not matter:
/// its name says what is wrong.
fn is_of_instances(cause: &Cause) -> bool {
    matches!(cause, Cause::Stalled { .. } | Cause::Unfinished(_) | Cause::VirtualTimeLimit(_))
}

/// The instances that had not ended, each with the kind of its wait.
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

/// The first line of a text with every number replaced by `#`: times and ids change while a run is
/// shrunk.
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
