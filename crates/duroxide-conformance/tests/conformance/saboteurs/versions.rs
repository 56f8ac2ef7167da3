//! Saboteurs of the filter by pinned versions.

use duroxide_sim::call::{AckTurn, Call, Class, Reply, VersionRange};
use duroxide_sim::clock::Time;
use duroxide_sim::store::{Ineligible, Pick};
use semver::{BuildMetadata, Prerelease, Version};

use super::bench::{refuse, with_turn};
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "pinned is never served", rule: "turn.capability-compatible-taken", trick: pinned_unserved },
    Saboteur { name: "the filter is ignored", rule: "turn.capability-incompatible-skipped", trick: filter_ignored },
    Saboteur { name: "LIMIT before the filter", rule: "turn.capability-looks-further", trick: limit_before_filter },
    Saboteur { name: "the top end excluded", rule: "turn.capability-range-ends", trick: top_excluded },
    Saboteur { name: "the bottom end excluded", rule: "turn.capability-range-ends", trick: bottom_excluded },
    Saboteur { name: "only the first range", rule: "turn.capability-any-range", trick: first_range },
    Saboteur { name: "three columns for a version", rule: "turn.capability-semver-order", trick: three_columns },
    Saboteur { name: "a version in one number", rule: "turn.capability-semver-order", trick: one_number },
    Saboteur { name: "NULL lies in no range", rule: "turn.capability-unpinned-passes", trick: unpinned_unserved },
    Saboteur { name: "no ranges, no filter", rule: "turn.capability-no-ranges", trick: no_ranges_no_filter },
    Saboteur { name: "pins are inherited", rule: "turn.capability-current-execution", trick: pins_inherited },
    Saboteur { name: "lock, then filter", rule: "turn.capability-before-lock", trick: lock_then_filter },
    Saboteur { name: "read, then filter", rule: "turn.capability-before-history", trick: read_then_filter },
    Saboteur { name: "the first pin stays", rule: "ack-turn.pinned-stored", trick: first_pin_stays },
    Saboteur { name: "no pin unpins", rule: "ack-turn.pinned-none-keeps", trick: no_pin_unpins },
];

fn ranges(call: &Call) -> Option<&Vec<VersionRange>> {
    match call {
        Call::FetchOrchestrationItem { versions, .. } => versions.as_ref(),
        _ => None,
    }
}

/// The right answer to the fetch with other ranges.
fn ask_ranges(bench: &mut Bench, now: Time, call: &Call, change: impl Fn(&mut Vec<VersionRange>)) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::FetchOrchestrationItem { versions: Some(ranges), .. } = call {
            change(ranges);
        }
    })
}

fn nowhere() -> Vec<VersionRange> {
    let far = Version::new(987_654, 3, 21);
    vec![VersionRange { min: far.clone(), max: far }]
}

fn pinned_unserved(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    ask_ranges(bench, now, call, |ranges| {
        if !ranges.is_empty() {
            *ranges = nowhere();
        }
    })
}

fn filter_ignored(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::FetchOrchestrationItem { versions, .. } = call {
            *versions = versions.take().filter(Vec::is_empty);
        }
    })
}

fn limit_before_filter(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let first = bench.store.eligible_turn(now, None);
    let bar = first.and_then(|name| bench.store.bar_to_turn(now, name, ranges(call).map(Vec::as_slice)));
    if bar == Some(Ineligible::Version) { Reply::Turn(None) } else { bench.ask(now, call) }
}

fn top_excluded(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    ask_ranges(bench, now, call, |ranges| {
        for range in ranges {
            if range.max.pre.is_empty() && range.max.build.is_empty() {
                range.max.pre = Prerelease::new("zzz").expect("a prerelease");
            }
        }
    })
}

fn bottom_excluded(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    ask_ranges(bench, now, call, |ranges| {
        for range in ranges {
            if range.min.build.is_empty() {
                range.min.build = BuildMetadata::new("0").expect("build metadata");
            }
        }
    })
}

fn first_range(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    ask_ranges(bench, now, call, |ranges| ranges.truncate(1))
}

fn pinned(ack: &mut AckTurn, change: impl Fn(&mut Version)) {
    ack.metadata.pinned_duroxide_version.as_mut().into_iter().for_each(change);
}

fn three_columns(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_ack(now, call, |ack| {
        pinned(ack, |version| *version = Version::new(version.major, version.minor, version.patch));
    })
}

