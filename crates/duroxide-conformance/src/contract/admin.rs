//! The rules of the management reads: `list_instances`,
//! `list_instances_by_status`, `list_executions`, `get_instance_info`,
//! `get_execution_info`, `get_system_metrics`, `get_queue_depths`,
//! `list_children`, `get_parent_id` and `get_instance_tree`.

use super::Check::{Official, ReadBack};
use super::{Rule, may, must, should};

pub(super) const RULES: &[Rule] = &[
    must(
        "list.all",
        "`list_instances` returns every instance once, and none that only has messages.",
        "`list_instances`, \"Returns\"; `Provider`, \"Instance Metadata Management\"",
        &[ReadBack, Official("management::test_list_instances")],
    ),
    should(
        "list.newest-first",
        "Listed instances stand in the order of their creation, the newest first.",
        "`list_instances`, \"typically sorted by creation time (newest first)\"",
        &[ReadBack],
    ),
    must(
        "list.by-status",
        "`list_instances_by_status` returns exactly the instances whose current execution has the status; none \
         for a status that nobody has.",
        "`list_instances_by_status`, its example; `list_instances_by_status`, \"Returns\"",
        &[ReadBack, Official("management::test_list_instances_by_status")],
    ),
    must(
        "execution.listed",
        "`list_executions` returns every execution of an instance, in ascending order.",
        "`list_executions`, \"Returns\"",
        &[ReadBack, Official("management::test_list_executions"), Official("prune::test_prune_options_combinations")],
    ),
    should(
        "execution.unknown-lists-nothing",
        "`list_executions` returns nothing for an unknown instance, which is no error.",
        "`ManagementProvider::list_executions`, \"empty Vec otherwise\"",
        &[ReadBack],
    ),
    must(
        "execution.info",
        "`get_execution_info` gives number, status and output of the execution.",
        "`get_execution_info`; `ExecutionInfo`",
        &[ReadBack, Official("management::test_get_execution_info")],
    ),
    must(
        "execution.event-count",
        "`get_execution_info` counts the events of the execution.",
        "`ExecutionInfo::event_count`",
        &[ReadBack],
    ),
    should(
        "execution.started-at",
        "An execution started at the moment of the ack that created it.",
        "`ExecutionInfo::started_at`; `Provider`, \"Recommended Database Schema\"",
        &[ReadBack],
    ),
    must(
        "execution.unknown-refused",
        "`get_execution_info` refuses an execution that is not there.",
        "`get_execution_info` (the return type has no other answer)",
        &[ReadBack],
    ),
    must(
        "info.fields",
        "`get_instance_info` gives the instance, its name, version and parent as recorded, and its current \
         execution with status and output.",
        "`get_instance_info`; `InstanceInfo`; `get_instance_info`, its example; \
         `InstanceInfo::parent_instance_id`",
        &[
            ReadBack,
            Official("management::test_get_instance_info"),
            Official("instance_creation::test_instance_creation_via_metadata"),
            Official("deletion::test_delete_cleans_queues_and_locks"),
            Official("capability_filtering::test_ack_appends_event_to_corrupted_history"),
            Official("prune::test_prune_safety"),
        ],
    ),
    should(
        "info.created-at",
        "An instance was created at the moment of the ack that created it.",
        "`InstanceInfo::created_at`",
        &[ReadBack],
    ),
    may("info.updated-at", "Which changes move `updated_at` is open.", "`InstanceInfo::updated_at`", &[ReadBack]),
    may(
        "info.version-unknown",
        "What stands for a version that nobody has recorded is open.",
        "`InstanceInfo::orchestration_version`",
        &[ReadBack],
    ),
    must(
        "info.unknown-refused",
        "`get_instance_info` refuses an unknown instance, one that only has messages too.",
        "`get_instance_info`; validations `deletion::*`",
        &[
            ReadBack,
            Official("deletion::test_delete_terminal_instances"),
            Official("deletion::test_force_delete_prevents_ack_recreation"),
        ],
    ),
    must(
        "metrics.totals",
        "`total_instances`, `total_executions` and `total_events` count the instances, and the executions and \
         events of all of them.",
        "`get_system_metrics`, its example; `get_system_metrics`, \"execution counts\"; \
         `SystemMetrics::total_events`",
        &[ReadBack, Official("management::test_get_system_metrics")],
    ),
    must(
        "metrics.by-status",
        "Running, completed and failed instances are counted by the status of their current execution.",
        "`get_system_metrics`, its example",
        &[ReadBack],
    ),
    may(
        "metrics.unrecorded-events",
        "Whether events and executions without an instance count is open.",
        "`get_system_metrics`",
        &[ReadBack],
    ),
    must(
        "depths.waiting-counted",
        "`get_queue_depths` counts every message and every job that nobody has fetched, visible or not.",
        "`QueueDepths`, \"Unlocked … messages\"",
        &[ReadBack, Official("management::test_get_queue_depths")],
    ),
    must(
        "depths.held-not-counted",
        "`get_queue_depths` does not count what is under a lock that holds.",
        "`QueueDepths`, \"Unlocked … messages\"",
        &[ReadBack],
    ),
    may(
        "depths.ended-locks",
        "Whether what is under a lock that has ended counts is open: it is unlocked in words, and not in the \
         example's `lock_token IS NULL`.",
        "`get_queue_depths`, its example",
        &[ReadBack],
    ),
    should(
        "depths.no-timer-queue",
        "There is no timer queue: `timer_queue` is 0, and timers count as messages.",
        "`get_queue_depths`, \"Timer queue depth is not applicable\"",
        &[ReadBack],
    ),
    must(
        "tree.children",
        "`list_children` returns the direct children of an instance, each once, and no other descendants; none \
         for a leaf or an unknown instance.",
        "`list_children`",
        &[ReadBack, Official("deletion::test_list_children")],
    ),
    must(
        "tree.parent",
        "`get_parent_id` returns the parent of a child and none for a root, and refuses an unknown instance.",
        "`get_parent_id`; `get_parent_id`, \"Returns `Err` if instance doesn't exist\"",
        &[ReadBack, Official("deletion::test_delete_get_parent_id")],
    ),
    must(
        "tree.whole",
        "`get_instance_tree` returns the instance it was asked for as root, with all its descendants, each \
         once.",
        "`get_instance_tree`",
        &[ReadBack, Official("deletion::test_delete_get_instance_tree")],
    ),
    may(
        "tree.order",
        "The order of a tree and of children is open, and so is the tree of an unknown instance.",
        "validation `test_delete_get_instance_tree` (\"order is implementation-defined\")",
        &[ReadBack],
    ),
    may(
        "tree.cycle",
        "What becomes of instances that are each other's parents is open: the trait's default method would never \
         end.",
        "`get_instance_tree`, the default",
        &[ReadBack],
    ),
];
