//! The rules of `get_custom_status`, of the key-value store (`get_kv_value`,
//! `get_kv_all_values`) and of `get_instance_stats`.

use super::Check::{Official, ReadBack, Script};
use super::{Rule, may, must, should};

pub(super) const RULES: &[Rule] = &[
    must(
        "status.set",
        "An ack with a `CustomStatusUpdated` event sets the custom status.",
        "guide, pseudocode of the ack, step 2a",
        &[ReadBack, Official("custom_status::test_custom_status_set")],
    ),
    must(
        "status.cleared",
        "An ack with a `CustomStatusUpdated` event without a value clears it, which counts as a change.",
        "guide, pseudocode of the ack, step 2a",
        &[ReadBack, Official("custom_status::test_custom_status_clear")],
    ),
    must(
        "status.last-wins",
        "Of several such events in one ack the last one counts.",
        "guide, pseudocode of the ack, \"last write wins\"",
        &[ReadBack],
    ),
    must(
        "status.none-keeps",
        "An ack without such an event changes neither the status nor its version.",
        "guide, \"Validation Checklist\", \"Custom Status\"",
        &[ReadBack, Official("custom_status::test_custom_status_none_preserves")],
    ),
    must(
        "status.version-rises",
        "Each ack with such an event raises the version.",
        "guide, \"get_custom_status\"; validation `test_custom_status_version_increments`",
        &[
            ReadBack,
            Official("custom_status::test_custom_status_version_increments"),
            Official("custom_status::test_custom_status_clear"),
        ],
    ),
    may(
        "status.version-step",
        "By how much one ack with several such events raises the version is open: by one, as the pseudocode \
         does, or by one for each.",
        "guide, pseudocode of the ack, and \"get_custom_status\" (\"on every `Set` or `Clear`\")",
        &[ReadBack],
    ),
    must(
        "status.newer-returned",
        "`get_custom_status` returns status and version when the version is above the one last seen, and \
         otherwise nothing.",
        "`get_custom_status`, \"Returns\"",
        &[
            ReadBack,
            Official("custom_status::test_custom_status_polling_no_change"),
            Official("custom_status::test_custom_status_set"),
        ],
    ),
    must(
        "status.fresh-is-nothing",
        "A new instance has no custom status and version 0, and for an unknown one there is nothing to return, \
         which is no error.",
        "guide, \"get_custom_status\"",
        &[
            ReadBack,
            Official("custom_status::test_custom_status_default_on_new_instance"),
            Official("custom_status::test_custom_status_nonexistent_instance"),
        ],
    ),
    must(
        "status.of-the-instance",
        "The custom status belongs to the instance: a new execution keeps it, and other instances do not see \
         it.",
        "guide, \"Schema Recommendations\" (`instances.custom_status`)",
        &[ReadBack],
    ),
    must(
        "kv.set",
        "A `KeyValueSet` event of an ack sets the value of its key, over an older one.",
        "guide, \"Step 4: The Atomic Commit\"",
        &[
            ReadBack,
            Official("kv_store::test_kv_set_and_get"),
            Official("kv_store::test_kv_overwrite"),
            Official("kv_store::test_kv_execution_id_tracking"),
            Official("kv_store::test_kv_cross_execution_overwrite"),
        ],
    ),
    must(
        "kv.clear",
        "A `KeyValueCleared` event removes its key, also one that an earlier execution left; clearing a key that \
         is not there is no error.",
        "guide, \"Validation Checklist\", \"KV Store\"; validation `test_kv_clear_nonexistent_key`",
        &[
            ReadBack,
            Script,
            Official("kv_store::test_kv_clear_single"),
            Official("kv_store::test_kv_delta_tombstone_overrides_store"),
            Official("kv_store::test_kv_cross_execution_remove_readd"),
            Official("kv_store::test_kv_clear_nonexistent_key"),
        ],
    ),
    must(
        "kv.clear-all",
        "A `KeyValuesCleared` event removes every key of the instance, also those that earlier executions left.",
        "guide, \"Validation Checklist\", \"KV Store\"",
        &[
            ReadBack,
            Official("kv_store::test_kv_clear_all"),
            Official("kv_store::test_kv_delta_clear_all_tombstones_store"),
        ],
    ),
    must(
        "kv.in-order",
        "The events of one ack take effect in their order.",
        "docs/proposals/kv-delta-table.md, \"Write path\"; validation `test_kv_set_after_clear`",
        &[
            ReadBack,
            Official("kv_store::test_kv_set_after_clear"),
            Official("kv_store::test_kv_delta_clear_all_tombstones_store"),
        ],
    ),
    must(
        "kv.readers-see-both",
        "Readers see what the current execution wrote as soon as it is acked, over what earlier executions \
         left.",
        "docs/proposals/kv-delta-table.md, \"client / cross-instance reads\"",
        &[
            ReadBack,
            Official("kv_store::test_kv_delta_client_reads_merged"),
            Official("kv_store::test_kv_delta_snapshot_excludes_current_execution"),
        ],
    ),
    must(
        "kv.merged-at-end",
        "When an execution ends, as `Completed`, `Failed` or `ContinuedAsNew`, what it wrote becomes part of \
         what later turns begin with.",
        "docs/proposals/kv-delta-table.md, \"execution completion\"",
        &[
            Script,
            ReadBack,
            Official("kv_store::test_kv_delta_merged_on_completion"),
            Official("kv_store::test_kv_delta_merged_on_can"),
            Official("kv_store::test_kv_delta_snapshot_includes_completed_execution"),
        ],
    ),
    must(
        "kv.missing-is-nothing",
        "`get_kv_value` returns nothing for a key that is not there or an instance that is not known, which is \
         no error.",
        "`get_kv_value`; guide, \"Validation Checklist\", \"KV Store\"",
        &[ReadBack, Official("kv_store::test_kv_get_nonexistent"), Official("kv_store::test_kv_get_unknown_instance")],
    ),
    must(
        "kv.all-values",
        "`get_kv_all_values` returns exactly the keys that `get_kv_value` finds, with the same values; none for \
         an unknown instance.",
        "`get_kv_all_values`",
        &[ReadBack],
    ),
    must(
        "kv.isolated",
        "Each instance has its own keys: no other instance sees, changes or clears them.",
        "guide, \"Validation Checklist\", \"KV Store\"",
        &[ReadBack, Official("kv_store::test_kv_instance_isolation"), Official("kv_store::test_kv_clear_isolation")],
    ),
    must(
        "kv.empty-is-a-value",
        "An empty value is a value.",
        "validation `test_kv_empty_value`",
        &[ReadBack, Official("kv_store::test_kv_empty_value")],
    ),
    must(
        "kv.kept-by-pruning",
        "Pruning executions removes no value.",
        "guide, \"Validation Checklist\" (\"instance-scoped\")",
        &[
            ReadBack,
            Official("kv_store::test_kv_execution_id_tracking"),
            Official("kv_store::test_kv_prune_preserves_overwritten"),
            Official("kv_store::test_kv_prune_preserves_all_keys"),
            Official("kv_store::test_kv_prune_current_execution_protected"),
            Official("kv_store::test_kv_delta_prune_untouched_key_survives"),
        ],
    ),
    may(
        "kv.append-writes-nothing",
        "Whether key-value events given to `append_with_execution` change values is open: only acks are said \
         to.",
        "guide, \"Validation Checklist\", \"KV Store\"",
        &[ReadBack],
    ),
    must(
        "stats.unknown-is-nothing",
        "`get_instance_stats` returns nothing for an unknown instance, which is no error.",
        "`get_instance_stats`",
        &[ReadBack, Official("management::test_get_instance_stats_nonexistent")],
    ),
    must(
        "stats.event-count",
        "The number of events is that of the current execution's history.",
        "`SystemStats::history_event_count`",
        &[ReadBack, Official("management::test_get_instance_stats_history")],
    ),
    should(
        "stats.history-size",
        "The size of the history is near the number of bytes of its serialized events, and above 0 when there is \
         one.",
        "`SystemStats::history_size_bytes`, \"Approximate serialized size\"",
        &[
            ReadBack,
            Official("management::test_get_instance_stats_history"),
            Official("management::test_get_instance_stats_carry_forward"),
        ],
    ),
    must(
        "stats.pending-count",
        "The number of pending messages is that of the events which the current execution's start carries \
         forward.",
        "`SystemStats::queue_pending_count`",
        &[ReadBack, Official("management::test_get_instance_stats_carry_forward")],
    ),
    must(
        "stats.key-count",
        "The number of keys is that of the keys readers see, those of the current execution too.",
        "`SystemStats::kv_user_key_count`",
        &[
            ReadBack,
            Official("management::test_get_instance_stats_kv"),
            Official("management::test_get_instance_stats_kv_delta_only"),
            Official("management::test_get_instance_stats_kv_merged"),
        ],
    ),
    must(
        "stats.value-bytes",
        "The size of the values is counted in bytes, not in characters.",
        "`SystemStats::kv_total_value_bytes`, \"in bytes\"",
        &[
            ReadBack,
            Official("management::test_get_instance_stats_kv"),
            Official("management::test_get_instance_stats_kv_delta_only"),
            Official("management::test_get_instance_stats_kv_merged"),
        ],
    ),
];
