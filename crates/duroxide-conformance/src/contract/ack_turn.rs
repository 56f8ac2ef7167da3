//! The rules of `ack_orchestration_item`: what a turn commits, and its atomicity.

use duroxide_sim::laws::Law::{AckAtomic, AckedOnce, AppendOnly, OneLiveLease, TerminalFinal};

use super::Check::{Concurrent, Drain, Law, Official, ReadBack, Script};
use super::{Rule, may, must};

pub(super) const RULES: &[Rule] = &[
    must(
        "ack-turn.dead-token-refused",
        "An ack is refused when its token was never issued, or has acked or abandoned its turn already.",
        "`ack_orchestration_item`, \"Validate lock token\"; guide, \"Error Classification\" (\"already \
         processed\")",
        &[
            Script,
            Concurrent,
            Law(OneLiveLease),
            Official("error_handling::test_invalid_lock_token_on_ack"),
            Official("instance_locking::test_invalid_lock_token_rejection"),
            Official("atomicity::test_lock_released_only_on_successful_ack"),
            Official("atomicity::test_concurrent_ack_prevention"),
        ],
    ),
    must(
        "ack-turn.expired-token-refused",
        "An ack is refused when its lock has ended, whether somebody has fetched the instance since or not, and \
         leaves a newer lock alone.",
        "`ack_orchestration_item`, its pattern (`locked_until > now()`); guide, pseudocode of the ack, step 1",
        &[
            Script,
            Concurrent,
            Official("error_handling::test_lock_expiration_during_ack"),
            Official("lock_expiration::test_lock_expires_after_timeout"),
        ],
    ),
    must(
        "ack-turn.messages-removed",
        "An ack removes every message of its batch.",
        "`ack_orchestration_item`, \"Remove acknowledged messages\"",
        &[
            Script,
            Drain,
            Law(AckedOnce),
            Official("lock_expiration::test_lock_renewal_on_ack"),
            Official("instance_locking::test_message_tagging_during_lock"),
        ],
    ),
    must(
        "ack-turn.only-batch-removed",
        "An ack removes no message but those of its batch: what came after the fetch, an equal message too, \
         belongs to the next turn.",
        "`ack_orchestration_item`, \"Lock Release\"; guide, \"fetch_orchestration_item\", \"Critical \
         behaviors\"",
        &[
            Script,
            Drain,
            Official("instance_locking::test_ack_only_affects_locked_messages"),
            Official("instance_locking::test_message_tagging_during_lock"),
            Official("lock_expiration::test_lock_renewal_on_ack"),
        ],
    ),
    must(
        "ack-turn.lock-released",
        "After an ack the instance can be fetched at once.",
        "`ack_orchestration_item`, \"Remove instance lock\"",
        &[
            Script,
            Official("lock_expiration::test_lock_renewal_on_ack"),
            Official("instance_locking::test_cross_instance_lock_isolation"),
            Official("atomicity::test_multi_operation_atomic_ack"),
        ],
    ),
    must(
        "ack-turn.failure-keeps-lock",
        "An ack that is refused leaves the lock and the batch as they were; the token can still ack or abandon.",
        "`ack_orchestration_item`, \"Atomicity Requirements\" and \"Error Handling\"",
        &[
            Script,
            Drain,
            Official("atomicity::test_atomicity_failure_rollback"),
            Official("atomicity::test_lock_released_only_on_successful_ack"),
            Official("instance_locking::test_invalid_lock_token_rejection"),
        ],
    ),
    must(
        "ack-turn.history-appended",
        "The events of an ack are appended to what is there exactly as given, with their ids, all of them and \
         nothing else.",
        "`ack_orchestration_item`, \"Event Storage (history_delta)\"; `Provider`, \"CRITICAL ID GENERATION \
         CONTRACT\" and \"Create events\"",
        &[
            ReadBack,
            Law(AckAtomic),
            Law(AppendOnly),
            Official("atomicity::test_multi_operation_atomic_ack"),
            Official("race_replay::test_queue_replay_version_stamp_roundtrip"),
            Official("capability_filtering::test_ack_appends_event_to_corrupted_history"),
            Official("instance_creation::test_instance_creation_via_metadata"),
        ],
    ),
    must(
        "ack-turn.history-in-given-execution",
        "The events go to the execution that the ack names, and to no other.",
        "`ack_orchestration_item`, \"execution_id Parameter\"",
        &[
            ReadBack,
            Official("multi_execution::test_execution_isolation"),
            Official("multi_execution::test_execution_history_persistence"),
            Official("race_replay::test_continue_as_new_poisoned_successor_is_own_execution"),
        ],
    ),
    must(
        "ack-turn.duplicate-event-refused",
        "An ack with an event id that its execution has already, or that it brings twice, is refused, and the \
         stored event stays.",
        "validation `test_duplicate_event_id_rejection`; guide, pseudocode of the ack, step 3 (\"rejects \
         duplicates\")",
        &[
            Script,
            ReadBack,
            Law(AppendOnly),
            Official("error_handling::test_duplicate_event_id_rejection"),
            Official("atomicity::test_atomicity_failure_rollback"),
            Official("race_replay::test_continue_as_new_duplicate_start"),
        ],
    ),
    may(
        "ack-turn.event-id-zero",
        "Whether an event with the id 0 is refused, by acks and appends, is open: ids are the runtime's, and it \
         begins at 1.",
        "`Event::event_id`; `append_with_execution`, \"CRITICAL: Event ID Assignment\"",
        &[Script],
    ),
    must(
        "ack-turn.unreadable-history-appendable",
        "An ack appends to a history that cannot be read, and reads none of it.",
        "guide, \"History Deserialization Contract\" (\"Critical ack constraint\")",
        &[Official("capability_filtering::test_ack_appends_event_to_corrupted_history")],
    ),
    must(
        "ack-turn.empty-history-valid",
        "An ack without events does everything else it asks for.",
        "`ack_orchestration_item`, \"Empty history_delta\"",
        &[Script, Official("cancellation::test_cancelling_nonexistent_activities_is_idempotent")],
    ),
    must(
        "ack-turn.execution-created",
        "An ack creates its execution when there is none, with status `Running` unless it gives another, and no \
         other execution; further acks keep what is recorded of it.",
        "`ack_orchestration_item`, \"execution_id Parameter\"; `Provider`, \"CRITICAL ID GENERATION CONTRACT\"",
        &[
            ReadBack,
            Official("multi_execution::test_execution_id_sequencing"),
            Official("multi_execution::test_continue_as_new_creates_new_execution"),
            Official("management::test_list_executions"),
            Official("capability_filtering::test_pinned_version_immutable_across_ack_cycles"),
        ],
    ),
    must(
        "ack-turn.current-execution-greatest",
        "The current execution is the greatest that an ack has named; an ack in an earlier one does not move it \
         back.",
        "`ack_orchestration_item`, its pattern (`GREATEST`); `ExecutionMetadata`, \"Provider responsibilities\"",
        &[
            ReadBack,
            Script,
            Official("multi_execution::test_execution_id_sequencing"),
            Official("multi_execution::test_latest_execution_detection"),
            Official("multi_execution::test_continue_as_new_creates_new_execution"),
        ],
    ),
    must(
        "ack-turn.status-stored",
        "A status in the metadata becomes the status of the ack's execution, with the output that comes with it, \
         and of no other.",
        "`ExecutionMetadata`, \"status\" and \"output\"; `ack_orchestration_item`, its pattern, step 5",
        &[
            ReadBack,
            Official("management::test_get_execution_info"),
            Official("management::test_list_instances_by_status"),
            Official("capability_filtering::test_ack_appends_event_to_corrupted_history"),
            Official("multi_execution::test_execution_history_persistence"),
        ],
    ),
    must(
        "ack-turn.status-none-keeps",
        "Metadata without a status change neither status nor output.",
        "`ExecutionMetadata::status`, \"None to keep current\"",
        &[ReadBack, Law(TerminalFinal), Official("prune::test_prune_bulk_includes_running_instances")],
    ),
    may(
        "ack-turn.output-without-status",
        "What becomes of an output without a status is open: the pattern stores it only with one, the \
         responsibilities say \"when provided\".",
        "`ExecutionMetadata`, \"Provider responsibilities\"",
        &[ReadBack],
    ),
    must(
        "ack-turn.completed-at",
        "An execution is completed at the moment of the ack that gives it a final status; one whose status is \
         `Running`, given or not, has no completion time.",
        "`ack_orchestration_item`, \"Metadata Storage\" (`completed_at = CURRENT_TIMESTAMP`); \
         `ExecutionInfo::completed_at`, \"None if still running\"",
        &[
            ReadBack,
            Official("bulk_deletion::test_delete_instance_bulk_completed_before_filter"),
            Official("lock_expiration::test_worker_lock_renewal_extends_timeout"),
        ],
    ),
    must(
        "ack-turn.pinned-stored",
        "A pinned version is stored with the ack's execution, also over an older one.",
        "`ExecutionMetadata::pinned_duroxide_version`",
        &[
            Script,
            Official("capability_filtering::test_pinned_version_stored_via_ack_metadata"),
            Official("capability_filtering::test_ack_stores_pinned_version_via_metadata_update"),
            Official("capability_filtering::test_provider_updates_pinned_version_when_told"),
        ],
    ),
    must(
        "ack-turn.pinned-none-keeps",
        "Metadata without a pinned version keep the stored one.",
        "`ExecutionMetadata::pinned_duroxide_version`",
        &[Script, Official("capability_filtering::test_pinned_version_immutable_across_ack_cycles")],
    ),
    must(
        "ack-turn.creates-instance",
        "The first ack that names an orchestration creates the instance.",
        "`Provider`, \"Instance Metadata Management\"; `enqueue_for_orchestrator`, \"Special Cases\"",
        &[
            ReadBack,
            Official("instance_creation::test_instance_creation_via_metadata"),
            Official("instance_creation::test_sub_orchestration_instance_creation"),
        ],
    ),
    may(
        "ack-turn.enqueued-start",
        "Whether a `StartOrchestration` that an ack enqueues creates its instance at once is open: the method \
         says that it may have to, the trait that only the first ack of a turn does.",
        "`ack_orchestration_item`, \"Special Cases\"; `Provider`, \"Instance Metadata Management\"",
        &[ReadBack, Official("instance_creation::test_sub_orchestration_instance_creation")],
    ),
    may(
        "ack-turn.nameless-creates-nothing",
        "Whether an ack that names no orchestration creates an instance is open.",
        "`ExecutionMetadata::orchestration_name`",
        &[ReadBack],
    ),
    must(
        "ack-turn.identity-stored",
        "An orchestration name and a version in the metadata are stored, for new instances and for known ones.",
        "`ExecutionMetadata::orchestration_name` and `orchestration_version`, \"for new instances or updates\"",
        &[
            ReadBack,
            Script,
            Official("management::test_get_instance_info"),
            Official("instance_creation::test_instance_creation_via_metadata"),
            Official("instance_creation::test_null_version_handling"),
        ],
    ),
    must(
        "ack-turn.identity-none-keeps",
        "Metadata without a name or a version keep the stored ones.",
        "guide, pseudocode of the ack (`COALESCE`)",
        &[ReadBack, Script, Official("capability_filtering::test_pinned_version_immutable_across_ack_cycles")],
    ),
    must(
        "ack-turn.parent-stored",
        "The parent in the metadata that create an instance is stored.",
        "`ExecutionMetadata::parent_instance_id`",
        &[ReadBack, Official("deletion::test_delete_get_parent_id"), Official("deletion::test_list_children")],
    ),
    may(
        "ack-turn.parent-later",
        "Whether a later ack can give an instance a parent, or another one, is open.",
        "`ExecutionMetadata::parent_instance_id`",
        &[ReadBack],
    ),
    must(
        "ack-turn.jobs-enqueued",
        "Every item of `worker_items` can be fetched from the worker queue at once, exactly once and unchanged.",
        "`ack_orchestration_item`, \"Enqueue worker_items\"",
        &[
            Drain,
            Official("atomicity::test_multi_operation_atomic_ack"),
            Official("tag_filtering::test_tag_preserved_through_ack_orchestration_item"),
            Official("cancellation::test_fetch_returns_running_state_for_active_orchestration"),
        ],
    ),
    must(
        "ack-turn.messages-enqueued",
        "Every item of `orchestrator_items` is enqueued for the instance it names, the ack's own or another, \
         once, unchanged and, but for timers, visible at once.",
        "`ack_orchestration_item`, \"Enqueue orchestrator_items\"; `ack_orchestration_item`, \"Queue Item \
         Enqueuing\"",
        &[
            Drain,
            Script,
            Official("atomicity::test_multi_operation_atomic_ack"),
            Official("instance_creation::test_sub_orchestration_instance_creation"),
        ],
    ),
    must(
        "ack-turn.messages-in-order",
        "Messages of one ack to one instance are enqueued in their order, behind those that wait already.",
        "`ack_orchestration_item`, \"Queue Item Enqueuing\"; `Provider`, \"Ordering: FIFO per instance \
         preferred\"",
        &[Script, Official("atomicity::test_multi_operation_atomic_ack")],
    ),
    must(
        "ack-turn.timer-at-fire-time",
        "A `TimerFired` of an ack is visible from its `fire_at_ms` on, and not before; one whose time is past is \
         visible at once.",
        "`ack_orchestration_item`, \"TimerFired Items\"",
        &[Script, Official("race_replay::test_legacy_queue_race_decision_preserved")],
    ),
    must(
        "ack-turn.cancelled-removed",
        "Each cancelled activity is taken out of the worker queue.",
        "`ack_orchestration_item`, its pattern, step 8; guide, \"Activity Cancellation via Lock Stealing\"",
        &[
            Drain,
            Official("cancellation::test_cancelled_activities_deleted_from_worker_queue"),
            Official("cancellation::test_batch_cancellation_deletes_multiple_activities"),
        ],
    ),
    must(
        "ack-turn.cancelled-held-removed",
        "An activity that a worker holds is cancelled too: its token is good for nothing afterwards.",
        "`renew_work_item_lock`, \"Activity Cancellation\"; guide, \"Activity Cancellation via Lock Stealing\"",
        &[Script, Drain],
    ),
    must(
        "ack-turn.cancelled-exactly",
        "Only jobs that agree in instance, execution and activity id are cancelled.",
        "`ScheduledActivityIdentifier`",
        &[Drain, Official("cancellation::test_cancelled_activities_deleted_from_worker_queue")],
    ),
    must(
        "ack-turn.cancelled-unknown-ignored",
        "Cancelling an activity that is not in the queue is no error.",
        "validation `test_cancelling_nonexistent_activities_is_idempotent`",
        &[Script, Official("cancellation::test_cancelling_nonexistent_activities_is_idempotent")],
    ),
    must(
        "ack-turn.cancelled-after-enqueue",
        "An activity that one ack both enqueues and cancels is not in the queue.",
        "guide, \"Critical ordering\"",
        &[Drain, Official("cancellation::test_same_activity_in_worker_items_and_cancelled_is_noop")],
    ),
    must(
        "ack-turn.wrong-queue-refused",
        "An ack is refused when `worker_items` hold anything but activities, or `orchestrator_items` hold one.",
        "`WorkItem`, \"Queue Routing\" and \"Instance ID Extraction\"; guide, \"Error Classification\" \
         (\"Invalid input\")",
        &[Script],
    ),
    must(
        "ack-turn.atomic-history",
        "An ack that is refused appends no event.",
        "`ack_orchestration_item`, \"Atomicity Requirements\"",
        &[
            ReadBack,
            Official("atomicity::test_atomicity_failure_rollback"),
            Official("error_handling::test_duplicate_event_id_rejection"),
        ],
    ),
    must(
        "ack-turn.atomic-metadata",
        "An ack that is refused creates no instance and no execution, and changes no status, output, name, \
         version, pinned version or custom status.",
        "`ack_orchestration_item`, \"Atomicity Requirements\"",
        &[ReadBack, Official("atomicity::test_atomicity_failure_rollback")],
    ),
    must(
        "ack-turn.atomic-values",
        "An ack that is refused changes no value.",
        "`ack_orchestration_item`, \"Atomicity Requirements\"; guide, \"Step 4: The Atomic Commit\"",
        &[ReadBack],
    ),
    must(
        "ack-turn.atomic-jobs",
        "An ack that is refused enqueues and cancels no job.",
        "`ack_orchestration_item`, \"Atomicity Requirements\"",
        &[Drain, Official("atomicity::test_multi_operation_atomic_ack")],
    ),
    must(
        "ack-turn.atomic-messages",
        "An ack that is refused enqueues no message and removes none.",
        "`ack_orchestration_item`, \"Atomicity Requirements\"",
        &[
            Drain,
            Official("atomicity::test_atomicity_failure_rollback"),
            Official("atomicity::test_lock_released_only_on_successful_ack"),
        ],
    ),
];
