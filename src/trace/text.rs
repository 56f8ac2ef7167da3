//! Formatting of a trace as text: one line per call, times relative to the start, lock tokens
//! numbered in the order of their appearance.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::time::Duration;

use duroxide::EventKind;
use duroxide::providers::WorkItem;

use super::{Answer, Digest, Entry, Mark, SeenTurn, Trace};
use crate::call::{ActivityId, Call, Item, Reply, fields_of, kind_of};
use crate::clock::Time;
use crate::text::{self, Line, Quoted};

impl Trace {
    /// Formats the trace as text, with marks between asterisks. It leaves out the first starts of
    /// nodes, fetches that find nothing, reads with the same answer as the same reader's last one,
    /// and the runtime's maintenance of sessions and gauges.
    pub fn text(&self) -> String {
        let mut tokens = Tokens::default();
        let mut told = BTreeMap::new();
        let mut text = String::new();
        let mut write = |at: Time, by: &str, line: &str| {
            let at = Since(at, self.started);
            text.push_str(format!("{at:>17}  {:<8} {}", Line(by), Line(line)).trim_end());
            text.push('\n');
        };
        let mut marks = self.marks.iter().filter(|mark| !mark.what.is_ordinary()).peekable();
        for (number, entry) in self.entries.iter().enumerate() {
            while let Some(mark) = marks.next_if(|mark| mark.before <= number) {
                write(mark.at, &mark.node, &mark_text(mark));
            }
            if !is_idle(entry) && !is_repeated(entry, &mut told) {
                write(entry.answered, &entry.by, &line(entry, &mut tokens, self.started));
            }
        }
        marks.for_each(|mark| write(mark.at, &mark.node, &mark_text(mark)));
        text
    }
}

fn mark_text(mark: &Mark) -> String {
    format!("** {} **", mark.what)
}

/// Whether an entry is not worth showing: a fetch that found nothing, or maintenance without
/// effect.
pub(crate) fn is_idle(entry: &Entry) -> bool {
    let found_nothing = matches!(entry.answer, Answer::Nothing | Answer::Dropped | Answer::Reply(Reply::Count(0)));
    match &*entry.call {
        Call::FetchOrchestrationItem { .. } | Call::FetchWorkItem { .. } => found_nothing,
        Call::RenewSessionLock { .. } | Call::CleanupOrphanedSessions { .. } => found_nothing,
        Call::GetSystemMetrics | Call::GetQueueDepths => true,
        _ => false,
    }
}

/// Whether a read has the same answer as the reader's last one.
pub(crate) fn is_repeated<'a>(entry: &'a Entry, told: &mut BTreeMap<(&'a str, String), &'a Answer>) -> bool {
    let read = matches!(&*entry.call, Call::Read { .. } | Call::GetCustomStatus { .. } | Call::GetKvValue { .. });
    read && told.insert((&entry.by, format!("{:?}", entry.call)), &entry.answer) == Some(&entry.answer)
}

/// Short names for lock tokens.
#[derive(Debug, Default)]
pub struct Tokens(BTreeMap<String, usize>);

impl Tokens {
    fn name(&mut self, token: &str) -> String {
        let next = self.0.len() + 1;
        format!("L{}", self.0.entry(token.to_owned()).or_insert(next))
    }
}

fn line(entry: &Entry, tokens: &mut Tokens, started: Time) -> String {
    let words = words(&entry.call, &entry.answer, tokens, started);
    let method = entry.call.method();
    match (words.answered, words.asked.is_empty()) {
        (None, _) => format!("{method} {}", words.asked),
        (Some(answered), true) => format!("{method} -> {answered}"),
        (Some(answered), false) => format!("{method} {} -> {answered}", words.asked),
    }
}

/// A call and its answer in words.
#[derive(Debug)]
pub struct Words {
    /// The arguments, without the method's name.
    pub asked: String,
    /// The answer; `None` for a call that returns no value.
    pub answered: Option<String>,
}

/// Describes a call and its answer, with times relative to `started`.
pub fn words(call: &Call, answer: &Answer, tokens: &mut Tokens, started: Time) -> Words {
    let asked = text::line(ask(call, tokens, started));
    let answered = match answer {
        Answer::Turn(turn) => turn_text(turn, tokens, started),
        Answer::Job(job) => {
            let token = tokens.name(&job.token);
            format!("{token} attempt {}: {}", job.attempts, item_text(&job.item, started))
        }
        Answer::Nothing => "nothing".to_owned(),
        Answer::History(digest) => digest.to_string(),
        Answer::Reply(Reply::Done) => return Words { asked, answered: None },
        Answer::Reply(reply) => reply_text(reply),
        Answer::Dropped => "dropped".to_owned(),
    };
    Words { asked, answered: Some(text::line(answered)) }
}

