//! Saboteurs of tag filters.

use duroxide_sim::call::{Call, Reply, Tags, is_of_session, tag_of};
use duroxide_sim::clock::Time;
use duroxide_sim::store::Pick;

use super::tools::{change_job, enqueue_job};
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "DefaultOnly lets all through", rule: "tag.default-only", trick: default_is_any },
    Saboteur { name: "Tags lets untagged jobs through", rule: "tag.tags", trick: tags_and_default },
    Saboteur { name: "DefaultAnd forgets untagged jobs", rule: "tag.default-and", trick: default_forgotten },
    Saboteur { name: "Any is the default", rule: "tag.any", trick: any_is_default },
    Saboteur { name: "None is no filter", rule: "tag.none", trick: none_is_any },
    Saboteur { name: "jobs are limited before they are filtered", rule: "tag.looks-further", trick: limit_first },
    Saboteur { name: "tags are compared without case", rule: "tag.exact", trick: without_case },
    Saboteur { name: "an empty tag is none", rule: "tag.exact", trick: empty_is_none },
    Saboteur { name: "jobs of sessions pass every filter", rule: "tag.with-session", trick: sessions_pass },
    Saboteur { name: "tags get lost when a job is enqueued", rule: "tag.kept", trick: lost_at_once },
    Saboteur { name: "tags get lost in an ack", rule: "tag.kept-by-ack", trick: lost_in_ack },
];

fn default_is_any(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.fetch_tagged(now, call, |tags| match tags {
        Tags::DefaultOnly => Tags::Any,
        tags => tags.clone(),
    })
}

fn tags_and_default(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.fetch_tagged(now, call, |tags| match tags {
        Tags::Tags(set) => Tags::DefaultAnd(set.clone()),
        tags => tags.clone(),
    })
}

/// `tag IN (…)` alone.
fn default_forgotten(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.fetch_tagged(now, call, |tags| match tags {
        Tags::DefaultAnd(set) => Tags::Tags(set.clone()),
        tags => tags.clone(),
    })
}

fn any_is_default(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.fetch_tagged(now, call, |tags| match tags {
        Tags::Any => Tags::DefaultOnly,
        tags => tags.clone(),
    })
}

fn none_is_any(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.fetch_tagged(now, call, |tags| match tags {
        Tags::None => Tags::Any,
        tags => tags.clone(),
    })
}

fn limit_first(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let Call::FetchWorkItem { tags, lock_for, poll_for, session } = call else { return bench.ask(now, call) };
    let any =
        Call::FetchWorkItem { tags: Tags::Any, lock_for: *lock_for, poll_for: *poll_for, session: session.clone() };
    match bench.peek(now, &any, Pick::Oldest) {
        Reply::Job(Some(job)) if tags.matches(tag_of(&job.item)) => bench.ask(now, &any),
        _ => Reply::Job(None),
    }
}

fn without_case(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let Call::FetchWorkItem { tags: Tags::Tags(set) | Tags::DefaultAnd(set), .. } = call else {
        return bench.ask(now, call);
    };
    let reply = bench.ask(now, call);
    let like = |tag: &str| set.iter().any(|other| other.to_lowercase() == tag.to_lowercase());
    match reply {
        Reply::Job(None) => bench.fetch_job_past_tags(now, call, |_, item| tag_of(item).is_some_and(like)),
        reply => reply,
    }
}

fn empty_is_none(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match (call, reply) {
        (Call::FetchWorkItem { tags: Tags::DefaultOnly | Tags::DefaultAnd(_), .. }, Reply::Job(None)) => {
            bench.fetch_job_past_tags(now, call, |_, item| tag_of(item) == Some(""))
        }
        (_, reply) => reply,
    }
}

/// `a AND b OR c`, without the brackets.
fn sessions_pass(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match bench.ask(now, call) {
        Reply::Job(None) => bench.fetch_job_past_tags(now, call, |_, item| is_of_session(item)),
        reply => reply,
    }
}

fn lost_at_once(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::EnqueueForWorker { item } => {
            let mut item = item.clone();
            change_job(&mut item, |_, tag, _| *tag = None);
            bench.ask(now, &enqueue_job(item))
        }
        _ => bench.ask(now, call),
    }
}

fn lost_in_ack(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_ack(now, call, |ack| ack.jobs.iter_mut().for_each(|item| change_job(item, |_, tag, _| *tag = None)))
}

#[test]
fn saboteurs_of_tags_are_caught() {
    super::hunt::catch_all("tags", ALL);
}
