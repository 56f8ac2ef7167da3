//! What the laws expect of histories: after reads, appends, deletions and
//! prunings, and what they leave unjudged.

use duroxide_sim::call::{DeleteCounts, InstanceQuery, KeepRule, PruneCounts};

use super::*;

fn digest(events: &[Event]) -> Digest {
    let mut digest = Digest::default();
    events.iter().for_each(|event| digest.push(event));
    digest
}

impl Script {
    /// A read of `i` that gives these events.
    fn read(self, events: &[Event]) -> Script {
        self.push(Call::Read { instance: "i".into() }, Answer::History(digest(events)))
    }

    fn read_execution(self, execution: u64, events: &[Event]) -> Script {
        let call = Call::ReadWithExecution { instance: "i".into(), execution };
        self.push(call, Answer::History(digest(events)))
    }

    fn append(self, events: Vec<Event>) -> Script {
        let events = events.into_iter().map(Arc::new).collect();
        self.done(Call::AppendWithExecution { instance: "i".into(), execution: 1, events })
    }

    fn deleted(self, call: Call, instances_deleted: u64) -> Script {
        let counts = DeleteCounts { instances_deleted, ..DeleteCounts::default() };
        self.push(call, Answer::Reply(Reply::Deleted(counts)))
    }

    fn pruned(self, call: Call, executions_deleted: u64) -> Script {
        let counts = PruneCounts { executions_deleted, ..PruneCounts::default() };
        self.push(call, Answer::Reply(Reply::Pruned(counts)))
    }

    /// The first turn of an instance, a child of `parent`.
    fn begun(self, instance: &str, parent: Option<&str>) -> Script {
        let token = format!("t-{instance}");
        let first = crate::start_item(instance, "O");
        let fetched = SeenTurn { instance: instance.into(), ..turn(&token, 1, vec![first.clone()], &[]) };
        let Call::AckOrchestrationItem(mut ack) = ack(&token, vec![event(1, None)], None) else { unreachable!() };
        ack.metadata.parent_instance_id = parent.map(str::to_owned);
        self.send(first).fetch(fetched).done(Call::AckOrchestrationItem(ack))
    }

    /// The next turn of `i`, which had this history, with this ack.
    fn next(self, token: &str, before: &[Event], execution: u64, history: Vec<Event>, status: Option<&str>) -> Script {
        let seen = SeenTurn { execution, ..turn(token, 1, vec![raised("x")], before) };
        let Call::AckOrchestrationItem(mut ack) = ack(token, history, status) else { unreachable!() };
        ack.execution = execution;
        self.send(raised("x")).fetch(seen).done(Call::AckOrchestrationItem(ack))
    }

    /// `i` with an execution that was continued as new and a running second one.
    fn continued(self) -> Script {
        let first = self.started().next("c1", &[event(1, None)], 1, vec![], Some("ContinuedAsNew"));
        first.next("c2", &[], 2, vec![event(1, None)], None)
    }

    /// A first turn of an instance, as if there had been nothing before it.
    fn starts_again(self, instance: &str) -> Script {
        let first = crate::start_item(instance, "O");
        let seen = SeenTurn { instance: instance.into(), ..turn("fresh", 1, vec![first.clone()], &[]) };
        self.send(first).fetch(seen)
    }
}

fn delete(instance: &str) -> Call {
    Call::DeleteInstance { instance: instance.into(), force: true }
}

fn bulk() -> Call {
    Call::DeleteInstanceBulk { query: InstanceQuery::default() }
}

fn prune(instance: &str) -> Call {
    Call::PruneExecutions { instance: instance.into(), keep: KeepRule::default() }
}

#[test]
fn every_way_to_read_is_compared_with_what_was_acked() {
    let two = || Script::new().continued();
    let one = [event(1, None)];
    two().read(&one).read_execution(1, &one).read_execution(2, &one).read_execution(3, &[]).breaks_nothing();
    two().read(&[]).breaks(Law::AckAtomic);
    two().read_execution(1, &[]).breaks(Law::AckAtomic);
    two().read_execution(3, &one).breaks(Law::AckAtomic);
    let call = || Call::ReadHistoryWithExecutionId { instance: "i".into(), execution: 1 };
    two().push(call(), Answer::History(digest(&one))).breaks_nothing();
    two().push(call(), Answer::History(digest(&[]))).breaks(Law::AckAtomic);
    let call = || Call::ReadHistory { instance: "i".into() };
    two().push(call(), Answer::History(digest(&one))).breaks_nothing();
    two().push(call(), Answer::History(digest(&[]))).breaks(Law::AckAtomic);
}