fn turn_text(turn: &SeenTurn, tokens: &mut Tokens, started: Time) -> String {
    let messages: Vec<String> = turn.messages.iter().map(|item| item_text(item, started)).collect();
    let error = turn.history_error.as_ref().map(|error| format!(", unreadable: {error}")).unwrap_or_default();
    format!(
        "{} attempt {}: {} execution {}, {}{error}, [{}]",
        tokens.name(&turn.token),
        turn.attempts,
        turn.instance,
        turn.execution,
        turn.history,
        messages.join(", ")
    )
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} event{}", self.events, if self.events == 1 { "" } else { "s" })
    }
}

fn ask(call: &Call, tokens: &mut Tokens, started: Time) -> String {
    match call {
        Call::FetchOrchestrationItem { .. } | Call::FetchWorkItem { .. } => String::new(),
        Call::AckOrchestrationItem(ack) => {
            let mut text = format!("{} execution {}", tokens.name(&ack.token), ack.execution);
            let list = |items: Vec<String>| items.join(", ");
            let items = |items: &[Item]| list(items.iter().map(|item| item_text(item, started)).collect());
            if !ack.history.is_empty() {
                let events = ack.history.iter().map(|event| format!("{} {}", event.event_id, event_name(event)));
                let _ = write!(text, ", events [{}]", list(events.collect()));
            }
            if !ack.jobs.is_empty() {
                let _ = write!(text, ", jobs [{}]", items(&ack.jobs));
            }
            if !ack.messages.is_empty() {
                let _ = write!(text, ", messages [{}]", items(&ack.messages));
            }
            if !ack.cancelled.is_empty() {
                let named = |id: &ActivityId| format!("#{} of {} execution {}", id.activity, id.instance, id.execution);
                let ids = ack.cancelled.iter().map(named);
                let _ = write!(text, ", cancelled [{}]", list(ids.collect()));
            }
            if let Some(status) = &ack.metadata.status {
                let _ = write!(text, ", {status} {}", quote(ack.metadata.output.as_deref().unwrap_or("")));
            }
            text
        }
        Call::AbandonOrchestrationItem { token, delay, .. } | Call::AbandonWorkItem { token, delay, .. } => {
            let delay = delay.map(|delay| format!(" for {}", Span(delay))).unwrap_or_default();
            format!("{}{delay}", tokens.name(token))
        }
        Call::RenewOrchestrationItemLock { token, extend_for } | Call::RenewWorkItemLock { token, extend_for } => {
            format!("{} for {}", tokens.name(token), Span(*extend_for))
        }
        Call::AckWorkItem { token, completion } => {
            let completion = completion.as_ref().map(|item| item_text(item, started));
            format!("{} {}", tokens.name(token), completion.unwrap_or_default())
        }
        Call::EnqueueForWorker { item } => item_text(item, started),
        Call::EnqueueForOrchestrator { item, delay } => {
            let delay = delay.map(|delay| format!(" in {}", Span(delay))).unwrap_or_default();
            format!("{} {}{delay}", crate::call::instance_of(item), item_text(item, started))
        }
        Call::RenewSessionLock { .. } | Call::CleanupOrphanedSessions { .. } => String::new(),
        Call::GetKvValue { instance, key } => format!("{instance} {}", quote(key)),
        Call::DeleteInstancesAtomic { instances, force } => format!("{instances:?}{}", forced(*force)),
        Call::DeleteInstance { instance, force } => format!("{instance}{}", forced(*force)),
        Call::DeleteInstanceBulk { query } => format!("{query:?}"),
        Call::PruneExecutions { instance, keep } => format!("{instance} {keep:?}"),
        Call::PruneExecutionsBulk { query, keep } => format!("{query:?} {keep:?}"),
        Call::ListInstancesByStatus { status } => status.clone(),
        Call::ListInstances | Call::GetSystemMetrics | Call::GetQueueDepths => String::new(),
        Call::ReadWithExecution { instance, execution }
        | Call::AppendWithExecution { instance, execution, .. }
        | Call::ReadHistoryWithExecutionId { instance, execution }
        | Call::GetExecutionInfo { instance, execution } => format!("{instance} execution {execution}"),
        Call::GetCustomStatus { instance, last_seen_version } => format!("{instance} after {last_seen_version}"),
        Call::Read { instance }
        | Call::GetKvAllValues { instance }
        | Call::GetInstanceStats { instance }
        | Call::ListExecutions { instance }
        | Call::ReadHistory { instance }
        | Call::LatestExecutionId { instance }
        | Call::GetInstanceInfo { instance }
        | Call::ListChildren { instance }
        | Call::GetParentId { instance }
        | Call::GetInstanceTree { instance } => instance.clone(),
    }
}

