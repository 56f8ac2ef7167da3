//! The rules of version filters and of unreadable histories.

use super::Check::{Drain, Official, Script};
use super::{Rule, may, must};

pub(super) const RULES: &[Rule] = &[
    must(
        "turn.capability-compatible-taken",
        "A turn is fetched when its pinned version lies in a range of the filter, or when there is no filter.",
        "`DispatcherCapabilityFilter`, \"supported_duroxide_versions\" and \"If no filter is supplied\"",
        &[
            Script,
            Official("capability_filtering::test_fetch_with_compatible_filter_returns_item"),
            Official("capability_filtering::test_pinned_version_stored_via_ack_metadata"),
            Official("capability_filtering::test_fetch_with_filter_none_returns_any_item"),
        ],
    ),
    must(
        "turn.capability-incompatible-skipped",
        "A turn whose pinned version lies in no range is not fetched, and that is no error.",
        "guide, \"Capability Filtering Contract\"",
        &[Script, Official("capability_filtering::test_fetch_with_incompatible_filter_skips_item")],
    ),
    must(
        "turn.capability-looks-further",
        "Turns that the filter excludes do not hide eligible ones behind them, however many there are.",
        "`DispatcherCapabilityFilter`; validation `test_fetch_filter_skips_incompatible_selects_compatible`",
        &[Script, Official("capability_filtering::test_fetch_filter_skips_incompatible_selects_compatible")],
    ),
    must(
        "turn.capability-range-ends",
        "Both ends of a range belong to it.",
        "`SemverRange`, \"Both bounds are inclusive\"",
        &[Script, Official("capability_filtering::test_fetch_filter_boundary_versions")],
    ),
    must(
        "turn.capability-any-range",
        "A version passes when it lies in any of the ranges; a validation of \"Phase 1\" reads only the first, \
         the type's documentation all.",
        "`DispatcherCapabilityFilter`, \"within ANY of these ranges\"",
        &[Script, Official("capability_filtering::test_fetch_single_range_only_uses_first_range")],
    ),
    must(
        "turn.capability-semver-order",
        "Versions are compared by the full order of semver: numerically, with pre-releases before their \
         release.",
        "`SemverRange::contains`",
        &[Script],
    ),
    must(
        "turn.capability-unpinned-passes",
        "An execution without a pinned version passes every filter that has a range.",
        "guide, \"Validation Checklist\", \"treats NULL pinned version as always compatible\"",
        &[Script, Official("capability_filtering::test_fetch_filter_null_pinned_version_always_compatible")],
    ),
    must(
        "turn.capability-no-ranges",
        "A filter without ranges lets no pinned execution through.",
        "`DispatcherCapabilityFilter::is_compatible`; validation \
         `test_filter_with_empty_supported_versions_returns_nothing`",
        &[Script, Official("capability_filtering::test_filter_with_empty_supported_versions_returns_nothing")],
    ),
    may(
        "turn.capability-no-ranges-unpinned",
        "Whether a filter without ranges lets an unpinned execution through is open: one document says that it \
         supports nothing, another that an unpinned one is always compatible.",
        "docs/provider-testing-guide.md, \"Capability Filtering Tests\"",
        &[Script],
    ),
    must(
        "turn.capability-current-execution",
        "The filter looks at the pinned version of the current execution, which inherits none from an earlier \
         one.",
        "`DispatcherCapabilityFilter`; guide, \"Testing Your Provider\"; \
         `ExecutionMetadata::pinned_duroxide_version`",
        &[Script, Official("capability_filtering::test_continue_as_new_execution_gets_own_pinned_version")],
    ),
    must(
        "turn.capability-before-lock",
        "A turn that the filter skips is not locked, and its attempts do not rise.",
        "guide, \"Capability Filtering Contract\"",
        &[Script, Drain, Official("capability_filtering::test_fetch_filter_does_not_lock_skipped_instances")],
    ),
    must(
        "turn.capability-before-history",
        "The filter is applied before a history is read: one that cannot be read is no error of a fetch that \
         skips it.",
        "guide, \"Capability Filtering Contract\"",
        &[
            Official("capability_filtering::test_fetch_filter_applied_before_history_deserialization"),
            Official("capability_filtering::test_fetch_corrupted_history_filtered_vs_unfiltered"),
        ],
    ),
    must(
        "turn.history-error-returned",
        "A turn whose history cannot be read is returned with `history_error` and no events, under a lock: it is \
         no error of the fetch, and nothing is left out silently.",
        "guide, \"History Deserialization Contract\"; `OrchestrationItem::history_error`",
        &[
            Official("capability_filtering::test_fetch_corrupted_history_filtered_vs_unfiltered"),
            Official("capability_filtering::test_fetch_deserialization_error_eventually_reaches_poison"),
        ],
    ),
    must(
        "turn.history-error-attempts",
        "Attempts rise with each fetch of a turn whose history cannot be read.",
        "guide, \"History Deserialization Contract\"",
        &[
            Official("capability_filtering::test_fetch_deserialization_error_increments_attempt_count"),
            Official("capability_filtering::test_fetch_deserialization_error_eventually_reaches_poison"),
        ],
    ),
    may(
        "turn.history-error-values",
        "Whether a turn whose history cannot be read brings a snapshot of the values is open.",
        "`OrchestrationItem::history_error`",
        &[Script],
    ),
];
