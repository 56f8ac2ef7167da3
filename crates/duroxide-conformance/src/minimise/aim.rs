//! Resolves the conventions of a script with the help of its run: so that a
//! token still refers to the same lock after earlier steps are removed, and
//! calls can be written as steps.

use std::borrow::Cow;
use std::collections::BTreeSet;

use duroxide_sim::call::{Call, Reply, instance_of};

use crate::calls::reads;
use crate::drive::{End, Observed, Run};
use crate::script::{Act, Queue, Script, Step, Token};

/// The script without the steps for which `gone` is true. Tokens still refer to
/// the same fetches.
pub(super) fn without(script: &Script, run: &Run, gone: impl Fn(usize) -> bool) -> Script {
    let steps = script.steps.iter().enumerate().filter(|(at, _)| !gone(*at)).map(|(at, step)| {
        let mut step = step.clone();
        if let Step::Call(act) = &mut step
            && let Some(token) = act.call.token_mut()
        {
            aim(token, &run.observed, at, &gone);
        }
        step
    });
    Script { steps: steps.collect() }
}

fn aim(token: &mut String, observed: &[Observed], at: usize, gone: &impl Fn(usize) -> bool) {
    let Token::Fetched { queue, back } = Token::parse(token) else { return };
    let before = observed.iter().filter(|call| call.step < at && issued(call).is_some_and(|(of, _)| of == queue));
    let fetches: Vec<usize> = before.map(|call| call.step).collect();
    let Some(target) = fetches.len().checked_sub(back.saturating_add(1)) else { return };
    if !gone(fetches[target]) {
        let between = fetches[target + 1..].iter().filter(|step| !gone(**step)).count();
        *token = queue.nth_last(between);
    }
}

/// The steps whose calls concern other instances than the run's last call.
/// Empty if that call concerns no instance or several.
pub(super) fn strangers(run: &Run) -> BTreeSet<usize> {
    let Some((last, before)) = run.observed.split_last() else { return BTreeSet::new() };
    let expected = || match &run.end {
        End::Deviates(deviation) => found(&deviation.mismatch.expected),
        End::Agrees | End::Inconclusive(_) => None,
    };
    let Some(subject) = subject(last, before).or_else(expected) else { return BTreeSet::new() };
    let is_stranger = |seen: &&Observed| self::subject(seen, before).is_some_and(|instance| instance != subject);
    let (strangers, others): (Vec<&Observed>, Vec<&Observed>) = before.iter().partition(is_stranger);
    let needed: BTreeSet<usize> = others.iter().chain([&last]).map(|seen| seen.step).collect();
    strangers.iter().map(|seen| seen.step).filter(|step| !needed.contains(step)).collect()
}

/// The only instance that a call concerns, according to the call, its answer or
/// its token.
fn subject<'a>(seen: &'a Observed, all: &'a [Observed]) -> Option<Cow<'a, str>> {
    let of_fetch = |seen: &'a Observed| seen.reply.as_ref().and_then(found);
    match (&*seen.call, seen.call.token()) {
        (Call::EnqueueForOrchestrator { item, .. } | Call::EnqueueForWorker { item }, _) => Some(instance_of(item)),
        (_, Some(token)) => {
            all.iter().find(|seen| issued(seen).is_some_and(|(_, known)| known == token)).and_then(of_fetch)
        }
        (call, None) => call.instance().map(Cow::Borrowed).or_else(|| of_fetch(seen)),
    }
}

/// The instance of the item that a fetch returned.
fn found(reply: &Reply) -> Option<Cow<'_, str>> {
    match reply {
        Reply::Turn(Some(turn)) => Some(Cow::Borrowed(&turn.instance)),
        Reply::Job(Some(job)) => Some(instance_of(&job.item)),
        _ => None,
    }
}

/// The queue of a successful fetch, and the token it returned.
fn issued(call: &Observed) -> Option<(Queue, &str)> {
    match &call.reply {
        Some(Reply::Turn(Some(turn))) => Some((Queue::Turn, &turn.token)),
        Some(Reply::Job(Some(job))) => Some((Queue::Job, &job.token)),
        _ => None,
    }
}

/// The calls of the step at `step`, one step each, with waits between them.
pub(crate) fn spelled_out(run: &Run, step: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let first = run.observed.iter().position(|call| call.step == step).unwrap_or(run.observed.len());
    for (at, call) in run.observed.iter().enumerate().skip(first).take_while(|(_, call)| call.step == step) {
        let passed = if at == first { 0 } else { call.at.0 - run.observed[at - 1].at.0 };
        if passed > 0 {
            steps.push(Step::Wait(passed));
        }
        steps.push(Step::call(as_asked(run, at)));
    }
    steps
}

/// The act at `step` as the call that was made, with absolute numbers.
pub(super) fn absolute(run: &Run, step: usize, act: &Act) -> Option<Step> {
    let at = run.observed.iter().position(|call| call.step == step)?;
    Some(Step::Call(Act { call: as_asked(run, at), relative: false, dropped_after: act.dropped_after }))
}

/// The observed call with its token by name, and times relative to the script's
/// start.
fn as_asked(run: &Run, at: usize) -> Call {
    let mut call = (*run.observed[at].call).clone();
    if let Some(token) = call.token_mut() {
        let before: Vec<(Queue, &str)> = run.observed[..at].iter().filter_map(issued).collect();
        if let Some(index) = before.iter().rposition(|(_, known)| known == token) {
            let queue = before[index].0;
            let back = before[index + 1..].iter().filter(|(of, _)| *of == queue).count();
            *token = queue.nth_last(back);
        }
    }
    let from_start = |time: &mut u64| *time = time.saturating_sub(run.base.0);
    each_time(&mut call, from_start);
    call
}

fn each_time(call: &mut Call, mut change: impl FnMut(&mut u64)) {
    use duroxide::providers::WorkItem;
    use std::sync::Arc;
    let mut item = |item: &mut duroxide_sim::call::Item| {
        if matches!(**item, WorkItem::TimerFired { .. })
            && let WorkItem::TimerFired { fire_at_ms, .. } = Arc::make_mut(item)
        {
            change(fire_at_ms);
        }
    };
    match call {
        Call::AckOrchestrationItem(ack) => ack.jobs.iter_mut().chain(&mut ack.messages).for_each(item),
        Call::EnqueueForWorker { item: one } | Call::EnqueueForOrchestrator { item: one, .. } => item(one),
        Call::AckWorkItem { completion, .. } => completion.iter_mut().for_each(item),
        Call::DeleteInstanceBulk { query } => query.completed_before.iter_mut().for_each(change),
        Call::PruneExecutions { keep, .. } => keep.completed_before.iter_mut().for_each(change),
        Call::PruneExecutionsBulk { query, keep } => {
            query.completed_before.iter_mut().chain(&mut keep.completed_before).for_each(change);
        }
        reads!()
        | Call::FetchOrchestrationItem { .. }
        | Call::AbandonOrchestrationItem { .. }
        | Call::RenewOrchestrationItemLock { .. }
        | Call::AppendWithExecution { .. }
        | Call::FetchWorkItem { .. }
        | Call::RenewWorkItemLock { .. }
        | Call::AbandonWorkItem { .. }
        | Call::RenewSessionLock { .. }
        | Call::CleanupOrphanedSessions { .. }
        | Call::DeleteInstancesAtomic { .. }
        | Call::DeleteInstance { .. } => {}
    }
}
