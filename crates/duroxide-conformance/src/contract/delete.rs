//! The rules of `delete_instance`, `delete_instances_atomic` and
//! `delete_instance_bulk`.

use super::Check::{Drain, Official, ReadBack, Script};
use super::{Rule, may, must};

pub(super) const RULES: &[Rule] = &[
    must(
        "delete.ended-deleted",
        "An instance that is completed or failed is deleted without force.",
        "`delete_instance`; `delete_instances_atomic`, \"Force semantics\"",
        &[
            Script,
            ReadBack,
            Official("deletion::test_delete_terminal_instances"),
            Official("deletion::test_delete_instances_atomic"),
        ],
    ),
    must(
        "delete.running-refused",
        "Deleting without force is refused when any of the instances runs, of a tree any in it.",
        "`delete_instances_atomic`, \"Force semantics\" and \"all instances must be terminal\"; \
         `delete_instance`, \"Returns\"",
        &[
            Script,
            Official("deletion::test_delete_running_rejected_force_succeeds"),
            Official("deletion::test_delete_instances_atomic_force"),
        ],
    ),
    must(
        "delete.continuing-refused",
        "Deleting without force an instance between two executions (`ContinuedAsNew`) is refused: it has not \
         ended.",
        "`delete_instances_atomic`, \"If false, all instances must be terminal\"; `delete_instance_bulk`, \
         \"terminal states (Completed, Failed)\"",
        &[Script],
    ),
    must(
        "delete.force",
        "Force deletes an instance whatever its status.",
        "`delete_instances_atomic`, \"Force semantics\"",
        &[
            Script,
            ReadBack,
            Official("deletion::test_delete_running_rejected_force_succeeds"),
            Official("deletion::test_delete_instances_atomic_force"),
        ],
    ),
    must(
        "delete.unknown-refused",
        "`delete_instance` refuses an unknown instance, also with force.",
        "`delete_instance`, \"Returns\"",
        &[Script, Official("deletion::test_delete_nonexistent_instance")],
    ),
    must(
        "delete.child-refused",
        "`delete_instance` refuses an instance that has a parent, also with force.",
        "`delete_instance`, \"Safety\"",
        &[Script, Official("deletion::test_cascade_delete_hierarchy")],
    ),
    must(
        "delete.cascade",
        "`delete_instance` deletes the whole tree.",
        "`delete_instance`, \"Safety\"; guide, \"Provider Contracts\"",
        &[
            Script,
            ReadBack,
            Official("deletion::test_cascade_delete_hierarchy"),
            Official("kv_store::test_kv_delete_instance_with_children"),
        ],
    ),
    must(
        "delete.child-left-refused",
        "`delete_instances_atomic` refuses to delete a parent without its child, also with force.",
        "`delete_instances_atomic`, \"Orphan detection\"",
        &[Script, Official("deletion::test_delete_instances_atomic_orphan_detection")],
    ),
    must(
        "delete.refusals-leave-all",
        "A deletion that is refused deletes nothing at all.",
        "`delete_instances_atomic`, \"Atomicity\"",
        &[
            ReadBack,
            Drain,
            Official("deletion::test_delete_instances_atomic_orphan_detection"),
            Official("deletion::test_delete_instances_atomic_force"),
        ],
    ),
    must(
        "delete.removes-record",
        "A deleted instance is in no list, no tree and no number; its information is refused, and its executions \
         and events are gone.",
        "`delete_instances_atomic`, \"Complete cleanup\"",
        &[
            ReadBack,
            Official("deletion::test_delete_terminal_instances"),
            Official("deletion::test_delete_instances_atomic"),
        ],
    ),
    must(
        "delete.removes-messages",
        "Messages of a deleted instance, delayed and fetched ones too, are gone.",
        "`delete_instances_atomic`, \"Complete cleanup\"",
        &[Drain, Official("deletion::test_delete_cleans_queues_and_locks")],
    ),
    must(
        "delete.removes-jobs",
        "Jobs of a deleted instance, fetched ones too, are gone, and their tokens are good for nothing.",
        "`delete_instances_atomic`, \"Complete cleanup\"",
        &[
            Drain,
            Official("deletion::test_stale_activity_after_delete_recreate"),
            Official("deletion::test_delete_cleans_queues_and_locks"),
            Official("cancellation::test_orphan_activity_after_instance_force_deletion"),
        ],
    ),
    must(
        "delete.removes-values",
        "Values and custom status of a deleted instance are gone.",
        "guide, \"Validation Checklist\", \"KV Store\"; `delete_instances_atomic`, \"instance metadata\"",
        &[
            ReadBack,
            Official("kv_store::test_kv_delete_instance_cascades"),
            Official("kv_store::test_kv_delta_delete_instance_cascades"),
            Official("kv_store::test_kv_delete_instance_with_children"),
        ],
    ),
    must(
        "delete.removes-lock",
        "The lock of a deleted instance is gone: an ack under way is refused, and does not bring the instance \
         back.",
        "`delete_instances_atomic`, \"Prevent ack recreation\"",
        &[Script, ReadBack, Official("deletion::test_force_delete_prevents_ack_recreation")],
    ),
    must(
        "delete.leaves-others",
        "A deletion touches nothing of any other instance.",
        "`delete_instances_atomic`; guide, \"Event History: The Append-Only Log\" (\"never modified or \
         deleted\")",
        &[ReadBack, Drain, Official("bulk_deletion::test_delete_instance_bulk_filter_combinations")],
    ),
    must(
        "delete.name-is-free",
        "The name of a deleted instance can be used again, and nothing of the old instance shows in the new \
         one.",
        "validation `test_delete_cleans_queues_and_locks`",
        &[
            Script,
            ReadBack,
            Official("deletion::test_delete_cleans_queues_and_locks"),
            Official("deletion::test_stale_activity_after_delete_recreate"),
        ],
    ),
    must(
        "delete.counts",
        "A deletion counts the instances, executions, events, messages and jobs it removed, fetched ones too.",
        "`DeleteInstanceResult`; `DeleteInstanceResult::queue_messages_deleted`",
        &[
            Script,
            Official("deletion::test_delete_terminal_instances"),
            Official("deletion::test_cascade_delete_hierarchy"),
            Official("deletion::test_delete_instances_atomic"),
            Official("deletion::test_delete_cleans_queues_and_locks"),
        ],
    ),
    must(
        "delete.counts-what-was-there",
        "Names that `delete_instances_atomic` is given twice, or that are not known, add nothing to its counts.",
        "`DeleteInstanceResult`, \"Number of instances deleted\"",
        &[Script],
    ),
    may(
        "delete.unknown-in-batch",
        "Whether `delete_instances_atomic` refuses a batch with an unknown name is open.",
        "`delete_instances_atomic`",
        &[Script],
    ),
    may(
        "delete.messages-without-instance",
        "Whether deleting a name that only has messages or jobs removes them is open.",
        "`delete_instances_atomic`, \"Complete cleanup\"",
        &[Drain],
    ),
    may(
        "delete.sessions",
        "Sessions of a deleted instance may stay until a sweep: a session can serve many instances.",
        "`delete_instances_atomic`, \"Complete cleanup\"; `cleanup_orphaned_sessions`",
        &[Script],
    ),
    must(
        "delete-bulk.ended-only",
        "Only instances that are completed or failed are deleted; running ones are skipped without an error.",
        "`delete_instance_bulk`",
        &[Script, ReadBack, Official("bulk_deletion::test_delete_instance_bulk_safety_and_limits")],
    ),
    must(
        "delete-bulk.continuing-skipped",
        "Instances between two executions (`ContinuedAsNew`) are skipped.",
        "`delete_instance_bulk`, \"terminal states (Completed, Failed)\"",
        &[Script, ReadBack],
    ),
    must(
        "delete-bulk.running-descendant-skipped",
        "A root with a descendant that runs is skipped with its whole tree.",
        "`delete_instance_bulk`, \"Running instances are NEVER deleted\"",
        &[Script, ReadBack],
    ),
    must(
        "delete-bulk.roots-only",
        "Instances with a parent are skipped when they are named, and go with their root.",
        "`delete_instance_bulk`, \"only roots are deleted with cascade\"",
        &[Script, ReadBack, Official("bulk_deletion::test_delete_instance_bulk_cascades_to_children")],
    ),
    must(
        "delete-bulk.given-names",
        "`instance_ids` is an allowlist: nothing else is taken, unknown names are passed over, and an empty list \
         takes nothing.",
        "`InstanceFilter::instance_ids`",
        &[Script, ReadBack, Official("bulk_deletion::test_delete_instance_bulk_filter_combinations")],
    ),
    must(
        "delete-bulk.completed-before",
        "`completed_before` takes what completed before that millisecond, not at it.",
        "`InstanceFilter::completed_before`",
        &[Script, ReadBack, Official("bulk_deletion::test_delete_instance_bulk_completed_before_filter")],
    ),
    must(
        "delete-bulk.all-criteria",
        "All criteria must be met together; a filter without any takes every root that has ended.",
        "`InstanceFilter`, \"All criteria are ANDed together\"; validation \
         `test_delete_instance_bulk_filter_combinations`",
        &[
            Script,
            ReadBack,
            Official("bulk_deletion::test_delete_instance_bulk_filter_combinations"),
            Official("bulk_deletion::test_delete_instance_bulk_completed_before_filter"),
        ],
    ),
    must(
        "delete-bulk.limit",
        "No more than `limit` roots are taken, counted after every other criterion; a limit of 0 takes none.",
        "`delete_instance_bulk`, \"applied last\"; `InstanceFilter::limit`",
        &[Script, ReadBack, Official("bulk_deletion::test_delete_instance_bulk_safety_and_limits")],
    ),
    must(
        "delete-bulk.default-limit",
        "Without a limit no more than 1000 are taken.",
        "`InstanceFilter::limit`, \"Default: 1000\"",
        &[Script, ReadBack],
    ),
    may(
        "delete-bulk.oldest-first",
        "Which instances a limit leaves out is open.",
        "`InstanceFilter::limit`",
        &[Script, ReadBack],
    ),
    must(
        "delete-bulk.counts",
        "The counts are those of everything deleted, descendants too.",
        "`delete_instance_bulk`, \"Returns\"",
        &[
            Script,
            Official("bulk_deletion::test_delete_instance_bulk_cascades_to_children"),
            Official("bulk_deletion::test_delete_instance_bulk_safety_and_limits"),
        ],
    ),
    must(
        "delete-bulk.deletes-whole",
        "What bulk deletion takes is removed as completely as by `delete_instance`.",
        "`delete_instance_bulk`; `delete_instances_atomic`, \"Complete cleanup\"",
        &[ReadBack, Drain, Official("bulk_deletion::test_delete_instance_bulk_cascades_to_children")],
    ),
];
