//! Converts duroxide's values to Rust code.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::WorkItem;
use duroxide::{AppErrorKind, ConfigErrorKind, ErrorDetails, EventKind, PoisonMessageType};
use duroxide_sim::call::{Event, Item};
use duroxide_sim::clock::Time;

use super::layout::Code;
use super::uses::{Helper, Import, Used};

/// The version that most events carry.
const USUAL_VERSION: &str = "1.0.0";

/// A value that can be written as Rust code.
pub(super) trait Coded {
    fn code(&self) -> Code;
}

impl Coded for String {
    fn code(&self) -> Code {
        Code::Text(self.clone())
    }
}

macro_rules! plain {
    ($($type:ty),*) => {
        $(impl Coded for $type {
            fn code(&self) -> Code {
                Code::word(self.to_string())
            }
        })*
    };
}

plain!(bool, u32, usize);

impl Coded for u64 {
    fn code(&self) -> Code {
        match *self {
            u64::MAX => Code::word("u64::MAX"),
            number if number == i64::MAX as u64 => Code::word("i64::MAX as u64"),
            number => Code::word(number.to_string()),
        }
    }
}

impl<T: Coded> Coded for Option<T> {
    fn code(&self) -> Code {
        self.as_ref().map_or_else(|| Code::None, |value| Code::call("Some", vec![value.code()]))
    }
}

impl<T: Coded> Coded for Vec<T> {
    fn code(&self) -> Code {
        Code::vec(self.iter().map(Coded::code).collect())
    }
}

impl Coded for (String, String) {
    fn code(&self) -> Code {
        Code::call("", vec![self.0.code(), self.1.code()])
    }
}

impl<T: Coded> Coded for BTreeMap<String, T> {
    fn code(&self) -> Code {
        let pair = |(key, value): (&String, &T)| Code::call("", vec![key.code(), value.code()]);
        Code::call("HashMap::from", vec![Code::array(self.iter().map(pair).collect())]).using(Import::Map)
    }
}

impl Coded for duroxide_sim::call::KvEntry {
    fn code(&self) -> Code {
        let fields = vec![("value", self.value.code()), ("last_updated_at_ms", self.last_updated_at_ms.code())];
        Code::record("KvEntry", fields).using(Import::KvEntry)
    }
}

impl Coded for Duration {
    fn code(&self) -> Code {
        let code = |text: String| Code::word(text).using(Import::Duration);
        match (self.as_secs(), self.subsec_nanos()) {
            (0, 0) => code("Duration::ZERO".to_owned()),
            _ if *self == Duration::MAX => code("Duration::MAX".to_owned()),
            (seconds, 0) => code(format!("Duration::from_secs({seconds})")),
            (seconds, nanos) if nanos % 1_000_000 == 0 && seconds < 1 << 40 => {
                code(format!("Duration::from_millis({})", self.as_millis())).using(Used::ShortSpan)
            }
            (seconds, nanos) => code(format!("Duration::new({seconds}, {nanos})")).using(Used::ShortSpan),
        }
    }
}

impl Coded for semver::Version {
    fn code(&self) -> Code {
        Code::word(format!("{:?}.parse().expect(\"a version\")", self.to_string()))
    }
}

/// Implements `Coded` for an enum, from its variants and their fields.
macro_rules! coded {
    ($type:ident { $($variant:ident { $($field:ident),* }),* $(,)? }) => {
        impl Coded for $type {
            fn code(&self) -> Code {
                match self {
                    $($type::$variant { $($field),* } => variant(
                        concat!(stringify!($type), "::", stringify!($variant)),
                        vec![$((stringify!($field), $field.code())),*],
                    ).using(Import::$type),)*
                    // A variant added by a feature of duroxide.
                    #[allow(unreachable_patterns)]
                    _ => Code::word(concat!("todo!(\"another ", stringify!($type), "\")")),
                }
            }
        }
    };
}

fn variant(name: &str, fields: Vec<(&str, Code)>) -> Code {
    if fields.is_empty() { Code::word(name) } else { Code::record(name, fields) }
}

coded!(WorkItem {
    StartOrchestration {
        instance, orchestration, input, version, parent_instance, parent_id, parent_execution_id, execution_id
    },
    ActivityExecute { instance, execution_id, id, name, input, session_id, tag },
    ActivityCompleted { instance, execution_id, id, result },
    ActivityFailed { instance, execution_id, id, details },
    TimerFired { instance, execution_id, id, fire_at_ms },
    ExternalRaised { instance, name, data },
    SubOrchCompleted { parent_instance, parent_execution_id, parent_id, result },
    SubOrchFailed { parent_instance, parent_execution_id, parent_id, details },
    CancelInstance { instance, reason },
    ContinueAsNew {
        instance, orchestration, input, version, parent_instance, parent_id, parent_execution_id,
        carry_forward_events, initial_custom_status
    },
    QueueMessage { instance, name, data },
});

