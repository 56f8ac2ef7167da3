//! The rules of `prune_executions` and `prune_executions_bulk`.

use super::Check::{Drain, Official, ReadBack, Script};
use super::{Rule, may, must};

pub(super) const RULES: &[Rule] = &[
    must(
        "prune.current-kept",
        "The current execution is never pruned, whatever the options say.",
        "`prune_executions`, \"Current execution protection\"",
        &[
            ReadBack,
            Official("prune::test_prune_safety"),
            Official("prune::test_prune_options_combinations"),
            Official("kv_store::test_kv_prune_current_execution_protected"),
        ],
    ),
    must(
        "prune.running-kept",
        "An execution whose status is `Running` is never pruned.",
        "`prune_executions`, \"Running execution protection\"",
        &[ReadBack, Official("prune::test_prune_safety")],
    ),
    must(
        "prune.keep-last",
        "`keep_last` keeps that many of the greatest execution ids; none, 0 and 1 keep the current one alone.",
        "`PruneOptions`, \"`keep_last` Semantics\"",
        &[ReadBack, Official("prune::test_prune_options_combinations"), Official("prune::test_prune_safety")],
    ),
    must(
        "prune.completed-before",
        "`completed_before` prunes what completed before that millisecond, not at it.",
        "`PruneOptions::completed_before`",
        &[ReadBack, Official("prune::test_prune_options_combinations")],
    ),
    must(
        "prune.all-criteria",
        "An execution is pruned only when all criteria allow it.",
        "`PruneOptions`, \"they are ANDed together\"",
        &[ReadBack, Official("prune::test_prune_options_combinations")],
    ),
    must(
        "prune.removes-history",
        "The events of a pruned execution are gone, and it is in no list.",
        "`prune_executions`; `PruneResult::events_deleted`",
        &[ReadBack, Official("prune::test_prune_options_combinations")],
    ),
    must(
        "prune.leaves-rest",
        "Pruning touches no other execution and no other instance, and no message, job, lock or value.",
        "`prune_executions`; guide, \"Validation Checklist\"",
        &[
            ReadBack,
            Drain,
            Official("kv_store::test_kv_prune_preserves_all_keys"),
            Official("prune::test_prune_bulk_includes_running_instances"),
            Official("kv_store::test_kv_delta_prune_untouched_key_survives"),
        ],
    ),
    must(
        "prune.counts",
        "Pruning counts the executions and events it removed, and one instance.",
        "`PruneResult`",
        &[Script, Official("prune::test_prune_safety"), Official("prune::test_prune_options_combinations")],
    ),
    must(
        "prune.unknown-refused",
        "Pruning an unknown instance is refused.",
        "validation `test_prune_safety`",
        &[Script, Official("prune::test_prune_safety")],
    ),
    must(
        "prune-bulk.same-options",
        "Every selected instance is pruned as `prune_executions` would do it.",
        "`prune_executions_bulk`",
        &[ReadBack, Official("prune::test_prune_bulk")],
    ),
    must(
        "prune-bulk.running-instances-too",
        "Running instances are selected like others.",
        "validation `test_prune_bulk_includes_running_instances`",
        &[ReadBack, Official("prune::test_prune_bulk_includes_running_instances")],
    ),
    must(
        "prune-bulk.criteria",
        "Only instances of the allowlist `instance_ids` are taken, unknown names are passed over, and with \
         `completed_before` only those whose current execution completed before that millisecond; an empty list \
         takes nothing.",
        "`InstanceFilter::instance_ids`; `InstanceFilter::completed_before`",
        &[ReadBack, Official("prune::test_prune_bulk")],
    ),
    must(
        "prune-bulk.limit",
        "No more than `limit` instances are taken, 1000 without one.",
        "`InstanceFilter::limit`",
        &[ReadBack],
    ),
    must(
        "prune-bulk.counts",
        "The counts are summed, with the number of instances that were processed.",
        "`prune_executions_bulk`, \"Returns\"",
        &[Script, Official("prune::test_prune_bulk"), Official("prune::test_prune_bulk_includes_running_instances")],
    ),
    may(
        "prune-bulk.roots-and-children",
        "Whether children are selected like roots is open: nothing says that bulk pruning leaves them out.",
        "`prune_executions_bulk`",
        &[ReadBack],
    ),
];
