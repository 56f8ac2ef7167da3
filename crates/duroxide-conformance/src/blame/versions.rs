//! Attributes fetches with a version filter.

use duroxide_sim::call::{Call, Reply, Turn, VersionRange};
use semver::Version;

use super::Case;
use crate::contract::{Rule, rule};

/// The versions that acks pinned the executions of an instance to, in order.
fn pins<'a>(case: &'a Case<'_>, turn: &'a Turn, own: bool) -> Vec<&'a Version> {
    let acks = case.past.acks_of(&turn.instance).filter(|(_, ack)| (ack.execution == turn.execution) == own);
    acks.filter_map(|(_, ack)| ack.metadata.pinned_duroxide_version.as_ref()).collect()
}

/// The rule, if the filter excluded an eligible item.
pub(super) fn missed(case: &Case<'_>, turn: &Turn, ranges: &[VersionRange]) -> &'static Rule {
    if holds_back_another(case, turn, ranges) {
        return rule!("turn.capability-looks-further");
    }
    let (own, earlier) = (pins(case, turn, true), pins(case, turn, false));
    let Some(pinned) = own.last() else {
        return match (ranges, &earlier[..]) {
            ([], _) => rule!("turn.capability-no-ranges-unpinned"),
            (_, [_, ..]) => rule!("turn.capability-current-execution"),
            _ => rule!("turn.capability-unpinned-passes"),
        };
    };
    match ranges {
        _ if own.len() > 1 => rule!("ack-turn.pinned-stored"),
        _ if !earlier.is_empty() => rule!("turn.capability-current-execution"),
        [first, .., _] if !first.contains(pinned) => rule!("turn.capability-any-range"),
        _ if is_odd(pinned, ranges) => rule!("turn.capability-semver-order"),
        _ if ranges.iter().any(|range| range.min == **pinned || range.max == **pinned) => {
            rule!("turn.capability-range-ends")
        }
        _ => rule!("turn.capability-compatible-taken"),
    }
}

/// Whether the filter correctly excludes another instance.
fn holds_back_another(case: &Case<'_>, turn: &Turn, ranges: &[VersionRange]) -> bool {
    case.past.calls().any(|seen| match (&*seen.call, &seen.reply) {
        (Call::AckOrchestrationItem(ack), Some(Reply::Done)) => {
            let other = case.past.turn_of(&ack.token).is_some_and(|other| other.instance != turn.instance);
            let pinned = ack.metadata.pinned_duroxide_version.as_ref();
            other && pinned.is_some_and(|pinned| !ranges.iter().any(|range| range.contains(pinned)))
        }
        _ => false,
    })
}

/// Whether the versions are ordered differently as text or as three small
/// numbers.
fn is_odd(pinned: &Version, ranges: &[VersionRange]) -> bool {
    let marked = |version: &Version| !version.pre.is_empty() || !version.build.is_empty();
    let wide = |version: &Version| [version.major, version.minor, version.patch].iter().any(|part| *part > 999);
    let all = ranges.iter().flat_map(|range| [&range.min, &range.max]).chain([pinned]);
    all.into_iter().any(|version| marked(version) || wide(version))
}

/// The rule, if the filter let an ineligible item pass.
pub(super) fn barred(case: &Case<'_>, turn: &Turn, ranges: &[VersionRange]) -> &'static Rule {
    let (own, earlier) = (pins(case, turn, true), pins(case, turn, false));
    let last = case.past.acks_of(&turn.instance).rfind(|(_, ack)| ack.execution == turn.execution);
    let given = last.is_some_and(|(_, ack)| ack.metadata.pinned_duroxide_version.is_some());
    match (&own[..], ranges) {
        ([], []) => rule!("turn.capability-no-ranges-unpinned"),
        (_, []) => rule!("turn.capability-no-ranges"),
        ([_, ..], _) if !given => rule!("ack-turn.pinned-none-keeps"),
        ([_, _, ..], _) => rule!("ack-turn.pinned-stored"),
        _ if !earlier.is_empty() => rule!("turn.capability-current-execution"),
        ([pinned], _) if is_odd(pinned, ranges) => rule!("turn.capability-semver-order"),
        _ => rule!("turn.capability-incompatible-skipped"),
    }
}

/// Whether a fetch with a filter found nothing.
pub(super) fn skipped(case: &Case<'_>) -> bool {
    case.past.calls().any(|seen| {
        matches!(
            (&*seen.call, &seen.reply),
            (Call::FetchOrchestrationItem { versions: Some(_), .. }, Some(Reply::Turn(None)))
        )
    })
}