#[test]
fn appended_events_are_part_of_the_history() {
    let both = [event(1, None), event(2, None)];
    let appended = || Script::new().started().append(vec![event(2, None)]);
    appended().read(&both).breaks_nothing();
    appended().read(&both[..1]).breaks(Law::AckAtomic);
}

#[test]
fn what_a_repeated_append_leaves_is_not_judged() {
    Script::new().started().append(vec![event(1, None)]).read(&[event(1, None)]).breaks_nothing();
    Script::new().started().append(vec![event(1, None)]).read(&[]).breaks_nothing();
}

#[test]
fn appending_nothing_starts_no_instance() {
    let mail = || WorkItem::QueueMessage { instance: "i".into(), name: "q".into(), data: "x".into() };
    Script::new().append(vec![]).send(mail()).left(vec![], vec![]).breaks_nothing();
    Script::new().append(vec![event(1, None)]).send(mail()).left(vec![], vec![]).breaks(Law::AckedOnce);
}

#[test]
fn an_ended_execution_may_be_told_the_same_end_again() {
    let ended = || Script::new().started().next("t2", &[event(1, None)], 1, vec![], Some("Completed"));
    let again = |status| ended().next("t3", &[event(1, None)], 1, vec![], status);
    again(Some("Completed")).breaks_nothing();
    again(None).breaks_nothing();
    again(Some("Failed")).breaks_only(Law::TerminalFinal);
    ended().next("t3", &[event(1, None)], 1, vec![event(2, None)], None).breaks_only(Law::TerminalFinal);
}

#[test]
fn the_first_outcome_breaks_nothing() {
    let outcomes = vec![event(2, Some(7)), event(3, Some(8))];
    Script::new().started().next("t2", &[event(1, None)], 1, outcomes, None).breaks_nothing();
}

#[test]
fn an_unreadable_history_may_be_ended_with_the_sentinel_and_nothing_else() {
    const SENTINEL: u64 = 99_999;
    let with = |error: Option<&str>, id| {
        let history = if error.is_some() { vec![] } else { vec![event(1, None)] };
        let seen = turn("t2", 1, vec![raised("x")], &history);
        let seen = SeenTurn { history_error: error.map(str::to_owned), ..seen };
        Script::new().started().send(raised("x")).fetch(seen).ack("t2", vec![event(id, None)], Some("Failed"))
    };
    with(Some("damaged"), SENTINEL).breaks_nothing();
    with(Some("damaged"), 2).breaks_nothing();
    with(Some("damaged"), SENTINEL - 1).breaks_only(Law::AppendOnly);
    with(None, SENTINEL).breaks_only(Law::AppendOnly);
}

#[test]
fn a_deleted_instance_begins_from_nothing() {
    Script::new().started().deleted(delete("i"), 1).starts_again("i").breaks_nothing();
    Script::new().started().deleted(delete("i"), 0).starts_again("i").breaks(Law::AckAtomic);
    let atomic = || Call::DeleteInstancesAtomic { instances: vec!["i".into()], force: true };
    let two = || Script::new().started().begun("j", None).deleted(atomic(), 1);
    two().starts_again("i").breaks_nothing();
    two().starts_again("j").breaks(Law::AckAtomic);
}