fn one_number(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let pack = |version: &mut Version| {
        let number = version.major.saturating_mul(1_000_000);
        let number = number.saturating_add(version.minor.saturating_mul(1000)).saturating_add(version.patch);
        *version = Version { major: 0, minor: 0, patch: number, ..version.clone() };
    };
    if matches!(call, Call::AckOrchestrationItem(_)) {
        return bench.ask_ack(now, call, |ack| pinned(ack, pack));
    }
    ask_ranges(bench, now, call, |ranges| {
        for range in ranges {
            pack(&mut range.min);
            pack(&mut range.max);
        }
    })
}

fn unpinned_unserved(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let Some(ranges) = ranges(call).filter(|ranges| !ranges.is_empty()) else { return bench.ask(now, call) };
    bench.fetch_of(now, call, Some(ranges), |bench, name| {
        bench.store.bar_to_turn(now, name, Some(&nowhere())) == Some(Ineligible::Version)
    })
}

fn no_ranges_no_filter(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if ranges(call).is_none_or(|ranges| !ranges.is_empty()) {
        return bench.ask(now, call);
    }
    // Whether those without a pinned version pass is open.
    bench.fetch_of(now, call, None, |bench, name| {
        bench.store.bar_to_turn(now, name, Some(&nowhere())) == Some(Ineligible::Version)
    })
}

/// The pinned version of the instance that an ack is for, as the saboteur sees it.
fn pin_of(bench: &Bench, call: &Call, execution: Option<u64>) -> Option<Version> {
    let name = bench.instance_of(call)?;
    let key = execution.map_or(name.clone(), |execution| format!("{name} {execution}"));
    bench.texts.get(&key).and_then(|text| text.parse().ok())
}

fn note_pin(bench: &mut Bench, call: &Call, reply: &Reply) {
    let (Call::AckOrchestrationItem(ack), Some(name), Reply::Done) = (call, bench.instance_of(call), reply) else {
        return;
    };
    if let Some(version) = &ack.metadata.pinned_duroxide_version {
        bench.texts.insert(name.clone(), version.to_string());
        bench.texts.insert(format!("{name} {}", ack.execution), version.to_string());
    }
}

fn pins_inherited(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let pin = pin_of(bench, call, None);
    let reply = bench.ask_ack(now, call, |ack| {
        let own = ack.metadata.pinned_duroxide_version.take();
        ack.metadata.pinned_duroxide_version = own.or(pin);
    });
    note_pin(bench, call, &reply);
    reply
}

fn first_pin_stays(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let Call::AckOrchestrationItem(ack) = call else { return bench.ask(now, call) };
    if pin_of(bench, call, Some(ack.execution)).is_some() {
        return bench.ask_ack(now, call, |ack| ack.metadata.pinned_duroxide_version = None);
    }
    let reply = bench.ask(now, call);
    note_pin(bench, call, &reply);
    reply
}

fn no_pin_unpins(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if let Some(ranges) = ranges(call).filter(|ranges| !ranges.is_empty()) {
        let unpinned = bench.notes.clone();
        return bench.fetch_of(now, call, None, |bench, name| {
            unpinned.contains(name) || bench.store.bar_to_turn(now, name, Some(ranges)).is_none()
        });
    }
    let reply = bench.ask(now, call);
    if let (Call::AckOrchestrationItem(ack), Some(name), Reply::Done) = (call, bench.instance_of(call), &reply) {
        match ack.metadata.pinned_duroxide_version {
            Some(_) => drop(bench.notes.remove(&name)),
            None => drop(bench.notes.insert(name)),
        }
    }
    reply
}

fn lock_then_filter(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if ranges(call).is_some() && reply == Reply::Turn(None) {
        filter_ignored(bench, now, call);
    }
    reply
}

fn read_then_filter(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if ranges(call).is_none_or(Vec::is_empty) {
        return bench.ask(now, call);
    }
    let mut corrupt = false;
    let everything = super::bench::fetch(std::time::Duration::ZERO);
    with_turn(bench.peek(now, &everything, Pick::Oldest), |turn| corrupt = turn.history_error.is_some());
    match bench.ask(now, call) {
        Reply::Turn(None) if corrupt => refuse(Class::Corrupt, call),
        reply => reply,
    }
}

#[test]
fn saboteurs_of_versions_are_caught() {
    super::hunt::catch_all("versions", ALL);
}
