//! Saboteurs of lists, information, numbers and trees.

use duroxide_sim::call::{Call, Class, Instance, Reply};
use duroxide_sim::clock::Time;

use super::bench::class;
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "children are not listed", rule: "list.all", trick: roots_listed },
    Saboteur { name: "the oldest instance is first", rule: "list.newest-first", trick: oldest_first },
    Saboteur { name: "any execution's status counts", rule: "list.by-status", trick: any_execution_listed },
    Saboteur { name: "executions count down", rule: "execution.listed", trick: executions_backwards },
    Saboteur { name: "an execution has its instance's status", rule: "execution.info", trick: status_of_current },
    Saboteur { name: "executions count all events", rule: "execution.event-count", trick: events_of_all },
    Saboteur { name: "executions start with their instance", rule: "execution.started-at", trick: started_at_once },
    Saboteur { name: "any execution is there", rule: "execution.unknown-refused", trick: any_execution },
    Saboteur { name: "an instance has its first execution's status", rule: "info.fields", trick: status_of_first },
    Saboteur { name: "any instance is there", rule: "info.unknown-refused", trick: any_instance },
    Saboteur { name: "events of ended executions do not count", rule: "metrics.totals", trick: current_events },
    Saboteur { name: "what has not ended runs", rule: "metrics.by-status", trick: others_run },
    Saboteur { name: "delayed messages are not counted", rule: "depths.waiting-counted", trick: delayed_left_out },
    Saboteur { name: "held jobs are counted", rule: "depths.held-not-counted", trick: held_counted },
    Saboteur { name: "grandchildren are children", rule: "tree.children", trick: all_descendants },
    Saboteur { name: "nobody has no parent", rule: "tree.parent", trick: nobody_is_a_root },
    Saboteur { name: "a tree is two levels deep", rule: "tree.whole", trick: two_levels },
];

fn roots_listed(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match bench.ask(now, call) {
        Reply::Names(mut names) if *call == Call::ListInstances => {
            names.retain(|name| bench.parent_of(now, name).is_none());
            Reply::Names(names)
        }
        reply => reply,
    }
}

fn oldest_first(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match (call, bench.ask(now, call)) {
        (Call::ListInstances, Reply::Names(names)) => Reply::Names(names.into_iter().rev().collect()),
        (_, reply) => reply,
    }
}

/// A join without `execution_id = current_execution_id`.
fn any_execution_listed(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let Call::ListInstancesByStatus { status } = call else { return bench.ask(now, call) };
    let mut names = bench.names(now);
    names.retain(|name| bench.store.executions_of(name).iter().any(|execution| execution.1 == *status));
    Reply::Names(names)
}

fn executions_backwards(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match bench.ask(now, call) {
        Reply::Numbers(numbers) => Reply::Numbers(numbers.into_iter().rev().collect()),
        reply => reply,
    }
}

fn status_of_current(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match (call, bench.ask(now, call)) {
        (Call::GetExecutionInfo { instance, .. }, Reply::Execution(mut execution)) => {
            execution.status = bench.status_of(now, instance).unwrap_or(execution.status);
            Reply::Execution(execution)
        }
        (_, reply) => reply,
    }
}

fn events_of_all(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match (call, bench.ask(now, call)) {
        (Call::GetExecutionInfo { instance, .. }, Reply::Execution(mut execution)) => {
            execution.event_count = bench.events_of(instance);
            Reply::Execution(execution)
        }
        (_, reply) => reply,
    }
}

fn started_at_once(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match (call, bench.ask(now, call)) {
        (Call::GetExecutionInfo { instance, .. }, Reply::Execution(mut execution)) => {
            execution.started_at = bench.store.created_at(instance).map_or(0, |at| at.0);
            Reply::Execution(execution)
        }
        (_, reply) => reply,
    }
}

