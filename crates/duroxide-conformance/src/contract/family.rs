//! [`Family`]: the first word of a rule's id.

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
