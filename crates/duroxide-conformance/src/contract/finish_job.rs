//! The rules of `ack_work_item`, `abandon_work_item` and
//! `renew_work_item_lock`.

use duroxide_sim::laws::Law::AckedOnce;

use super::Check::{Concurrent, Drain, Law, Official, Script};
use super::{Rule, may, must};

pub(super) const RULES: &[Rule] = &[
    must(
        "ack-job.removes",
        "An acked job is gone for good.",
        "`ack_work_item`, \"Parameters\"",
        &[
            Script,
            Drain,
            Law(AckedOnce),
            Official("queue_semantics::test_worker_peek_lock_semantics"),
            Official("queue_semantics::test_worker_ack_atomicity"),
        ],
    ),
    must(
        "ack-job.completion-enqueued",
        "The completion is enqueued for the instance it names, once, unchanged and visible at once, whatever the \
         state of that instance.",
        "`ack_work_item`, \"What This Does\"; `ack_work_item`, its pattern",
        &[Script, Drain, Official("queue_semantics::test_worker_ack_atomicity")],
    ),
    must(
        "ack-job.none-enqueues-nothing",
        "An ack without a completion removes the job and enqueues nothing.",
        "`ack_work_item`, \"Parameters\"",
        &[Script, Drain, Official("cancellation::test_ack_work_item_none_deletes_without_enqueue")],
    ),
    must(
        "ack-job.dead-token-refused",
        "An ack is refused when its token was never issued, has acked or abandoned its job already, or when the \
         job was cancelled.",
        "`ack_work_item`, \"Error on Missing Entry\"",
        &[Script, Concurrent, Official("cancellation::test_ack_work_item_fails_when_entry_deleted")],
    ),
    must(
        "ack-job.expired-token-refused",
        "An ack is refused when its lock has ended, whether somebody has fetched the job since or not, and \
         leaves a newer lock alone.",
        "`ack_work_item`, \"Error on Missing Entry\"; guide, \"ack_work_item\"",
        &[Script, Concurrent, Official("lock_expiration::test_worker_ack_fails_after_lock_expiry")],
    ),
    must(
        "ack-job.refusal-changes-nothing",
        "An ack that is refused enqueues no completion, and leaves the job in the queue.",
        "`ack_work_item`, \"Purpose\"",
        &[
            Script,
            Drain,
            Official("deletion::test_stale_activity_after_delete_recreate"),
            Official("lock_expiration::test_worker_ack_fails_after_lock_expiry"),
        ],
    ),
    must(
        "ack-job.wrong-queue-refused",
        "An `ActivityExecute` as a completion is refused, and the job stays.",
        "`WorkItem`, \"Queue Routing\"",
        &[Script],
    ),
    may(
        "ack-job.other-completions",
        "Whether an item that completes no activity is refused as a completion is open.",
        "`ack_work_item`, \"Optional completion work item\"",
        &[Script],
    ),
    must(
        "abandon-job.releases-at-once",
        "After an abandon without a delay the job can be fetched at once.",
        "`abandon_work_item`, \"Immediate visibility\"",
        &[Script, Official("lock_expiration::test_abandon_work_item_releases_lock")],
    ),
    must(
        "abandon-job.delay",
        "After an abandon with a delay the job is visible from exactly now plus the delay on.",
        "`abandon_work_item`, \"Delayed visibility\"",
        &[
            Script,
            Official("lock_expiration::test_abandon_work_item_with_delay"),
            Official("queue_semantics::test_worker_delayed_visibility_skips_future_items"),
        ],
    ),
    must(
        "abandon-job.keeps-job",
        "An abandon keeps the job, with its session and its tag.",
        "`abandon_work_item`, \"Preserve message\"",
        &[
            Script,
            Drain,
            Official("tag_filtering::test_tag_survives_abandon_and_refetch"),
            Official("sessions::test_abandoned_session_item_retryable"),
        ],
    ),
    must(
        "abandon-job.dead-token-refused",
        "An abandon is refused when its token was never issued, has acked or abandoned its job, or when the job \
         was cancelled or fetched again; the guide calls the method idempotent, the method lists an error.",
        "`abandon_work_item`, \"Returns\" (\"invalid token, already acked, etc.\") and its pattern",
        &[Script, Concurrent],
    ),
    may(
        "abandon-job.expired-token",
        "Whether a token whose lock has ended, and that nobody has taken over, can still abandon is open: the \
         pattern asks for the token alone.",
        "`abandon_work_item`, its pattern",
        &[Script],
    ),
    must(
        "abandon-job.ignore-attempt",
        "An abandon with `ignore_attempt` takes one attempt off.",
        "`abandon_work_item`, \"ignore_attempt\"",
        &[
            Script,
            Official("poison_message::abandon_work_item_ignore_attempt_decrements"),
            Official("sessions::test_abandoned_session_item_ignore_attempt"),
        ],
    ),
    must(
        "abandon-job.ignore-attempt-floor",
        "`ignore_attempt` never takes the number of attempts below 0.",
        "`abandon_work_item`, \"never below 0\"",
        &[Script, Official("poison_message::ignore_attempt_never_goes_negative")],
    ),
    must(
        "renew-job.extends-from-now",
        "A renewed lock ends at the moment of the renewal plus `extend_for`, later or earlier than before; its \
         token stays good, however often it is renewed.",
        "`renew_work_item_lock`, \"extend lock from now\"; `renew_work_item_lock`, \"Concurrency\"",
        &[
            Script,
            Official("lock_expiration::test_worker_lock_renewal_extends_timeout"),
            Official("lock_expiration::test_worker_lock_renewal_success"),
        ],
    ),
    must(
        "renew-job.any-instance-state",
        "A lock is renewed whatever the state of the job's instance.",
        "`renew_work_item_lock`; validations `cancellation::test_renew_returns_*`",
        &[
            Script,
            Official("cancellation::test_renew_returns_running_when_orchestration_active"),
            Official("cancellation::test_renew_returns_terminal_when_orchestration_completed"),
            Official("cancellation::test_renew_returns_missing_when_instance_deleted"),
        ],
    ),
    must(
        "renew-job.dead-token-refused",
        "Renewing is refused when the token was never issued, has acked or abandoned its job, or when the job \
         was cancelled, which is how workers learn of it.",
        "`renew_work_item_lock`, \"Returns\", \"Concurrency\" and \"Activity Cancellation\"",
        &[
            Script,
            Official("lock_expiration::test_worker_lock_renewal_invalid_token"),
            Official("lock_expiration::test_worker_lock_renewal_after_ack"),
            Official("cancellation::test_renew_fails_when_entry_deleted"),
        ],
    ),
    must(
        "renew-job.expired-token-refused",
        "Renewing a lock that has ended is refused, and brings it back in no way.",
        "`renew_work_item_lock`, \"Returns\"",
        &[Script, Official("lock_expiration::test_worker_lock_renewal_after_expiration")],
    ),
];
