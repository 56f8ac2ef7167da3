//! Whether a plan is minimal, found out by trying: no single entry can be left
//! out and no number halved towards its least with the run still failing for the
//! same reason. It shares no code with what shrinks: it takes the plan as JSON,
//! and every number in it.

use duroxide_sim::explore::{Capsule, Finding, Problem};
use duroxide_sim::sim::{Cause, Outcome, Plan};
use duroxide_sim::{Handle, Sim};
use serde_json::{Value, json};

use super::explore;

/// Fails unless the capsule of `found` has its plan, and fails again in a process of
/// its own.
#[track_caller]
pub fn assert_repeats<B, F, R>(found: &Finding, build: &impl Fn(Sim) -> Sim, body: &B)
where
    B: Fn(Handle) -> F + Clone + Send + 'static,
    F: Future<Output = R> + 'static,
    R: Outcome,
{
    let path = found.capsule.as_ref().expect("a capsule is left");
    let capsule = Capsule::read(path).expect("it can be read");
    assert_eq!(
        (&capsule.plan, &capsule.without, &capsule.shrunk),
        (&found.failure.plan, &found.without, &found.shrunk)
    );
    let again = explore().only_capsules().capsule(path).try_run(build, body.clone()).map_err(|problem| *problem);
    let Err(Problem::Failed(again)) = again else { panic!("the capsule does not fail again: {again:?}") };
    assert_eq!((&again.failure.cause, again.failure.at), (&found.failure.cause, found.failure.at), "{again}");
}

/// Fails unless the plan of `found` fails again, in this process, and none of the
/// smaller plans does.
#[track_caller]
pub fn assert_minimal<B, F, R>(found: &Finding, build: &impl Fn(Sim) -> Sim, body: &B)
where
    B: Fn(Handle) -> F + Clone + Send + 'static,
    F: Future<Output = R> + 'static,
    R: Outcome,
{
    let fails = |plan: &Plan| {
        let sim = found.without.iter().fold(build(Sim::new(found.seed)), |sim, node| sim.without_node(node));
        let run = sim.replay(plan.clone()).try_run(body.clone());
        run.is_err_and(|failure| name_of(&failure.cause) == name_of(&found.failure.cause))
    };
    let plan = &found.failure.plan;
    assert!(fails(plan), "the plan that is left does not fail when it is replayed: {found}");
    let still: Vec<Plan> = smaller(plan).into_iter().filter(fails).collect();
    let still: Vec<String> = still.iter().map(Plan::to_string).collect();
    assert!(still.is_empty(), "these smaller plans fail as well:\n{}\n{found}", still.join("or\n"));
}

/// What has to stay the same of a failure: what kind it is, and of which property.
fn name_of(cause: &Cause) -> (std::mem::Discriminant<Cause>, Option<&str>) {
    let name = match cause {
        Cause::Property { name, .. } | Cause::Eventually { name, .. } => Some(name.as_str()),
        _ => None,
    };
    (std::mem::discriminant(cause), name)
}

/// Every plan that has one entry less, or one number halved.
fn smaller(plan: &Plan) -> Vec<Plan> {
    let without = |at| {
        let mut plan = plan.clone();
        plan.entries.remove(at);
        plan
    };
    let json = serde_json::to_value(plan).expect("a plan has a JSON form");
    let mut all: Vec<Plan> = (0..plan.entries.len()).map(without).collect();
    all.extend(halved(&json).into_iter().map(|json| serde_json::from_value(json).expect("it is a plan still")));
    all
}

/// Every form of `json` in which one number is halved towards its least.
fn halved(json: &Value) -> Vec<Value> {
    let whole = |name: &str| json.get(name).and_then(Value::as_u64);
    if let (Some(secs), Some(nanos)) = (whole("secs"), whole("nanos")) {
        let ms = secs * 1_000 + nanos / 1_000_000;
        let half = json!({"secs": ms / 2 / 1_000, "nanos": ms / 2 % 1_000 * 1_000_000});
        return if half == *json { Vec::new() } else { vec![half] };
    }
    if let (Some(value), Some(least)) = (whole("value"), whole("least")) {
        let half = least + (value - least) / 2;
        return if half == value { Vec::new() } else { vec![json!({"value": half, "least": least})] };
    }
    let parts: Vec<(String, &Value)> = match json {
        Value::Object(fields) => fields.iter().map(|(name, part)| (name.clone(), part)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, part)| (at.to_string(), part)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let mut all = Vec::new();
    for (name, part) in parts {
        let smaller = match (name.as_str(), part.as_i64()) {
            ("nth", Some(nth @ 2..)) => vec![json!(1 + (nth - 1) / 2)],
            ("by_ms", Some(by)) if by != 0 => vec![json!(by / 2)],
            (_, Some(_)) => Vec::new(),
            (_, None) => halved(part),
        };
        all.extend(smaller.into_iter().map(|part| with(json, &name, part)));
    }
    all
}

/// The same with another part in the place of this name.
fn with(json: &Value, name: &str, part: Value) -> Value {
    let mut json = json.clone();
    match &mut json {
        Value::Object(fields) => fields.insert(name.to_owned(), part),
        Value::Array(items) => name.parse().ok().map(|at: usize| std::mem::replace(&mut items[at], part)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    };
    json
}
