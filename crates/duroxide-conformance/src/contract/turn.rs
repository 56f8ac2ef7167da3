//! The rules of `fetch_orchestration_item`: which instance it
//! fetches, and the contents of the item.

use duroxide_sim::laws::Law::{AckAtomic, AttemptsRise, NothingInvisible, OneLiveLease, WholeBatch};

use super::Check::{Concurrent, Drain, Law, Official, ReadBack, Script};
use super::{Rule, may, must};

pub(super) const RULES: &[Rule] = &[
    must(
        "turn.exclusive",
        "While the lock on an instance holds, no fetch returns that instance again, whatever arrives for it \
         meanwhile.",
        "`fetch_orchestration_item`, \"Instance-Level Locking\"; guide, \"Peek-Lock Semantics\"",
        &[
            Script,
            Concurrent,
            Law(OneLiveLease),
            Official("instance_locking::test_exclusive_instance_lock"),
            Official("instance_locking::test_completions_arriving_during_lock_blocked"),
            Official("lock_expiration::test_concurrent_lock_attempts_respect_expiration"),
            Official("capability_filtering::test_concurrent_filtered_fetch_no_double_lock"),
            Official("instance_locking::test_multi_threaded_lock_contention"),
        ],
    ),
    must(
        "turn.other-instances-free",
        "A lock on one instance keeps nobody from fetching another.",
        "guide, \"Validation Checklist\", \"Concurrency\"",
        &[
            Script,
            Drain,
            Official("instance_locking::test_cross_instance_lock_isolation"),
            Official("instance_locking::test_concurrent_instance_fetching"),
        ],
    ),
    must(
        "turn.visible",
        "A message is in no batch before the moment from which it is visible.",
        "`fetch_orchestration_item`, \"Visibility Filtering\"",
        &[Script, Law(NothingInvisible), Official("queue_semantics::test_timer_delayed_visibility")],
    ),
    must(
        "turn.prompt",
        "A fetch that nobody else disturbs returns a turn whenever one is eligible, from the very millisecond in \
         which its message becomes visible, and otherwise nothing, which is no error.",
        "`fetch_orchestration_item`, \"Visibility Filtering\" (`visible_at <= now()`) and \"Return Value\"",
        &[
            Script,
            Drain,
            Official("queue_semantics::test_timer_delayed_visibility"),
            Official("capability_filtering::test_fetch_with_filter_none_returns_any_item"),
            Official("error_handling::test_corrupted_serialization_data"),
        ],
    ),
    must(
        "turn.lock-ends-at",
        "A lock holds until the moment of the fetch plus `lock_timeout` and no longer: it holds a millisecond \
         earlier, and at that moment the instance can be fetched.",
        "`fetch_orchestration_item`, \"Peek-Lock Semantics\" and its pattern (`locked_until <= now()`)",
        &[
            Script,
            Official("lock_expiration::test_lock_expires_after_timeout"),
            Official("lock_expiration::test_concurrent_lock_attempts_respect_expiration"),
        ],
    ),
    must(
        "turn.lock-expiry-redelivers",
        "A fetch takes nothing out of the queue: when a lock ends without an ack, every message of its batch is \
         delivered again, under a new token.",
        "`fetch_orchestration_item`, \"Peek-Lock Semantics\"; `Provider`, \"Peek-Lock Pattern\"",
        &[
            Script,
            Drain,
            ReadBack,
            Official("lock_expiration::test_lock_expires_after_timeout"),
            Official("atomicity::test_lock_released_only_on_successful_ack"),
            Official("instance_locking::test_exclusive_instance_lock"),
            Official("instance_locking::test_completions_arriving_during_lock_blocked"),
            Official("instance_locking::test_multi_threaded_lock_expiration_recovery"),
        ],
    ),
    must(
        "turn.whole-batch",
        "A turn holds every message that is visible for its instance at the time of the fetch.",
        "`fetch_orchestration_item`, \"Instance Batching\"; guide, \"Critical behaviors\"",
        &[
            Script,
            Law(WholeBatch),
            Official("instance_locking::test_message_tagging_during_lock"),
            Official("instance_locking::test_completions_arriving_during_lock_blocked"),
        ],
    ),
    must(
        "turn.one-instance",
        "All messages of a turn belong to the one instance it names.",
        "`fetch_orchestration_item`, \"Instance Batching\"",
        &[Script, Official("instance_locking::test_cross_instance_lock_isolation")],
    ),
    must(
        "turn.batch-order",
        "The messages of a turn stand in the order in which they were enqueued, whatever their delays were and \
         however often they were fetched and abandoned.",
        "`abandon_orchestration_item`, \"Preserve message order\"; guide, pseudocode of the fetch (`ORDER BY \
         id`)",
        &[
            Script,
            Official("atomicity::test_multi_operation_atomic_ack"),
            Official("instance_locking::test_ack_only_affects_locked_messages"),
            Official("instance_locking::test_completions_arriving_during_lock_blocked"),
            Official("race_replay::test_queue_race_cancellation_replay"),
        ],
    ),
    must(
        "turn.messages-unchanged",
        "A message comes out as it went in, in every field.",
        "`WorkItem`, \"serialized/deserialized\"; `abandon_orchestration_item`, \"don't reorder or modify \
         messages\"",
        &[
            Script,
            Drain,
            Official("deletion::test_delete_cleans_queues_and_locks"),
            Official("race_replay::test_continue_as_new_transition_delivery"),
        ],
    ),
    must(
        "turn.history-current-execution",
        "A turn brings the history of the current execution alone.",
        "`fetch_orchestration_item`, \"History Loading\"",
        &[
            Script,
            Official("multi_execution::test_continue_as_new_creates_new_execution"),
            Official("multi_execution::test_execution_id_sequencing"),
        ],
    ),
    must(
        "turn.history-complete",
        "A turn brings all events of its execution, none twice, and none at all when there are none yet.",
        "`OrchestrationItem`, \"Implementation Notes\"; `fetch_orchestration_item`, \"History Loading\"",
        &[
            Script,
            Law(AckAtomic),
            Official("instance_creation::test_instance_creation_via_metadata"),
            Official("race_replay::test_queue_race_cancellation_replay"),
        ],
    ),
    must(
        "turn.history-order",
        "The events of a turn stand in the order of their ids.",
        "`fetch_orchestration_item`, \"History Loading\"",
        &[Script],
    ),
    must(
        "turn.history-unchanged",
        "The events of a turn are those that were stored, in every field, the version of duroxide that wrote \
         them too.",
        "guide, \"Event History: The Append-Only Log\"",
        &[
            Script,
            Official("race_replay::test_queue_replay_version_stamp_roundtrip"),
            Official("race_replay::test_queue_race_cancellation_replay"),
            Official("race_replay::test_legacy_queue_race_decision_preserved"),
            Official("race_replay::test_positional_wait_race_replay"),
        ],
    ),
    must(
        "turn.identity-name",
        "A turn carries the orchestration name that acks have recorded, whatever later start messages say; \
         before that, the name in the message that starts the instance.",
        "`fetch_orchestration_item`, \"Load metadata\"; guide, pseudocode of the fetch, step 5",
        &[
            Script,
            Official("instance_creation::test_instance_creation_via_metadata"),
            Official("race_replay::test_duplicate_start_preserves_pinned_handler"),
            Official("race_replay::test_continue_as_new_duplicate_start"),
            Official("instance_creation::test_no_instance_creation_on_enqueue"),
            Official("instance_creation::test_sub_orchestration_instance_creation"),
            Official("deletion::test_delete_cleans_queues_and_locks"),
        ],
    ),
    must(
        "turn.identity-version",
        "A turn carries the orchestration version that acks have recorded, not the one of the start message.",
        "`fetch_orchestration_item`, \"Load metadata\"",
        &[
            Script,
            Official("instance_creation::test_instance_creation_via_metadata"),
            Official("instance_creation::test_null_version_handling"),
            Official("instance_creation::test_sub_orchestration_instance_creation"),
        ],
    ),
    may(
        "turn.identity-version-unknown",
        "What a turn gives as version before one is recorded is open: the start message's version, or any text \
         that stands for none.",
        "validation `test_instance_creation_via_metadata` (\"Version may be None or extracted\")",
        &[Script, Official("instance_creation::test_null_version_handling")],
    ),
    must(
        "turn.execution-id",
        "A turn carries the current execution of its instance, 1 for a new one, whatever its messages say.",
        "`fetch_orchestration_item`, \"Load metadata\"; `ack_orchestration_item`, \"NOT inspect WorkItems to \
         decide execution IDs\"",
        &[
            Script,
            Official("instance_creation::test_instance_creation_via_metadata"),
            Official("multi_execution::test_execution_id_sequencing"),
            Official("multi_execution::test_continue_as_new_creates_new_execution"),
        ],
    ),
    must(
        "turn.kv-snapshot",
        "A turn brings exactly the values that ended executions have left, without what the current execution \
         has written or cleared.",
        "`OrchestrationItem::kv_snapshot`; docs/proposals/kv-delta-table.md, \"Two-table model\" and \"Read \
         path\"",
        &[
            Script,
            Official("kv_store::test_kv_snapshot_in_fetch"),
            Official("kv_store::test_kv_snapshot_empty"),
            Official("kv_store::test_kv_snapshot_cross_execution"),
            Official("kv_store::test_kv_snapshot_after_clear_single"),
            Official("kv_store::test_kv_snapshot_after_clear_all"),
            Official("kv_store::test_kv_delta_snapshot_excludes_current_execution"),
            Official("kv_store::test_kv_delta_snapshot_includes_completed_execution"),
        ],
    ),
    must(
        "turn.kv-snapshot-times",
        "Each value of a snapshot carries the time that its event gave.",
        "`KvEntry::last_updated_at_ms`; guide, \"Validation Checklist\", \"KV Store\"",
        &[Script],
    ),
    must(
        "turn.attempts-rise",
        "The first delivery of a message counts one attempt, and each further one, after an abandon or an \
         expired lock, one more.",
        "`fetch_orchestration_item`, \"Return Value\" (\"attempt_count\"); guide, pseudocode of the fetch, step \
         3",
        &[
            Script,
            Law(AttemptsRise),
            Official("poison_message::orchestration_attempt_count_increments_on_refetch"),
            Official("poison_message::orchestration_attempt_count_starts_at_one"),
        ],
    ),
    must(
        "turn.attempts-are-per-message",
        "Attempts are counted for each message apart, and a turn gives the highest number in its batch.",
        "validations `max_attempt_count_across_message_batch`, \
         `orchestration_ignore_attempt_preserves_hidden_start`",
        &[
            Script,
            Official("poison_message::max_attempt_count_across_message_batch"),
            Official("poison_message::orchestration_ignore_attempt_preserves_hidden_start"),
        ],
    ),
    must(
        "turn.token-unique",
        "Every fetch issues a token that was never issued before.",
        "`fetch_orchestration_item`, \"Peek-Lock Semantics\"; guide, \"Critical behaviors\"",
        &[
            Script,
            Concurrent,
            Law(OneLiveLease),
            Official("instance_locking::test_lock_token_uniqueness"),
            Official("instance_locking::test_exclusive_instance_lock"),
            Official("lock_expiration::test_lock_expires_after_timeout"),
        ],
    ),
    must(
        "turn.early-message-kept",
        "A message that comes before its instance was started stays, and is delivered with the start.",
        "`enqueue_for_orchestrator`, \"ExternalRaised\": \"can arrive before instance is started\"",
        &[Script, Drain],
    ),
    must(
        "turn.no-delivery-before-start",
        "Messages of an instance that nobody has started are never delivered without a message that starts it.",
        "guide, pseudocode of the fetch, \"New instance\"; `enqueue_for_orchestrator`, \"Special Cases\"",
        &[
            Script,
            Drain,
            Official("cancellation::test_ack_work_item_none_deletes_without_enqueue"),
            Official("queue_semantics::test_orphan_queue_messages_dropped"),
        ],
    ),
    must(
        "turn.orphan-queue-message-dropped",
        "A fetch that finds a visible `QueueMessage` of an instance with neither a history nor a visible start \
         drops it for good.",
        "guide, \"Work Queues: Pending Work\"",
        &[Script, Drain, Official("queue_semantics::test_orphan_queue_messages_dropped")],
    ),
    must(
        "turn.orphan-queue-message-beside-others",
        "An orphan `QueueMessage` is dropped also when other messages of its instance wait beside it, and those \
         stay.",
        "guide, \"Work Queues: Pending Work\" (\"no history, no `StartOrchestration` in the batch\")",
        &[Script, Drain],
    ),
    must(
        "turn.queue-message-kept",
        "A `QueueMessage` is kept when its instance exists, or when the batch holds the message that starts it.",
        "guide, \"Work Queues: Pending Work\"",
        &[
            Script,
            Drain,
            Official("queue_semantics::test_orphan_queue_messages_dropped"),
            Official("race_replay::test_continue_as_new_queue_race_replay"),
            Official("race_replay::test_continue_as_new_transition_delivery"),
        ],
    ),
    may(
        "turn.fair",
        "An instance that comes back again and again may hold back others or not: the documents prefer FIFO for \
         each instance and set no order between instances.",
        "`fetch_orchestration_item`, \"Find the first visible, unlocked instance\"; `Provider`, \"Ordering: FIFO \
         per instance preferred\"",
        &[Script],
    ),
    must(
        "turn.poll-ends-in-time",
        "A fetch returns at the latest when `poll_timeout` is over.",
        "guide, \"Long Polling vs Short Polling\"; validation `test_fetch_respects_timeout_upper_bound`",
        &[Script, Official("long_polling::test_fetch_respects_timeout_upper_bound")],
    ),
    may(
        "turn.poll-waits",
        "A fetch that finds nothing may wait for work up to `poll_timeout`, or return at once.",
        "guide, \"Long Polling vs Short Polling\"",
        &[
            Script,
            Official("long_polling::test_short_poll_returns_immediately"),
            Official("long_polling::test_long_poll_waits_for_timeout"),
        ],
    ),
    must(
        "turn.no-lock-on-error",
        "A fetch that answers with an error holds no lock.",
        "guide, \"History Deserialization Contract\"",
        &[Script, Drain],
    ),
];
