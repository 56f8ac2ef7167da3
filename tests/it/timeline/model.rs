//! What must hold of the data of any page.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use duroxide_sim::call::{AckTurn, Call, Method, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::faults::FaultAction;
use duroxide_sim::laws::{Breach, Law};
use duroxide_sim::sim::{Failure, Storm};
use duroxide_sim::trace::{Answer, NodeEvent, Trace};
use serde_json::Value;

use super::{DAY, bought, buy, calls, failed, index, list, picture, shop};

/// Holds of the data of every page.
fn sound(page: &str) {
    let picture = picture(page);
    let moments: Vec<u64> = list(&picture["moments"]).iter().map(|time| time.as_u64().unwrap()).collect();
    assert!(moments.is_sorted(), "{moments:?}");
    let lanes = list(&picture["lanes"]);
    for (number, lane) in lanes.iter().enumerate() {
        let parent = lane["parent"].as_u64().map(|parent| parent as usize);
        assert!(parent.is_none_or(|parent| parent < number), "children lie below their parents: {lane}");
    }
    let lines: Vec<usize> = (0..list(&picture["runs"]).len()).map(|run| calls(page, run).len()).collect();
    let items = list(&picture["items"]);
    let mut taken = BTreeSet::new();
    for (number, item) in items.iter().enumerate() {
        let (from, to) = (index(&item["from"]), index(&item["to"]));
        assert!(from <= to && to < moments.len(), "{item}");
        let [since, tail] = ["since", "tail"].map(|key| item[key].as_u64().map(|moment| moment as usize));
        assert!(since.is_none_or(|since| since <= from) && tail.is_none_or(|tail| tail >= to), "{item}");
        let run = index(&item["run"]);
        assert!(list(&item["calls"]).iter().all(|line| index(line) < lines[run]), "{item}");
        let causes = item["causes"].as_array().into_iter().flatten();
        for cause in causes {
            assert_ne!(index(cause), number, "nothing brings itself about: {item}");
            assert!(index(&items[index(cause)]["from"]) <= from, "{} brings about {item}", items[index(cause)]);
        }
        let bar = ["turn", "activity", "timer", "wait", "child"].contains(&item["kind"].as_str().unwrap());
        let places = [("lane", "row"), ("node", "node_row")].map(|(lane, row)| {
            let row = item[row].as_u64().unwrap_or(0) as usize;
            item[lane].as_u64().map(|lane| (lane as usize, row))
        });
        // What does not fit lies on a lane's last row.
        for (lane, row) in places.into_iter().flatten().filter(|(_, row)| bar && *row < 11) {
            taken.insert((run, lane, row, from, to, number));
        }
        assert!(index(&item["row"]) < index(&lanes[index(&item["lane"])]["rows"]), "{item}");
    }
    let places: Vec<_> = taken.into_iter().collect();
    for pair in places.windows(2) {
        let [(run, lane, row, _, end, _), (next_run, next_lane, next_row, begin, ..)] = pair else { unreachable!() };
        let same = (run, lane, row) == (next_run, next_lane, next_row);
        assert!(!same || end <= begin, "bars of one row do not cover each other: {pair:?}");
    }
}

#[test]
fn data_of_every_page_are_sound() {
    let good = bought("a book");
    sound(&good.timeline().html());
    sound(&failed().timeline().html());
    sound(&failed().timeline().beside(good.timeline()).html());
    sound(&Trace { started: Time(5), entries: Vec::new(), marks: Vec::new(), remains: None }.timeline().html());
    for seed in 0..12 {
        let storm = || shop(seed).storm(Storm::new()).finish_within(30 * DAY);
        let run = storm().try_run(|sim| storm_of_orders(sim, 12)).unwrap_or_else(|failure| panic!("{failure}"));
        sound(&run.timeline().html());
        let other = shop(seed).try_run(|sim| storm_of_orders(sim, 12)).unwrap_or_else(|failure| panic!("{failure}"));
        sound(&run.timeline().beside(other.timeline()).html());
    }
}

async fn storm_of_orders(sim: duroxide_sim::Handle, count: u32) -> Result<(), duroxide::ClientError> {
    for n in 0..count {
        let name = format!("order-{n}");
        sim.client().start_orchestration(&name, "Order", if n % 5 == 0 { "a broken vase" } else { "a book" }).await?;
        sim.sleep(Duration::from_secs(7)).await;
    }
    sim.sleep(DAY).await;
    for n in (0..count).step_by(2) {
        sim.client().raise_event(&format!("order-{n}"), "approval", "Ada").await?;
    }
    sim.sleep(9 * DAY).await;
    Ok(())
}

fn find<'a>(picture: &'a Value, kind: &str, label: &str) -> Vec<&'a Value> {
    list(&picture["items"]).iter().filter(|item| item["kind"] == kind && item["label"] == label).collect()
}

