//! Numbers at the end of what they can be, in what is read from files.

use std::collections::BTreeMap;
use std::time::Duration;

use duroxide_sim::call::Method;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::explore::Capsule;
use duroxide_sim::faults::FaultAction;
use duroxide_sim::laws;
use duroxide_sim::sim::{Action, CallSite, Cause, Plan, Run};
use duroxide_sim::trace::{Answer, Trace};
use duroxide_sim::{Node, Sim};
use proptest::prelude::*;
use serde_json::Value;

use super::seen;
use crate::check;

fn orders() -> Sim {
    let activities = ActivityRegistry::builder()
        .register("Ship", |_: ActivityContext, what: String| async move { Ok(what) })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Order", |ctx: OrchestrationContext, what: String| async move {
            ctx.schedule_timer(Duration::from_secs(60)).await;
            ctx.set_kv_value("what", what.clone());
            ctx.dequeue_event("paid").await;
            if what == "a vase" {
                ctx.schedule_sub_orchestration("Order", "its box").await?;
            }
            ctx.schedule_activity("Ship", what).await
        })
        .build();
    Sim::new(1).node(Node::new("a", activities, orchestrations))
}

/// A run with a timer, a child, a queue, an activity, a crash, and faults.
fn bought(sim: Sim) -> Result<Run<()>, Box<duroxide_sim::Failure>> {
    sim.try_run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("order-1", "Order", "a vase").await?;
        client.enqueue_event("order-1", "paid", "12 EUR").await?;
        sim.sleep(Duration::from_secs(90)).await;
        let child = client.list_all_instances().await?.into_iter().find(|name| name != "order-1");
        client.enqueue_event(child.as_deref().unwrap_or("nobody"), "paid", "nothing").await?;
        client.wait_for_orchestration("order-1", Duration::from_secs(600)).await?;
        client.get_system_metrics().await.map(|_| ())?;
        Ok::<_, ClientError>(())
    })
}

fn extreme() -> impl Strategy<Value = u64> {
    prop::sample::select(vec![0, 1, 99_999, u64::from(u32::MAX), 1 << 53, 1 << 63, u64::MAX - 1, u64::MAX])
}

/// Where some of a value's numbers are replaced, and by which.
fn changes() -> impl Strategy<Value = Vec<Change>> {
    let index = any::<prop::sample::Index>;
    let change = (index(), index(), extreme()).prop_map(|(field, nth, to)| Change { field, nth, to });
    prop::collection::vec(change, 1..12)
}

/// Which field's number, which of them, and what it becomes.
#[derive(Clone, Debug)]
struct Change {
    field: prop::sample::Index,
    nth: prop::sample::Index,
    to: u64,
}

/// The numbers of a value by the names of their fields.
type Numbers<'v> = BTreeMap<String, Vec<&'v mut Value>>;

