//! Saboteurs of the values of an instance.

use std::collections::BTreeMap;

use duroxide::EventKind;
use duroxide_sim::call::{AckTurn, Call, Class, KvEntry, Reply};
use duroxide_sim::clock::Time;

use super::bench::{refuse, with_turn};
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "INSERT OR IGNORE", rule: "kv.set", trick: |b, n, c| flawed(b, n, c, Flaw::NoOverwrite) },
    Saboteur {
        name: "clearing without a tombstone",
        rule: "kv.clear",
        trick: |b, n, c| flawed(b, n, c, Flaw::ClearNew),
    },
    Saboteur {
        name: "only new values are cleared",
        rule: "kv.clear-all",
        trick: |b, n, c| flawed(b, n, c, Flaw::ClearAllNew),
    },
    Saboteur { name: "clears before sets", rule: "kv.in-order", trick: |b, n, c| flawed(b, n, c, Flaw::ClearsFirst) },
    Saboteur {
        name: "readers wait for the end",
        rule: "kv.readers-see-both",
        trick: |b, n, c| flawed(b, n, c, Flaw::ReadKept),
    },
    Saboteur {
        name: "failures are not merged",
        rule: "kv.merged-at-end",
        trick: |b, n, c| flawed(b, n, c, Flaw::FailedUnmerged),
    },
    Saboteur { name: "no value, an error", rule: "kv.missing-is-nothing", trick: no_value_is_an_error },
    Saboteur { name: "all values LIMIT 1", rule: "kv.all-values", trick: one_of_all },
    Saboteur {
        name: "clearing without WHERE instance",
        rule: "kv.isolated",
        trick: |b, n, c| flawed(b, n, c, Flaw::ClearEverywhere),
    },
    Saboteur {
        name: "an empty value is NULL",
        rule: "kv.empty-is-a-value",
        trick: |b, n, c| flawed(b, n, c, Flaw::EmptyIsNone),
    },
    Saboteur { name: "pruning takes the values", rule: "kv.kept-by-pruning", trick: pruning_takes },
    Saboteur { name: "keys COLLATE NOCASE", rule: "payload.names-exact", trick: keys_folded },
];

/// What is known of the values of one instance.
#[derive(Clone, Default)]
pub struct Values {
    kept: BTreeMap<String, KvEntry>,
    delta: BTreeMap<String, Option<KvEntry>>,
}

/// What is wrong with it.
#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    NoOverwrite,
    ClearNew,
    ClearAllNew,
    ClearsFirst,
    ReadKept,
    FailedUnmerged,
    ClearEverywhere,
    EmptyIsNone,
}

impl Values {
    fn write(&mut self, ack: &AckTurn, flaw: Flaw) {
        let mut kinds: Vec<&EventKind> = ack.history.iter().map(|event| &event.kind).collect();
        if flaw == Flaw::ClearsFirst {
            kinds.sort_by_key(|kind| matches!(kind, EventKind::KeyValueSet { .. }));
        }
        for kind in kinds {
            match kind {
                EventKind::KeyValueSet { key, value, .. } if flaw == Flaw::EmptyIsNone && value.is_empty() => {
                    self.delta.insert(key.clone(), None);
                }
                EventKind::KeyValueSet { key, .. } if flaw == Flaw::NoOverwrite && self.read().contains_key(key) => {}
                EventKind::KeyValueSet { key, value, last_updated_at_ms } => {
                    let entry = KvEntry { value: value.clone(), last_updated_at_ms: *last_updated_at_ms };
                    self.delta.insert(key.clone(), Some(entry));
                }
                EventKind::KeyValueCleared { key } if flaw == Flaw::ClearNew => drop(self.delta.remove(key)),
                EventKind::KeyValueCleared { key } => drop(self.delta.insert(key.clone(), None)),
                EventKind::KeyValuesCleared if flaw == Flaw::ClearAllNew => self.delta.clear(),
                EventKind::KeyValuesCleared => {
                    let keys: Vec<String> = self.kept.keys().chain(self.delta.keys()).cloned().collect();
                    self.delta = keys.into_iter().map(|key| (key, None)).collect();
                }
                _ => {}
            }
        }
        match ack.metadata.status.as_deref() {
            Some("Failed") if flaw == Flaw::FailedUnmerged => {}
            Some("Completed" | "Failed" | "ContinuedAsNew") => {
                self.kept = self.merged();
                self.delta.clear();
            }
            _ => {}
        }
    }

