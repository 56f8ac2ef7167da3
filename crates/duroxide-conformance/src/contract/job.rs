//! The rules of `fetch_work_item`, except sessions and tags.

use duroxide_sim::laws::Law::{AttemptsRise, NothingInvisible, OneLiveLease};

use super::Check::{Concurrent, Drain, Law, Official, ReadBack, Script};
use super::{Rule, may, must, should};

pub(super) const RULES: &[Rule] = &[
    must(
        "job.exclusive",
        "A job whose lock holds is fetched by nobody else.",
        "`fetch_work_item`, \"Must prevent double-dequeue\"",
        &[
            Script,
            Concurrent,
            Law(OneLiveLease),
            Official("queue_semantics::test_worker_peek_lock_semantics"),
            Official("lock_expiration::test_worker_lock_renewal_success"),
        ],
    ),
    must(
        "job.one-at-a-time",
        "A fetch locks the one job it returns, and no other.",
        "`fetch_work_item`, \"Dequeue a single work item\"",
        &[
            Script,
            Drain,
            Official("poison_message::attempt_count_is_per_message"),
            Official("queue_semantics::test_worker_queue_fifo_ordering"),
        ],
    ),
    must(
        "job.prompt",
        "A fetch that nobody else disturbs returns a job whenever one is eligible, a new one at once, and \
         otherwise nothing, which is no error.",
        "`fetch_work_item`, \"Return Value\"; guide, \"Validation Checklist\"; `enqueue_for_worker`, \
         \"Locking\"",
        &[
            Script,
            Drain,
            Official("queue_semantics::test_worker_item_immediate_visibility"),
            Official("queue_semantics::test_worker_delayed_visibility_skips_future_items"),
            Official("queue_semantics::test_worker_peek_lock_semantics"),
        ],
    ),
    must(
        "job.visible",
        "A job is not fetched before the moment from which it is visible.",
        "`fetch_work_item`, \"What This Does\" (`visible_at <= now`)",
        &[
            Script,
            Law(NothingInvisible),
            Official("queue_semantics::test_worker_delayed_visibility_skips_future_items"),
            Official("lock_expiration::test_abandon_work_item_with_delay"),
        ],
    ),
    must(
        "job.lock-ends-at",
        "A lock holds until the moment of the fetch plus `lock_timeout`, and at that moment the job can be \
         fetched again.",
        "`fetch_work_item`, \"Parameters\"; guide, \"fetch_work_item\" (`locked_until <= ?`)",
        &[Script, Official("poison_message::worker_attempt_count_increments_on_lock_expiry")],
    ),
    must(
        "job.lock-expiry-redelivers",
        "A fetched job stays in the queue: when its lock ends without an ack, it is delivered again, under a new \
         token.",
        "`fetch_work_item`, \"item stays in queue until ack\"; guide, \"Peek-Lock Semantics\"",
        &[
            Script,
            Drain,
            ReadBack,
            Official("queue_semantics::test_lost_lock_token_handling"),
            Official("lock_expiration::test_worker_ack_fails_after_lock_expiry"),
            Official("queue_semantics::test_worker_peek_lock_semantics"),
        ],
    ),
    must(
        "job.token-unique",
        "Every fetch issues a token that was never issued before.",
        "`fetch_work_item`, \"Lock it with a unique token\"",
        &[Script, Concurrent, Law(OneLiveLease), Official("lock_expiration::test_abandon_work_item_releases_lock")],
    ),
    must(
        "job.attempts-rise",
        "The first delivery of a job counts one attempt, and each further one, after an abandon or an expired \
         lock, one more.",
        "`fetch_work_item`, \"Attempt count\"; `abandon_work_item`, \"ignore_attempt\"",
        &[
            Script,
            Law(AttemptsRise),
            Official("poison_message::worker_attempt_count_increments_on_lock_expiry"),
            Official("sessions::test_abandoned_session_item_retryable"),
            Official("poison_message::worker_attempt_count_starts_at_one"),
            Official("poison_message::abandon_work_item_ignore_attempt_decrements"),
        ],
    ),
    must(
        "job.attempts-are-per-job",
        "Attempts are counted for each job apart.",
        "validation `attempt_count_is_per_message`",
        &[Script, Official("poison_message::attempt_count_is_per_message")],
    ),
    must(
        "job.unchanged",
        "A job comes out as it went in, in every field, however often it is delivered.",
        "`abandon_work_item`, \"Preserve message\"; `WorkItem`",
        &[
            Script,
            Drain,
            Official("tag_filtering::test_tag_round_trip_preservation"),
            Official("tag_filtering::test_tag_survives_abandon_and_refetch"),
            Official("queue_semantics::test_worker_queue_fifo_ordering"),
        ],
    ),
    must(
        "job.any-instance-state",
        "Jobs are taken and delivered whether their instance runs, has ended, continued as new or is unknown; \
         cancelling is for acks to do.",
        "`fetch_work_item`; validations `cancellation::test_fetch_returns_*`",
        &[
            Script,
            Drain,
            Official("cancellation::test_fetch_returns_running_state_for_active_orchestration"),
            Official("cancellation::test_fetch_returns_terminal_state_when_orchestration_completed"),
            Official("cancellation::test_fetch_returns_terminal_state_when_orchestration_failed"),
            Official("cancellation::test_fetch_returns_terminal_state_when_orchestration_continued_as_new"),
            Official("cancellation::test_fetch_returns_missing_state_when_instance_deleted"),
            Official("cancellation::test_renew_returns_missing_when_instance_deleted"),
        ],
    ),
    should(
        "job.oldest-first",
        "Jobs that can be fetched are fetched in the order in which they were enqueued; the trait prefers it, \
         and validations take it for granted.",
        "`enqueue_for_worker`, \"FIFO order preferred but not strictly required\"",
        &[
            Script,
            Official("queue_semantics::test_worker_queue_fifo_ordering"),
            Official("sessions::test_session_items_processed_in_order"),
            Official("sessions::test_some_session_returns_all_items"),
        ],
    ),
    must(
        "job.poll-ends-in-time",
        "A fetch returns at the latest when `poll_timeout` is over.",
        "`fetch_work_item`, \"Maximum time to wait for work\"",
        &[Script],
    ),
    may(
        "job.poll-waits",
        "A fetch that finds nothing may wait for work up to `poll_timeout`, or return at once.",
        "`fetch_work_item`, \"Provider MAY wait up to this duration\"",
        &[
            Script,
            Official("long_polling::test_short_poll_work_item_returns_immediately"),
            Official("long_polling::test_long_poll_work_item_waits_for_timeout"),
        ],
    ),
];
