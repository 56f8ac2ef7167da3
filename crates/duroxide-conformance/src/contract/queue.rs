//! The rules of `enqueue_for_orchestrator` and `enqueue_for_worker`.

use duroxide_sim::laws::Law::AckedOnce;

use super::Check::{Drain, Law, Official, ReadBack, Script};
use super::{Rule, must};

pub(super) const RULES: &[Rule] = &[
    must(
        "enqueue.delivered",
        "An enqueued message is delivered until it is acked: none is lost, and none comes back after its ack.",
        "`enqueue_for_orchestrator`, \"Error Handling\"; `Provider`, \"At-least-once delivery\"",
        &[
            Script,
            Drain,
            Law(AckedOnce),
            Official("instance_locking::test_completions_arriving_during_lock_blocked"),
            Official("queue_semantics::test_worker_ack_atomicity"),
        ],
    ),
    must(
        "enqueue.no-delay-is-now",
        "A message without a delay is visible at once, a `TimerFired` too: only acks look at `fire_at_ms`.",
        "`enqueue_for_orchestrator`, \"Immediate visibility (common case)\"",
        &[Script],
    ),
    must(
        "enqueue.delay",
        "A message with a delay is visible from exactly now plus the delay on; a provider that declares no \
         delayed visibility may take it as none.",
        "`enqueue_for_orchestrator`, \"Parameters\" (\"can ignore this\"); validation \
         `test_timer_delayed_visibility`",
        &[
            Script,
            Official("queue_semantics::test_timer_delayed_visibility"),
            Official("race_replay::test_continue_as_new_transition_delivery"),
        ],
    ),
    must(
        "enqueue.creates-no-instance",
        "Enqueuing, for either queue, creates no instance and no execution.",
        "`enqueue_for_orchestrator`, \"DO NOT create instance here\"; `Provider`, \"Instance Metadata \
         Management\"",
        &[
            ReadBack,
            Official("instance_creation::test_no_instance_creation_on_enqueue"),
            Official("instance_creation::test_instance_creation_via_metadata"),
            Official("instance_creation::test_sub_orchestration_instance_creation"),
        ],
    ),
    must(
        "enqueue.routed",
        "A message goes to the instance it names, the completion or failure of a child to the parent.",
        "`WorkItem`, \"Instance ID Extraction\"; `WorkItem`, \"Instance ID Extraction\" and `SubOrchCompleted`",
        &[
            Script,
            Drain,
            Official("instance_locking::test_cross_instance_lock_isolation"),
            Official("race_replay::test_continue_as_new_duplicate_start"),
        ],
    ),
    must(
        "enqueue.equal-messages-kept",
        "Equal messages are as many messages: nothing is merged.",
        "`enqueue_for_orchestrator`; `WorkItem`, \"Execution ID Tracking\"",
        &[
            Script,
            Drain,
            Official("race_replay::test_continue_as_new_duplicate_start"),
            Official("race_replay::test_duplicate_start_preserves_pinned_handler"),
        ],
    ),
    must(
        "enqueue.any-instance-accepted",
        "Messages are taken and delivered for running, locked and ended instances alike, also when they name \
         another execution than the current one, and are taken for unknown ones.",
        "`enqueue_for_orchestrator`, \"ExternalRaised\"; `WorkItem`, \"Execution ID Tracking\"; \
         `ack_orchestration_item`, \"Empty history_delta\"",
        &[
            Script,
            Drain,
            Official("instance_locking::test_completions_arriving_during_lock_blocked"),
            Official("queue_semantics::test_orphan_queue_messages_dropped"),
            Official("kv_store::test_kv_snapshot_in_fetch"),
            Official("race_replay::test_continue_as_new_poisoned_successor_is_own_execution"),
            Official("race_replay::test_continue_as_new_transition_delivery"),
        ],
    ),
    must(
        "enqueue.wrong-queue-refused",
        "An `ActivityExecute` is refused here.",
        "`WorkItem`, \"Queue Routing\" and \"Instance ID Extraction\"",
        &[Script],
    ),
    must(
        "enqueue-job.delivered",
        "An enqueued job is delivered until it is acked or cancelled: none is lost, and equal ones are as many.",
        "`enqueue_for_worker`; `Provider`, \"At-least-once delivery\"",
        &[
            Script,
            Drain,
            Law(AckedOnce),
            Official("queue_semantics::test_worker_queue_fifo_ordering"),
            Official("queue_semantics::test_lost_lock_token_handling"),
        ],
    ),
    must(
        "enqueue-job.wrong-queue-refused",
        "Anything but an `ActivityExecute` is refused here.",
        "`WorkItem`, \"Queue Routing\"",
        &[Script],
    ),
];
