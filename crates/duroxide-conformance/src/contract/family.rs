//! [`Family`]: the first word of a rule's id.

use duroxide_sim::call::Method;

use super::TABLES;

/// Declares the families with their names.
macro_rules! families {
    ($($variant:ident $name:literal)*) => {
        /// The family of calls that a rule is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Family {
            $($variant,)*
        }

        const ALL: &[(Family, &str)] = &[$((Family::$variant, $name)),*];
    };
}

families! {
    Turn "turn"
    AckTurn "ack-turn"
    AbandonTurn "abandon-turn"
    RenewTurn "renew-turn"
    Enqueue "enqueue"
    EnqueueJob "enqueue-job"
    Job "job"
    AckJob "ack-job"
    AbandonJob "abandon-job"
    RenewJob "renew-job"
    Session "session"
    Tag "tag"
    Append "append"
    Read "read"
    Kv "kv"
    Status "status"
    Stats "stats"
    List "list"
    Info "info"
    Execution "execution"
    Metrics "metrics"
    Depths "depths"
    Tree "tree"
    Delete "delete"
    DeleteBulk "delete-bulk"
    Prune "prune"
    PruneBulk "prune-bulk"
    Payload "payload"
    Time "time"
    Error "error"
    Concurrent "concurrent"
    Dropped "dropped"
    Durable "durable"
    Identity "identity"
}

impl Family {
    /// The family of a rule with this id, which may also be the family's name.
    pub const fn of(id: &str) -> Option<Family> {
        let mut at = 0;
        while at < ALL.len() {
            let (family, name) = ALL[at];
            if begins(id.as_bytes(), name.as_bytes()) {
                return Some(family);
            }
            at += 1;
        }
        None
    }

    /// The methods that the rules of the family concern; for families about every
    /// method, one that every script calls.
    pub fn methods(self) -> &'static [Method] {
        match self {
            Family::Turn => &[Method::FetchOrchestrationItem],
            Family::AckTurn => &[Method::AckOrchestrationItem],
            Family::AbandonTurn => &[Method::AbandonOrchestrationItem],
            Family::RenewTurn => &[Method::RenewOrchestrationItemLock],
            Family::Enqueue => &[Method::EnqueueForOrchestrator],
            Family::EnqueueJob => &[Method::EnqueueForWorker],
            Family::Job | Family::Tag => &[Method::FetchWorkItem],
            Family::AckJob => &[Method::AckWorkItem],
            Family::AbandonJob => &[Method::AbandonWorkItem],
            Family::RenewJob => &[Method::RenewWorkItemLock],
            Family::Session => &[Method::RenewSessionLock, Method::CleanupOrphanedSessions],
            Family::Read => &[Method::Read, Method::ReadWithExecution, Method::ReadHistory],
            Family::Append => &[Method::AppendWithExecution],
            Family::Kv => &[Method::GetKvValue, Method::GetKvAllValues],
            Family::Status => &[Method::GetCustomStatus],
            Family::Stats => &[Method::GetInstanceStats],
            Family::List => &[Method::ListInstances, Method::ListInstancesByStatus],
            Family::Info => &[Method::GetInstanceInfo],
            Family::Execution => &[Method::ListExecutions, Method::GetExecutionInfo],
            Family::Metrics => &[Method::GetSystemMetrics],
            Family::Depths => &[Method::GetQueueDepths],
            Family::Tree => &[Method::ListChildren, Method::GetParentId, Method::GetInstanceTree],
            Family::Delete => &[Method::DeleteInstance, Method::DeleteInstancesAtomic],
            Family::DeleteBulk => &[Method::DeleteInstanceBulk],
            Family::Prune => &[Method::PruneExecutions],
            Family::PruneBulk => &[Method::PruneExecutionsBulk],
            Family::Concurrent
            | Family::Dropped
            | Family::Durable
            | Family::Error
            | Family::Identity
            | Family::Payload
            | Family::Time => &[Method::FetchOrchestrationItem],
        }
    }
}

/// Whether the first word of `id` is `name`.
const fn begins(id: &[u8], name: &[u8]) -> bool {
    if id.len() < name.len() || (id.len() > name.len() && id[name.len()] != b'.') {
        return false;
    }
    let mut at = 0;
    while at < name.len() {
        if id[at] != name[at] {
            return false;
        }
        at += 1;
    }
    true
}

// A rule of a new family does not compile before the family is listed.
const _: () = {
    let mut table = 0;
    while table < TABLES.len() {
        let mut at = 0;
        while at < TABLES[table].len() {
            assert!(Family::of(TABLES[table][at].id).is_some(), "a rule belongs to no family");
            at += 1;
        }
        table += 1;
    }
};
