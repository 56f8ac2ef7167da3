//! The rules of tags and tag filters.

use super::Check::{Official, Script};
use super::{Rule, may, must};

pub(super) const RULES: &[Rule] = &[
    must(
        "tag.default-only",
        "`DefaultOnly` lets through jobs without a tag and no others.",
        "`TagFilter::DefaultOnly`",
        &[Script, Official("tag_filtering::test_default_only_fetches_untagged")],
    ),
    must(
        "tag.tags",
        "`Tags` lets through jobs whose tag is in its set and no others.",
        "`TagFilter::Tags`",
        &[
            Script,
            Official("tag_filtering::test_tags_fetches_only_matching"),
            Official("tag_filtering::test_multi_tag_filter"),
        ],
    ),
    must(
        "tag.default-and",
        "`DefaultAnd` lets through jobs without a tag, those whose tag is in its set, and no others.",
        "`TagFilter::DefaultAnd`",
        &[Script, Official("tag_filtering::test_default_and_fetches_untagged_and_matching")],
    ),
    must(
        "tag.any",
        "`Any` lets every job through.",
        "`TagFilter::Any`",
        &[Script, Official("tag_filtering::test_any_filter_fetches_everything")],
    ),
    must(
        "tag.none",
        "`None` lets no job through.",
        "`TagFilter::None`",
        &[Script, Official("tag_filtering::test_none_filter_returns_nothing")],
    ),
    must(
        "tag.looks-further",
        "Jobs that a filter excludes do not hide eligible ones behind them, and stay as they are.",
        "`fetch_work_item`, \"Tag Filtering\"; validation `test_multi_runtime_tag_isolation`",
        &[
            Script,
            Official("tag_filtering::test_multi_runtime_tag_isolation"),
            Official("tag_filtering::test_default_only_fetches_untagged"),
        ],
    ),
    must(
        "tag.exact",
        "Tags are opaque labels: one that differs in case or in a space is another, and an empty one is not \
         none.",
        "`TagFilter`, \"opaque string label\", and `TagFilter::matches`",
        &[Script],
    ),
    must(
        "tag.with-session",
        "Tag and session are asked together: a job must pass both.",
        "`fetch_work_item`, \"Session Routing\" and \"Tag Filtering\"",
        &[Script],
    ),
    must(
        "tag.kept",
        "A tag survives `enqueue_for_worker`, abandons and expired locks.",
        "guide, \"Validation Checklist\", \"Activity Tag Filtering\"; `abandon_work_item`, \"Preserve message\"",
        &[
            Script,
            Official("tag_filtering::test_tag_round_trip_preservation"),
            Official("tag_filtering::test_tag_survives_abandon_and_refetch"),
        ],
    ),
    must(
        "tag.kept-by-ack",
        "A tag survives the way through an ack's `worker_items`.",
        "guide, \"Validation Checklist\", \"Activity Tag Filtering\"",
        &[Script, Official("tag_filtering::test_tag_preserved_through_ack_orchestration_item")],
    ),
    may(
        "tag.odd-sets",
        "What a filter with an empty set, or with more than five tags, lets through is open: its constructors \
         refuse both.",
        "`TagFilter::tags`, \"Panics\"",
        &[Script],
    ),
];
