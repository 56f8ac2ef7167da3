//! The rules of sessions: `fetch_work_item` with sessions, `renew_session_lock`
//! and `cleanup_orphaned_sessions`.

use super::Check::{Concurrent, Drain, Official, Script};
use super::{Rule, may, must, should};

pub(super) const RULES: &[Rule] = &[
    must(
        "session.plain-jobs-for-all",
        "A job without a session can be fetched by everyone, with or without a session claim.",
        "`SessionFetchConfig`; `fetch_work_item`, \"Session Routing\"",
        &[
            Script,
            Official("sessions::test_non_session_items_fetchable_by_any_worker"),
            Official("sessions::test_mixed_session_and_non_session_items"),
            Official("sessions::test_non_session_items_returned_with_session_config"),
            Official("sessions::test_some_session_returns_all_items"),
        ],
    ),
    must(
        "session.no-claim-skips",
        "A fetch without a session claim never returns a job of a session.",
        "`fetch_work_item`, \"Session Routing\"",
        &[Script, Official("sessions::test_none_session_skips_session_items")],
    ),
    must(
        "session.free-is-claimable",
        "A job of a session that nobody owns, or that a sweep has removed, can be fetched by any worker with a \
         claim.",
        "`fetch_work_item`, \"Claimable-session items\"; `cleanup_orphaned_sessions`; validation \
         `test_cleanup_then_new_item_recreates_session`",
        &[
            Script,
            Drain,
            Official("sessions::test_session_item_claimable_when_no_session"),
            Official("sessions::test_cleanup_then_new_item_recreates_session"),
        ],
    ),
    must(
        "session.claimed-by-fetch",
        "Fetching a job of a free session makes the worker its owner, in the same step.",
        "`fetch_work_item`, \"atomically create or update the session record\"",
        &[
            Script,
            Concurrent,
            Official("sessions::test_session_affinity_blocks_other_worker"),
            Official("sessions::test_concurrent_session_claim_only_one_wins"),
        ],
    ),
    must(
        "session.owner-served",
        "The owner of a session, whoever calls under that `owner_id`, can fetch every job of it.",
        "`fetch_work_item`, \"Owned-session items\"; `SessionFetchConfig::owner_id`",
        &[
            Script,
            Official("sessions::test_session_affinity_same_worker"),
            Official("sessions::test_different_sessions_different_workers"),
            Official("sessions::test_session_items_processed_in_order"),
            Official("sessions::test_shared_worker_id_any_caller_can_fetch_owned_session"),
        ],
    ),
    must(
        "session.others-blocked",
        "While a session is owned, nobody else fetches a job of it.",
        "`fetch_work_item`, \"Session Routing\"; guide, \"Validation Checklist\", \"Session Routing\"",
        &[
            Script,
            Concurrent,
            Official("sessions::test_session_affinity_blocks_other_worker"),
            Official("sessions::test_different_sessions_different_workers"),
            Official("sessions::test_mixed_session_and_non_session_items"),
            Official("sessions::test_shared_worker_id_any_caller_can_fetch_owned_session"),
        ],
    ),
    must(
        "session.lock-ends-at",
        "A session is owned until the moment of the claim plus the claim's `lock_timeout`, and free from that \
         moment on.",
        "`SessionFetchConfig::lock_timeout`; `renew_session_lock` (`locked_until > now`)",
        &[Script, Official("sessions::test_session_claimable_after_lock_expiry")],
    ),
    must(
        "session.taken-over",
        "A session whose lock has ended can be claimed by anyone, its old owner too; the jobs that come back go \
         to the new owner.",
        "`fetch_work_item`, \"Claimable-session items\"",
        &[
            Script,
            Official("sessions::test_session_takeover_after_lock_expiry"),
            Official("sessions::test_original_worker_reclaims_expired_session"),
            Official("sessions::test_session_lock_expires_new_owner_gets_redelivery"),
            Official("sessions::test_session_lock_expires_same_worker_reacquires"),
            Official("sessions::test_both_locks_expire_different_worker_claims"),
        ],
    ),
    must(
        "session.outlives-job-lock",
        "A session stays owned when the lock of its job ends, is acked or is abandoned.",
        "validation `test_activity_lock_expires_session_lock_valid_same_worker_refetches`",
        &[
            Script,
            Official("sessions::test_activity_lock_expires_session_lock_valid_same_worker_refetches"),
            Official("sessions::test_abandoned_session_item_retryable"),
        ],
    ),
    must(
        "session.job-lock-outlives-session",
        "A job's lock is good for acks, renewals and abandons after its session's lock has ended.",
        "validation `test_session_lock_expires_activity_lock_valid_ack_succeeds`",
        &[Script, Official("sessions::test_session_lock_expires_activity_lock_valid_ack_succeeds")],
    ),
    may(
        "session.owned-fetch-extends",
        "Whether fetching from a session one already owns resets its lock is open: the trait speaks of \
         claimable sessions, the proposal of both.",
        "`fetch_work_item`, \"Session Routing\"; docs/proposals-impl/activity-implicit-sessions-v2.md, the \
         fetch's upsert",
        &[Script],
    ),
    must(
        "session.fetch-is-activity",
        "A claim counts as use of the session.",
        "docs/proposals-impl/activity-implicit-sessions-v2.md, the fetch's upsert; validation \
         `test_renew_session_lock_active`",
        &[Script, Official("sessions::test_renew_session_lock_active")],
    ),
    must(
        "session.ack-is-activity",
        "Acking a job of a session counts as use of the session.",
        "guide, \"Validation Checklist\", \"piggybacks `last_activity_at` update\"",
        &[Script, Official("sessions::test_ack_updates_session_last_activity")],
    ),
    must(
        "session.renewal-is-activity",
        "Renewing the lock of a job of a session counts as use of the session.",
        "guide, \"Validation Checklist\", \"piggybacks `last_activity_at` update\"",
        &[Script, Official("sessions::test_renew_work_item_updates_session_last_activity")],
    ),
    must(
        "session.ended-is-not-revived",
        "Acks and renewals of jobs do not bring back a session whose lock has ended.",
        "guide, \"Validation Checklist\" (\"with `locked_until > now` guard\")",
        &[Script, Official("sessions::test_session_lock_expires_activity_lock_valid_ack_succeeds")],
    ),
    must(
        "session.renew-extends-from-now",
        "`renew_session_lock` lets the lock of each session it renews end at now plus `extend_for`.",
        "`renew_session_lock`; guide, \"renew_session_lock\"",
        &[Script, Official("sessions::test_session_lock_renewal_extends_past_original_timeout")],
    ),
    must(
        "session.renew-counts",
        "`renew_session_lock` renews the sessions of all the given owners and of nobody else, and returns how \
         many.",
        "`renew_session_lock`, \"Returns\"",
        &[
            Script,
            Official("sessions::test_renew_session_lock_active"),
            Official("sessions::test_renew_session_lock_no_sessions"),
        ],
    ),
    must(
        "session.renew-skips-idle",
        "`renew_session_lock` leaves out sessions last used `idle_timeout` ago or longer.",
        "`renew_session_lock` (`last_activity_at + idle_timeout > now`)",
        &[Script, Official("sessions::test_renew_session_lock_skips_idle")],
    ),
    must(
        "session.renew-skips-ended",
        "`renew_session_lock` leaves out sessions whose lock has ended.",
        "`renew_session_lock` (`locked_until > now`)",
        &[Script, Official("sessions::test_renew_session_lock_after_expiry_returns_zero")],
    ),
    must(
        "session.sweep-keeps",
        "`cleanup_orphaned_sessions` removes no session that is owned or that a job still refers to, whoever \
         calls.",
        "`cleanup_orphaned_sessions`; `cleanup_orphaned_sessions`, \"No pending work items reference this \
         session\"",
        &[
            Script,
            Official("sessions::test_cleanup_keeps_active_sessions"),
            Official("sessions::test_cleanup_keeps_sessions_with_pending_items"),
        ],
    ),
    should(
        "session.sweep-removes",
        "`cleanup_orphaned_sessions` removes the sessions whose lock ended before now and that no job refers to, \
         and counts them; a provider that cleans up otherwise may return 0.",
        "`cleanup_orphaned_sessions`, \"may return `Ok(0)`\"",
        &[
            Script,
            Official("sessions::test_cleanup_removes_expired_no_items"),
            Official("sessions::test_cleanup_then_new_item_recreates_session"),
        ],
    ),
];