fn any_execution(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match (call, bench.ask(now, call)) {
        (Call::GetExecutionInfo { execution, .. }, Reply::Refused(_)) => {
            Reply::Execution(Box::new(duroxide_sim::call::Execution {
                execution_id: *execution,
                status: "Running".to_owned(),
                output: None,
                started_at: 0,
                completed_at: None,
                event_count: 0,
            }))
        }
        (_, reply) => reply,
    }
}

fn status_of_first(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match (call, bench.ask(now, call)) {
        (Call::GetInstanceInfo { instance }, Reply::Instance(mut info)) => {
            let first = bench.store.executions_of(instance).into_iter().find(|execution| !execution.1.is_empty());
            info.status = first.map_or(info.status, |execution| execution.1);
            Reply::Instance(info)
        }
        (_, reply) => reply,
    }
}

fn any_instance(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match call {
        Call::GetInstanceInfo { instance } if class(&reply) == Some(Class::NotFound) => {
            Reply::Instance(Box::new(Instance {
                instance_id: instance.clone(),
                orchestration_name: String::new(),
                orchestration_version: String::new(),
                current_execution_id: 1,
                status: "Running".to_owned(),
                output: None,
                created_at: 0,
                updated_at: 0,
                parent_instance_id: None,
            }))
        }
        _ => reply,
    }
}

fn current_events(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match bench.ask(now, call) {
        Reply::Metrics(mut metrics) => {
            for name in bench.names(now) {
                let executions = bench.store.executions_of(&name);
                let events = |at: usize| executions.get(at).map_or(0, |execution| execution.3.len() as u64);
                let old: u64 = (0..executions.len().saturating_sub(1)).map(events).sum();
                metrics.total_events = metrics.total_events.saturating_sub(old);
            }
            Reply::Metrics(metrics)
        }
        reply => reply,
    }
}

fn others_run(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match bench.ask(now, call) {
        Reply::Metrics(mut metrics) => {
            metrics.running_instances =
                metrics.total_instances - metrics.completed_instances - metrics.failed_instances;
            Reply::Metrics(metrics)
        }
        reply => reply,
    }
}

fn delayed_left_out(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if let Call::EnqueueForOrchestrator { item, .. } = call {
        bench.notes.insert(duroxide_sim::call::instance_of(item).into_owned());
    }
    match bench.ask(now, call) {
        Reply::QueueDepths(mut depths) => {
            let store = &bench.store;
            let all = bench.notes.iter().flat_map(|name| store.messages_of(name));
            let delayed = all.filter(|(_, at, _)| *at > now).count();
            let held: usize = bench
                .held
                .values()
                .filter(|held| !held.released && held.until > now)
                .map(|held| held.turn.messages.len())
                .sum();
            depths.orchestrator_queue = depths.orchestrator_queue.saturating_sub(delayed.saturating_sub(held));
            Reply::QueueDepths(depths)
        }
        reply => reply,
    }
}

/// A count without `lock_token IS NULL`.
fn held_counted(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match bench.ask(now, call) {
        Reply::QueueDepths(mut depths) => {
            depths.worker_queue = bench.store.queued().1.len();
            Reply::QueueDepths(depths)
        }
        reply => reply,
    }
}

fn all_descendants(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::ListChildren { instance } => {
            Reply::Names(bench.tree_of(now, instance).into_iter().filter(|name| name != instance).collect())
        }
        _ => bench.ask(now, call),
    }
}

fn nobody_is_a_root(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match (call, bench.ask(now, call)) {
        (Call::GetParentId { .. }, Reply::Refused(_)) => Reply::Value(None),
        (_, reply) => reply,
    }
}

fn two_levels(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match bench.ask(now, call) {
        Reply::Tree(mut tree) => {
            let root = tree.root_id.clone();
            tree.all_ids.retain(|name| *name == root || bench.parent_of(now, name).as_ref() == Some(&root));
            Reply::Tree(tree)
        }
        reply => reply,
    }
}

#[test]
fn saboteurs_of_lookups_are_caught() {
    super::hunt::catch_all("lookups", ALL);
}