    fn merged(&self) -> BTreeMap<String, KvEntry> {
        let mut all = self.kept.clone();
        for (key, entry) in &self.delta {
            match entry {
                Some(entry) => drop(all.insert(key.clone(), entry.clone())),
                None => drop(all.remove(key)),
            }
        }
        all
    }

    fn read(&self) -> BTreeMap<String, String> {
        self.merged().into_iter().map(|(key, entry)| (key, entry.value)).collect()
    }
}

/// Answers about values from a model of its own, which has a flaw.
fn flawed(bench: &mut Bench, now: Time, call: &Call, flaw: Flaw) -> Reply {
    let reply = bench.ask(now, call);
    match (call, &reply) {
        (Call::AckOrchestrationItem(ack), Reply::Done) => {
            let name = bench.instance_of(call).unwrap_or_default();
            bench.models.entry(name).or_default().write(ack, flaw);
            let clears = ack.history.iter().any(|event| matches!(event.kind, EventKind::KeyValuesCleared));
            if flaw == Flaw::ClearEverywhere && clears {
                bench.models.clear();
            }
        }
        (_, Reply::Deleted(_)) => {
            let gone: Vec<String> = bench.models.keys().filter(|name| !bench.is_started(name)).cloned().collect();
            gone.iter().for_each(|name| drop(bench.models.remove(name)));
        }
        (Call::GetKvValue { instance, key }, _) => {
            let values = bench.models.get(instance).cloned().unwrap_or_default();
            let value = if flaw == Flaw::ReadKept {
                values.kept.get(key).map(|e| e.value.clone())
            } else {
                values.read().remove(key)
            };
            return Reply::Value(value);
        }
        (Call::GetKvAllValues { instance }, _) => {
            let values = bench.models.get(instance).cloned().unwrap_or_default();
            let kept = || values.kept.iter().map(|(key, entry)| (key.clone(), entry.value.clone())).collect();
            return Reply::Values(if flaw == Flaw::ReadKept { kept() } else { values.read() });
        }
        _ => {}
    }
    let models = &bench.models;
    with_turn(reply, |turn| {
        if turn.history_error.is_none() {
            turn.kv_snapshot = models.get(&turn.instance).map(|values| values.kept.clone()).unwrap_or_default();
        }
    })
}

fn no_value_is_an_error(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match bench.ask(now, call) {
        Reply::Value(None) => refuse(Class::NotFound, call),
        reply => reply,
    }
}

fn one_of_all(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match bench.ask(now, call) {
        Reply::Values(all) => Reply::Values(all.into_iter().take(1).collect()),
        reply => reply,
    }
}

fn pruning_takes(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match (call, &reply) {
        (Call::PruneExecutions { instance, .. }, Reply::Pruned(counts)) if counts.executions_deleted > 0 => {
            bench.notes.insert(instance.clone());
        }
        (Call::AckOrchestrationItem(_), Reply::Done) => {
            let name = bench.instance_of(call).unwrap_or_default();
            bench.notes.remove(&name);
        }
        (Call::GetKvAllValues { instance }, _) if bench.notes.contains(instance) => {
            return Reply::Values(BTreeMap::new());
        }
        (Call::GetKvValue { instance, .. }, _) if bench.notes.contains(instance) => return Reply::Value(None),
        _ => {}
    }
    reply
}

fn keys_folded(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    let (Call::GetKvValue { instance, key }, Reply::Value(None)) = (call, &reply) else { return reply };
    let fold = |key: &str| key.trim().to_lowercase();
    let all = Call::GetKvAllValues { instance: instance.clone() };
    match bench.ask(now, &all) {
        Reply::Values(all) => Reply::Value(all.into_iter().find(|(other, _)| fold(other) == fold(key)).map(|e| e.1)),
        _ => reply,
    }
}

#[test]
fn saboteurs_of_values_are_caught() {
    super::hunt::catch_all("values", ALL);
}
