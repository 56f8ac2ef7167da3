//! The rules of concurrent callers, dropped futures and crashes, and of what a
//! provider declares about itself.

use duroxide_sim::laws::Law::{AckedOnce, CompletedOnce, OneLiveLease};

use super::Check::{Concurrent, Crash, Drain, Dropped, Law, Official, Reopen, Script};
use super::{Rule, may, must, should};

pub(super) const RULES: &[Rule] = &[
    must(
        "concurrent.linearizable",
        "What several callers see at once is what one after another could have seen.",
        "`Provider`, \"Concurrency Model\" and \"Transactional Guarantees\"; `fetch_orchestration_item`, \
         \"Concurrency\"",
        &[Concurrent, Official("instance_locking::test_multi_threaded_no_duplicate_processing")],
    ),
    must(
        "concurrent.one-lock-winner",
        "Of fetches at one moment at most one gets an instance, at most one a job, and one worker becomes the \
         owner of a session.",
        "`fetch_orchestration_item`, \"Instance-Level Locking\"; guide, \"Validation Checklist\", \
         \"Concurrency\"; `fetch_work_item`, \"Must prevent double-dequeue\"",
        &[
            Concurrent,
            Law(OneLiveLease),
            Official("instance_locking::test_multi_threaded_lock_contention"),
            Official("instance_locking::test_multi_threaded_no_duplicate_processing"),
            Official("instance_locking::test_concurrent_instance_fetching"),
            Official("instance_locking::test_multi_threaded_lock_expiration_recovery"),
            Official("sessions::test_concurrent_session_claim_only_one_wins"),
        ],
    ),
    must(
        "concurrent.one-ack-winner",
        "Of acks with one token at most one succeeds, and its effects are there once.",
        "validation `test_concurrent_ack_prevention`",
        &[Concurrent, Official("atomicity::test_concurrent_ack_prevention")],
    ),
    must(
        "concurrent.nothing-lost",
        "No message and no job is lost or doubled when callers meet.",
        "`Provider`, \"Peek-Lock Pattern\"; `ack_work_item`, \"Purpose\"",
        &[
            Concurrent,
            Drain,
            Law(AckedOnce),
            Law(CompletedOnce),
            Official("instance_locking::test_concurrent_instance_fetching"),
            Official("instance_locking::test_multi_threaded_no_duplicate_processing"),
        ],
    ),
    must(
        "concurrent.no-false-refusals",
        "Contention alone makes no call fail for good: a lock that holds can ack, a fetch returns something, \
         nothing, or an error that can be retried.",
        "`fetch_orchestration_item`, \"Concurrency\" (\"handle concurrent calls gracefully\"); `ProviderError`, \
         \"Error Classification\"",
        &[Concurrent, Official("race_replay::test_continue_as_new_unregistered_backoff")],
    ),
    may(
        "concurrent.fetch-may-miss",
        "A fetch that meets another may return nothing although something was eligible.",
        "`fetch_orchestration_item`, its pattern (\"another dispatcher has the lock\")",
        &[Concurrent],
    ),
    must(
        "concurrent.deletions",
        "A deletion that meets an ack leaves the instance whole or gone, and one that meets the birth of a child \
         leaves no child without its parent.",
        "`delete_instances_atomic`, \"Race Condition Protection\" and \"Prevent ack recreation\"",
        &[
            Concurrent,
            Official("deletion::test_force_delete_prevents_ack_recreation"),
            Official("deletion::test_delete_instances_atomic_orphan_detection"),
        ],
    ),
    must(
        "dropped.fetch",
        "What a fetch locked before its future was dropped can be fetched again when `lock_timeout` is over, and \
         nothing is lost.",
        "guide, \"Cancellation during shutdown\"; `Provider`, \"Cancellation\"",
        &[Dropped],
    ),
    must(
        "dropped.ack-turn",
        "An ack of a turn whose future is dropped is done whole or not at all.",
        "guide, \"Cancellation during shutdown\" (\"Keep acknowledgement atomic\")",
        &[Dropped],
    ),
    must(
        "dropped.ack-job",
        "An ack of a job whose future is dropped is done whole or not at all: the job is gone exactly when its \
         completion is there.",
        "guide, \"Cancellation during shutdown\" (\"Keep acknowledgement atomic\")",
        &[Dropped],
    ),
    must(
        "dropped.release",
        "An abandon or a renewal whose future is dropped is done or not; the item is never stuck and never \
         lost.",
        "guide, \"Cancellation during shutdown\"",
        &[Dropped],
    ),
    must(
        "dropped.enqueue",
        "An item whose enqueuing future is dropped is in the queue once or not at all.",
        "guide, \"Cancellation during shutdown\" (\"other in-flight provider calls\")",
        &[Dropped],
    ),
    should(
        "dropped.append",
        "An append whose future is dropped is done whole or not at all.",
        "guide, \"Cancellation during shutdown\"",
        &[Dropped],
    ),
    must(
        "dropped.remove",
        "A deletion, or the pruning of an instance, whose future is dropped is done whole or not at all.",
        "`delete_instances_atomic`, \"Atomicity\"; guide, \"Provider Contracts\"; `prune_executions`, \
         \"Atomicity\"",
        &[Dropped],
    ),
    must(
        "dropped.releases-resources",
        "However many futures are dropped, later calls are answered: no connection, transaction or listener \
         leaks.",
        "guide, \"Cancellation during shutdown\"; `Provider`, \"Cancellation\" (\"Release resources on drop\")",
        &[Dropped],
    ),
    must(
        "durable.acknowledged-survives",
        "What a call has answered is there after a crash.",
        "`ack_orchestration_item`, \"All changes are durable and visible\"; guide, \"What is a Provider?\"",
        &[Crash],
    ),
    must(
        "durable.nothing-half-done",
        "A crash leaves no call half done.",
        "`ack_orchestration_item`, \"Atomicity Requirements\"; `delete_instances_atomic`, \"Atomicity\"",
        &[Crash],
    ),
    must(
        "durable.locks-end",
        "What was locked at a crash is delivered again, at the latest when its lock ends.",
        "guide, \"Why peek-lock?\"; `Provider`, \"At-least-once delivery (messages survive crashes)\"",
        &[Crash, Reopen],
    ),
    must(
        "durable.attempts-survive",
        "Numbers of attempts survive a crash.",
        "`fetch_orchestration_item`, \"for poison detection\"",
        &[Crash, Reopen],
    ),
    must(
        "durable.reopen-sees-all",
        "A second provider over the same storage sees everything, and its locks count.",
        "`ProviderFactory::create_provider`, \"connected to the same backend\"; `Provider`, \"prevent other \
         processes\"",
        &[Reopen],
    ),
    may(
        "durable.tokens-survive",
        "Whether a token of before can still ack after reopening is open.",
        "guide, \"Cancellation during shutdown\"",
        &[Reopen],
    ),
    should(
        "identity.name-and-version",
        "`name` and `version` say which provider this is, in which version, and always the same.",
        "`Provider::name`, \"Override to provide a meaningful name\"; `Provider::version`, \"Override to provide \
         the version\"",
        &[Script],
    ),
    may(
        "identity.management",
        "A provider may offer `ProviderAdmin` through `as_management_capability`; then it is about the same \
         storage.",
        "`as_management_capability`",
        &[Script],
    ),
];