fn numbers<'v>(value: &'v mut Value, field: &str, found: &mut Numbers<'v>) {
    match value {
        Value::Number(_) => found.entry(field.to_owned()).or_default().push(value),
        Value::Array(all) => all.iter_mut().for_each(|one| numbers(one, field, found)),
        Value::Object(all) => all.iter_mut().for_each(|(field, one)| numbers(one, field, found)),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The same with numbers replaced; as it was where a number does not fit.
fn changed<T: serde::Serialize + serde::de::DeserializeOwned>(whole: &T, changes: &[Change]) -> T {
    let mut value = serde_json::to_value(whole).unwrap();
    for Change { field, nth, to } in changes {
        let before = value.clone();
        let mut found = Numbers::new();
        numbers(&mut value, "", &mut found);
        let mut fields: Vec<Vec<&mut Value>> = found.into_values().collect();
        let field = field.index(fields.len());
        let nth = nth.index(fields[field].len());
        *fields[field][nth] = Value::from(*to);
        if serde_json::from_value::<T>(value.clone()).is_err() {
            value = before;
        }
    }
    serde_json::from_value(value).unwrap()
}

#[test]
fn no_number_in_a_trace_is_too_large_to_be_judged_and_shown() {
    let trace = bought(orders()).unwrap_or_else(|failure| panic!("{failure}")).trace;
    check(40, changes(), |changes| {
        let trace = changed(&trace, &changes);
        for breach in laws::check(&trace) {
            prop_assert_eq!(seen(&breach.describe(trace.started))?, 1);
        }
        seen(&trace.text())?;
        prop_assert!(trace.timeline().html().ends_with("</html>\n"));
        let read = Trace::from_json_lines(&trace.json_lines());
        prop_assert_eq!(read.as_ref(), Ok(&trace));
        Ok(())
    });
}

#[test]
fn an_event_of_the_last_id_breaks_a_law_and_so_does_the_one_after_it() {
    let mut trace = bought(orders()).unwrap_or_else(|failure| panic!("{failure}")).trace;
    let mut given = 0;
    for entry in &mut trace.entries {
        let mut value = serde_json::to_value(&*entry).unwrap();
        let Some(history) = value.pointer_mut("/call/AckOrchestrationItem/history") else { continue };
        for event in history.as_array_mut().into_iter().flatten().filter(|event| event["instance_id"] == "order-1") {
            event["event_id"] = Value::from(u64::MAX);
            given += 1;
        }
        *entry = serde_json::from_value(value).unwrap();
    }
    let told: Vec<String> = laws::check(&trace).into_iter().map(|breach| breach.what).collect();
    let of = |next: &str| format!("order-1 execution 1 got event 18446744073709551615, but the next id is {next}.");
    assert!(given > 2 && told.contains(&of("1")) && told.contains(&of("out of range")), "{told:#?}");
    assert!(trace.entries.iter().any(|entry| matches!(entry.answer, Answer::Turn(_))));
}

/// Everything that a plan can say.
fn troubled() -> Plan {
    let second = Duration::from_secs(1);
    let fetch = |nth| CallSite::new("a", Method::FetchOrchestrationItem, nth);
    Plan::new()
        .at(second, Action::crash("a", second))
        .at(10 * second, Action::stall("a", second))
        .at(15 * second, Action::partition("a", second))
        .at(20 * second, Action::Skew { node: "a".into(), by_ms: 5 })
        .at(30 * second, Action::Stop { node: "a".into(), restart_after: Some(second) })
        .fault(fetch(2), FaultAction::Delay { before: second, after: second })
        .fault(fetch(3), FaultAction::ShortLock { lasts: second })
        .fault(CallSite::new("a", Method::AckOrchestrationItem, 2), FaultAction::Drop { after: second })
        .fault(CallSite::new("client", Method::Read, 2), FaultAction::Delay { before: second, after: second })
        .after(fetch(4), Action::Outage { node: "a".into(), lasts: second })
}

#[test]
fn no_number_in_a_plan_is_too_large_to_be_carried_out() {
    let plan = Plan { calm: Some(Duration::from_secs(40)), ..troubled() };
    check(40, changes(), |changes| {
        let plan = changed(&plan, &changes);
        seen(&plan.to_string())?;
        if let Err(failure) = bought(orders().replay(plan)) {
            prop_assert!(!matches!(failure.cause, Cause::Panic(_) | Cause::Died(_) | Cause::Hang(_)), "{failure}");
            seen(&failure.to_string())?;
        }
        Ok(())
    });
}

#[test]
fn no_number_in_a_capsule_is_too_large_to_be_read_and_shown() {
    let failure = bought(orders().plan(troubled()).limits(limits())).expect_err("nobody is given the time");
    let value = serde_json::json!({
        "capsule": 2,
        "versions": { "duroxide-sim": "0.1.0", "duroxide": "0.1.32" },
        "test": "orders",
        "seed": failure.seed,
        "cause": failure.cause,
        "plan": failure.plan,
        "without": [],
        "start": failure.start,
        "at": failure.at,
        "waits": failure.waits,
        "breaches": failure.breaches,
        "unreached": failure.unreached,
        "trace": failure.trace,
    });
    let capsule: Capsule = serde_json::from_value(value).unwrap();
    let file = std::env::temp_dir().join(format!("duroxide-sim-numbers-{}.json", std::process::id()));
    check(32, changes(), |changes| {
        let mut capsule = changed(&capsule, &changes);
        capsule.capsule = 2;
        capsule.write(&file).unwrap_or_else(|error| panic!("{error}"));
        let read = Capsule::read(&file);
        prop_assert_eq!(read.as_ref(), Ok(&capsule));
        seen(&capsule.failure().to_string())?;
        prop_assert!(capsule.timeline().html().ends_with("</html>\n"));
        Ok(())
    });
    std::fs::remove_file(file).unwrap();
}

fn limits() -> duroxide_sim::Limits {
    duroxide_sim::Limits { virtual_time: Duration::from_secs(45), ..Default::default() }
}
