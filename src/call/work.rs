//! What a provider may know about a `WorkItem`: its queue and its instance.
//!
//! Source: the documentation of `duroxide::providers::WorkItem`, "Queue Routing" and "Instance ID
//! Extraction".

use std::borrow::Cow;

use duroxide::providers::WorkItem;
use serde_json::Value;

/// Returns the instance that a work item belongs to; for the completion of a sub-orchestration, the
/// parent. Empty if the item names none, in which case no provider can store it
/// ([`named_instance`]).
pub fn instance_of(item: &WorkItem) -> Cow<'_, str> {
    named_instance(item).unwrap_or_default()
}

/// Returns the activity that a work item runs, if it runs one.
pub(crate) fn activity_of(item: &WorkItem) -> Option<&str> {
    if let WorkItem::ActivityExecute { name, .. } = item { Some(name) } else { None }
}

/// Returns the instance that a work item belongs to, if it names one. A variant that this crate
/// does not know, because a feature or a later version of duroxide adds it, is read from the JSON
/// form in which it is stored.
pub fn named_instance(item: &WorkItem) -> Option<Cow<'_, str>> {
    let known = match item {
        WorkItem::StartOrchestration { instance, .. }
        | WorkItem::ActivityExecute { instance, .. }
        | WorkItem::ActivityCompleted { instance, .. }
        | WorkItem::ActivityFailed { instance, .. }
        | WorkItem::TimerFired { instance, .. }
        | WorkItem::ExternalRaised { instance, .. }
        | WorkItem::CancelInstance { instance, .. }
        | WorkItem::ContinueAsNew { instance, .. }
        | WorkItem::QueueMessage { instance, .. } => instance,
        WorkItem::SubOrchCompleted { parent_instance, .. } | WorkItem::SubOrchFailed { parent_instance, .. } => {
            parent_instance
        }
        #[allow(unreachable_patterns)]
        unknown => return field_of(unknown, &["instance", "parent_instance"]).map(Cow::Owned),
    };
    Some(Cow::Borrowed(known))
}

/// The first of these fields that the item has, as text.
fn field_of(item: &WorkItem, names: &[&str]) -> Option<String> {
    let (_, fields) = parts(serde_json::to_value(item).ok()?)?;
    names.iter().find_map(|name| fields.get(*name)?.as_str().map(str::to_owned))
}

/// The name and the fields of a variant, from its JSON.
fn parts(variant: Value) -> Option<(String, Value)> {
    match variant {
        Value::String(name) => Some((name, Value::Null)),
        Value::Object(all) => all.into_iter().next(),
        _ => None,
    }
}

/// The fields of an item of unknown kind, as JSON.
pub(crate) fn fields_of(item: &WorkItem) -> String {
    let fields = serde_json::to_value(item).ok().and_then(parts);
    fields.map(|(_, fields)| fields.to_string()).unwrap_or_default()
}

/// Whether the item belongs in the worker queue.
pub fn is_job(item: &WorkItem) -> bool {
    matches!(item, WorkItem::ActivityExecute { .. })
}

/// Whether the item is an activity that is bound to a session.
pub fn is_of_session(item: &WorkItem) -> bool {
    matches!(item, WorkItem::ActivityExecute { session_id: Some(_), .. })
}

/// The routing tag of an activity.
pub fn tag_of(item: &WorkItem) -> Option<&str> {
    match item {
        WorkItem::ActivityExecute { tag, .. } => tag.as_deref(),
        _ => None,
    }
}

/// Whether the item starts an execution and so can create an instance.
pub fn is_start(item: &WorkItem) -> bool {
    matches!(item, WorkItem::StartOrchestration { .. } | WorkItem::ContinueAsNew { .. })
}

/// The name of the item's variant.
pub fn kind_of(item: &WorkItem) -> Cow<'static, str> {
    Cow::Borrowed(match item {
        WorkItem::StartOrchestration { .. } => "StartOrchestration",
        WorkItem::ActivityExecute { .. } => "ActivityExecute",
        WorkItem::ActivityCompleted { .. } => "ActivityCompleted",
        WorkItem::ActivityFailed { .. } => "ActivityFailed",
        WorkItem::TimerFired { .. } => "TimerFired",
        WorkItem::ExternalRaised { .. } => "ExternalRaised",
        WorkItem::SubOrchCompleted { .. } => "SubOrchCompleted",
        WorkItem::SubOrchFailed { .. } => "SubOrchFailed",
        WorkItem::CancelInstance { .. } => "CancelInstance",
        WorkItem::ContinueAsNew { .. } => "ContinueAsNew",
        WorkItem::QueueMessage { .. } => "QueueMessage",
        #[allow(unreachable_patterns)]
        unknown => {
            let name = serde_json::to_value(unknown).ok().and_then(parts).map(|(name, _)| name);
            return name.map_or(Cow::Borrowed("WorkItem"), Cow::Owned);
        }
    })
}