fn forced(force: bool) -> &'static str {
    if force { " by force" } else { "" }
}

fn reply_text(reply: &Reply) -> String {
    match reply {
        Reply::Refused(refusal) => format!("refused ({:?}): {}", refusal.class, refusal.message),
        Reply::Value(Some(value)) => quote(value),
        Reply::Value(None) | Reply::CustomStatus(None) | Reply::Stats(None) => "none".to_owned(),
        Reply::CustomStatus(Some((status, version))) => {
            format!("{} (version {version})", status.as_deref().map_or("none".to_owned(), quote))
        }
        Reply::Names(names) => names.join(", "),
        Reply::Count(n) => n.to_string(),
        Reply::Number(n) => n.to_string(),
        Reply::Numbers(numbers) => format!("{numbers:?}"),
        other => format!("{other:?}"),
    }
}

/// Describes a work item briefly on one line, with invisible characters escaped.
pub fn describe_item(item: &WorkItem) -> String {
    text::line(item_text(item, Time(0)))
}

/// Like [`describe_item`], with times relative to `started`.
pub fn item_text(item: &WorkItem, started: Time) -> String {
    let kind = kind_of(item);
    match item {
        WorkItem::StartOrchestration { orchestration, input, .. } => format!("{kind} {orchestration} {}", quote(input)),
        WorkItem::ContinueAsNew { orchestration, input, .. } => format!("{kind} {orchestration} {}", quote(input)),
        WorkItem::ActivityExecute { name, id, input, .. } => format!("{kind} #{id} {name} {}", quote(input)),
        WorkItem::ActivityCompleted { id, result, .. } => format!("{kind} #{id} {}", quote(result)),
        WorkItem::ActivityFailed { id, details, .. } => format!("{kind} #{id} {}", quote(&details.display_message())),
        WorkItem::TimerFired { id, fire_at_ms, .. } => format!("{kind} #{id} at {}", Since(Time(*fire_at_ms), started)),
        WorkItem::ExternalRaised { name, data, .. } => format!("{kind} {name} {}", quote(data)),
        WorkItem::QueueMessage { name, data, .. } => format!("{kind} {name} {}", quote(data)),
        WorkItem::SubOrchCompleted { parent_id, result, .. } => format!("{kind} #{parent_id} {}", quote(result)),
        WorkItem::SubOrchFailed { parent_id, details, .. } => {
            format!("{kind} #{parent_id} {}", quote(&details.display_message()))
        }
        WorkItem::CancelInstance { reason, .. } => format!("{kind} {}", quote(reason)),
        #[allow(unreachable_patterns)]
        unknown => format!("{kind} {}", fields_of(unknown)),
    }
}

/// Describes an event briefly on one line, with invisible characters escaped.
pub fn describe_event(event: &duroxide::Event) -> String {
    let name = event_name(event);
    let source = event.source_event_id.map(|id| format!(" #{id}")).unwrap_or_default();
    let rest = match &event.kind {
        EventKind::OrchestrationStarted { name, version, input, .. } => format!(" {name} {version} {}", quote(input)),
        EventKind::OrchestrationCompleted { output } => format!(" {}", quote(output)),
        EventKind::OrchestrationFailed { details }
        | EventKind::ActivityFailed { details }
        | EventKind::SubOrchestrationFailed { details } => format!(" {}", quote(&details.display_message())),
        EventKind::ActivityScheduled { name, input, session_id, tag } => {
            let session = session_id.as_ref().map(|id| format!(" session {id}")).unwrap_or_default();
            let tag = tag.as_ref().map(|tag| format!(" tag {tag}")).unwrap_or_default();
            format!(" {name} {}{session}{tag}", quote(input))
        }
        EventKind::ActivityCompleted { result } | EventKind::SubOrchestrationCompleted { result } => {
            format!(" {}", quote(result))
        }
        EventKind::TimerCreated { fire_at_ms } => {
            format!(" in {}", Span(Time(*fire_at_ms) - Time(event.timestamp_ms)))
        }
        EventKind::ExternalSubscribed { name } | EventKind::QueueSubscribed { name } => format!(" {name}"),
        EventKind::ExternalEvent { name, data } | EventKind::QueueEventDelivered { name, data } => {
            format!(" {name} {}", quote(data))
        }
        EventKind::OrchestrationChained { name, instance, input }
        | EventKind::SubOrchestrationScheduled { name, instance, input } => {
            format!(" {name} as {instance} {}", quote(input))
        }
        EventKind::OrchestrationContinuedAsNew { input } => format!(" {}", quote(input)),
        EventKind::ActivityCancelRequested { reason }
        | EventKind::SubOrchestrationCancelRequested { reason }
        | EventKind::OrchestrationCancelRequested { reason }
        | EventKind::ExternalSubscribedCancelled { reason }
        | EventKind::QueueSubscriptionCancelled { reason } => format!(" {}", quote(reason)),
        EventKind::CustomStatusUpdated { status } => format!(" {}", status.as_deref().map_or("none".into(), quote)),
        EventKind::KeyValueSet { key, value, .. } => format!(" {key} = {}", quote(value)),
        EventKind::KeyValueCleared { key } => format!(" {key}"),
        EventKind::TimerFired { .. } | EventKind::KeyValuesCleared => String::new(),
        #[allow(unreachable_patterns)]
        unknown => format!(" {}", serde_json::to_string(unknown).unwrap_or_default()),
    };
    text::line(format_args!("{name}{source}{rest}"))
}