coded!(EventKind {
    OrchestrationStarted {
        name, version, input, parent_instance, parent_id, parent_execution_id, carry_forward_events,
        initial_custom_status
    },
    OrchestrationCompleted { output },
    OrchestrationFailed { details },
    ActivityScheduled { name, input, session_id, tag },
    ActivityCompleted { result },
    ActivityFailed { details },
    ActivityCancelRequested { reason },
    TimerCreated { fire_at_ms },
    TimerFired { fire_at_ms },
    ExternalSubscribed { name },
    ExternalEvent { name, data },
    OrchestrationChained { name, instance, input },
    SubOrchestrationScheduled { name, instance, input },
    SubOrchestrationCompleted { result },
    SubOrchestrationFailed { details },
    SubOrchestrationCancelRequested { reason },
    OrchestrationContinuedAsNew { input },
    OrchestrationCancelRequested { reason },
    ExternalSubscribedCancelled { reason },
    QueueSubscribed { name },
    QueueEventDelivered { name, data },
    QueueSubscriptionCancelled { reason },
    CustomStatusUpdated { status },
    KeyValueSet { key, value, last_updated_at_ms },
    KeyValueCleared { key },
    KeyValuesCleared {},
});

coded!(ErrorDetails {
    Infrastructure { operation, message, retryable },
    Configuration { kind, resource, message },
    Application { kind, message, retryable },
    Poison { attempt_count, max_attempts, message_type, message },
});

coded!(PoisonMessageType {
    Orchestration { instance, execution_id },
    Activity { instance, execution_id, activity_name, activity_id },
    FailedDeserialization { instance, execution_id, error },
});

coded!(ConfigErrorKind { Nondeterminism {} });

coded!(AppErrorKind { ActivityFailed {}, OrchestrationFailed {}, Panicked {}, Cancelled { reason } });

/// A work item; times are relative to the start.
pub(super) fn item(item: &Item, base: Time) -> Code {
    match &**item {
        WorkItem::TimerFired { instance, execution_id, id, fire_at_ms } => Code::record(
            "WorkItem::TimerFired",
            vec![
                ("instance", instance.code()),
                ("execution_id", execution_id.code()),
                ("id", id.code()),
                ("fire_at_ms", moment(*fire_at_ms, base)),
            ],
        )
        .using(Import::WorkItem),
        // Usual start messages are made by the function `start_of`.
        WorkItem::StartOrchestration {
            instance,
            orchestration,
            input,
            version: None,
            parent_instance: None,
            parent_id: None,
            parent_execution_id: None,
            execution_id: 1,
        } if input.is_empty() && instance.len().max(orchestration.len()) < 40 => {
            Code::word(format!("start_of({instance:?}, {orchestration:?})")).using(Helper::StartOf)
        }
        other => other.code(),
    }
}

/// A list of work items.
pub(super) fn items(all: &[Item], base: Time) -> Code {
    Code::vec(all.iter().map(|one| item(one, base)).collect())
}

/// A time, relative to the start.
pub(super) fn moment(ms: u64, base: Time) -> Code {
    match ms {
        u64::MAX => Code::word("u64::MAX"),
        ms if ms == base.0 => Code::word("start").using(Used::Start),
        ms if ms > base.0 => Code::word(format!("start + {}", ms - base.0)).using(Used::Start),
        ms => ms.code(),
    }
}

/// An event; usual ones are made by the function `event`.
pub(super) fn event(event: &Event) -> Code {
    let usual = Code::call(
        "event",
        vec![
            event.event_id.code(),
            Code::word(format!("{:?}", event.instance_id)),
            event.execution_id.code(),
            event.kind.code(),
        ],
    )
    .using(Helper::Event);
    let mut fields = Vec::new();
    if event.source_event_id.is_some() {
        fields.push(("source_event_id", event.source_event_id.code()));
    }
    if event.timestamp_ms != 0 {
        fields.push(("timestamp_ms", event.timestamp_ms.code()));
    }
    if event.duroxide_version != USUAL_VERSION {
        fields.push(("duroxide_version", event.duroxide_version.code()));
    }
    if fields.is_empty() {
        return usual;
    }
    fields.push(("..", usual));
    Code::record("Event", fields).using(Import::Event)
}

/// A list of events.
pub(super) fn events(all: &[Arc<duroxide::Event>]) -> Code {
    Code::vec(all.iter().map(event).collect())
}
