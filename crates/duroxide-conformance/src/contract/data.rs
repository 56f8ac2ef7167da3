//! The rules of every call: errors, payloads and times.

use super::Check::{Concurrent, Drain, Official, ReadBack, Script};
use super::{Rule, may, must, should};

pub(super) const RULES: &[Rule] = &[
    must(
        "error.lock-lost-is-permanent",
        "The refusal of a token that holds no lock cannot be retried.",
        "`ProviderError`, \"Error Classification\"; `ack_work_item`, \"Error on Missing Entry\"",
        &[
            Script,
            Official("cancellation::test_ack_work_item_fails_when_entry_deleted"),
            Official("error_handling::test_invalid_lock_token_on_ack"),
        ],
    ),
    must(
        "error.not-found-is-permanent",
        "The refusal of an unknown instance or execution cannot be retried.",
        "`ProviderError`, \"Error Classification\"; `delete_instance`, \"Returns\"",
        &[Script, Official("deletion::test_delete_nonexistent_instance")],
    ),
    must(
        "error.not-deletable-is-permanent",
        "The refusals of deletions, for what runs, has a parent or leaves a child, cannot be retried.",
        "`delete_instance`, \"Returns\"",
        &[
            Script,
            Official("deletion::test_delete_running_rejected_force_succeeds"),
            Official("deletion::test_cascade_delete_hierarchy"),
            Official("deletion::test_delete_instances_atomic_orphan_detection"),
        ],
    ),
    must(
        "error.invalid-is-permanent",
        "The refusal of input that makes no sense, a duplicate event too, cannot be retried.",
        "`ProviderError`, \"Error Classification\"",
        &[Script, Official("error_handling::test_duplicate_event_id_rejection")],
    ),
    must(
        "error.corrupt-is-permanent",
        "The refusal to read what cannot be read cannot be retried.",
        "`ProviderError`, \"Error Classification\"",
        &[Official("error_handling::test_read_corrupted_history_returns_error")],
    ),
    must(
        "error.contention-is-retryable",
        "An error that comes from other callers being busy can be retried.",
        "`ProviderError`, \"Error Classification\"; guide, \"Error Classification\"",
        &[
            Script,
            Concurrent,
            Official("instance_locking::test_multi_threaded_no_duplicate_processing"),
            Official("race_replay::test_continue_as_new_unregistered_backoff"),
        ],
    ),
    must(
        "error.refusal-changes-nothing",
        "A call that is refused changes nothing.",
        "guide, \"Atomicity Requirements\"; `ack_orchestration_item`, \"Atomicity Requirements\"",
        &[ReadBack, Drain, Official("atomicity::test_atomicity_failure_rollback")],
    ),
    must(
        "error.no-panic",
        "No input makes a call panic or never return.",
        "`fetch_orchestration_item`, \"Don't panic on transient errors\"; validation \
         `test_corrupted_serialization_data`",
        &[Script, Concurrent, Official("error_handling::test_corrupted_serialization_data")],
    ),
    should(
        "error.operation-named",
        "An error names the operation that failed.",
        "`ProviderError::operation`",
        &[Script],
    ),
    should(
        "error.says-why",
        "An error has a message: of an invalid lock token, a running instance, an instance not found, a parent \
         or a child, in words that say so.",
        "`ProviderError::message`; validations that look for those words",
        &[
            Script,
            Official("error_handling::test_invalid_lock_token_on_ack"),
            Official("deletion::test_delete_running_rejected_force_succeeds"),
            Official("deletion::test_delete_nonexistent_instance"),
            Official("deletion::test_cascade_delete_hierarchy"),
            Official("deletion::test_delete_instances_atomic_orphan_detection"),
        ],
    ),
    must(
        "payload.empty",
        "Empty strings are kept as such, and are never taken for none.",
        "`ack_orchestration_item`, \"Store events exactly as provided\"; validation `test_kv_empty_value`",
        &[Script, ReadBack, Drain, Official("kv_store::test_kv_empty_value")],
    ),
    must(
        "payload.unicode",
        "Any Unicode text comes out as it went in, not normalized.",
        "`ack_orchestration_item`, \"Store events exactly as provided\"; validation \
         `test_kv_special_chars_in_key`",
        &[Script, ReadBack, Drain, Official("kv_store::test_kv_special_chars_in_key")],
    ),
    must(
        "payload.quotes",
        "Quotes, backslashes, line breaks, wildcards and words of a query language are text like any other.",
        "`ack_orchestration_item`, \"Store events exactly as provided\"; `Provider`, \"opaque data\"",
        &[Script, ReadBack, Drain, Official("kv_store::test_kv_special_chars_in_key")],
    ),
    should(
        "payload.nul",
        "NUL characters are kept; a storage that cannot hold them refuses the call for good and changes \
         nothing.",
        "`ack_orchestration_item`, \"Store events exactly as provided\"; `ProviderError`, \"Invalid input\"",
        &[Script, ReadBack, Drain],
    ),
    must(
        "payload.long",
        "Long texts come out whole: inputs, results, outputs, values.",
        "docs/provider-testing-guide.md, \"Large Payload\"; validation `test_kv_large_value`",
        &[Script, ReadBack, Drain, Official("kv_store::test_kv_large_value")],
    ),
    must(
        "payload.many",
        "Many events, messages, jobs and values in one call, and many instances, are kept whole and in order.",
        "`ack_orchestration_item`, \"Atomicity Requirements\"; `fetch_orchestration_item`, \"Lock ALL \
         messages\"",
        &[Script, ReadBack, Drain],
    ),
    must(
        "payload.names-exact",
        "Names of instances, keys, sessions, owners and tags are compared exactly: case, spaces and length \
         count.",
        "`Provider`, \"opaque data\"; guide, \"KV entries are isolated\"",
        &[
            Script,
            ReadBack,
            Drain,
            Official("kv_store::test_kv_instance_isolation"),
            Official("kv_store::test_kv_special_chars_in_key"),
        ],
    ),
    must(
        "payload.numbers-exact",
        "Numbers up to the ends of their ranges are kept exactly or refused for good; none is wrapped, rounded \
         or taken for another.",
        "`Provider`, \"CRITICAL ID GENERATION CONTRACT\" (\"STORE these IDs\"); `ack_orchestration_item`, \
         \"Store events exactly as provided\"",
        &[Script, ReadBack, Drain],
    ),
    should(
        "payload.numbers-accepted",
        "Numbers up to the ends of their ranges are accepted.",
        "the parameter types of `Provider` and `ProviderAdmin`",
        &[Script, ReadBack, Drain],
    ),
    must(
        "payload.accepted-is-usable",
        "What one call accepts no later call chokes on: whatever was stored can be fetched, read, acked, listed \
         and deleted.",
        "`Provider`, \"opaque data\"; guide, \"Key Principle\" (\"stores and retrieves data exactly as \
         instructed\")",
        &[Script, ReadBack, Drain],
    ),
    must(
        "payload.every-variant",
        "Every variant of `WorkItem` and of `EventKind`, with every optional field there or not, comes out as it \
         went in.",
        "`WorkItem`, \"serialized/deserialized\"; `ack_orchestration_item`, \"Store events exactly as \
         provided\"",
        &[Script, ReadBack, Drain, Official("race_replay::test_queue_race_cancellation_replay")],
    ),
    must(
        "time.zero-delay-is-now",
        "A delay of zero is no delay.",
        "`abandon_orchestration_item`, \"Parameters\" (`visible_at = now + duration`); \
         `enqueue_for_orchestrator`, \"Parameters\"",
        &[Script],
    ),
    should(
        "time.zero-lock",
        "A lock of zero length, fetched or renewed, has ended when it begins: the item can be fetched again at \
         once.",
        "`fetch_orchestration_item`, its pattern (`locked_until <= now()`)",
        &[Script],
    ),
    should(
        "time.huge-durations",
        "A duration past the end of time never comes: it is neither an error, nor a panic, nor over at once.",
        "the parameter types of `Provider`; `abandon_work_item`, \"Parameters\"",
        &[Script],
    ),
    may(
        "time.sub-millisecond",
        "Whether parts of a millisecond are rounded up or cut off is open.",
        "`ExecutionInfo`, \"Milliseconds since epoch\"",
        &[Script],
    ),
    must(
        "time.past-timer",
        "A timer whose `fire_at_ms` is past, 0 too, is visible at once.",
        "`ack_orchestration_item`, \"TimerFired Items\"",
        &[Script],
    ),
    should(
        "time.far-timer",
        "A timer whose `fire_at_ms` is at the end of the range is kept, and not visible.",
        "`ack_orchestration_item`, \"TimerFired Items\"",
        &[Script],
    ),
    must(
        "time.milliseconds",
        "Times that are read are milliseconds since the Unix epoch, and so are those that filters compare.",
        "`InstanceInfo::created_at`; `InstanceFilter::completed_before`",
        &[ReadBack, Official("bulk_deletion::test_delete_instance_bulk_completed_before_filter")],
    ),
];