/// Defines the names and numbers of event kinds from one table.
macro_rules! event_kinds {
    ($($number:literal $kind:ident),* $(,)?) => {
        fn event_kind(event: &duroxide::Event) -> (u64, &'static str) {
            match &event.kind {
                $(EventKind::$kind { .. } => ($number, stringify!($kind)),)*
                // Unknown kinds are distinguished by their content.
                #[allow(unreachable_patterns)]
                unknown => (number_of(unknown), "Event"),
            }
        }
    };
}

/// A number for an event kind outside of the table, derived from its content.
#[allow(dead_code)] // Only where a feature of duroxide adds kinds of events.
fn number_of(kind: &EventKind) -> u64 {
    const KNOWN: u64 = 1 << 32;
    let text = serde_json::to_string(kind).unwrap_or_default();
    text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        | KNOWN
}

event_kinds! {
    1 OrchestrationStarted, 2 OrchestrationCompleted, 3 OrchestrationFailed, 4 ActivityScheduled,
    5 ActivityCompleted, 6 ActivityFailed, 7 ActivityCancelRequested, 8 TimerCreated, 9 TimerFired,
    10 ExternalSubscribed, 11 ExternalEvent, 12 OrchestrationChained, 13 SubOrchestrationScheduled,
    14 SubOrchestrationCompleted, 15 SubOrchestrationFailed, 16 SubOrchestrationCancelRequested,
    17 OrchestrationContinuedAsNew, 18 OrchestrationCancelRequested, 19 ExternalSubscribedCancelled,
    20 QueueSubscribed, 21 QueueEventDelivered, 22 QueueSubscriptionCancelled, 23 CustomStatusUpdated,
    24 KeyValueSet, 25 KeyValueCleared, 26 KeyValuesCleared,
}

pub(super) fn event_number(event: &duroxide::Event) -> u64 {
    event_kind(event).0
}

/// duroxide's name for the event's kind.
pub(crate) fn event_name(event: &duroxide::Event) -> &'static str {
    event_kind(event).1
}

/// A payload in quotes, truncated if it is long.
pub fn quote(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return Quoted(text).to_string();
    }
    let cut: String = text.chars().take(LONGEST).collect();
    format!("{}… ({} bytes)", Quoted(cut), text.len())
}

/// A time relative to the start of a run.
pub(super) struct Since(pub Time, pub Time);

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text =
            if self.0 < self.1 { format!("-{}", Span(self.1 - self.0)) } else { format!("+{}", Span(self.0 - self.1)) };
        f.pad(&text)
    }
}

/// A duration in the form `1d 02:03:04.005`, without leading parts that are zero.
#[derive(Debug)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, ms) = (self.0.as_secs(), self.0.subsec_millis());
        let (days, h, m, s) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let text = match (days, h, m) {
            (0, 0, 0) => format!("{s}.{ms:03}"),
            (0, 0, _) => format!("{m}:{s:02}.{ms:03}"),
            (0, _, _) => format!("{h}:{m:02}:{s:02}.{ms:03}"),
            _ => format!("{days}d {h:02}:{m:02}:{s:02}.{ms:03}"),
        };
        f.pad(&text)
    }
}
