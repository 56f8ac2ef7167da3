//! What a program uses that it has to import or define: recorded while its code
//! is written.

use std::collections::BTreeSet;

/// Everything of that kind that a piece of code uses.
pub(super) type Uses = BTreeSet<Used>;

/// Something that a program has to import, define or bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Used {
    Import(Import),
    Helper(Helper),
    /// The variable `start`: when the program began.
    Start,
    /// The variable `warp`, which moves the clock.
    Warp,
    /// The function `corrupt_history`, which the storage supplies.
    CorruptHistory,
    /// A span with a fraction of a second.
    ShortSpan,
}

/// Declares what can be imported, by path, in rustfmt's order.
macro_rules! imports {
    ($($path:literal { $($variant:ident $name:literal)* })*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Import {
            $($($variant,)*)*
        }

        impl Import {
            pub fn name(self) -> &'static str {
                match self {
                    $($(Import::$variant => $name,)*)*
                }
            }
        }

        const PATHS: &[(&str, &[Import])] = &[$(($path, &[$(Import::$variant),*])),*];
    };
}

imports! {
    "std::collections" {
        Map "HashMap"
        Set "HashSet"
    }
    "std::sync" {
        Arc "Arc"
    }
    "std::task" {
        Poll "Poll"
    }
    "std::time" {
        Duration "Duration"
        UnixEpoch "UNIX_EPOCH"
    }
    "duroxide::providers" {
        DispatcherCapabilityFilter "DispatcherCapabilityFilter"
        ExecutionMetadata "ExecutionMetadata"
        InstanceFilter "InstanceFilter"
        KvEntry "KvEntry"
        Provider "Provider"
        PruneOptions "PruneOptions"
        ScheduledActivityIdentifier "ScheduledActivityIdentifier"
        SemverRange "SemverRange"
        SessionFetchConfig "SessionFetchConfig"
        TagFilter "TagFilter"
        WorkItem "WorkItem"
    }
    "duroxide" {
        AppErrorKind "AppErrorKind"
        ConfigErrorKind "ConfigErrorKind"
        ErrorDetails "ErrorDetails"
        Event "Event"
        EventKind "EventKind"
        PoisonMessageType "PoisonMessageType"
    }
    "duroxide_sim::clock" {
        Warp "Warp"
    }
}

impl From<Import> for Used {
    fn from(import: Import) -> Used {
        Used::Import(import)
    }
}

/// A function that a program defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Helper {
    StartOf,
    Event,
    NowMs,
    DropAfter,
}

impl From<Helper> for Used {
    fn from(helper: Helper) -> Used {
        Used::Helper(helper)
    }
}

impl Helper {
    /// The function's code, and what that imports.
    fn code(self) -> (&'static str, &'static [Import]) {
        match self {
            Helper::StartOf => (START_OF, &[Import::WorkItem]),
            Helper::Event => (EVENT, &[Import::Event, Import::EventKind]),
            Helper::NowMs => (NOW_MS, &[Import::UnixEpoch]),
            Helper::DropAfter => (DROP_AFTER, &[Import::Poll]),
        }
    }
}

/// The functions that a program uses.
pub(super) fn helpers(uses: &Uses) -> String {
    used_helpers(uses).map(|helper| helper.code().0).collect()
}

fn used_helpers(uses: &Uses) -> impl Iterator<Item = Helper> {
    uses.iter().filter_map(|used| match used {
        Used::Helper(helper) => Some(*helper),
        Used::Import(_) | Used::Start | Used::Warp | Used::CorruptHistory | Used::ShortSpan => None,
    })
}

/// The imports of a program and its helpers.
pub(super) fn imports(uses: &Uses) -> String {
    let mut uses = uses.clone();
    let of_helpers: Vec<Import> = used_helpers(&uses).flat_map(|helper| helper.code().1).copied().collect();
    uses.extend(of_helpers.into_iter().map(Used::Import));
    let (mut std, mut others) = (String::new(), String::new());
    for (path, imports) in PATHS {
        let used = imports.iter().filter(|import| uses.contains(&Used::Import(**import)));
        let names: Vec<&str> = used.map(|import| import.name()).collect();
        let text = if path.starts_with("std::") { &mut std } else { &mut others };
        match &names[..] {
            [] => {}
            [name] => *text += &format!("use {path}::{name};\n"),
            names => *text += &format!("use {path}::{{{}}};\n", names.join(", ")),
        }
    }
    std + "\n" + &others
}

const START_OF: &str = r#"
fn start_of(instance: &str, orchestration: &str) -> WorkItem {
    WorkItem::StartOrchestration {
        instance: instance.to_owned(),
        orchestration: orchestration.to_owned(),
        input: String::new(),
        version: None,
        parent_instance: None,
        parent_id: None,
        parent_execution_id: None,
        execution_id: 1,
    }
}
"#;

const EVENT: &str = r#"
fn event(event_id: u64, instance: &str, execution_id: u64, kind: EventKind) -> Event {
    Event {
        event_id,
        source_event_id: None,
        instance_id: instance.to_owned(),
        execution_id,
        timestamp_ms: 0,
        duroxide_version: "1.0.0".to_owned(),
        kind,
    }
}
"#;

const NOW_MS: &str = "
fn now_ms() -> u64 {
    UNIX_EPOCH.elapsed().expect(\"a time after 1970\").as_millis() as u64
}
";

const DROP_AFTER: &str = "
/// Polls a future so often, and then drops it.
async fn drop_after(polls: u32, future: impl Future) {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        future.as_mut().poll(cx).map(drop)
    })
    .await;
}
";