#[test]
fn a_crash_ends_the_work_and_its_lock_lasts() {
    let picture = picture(&bought("a book").timeline().html());
    let time = |moment: &Value| picture["moments"][index(moment)].as_u64().unwrap();
    let charges = find(&picture, "activity", "Charge");
    let [lost, done] = charges[..] else { panic!("there are two attempts: {charges:?}") };
    assert_eq!((lost["state"].as_str(), time(&lost["to"])), (Some("lost"), 65_000));
    assert_eq!(time(&lost["tail"]), time(&done["from"]), "the lock lasts until the next attempt");
    assert_eq!(done["state"], "fine");
    let down = find(&picture, "node", "crashed");
    assert_eq!((time(&down[0]["from"]), time(&down[0]["to"])), (65_000, 70_000));
}

#[test]
fn runs_share_their_moments_up_to_the_first_difference() {
    let (book, vase) = (bought("a book"), bought("a vase"));
    let page = book.timeline().named("book").beside(vase.timeline().named("vase")).html();
    let data = picture(&page);
    let side = |run: usize| calls(&page, run)[index(&data["difference"]["sides"][run]["call"])]["asked"].clone();
    assert_eq!(side(0), "order-1 StartOrchestration Order \"a book\"");
    assert_eq!(side(1), "order-1 StartOrchestration Order \"a vase\"");
    assert_eq!(data["difference"]["at"], 0);

    let later = shop(1).try_run(|sim| async move {
        buy(sim.clone(), "a book").await?;
        sim.client().raise_event("order-1", "late", "").await
    });
    let later = later.unwrap_or_else(|failure| panic!("{failure}"));
    let data = picture(&later.timeline().beside(book.timeline()).html());
    let at = index(&data["difference"]["at"]);
    assert!(at > 20, "{at}");
    let before = |run: usize| {
        let items = list(&data["items"]).iter().filter(|item| index(&item["run"]) == run && index(&item["to"]) < at);
        items.map(|item| format!("{} {} {} {}", item["kind"], item["label"], item["from"], item["to"])).collect()
    };
    let (one, other): (Vec<String>, Vec<String>) = (before(0), before(1));
    assert!(one.len() > 15, "{one:?}");
    assert_eq!(one, other);
}

#[test]
fn runs_that_are_the_same_have_no_difference() {
    let data = picture(&bought("a book").timeline().beside(bought("a book").timeline()).html());
    assert_eq!(data["difference"], Value::Null);
    let items = list(&data["items"]);
    let (one, other) = items.split_at(items.len() / 2);
    let same = |(a, b): (&Value, &Value)| a["from"] == b["from"] && a["to"] == b["to"] && a["lane"] == b["lane"];
    assert!(one.iter().zip(other).all(same));
}

#[test]
fn broken_laws_are_marked_at_their_call_and_accuse_their_instance() {
    let good = bought("a book");
    let ack = |entry: &duroxide_sim::trace::Entry| matches!(&*entry.call, Call::AckOrchestrationItem(_));
    let entry = good.trace.entries.iter().position(ack).expect("there is an ack");
    let breach = Breach {
        law: Law::AckAtomic,
        entry: Some(entry),
        at: good.trace.entries[entry].answered,
        what: "Half of it is missing.".to_owned(),
    };
    let failure = Failure { breaches: vec![breach], trace: good.trace.clone(), ..*failed() };
    let data = picture(&failure.timeline().html());
    let laws = find(&data, "law", "breaks AckAtomic");
    assert!(laws[0]["note"].as_str().unwrap().starts_with("Half of it is missing. Source: ack_orchestration_item"));
    let accused = index(&data["runs"][0]["failure"]["lanes"][0]);
    assert_eq!(data["lanes"][accused]["name"], "order-1");
    assert_eq!(laws[0]["lane"], data["runs"][0]["failure"]["lanes"][0]);
}

#[test]
fn refused_and_dropped_calls_are_shown() {
    let mut trace = bought("a book").trace;
    let ack = Arc::new(Call::AckOrchestrationItem(Box::new(AckTurn::nothing("forged", 1))));
    let refusal = duroxide_sim::call::Refusal::permanent(
        duroxide_sim::call::Class::LockLost,
        Method::AckOrchestrationItem.name(),
        "Nobody has this lock.",
    );
    let last = trace.entries.last().expect("there are calls").clone();
    let forged = |answer| duroxide_sim::trace::Entry { call: ack.clone(), answer, ..last.clone() };
    trace.entries.push(forged(Answer::Reply(Reply::Refused(refusal))));
    trace.entries.push(forged(Answer::Dropped));
    let data = picture(&trace.timeline().html());
    let found = find(&data, "call", "ack_orchestration_item");
    let states: Vec<&str> = found.iter().filter_map(|item| item["state"].as_str()).collect();
    assert_eq!(states, ["refused", "lost"]);
    assert_eq!(found[0]["note"], "It was refused (LockLost): Nobody has this lock.");
}

#[test]
fn latencies_are_told_from_other_faults() {
    let second = Duration::from_secs(1);
    let fault = |verdict: FaultAction| NodeEvent::Fault { method: Method::Read, nth: 1, verdict };
    for (before, after) in [(second, second), (second, Duration::ZERO), (Duration::ZERO, second)] {
        assert!(fault(FaultAction::Delay { before, after }).is_latency());
    }
    for verdict in [FaultAction::LoseReply, FaultAction::Hang { applied: true }, FaultAction::Drop { after: second }] {
        assert!(!fault(verdict).is_latency());
    }
}