#[test]
fn what_waited_for_a_deleted_instance_goes_with_it() {
    let waiting = || {
        let fetched = Script::new().send(start()).fetch(turn("t1", 1, vec![start()], &[])).done(with_job("t1"));
        let other = fetched.begun("j", None).fetch_job("j1", 1);
        let other_job = WorkItem::ActivityExecute {
            instance: "j".into(),
            execution_id: 1,
            id: 2,
            name: "A".into(),
            input: String::new(),
            session_id: None,
            tag: None,
        };
        other
            .done(Call::EnqueueForWorker { item: other_job.clone().into() })
            .send(raised("x"))
            .left(vec![], vec![other_job])
    };
    waiting().breaks(Law::AckedOnce);
    waiting().deleted(delete("i"), 1).breaks_nothing();
    let ack_job = Call::AckWorkItem { token: "j1".into(), completion: None };
    waiting().deleted(delete("i"), 1).done(ack_job).breaks_only(Law::OneLiveLease);
    waiting().deleted(delete("j"), 1).breaks(Law::AckedOnce);
    let fetched = || Script::new().send(start()).fetch(turn("t1", 1, vec![start()], &[]));
    fetched().ack("t1", vec![event(1, None)], None).breaks_nothing();
    fetched().deleted(delete("i"), 1).ack("t1", vec![event(1, None)], None).breaks_only(Law::OneLiveLease);
}

#[test]
fn a_tree_is_deleted_with_its_root() {
    let tree = || {
        let family = Script::new().begun("i", None).begun("child", Some("i")).begun("grandchild", Some("child"));
        family.begun("other", None).begun("others_child", Some("other")).deleted(delete("i"), 3)
    };
    ["i", "child", "grandchild"].into_iter().for_each(|gone| tree().starts_again(gone).breaks_nothing());
    ["other", "others_child"].into_iter().for_each(|left| tree().starts_again(left).breaks(Law::AckAtomic));
}

#[test]
fn a_deleted_child_may_come_back_without_its_parent() {
    let orphan = Script::new().begun("i", None).begun("child", Some("i")).deleted(delete("child"), 1);
    let again = orphan.starts_again("child").ack("fresh", vec![event(1, None)], None).deleted(delete("i"), 1);
    let first = crate::start_item("child", "O");
    let seen = SeenTurn { instance: "child".into(), ..turn("last", 1, vec![first.clone()], &[]) };
    again.send(first).fetch(seen).breaks(Law::AckAtomic);
}

#[test]
fn a_bulk_deletion_may_have_taken_any_ended_instance_and_no_other() {
    let one = [event(1, None)];
    let all = |deleted| {
        let ended = Script::new().started().next("t2", &one, 1, vec![], Some("Completed"));
        ended.begun("runs", None).send(raised("y")).deleted(bulk(), deleted)
    };
    all(1).starts_again("i").breaks_nothing();
    all(1).read(&[]).breaks_nothing();
    all(1).read(&one).breaks_nothing();
    all(1).left(vec![], vec![]).breaks_nothing();
    all(1).left(vec![raised("y")], vec![]).breaks_nothing();
    all(1).starts_again("runs").breaks(Law::AckAtomic);
    all(0).read(&[]).breaks(Law::AckAtomic);
    all(0).left(vec![], vec![]).breaks(Law::AckedOnce);
}

#[test]
fn an_instance_that_nobody_can_judge_is_judged_again_after_its_own_deletion() {
    let ended = Script::new().started().next("t2", &[event(1, None)], 1, vec![], Some("Failed"));
    let doubted = ended.deleted(bulk(), 1).deleted(delete("i"), 1).starts_again("i");
    doubted.ack("fresh", vec![event(1, None)], None).read(&[]).breaks(Law::AckAtomic);
}

#[test]
fn pruned_executions_are_not_judged_and_the_last_one_is() {
    let one = [event(1, None)];
    let pruned = |call, count| Script::new().continued().pruned(call, count);
    pruned(prune("i"), 1).read_execution(1, &[]).breaks_nothing();
    pruned(prune("i"), 1).read_execution(1, &one).breaks_nothing();
    pruned(prune("i"), 1).read_execution(2, &[]).breaks(Law::AckAtomic);
    pruned(prune("i"), 0).read_execution(1, &[]).breaks(Law::AckAtomic);
    pruned(prune("j"), 1).read_execution(1, &[]).breaks(Law::AckAtomic);
    let bulk = || Call::PruneExecutionsBulk { query: InstanceQuery::default(), keep: KeepRule::default() };
    pruned(bulk(), 1).read_execution(1, &[]).breaks_nothing();
    pruned(bulk(), 1).read_execution(2, &[]).breaks(Law::AckAtomic);
    pruned(bulk(), 0).read_execution(1, &[]).breaks(Law::AckAtomic);
}
