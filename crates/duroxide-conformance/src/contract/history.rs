//! The rules of `read`, `read_with_execution`, `read_history`,
//! `read_history_with_execution_id`, `latest_execution_id` and
//! `append_with_execution`.

use duroxide_sim::laws::Law::AckAtomic;

use super::Check::{Law, Official, ReadBack, Script};
use super::{Rule, may, must, should};

pub(super) const RULES: &[Rule] = &[
    must(
        "read.latest-execution",
        "`read` and `read_history` return the events of the latest execution alone.",
        "`read`, \"Multi-Execution Behavior\"; `read_history`",
        &[
            ReadBack,
            Official("multi_execution::test_latest_execution_detection"),
            Official("multi_execution::test_execution_isolation"),
            Official("multi_execution::test_execution_history_persistence"),
        ],
    ),
    must(
        "read.given-execution",
        "`read_with_execution` and `read_history_with_execution_id` return the events of the given execution \
         alone.",
        "`read_with_execution`; `read_history_with_execution_id`",
        &[
            ReadBack,
            Official("multi_execution::test_execution_isolation"),
            Official("multi_execution::test_latest_execution_detection"),
            Official("multi_execution::test_execution_history_persistence"),
        ],
    ),
    must(
        "read.complete",
        "A read returns every event that was stored, once, and unchanged in every field.",
        "`read`, \"What This Does\"; guide, \"Event History: The Append-Only Log\"",
        &[
            ReadBack,
            Law(AckAtomic),
            Official("atomicity::test_multi_operation_atomic_ack"),
            Official("multi_execution::test_execution_isolation"),
            Official("race_replay::test_queue_replay_version_stamp_roundtrip"),
            Official("race_replay::test_queue_race_cancellation_replay"),
        ],
    ),
    must(
        "read.in-order",
        "A read returns events in the order of their ids, in whatever order they came.",
        "`read`, \"Return Value\"; `read_with_execution`, \"Returns\"",
        &[ReadBack],
    ),
    must(
        "read.unknown-is-empty",
        "Reading an unknown instance returns no events, which is no error.",
        "guide, \"Validation Checklist\", \"Core Operations\"",
        &[
            ReadBack,
            Official("error_handling::test_missing_instance_metadata"),
            Official("instance_creation::test_no_instance_creation_on_enqueue"),
        ],
    ),
    should(
        "read.unknown-execution-is-empty",
        "Reading an execution that is not there returns no events, which is no error.",
        "`read_with_execution`, its example",
        &[ReadBack],
    ),
    must(
        "read.unreadable-is-an-error",
        "Reading a history that cannot be read is an error, never a shorter history.",
        "guide, \"History Deserialization Contract\"; validations `test_read_corrupted_history_returns_error`",
        &[
            Official("error_handling::test_read_corrupted_history_returns_error"),
            Official("error_handling::test_read_with_execution_corrupted_history_returns_error"),
        ],
    ),
    must(
        "read.changes-nothing",
        "Calls that read, of histories, status, values, numbers and lists, change nothing and need no lock.",
        "guide, \"get_custom_status\" (\"read-only, non-locking\"); `read`, \"Usage\"",
        &[ReadBack],
    ),
    must(
        "read.latest-execution-id",
        "`latest_execution_id` returns the greatest execution of an instance.",
        "`latest_execution_id`, its pattern",
        &[ReadBack, Official("multi_execution::test_execution_id_sequencing")],
    ),
    may(
        "read.latest-execution-id-unknown",
        "What `latest_execution_id` says of an unknown instance is open: its pattern gives 1, \
         `ManagementProvider` an error.",
        "`latest_execution_id`, its pattern",
        &[ReadBack],
    ),
    may(
        "read.appended-execution",
        "Whether an execution that only `append_with_execution` has touched counts as the latest is open.",
        "`read`, \"Multi-Execution Behavior\"; guide, \"Step 1: Event History Storage\"",
        &[ReadBack],
    ),
    must(
        "append.stored",
        "Appended events are stored as given, with their ids, in the execution given.",
        "`append_with_execution`, \"CRITICAL: Event ID Assignment\"",
        &[ReadBack, Official("race_replay::test_queue_replay_version_stamp_roundtrip")],
    ),
    must(
        "append.never-overwrites",
        "An append never changes an event that is stored.",
        "`append_with_execution`, \"NEVER: Overwrite existing event\"",
        &[ReadBack, Official("error_handling::test_duplicate_event_id_rejection")],
    ),
    may(
        "append.duplicate",
        "An event whose id is there already may be refused or ignored, and the rest of its batch stored or not.",
        "`append_with_execution`, \"Duplicate Detection\"",
        &[Script, ReadBack],
    ),
    should(
        "append.any-instance-accepted",
        "Events are taken for an instance that is not known, and can be read again.",
        "`append_with_execution`, \"Used by testing and validation suites\"",
        &[Script, ReadBack],
    ),
    may(
        "append.creates-no-instance",
        "Whether appended events alone make an instance that is listed is open.",
        "`append_with_execution`; `Provider`, \"Instance Metadata Management\"",
        &[ReadBack],
    ),
];
