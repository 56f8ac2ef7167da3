//! A page has a bound, and says what it leaves out.

use std::sync::Arc;

use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::duroxide::providers::WorkItem;
use duroxide_sim::laws::{Breach, Law};
use duroxide_sim::trace::{Answer, Entry, Trace};

use super::{calls, list, picture};

const MOST: usize = 50_000;

/// A run in which a client sends messages: the one of each number, to whom and what.
fn sent(count: usize, message: impl Fn(usize) -> (String, String)) -> Trace {
    let entry = |number: usize| {
        let (instance, data) = message(number);
        let item = WorkItem::ExternalRaised { instance, name: "e".to_owned(), data };
        let at = Time(number as u64);
        let call = Arc::new(Call::EnqueueForOrchestrator { item: Arc::new(item), delay: None });
        Entry { asked: at, answered: at, by: "client".into(), call, answer: Answer::Reply(Reply::Done) }
    };
    Trace { started: Time(0), entries: (0..count).map(entry).collect(), marks: Vec::new(), remains: None }
}

#[test]
fn a_page_of_many_calls_has_the_last_and_those_that_the_failure_is_about() {
    let count = 3 * MOST;
    let trace = sent(count, |number| (if number == 5 { "early" } else { "other" }.to_owned(), String::new()));
    let timeline = trace.timeline().failed_at(Time(count as u64), "It failed.").about("early");
    let left_out = timeline.left_out().expect("it leaves something out");
    assert!(left_out.starts_with(&format!("Of the {count} calls of the run, the page contains 25001: ")), "{left_out}");
    let page = timeline.html();
    let (data, calls) = (picture(&page), calls(&page, 0));
    assert_eq!((calls[0]["number"].as_u64(), &calls[0]["asked"]), (Some(5), &"early ExternalRaised e \"\"".into()));
    assert_eq!(calls.last().unwrap()["number"], count - 1);
    assert_eq!((&data["runs"][0]["calls"], &data["runs"][0]["left_out"]), (&count.into(), &(count - 25_001).into()));
    assert!(page.len() < 40 << 20, "{} bytes", page.len());
}

#[test]
fn a_call_that_breaks_a_law_is_on_the_page_however_early_it_was() {
    let trace = sent(2 * MOST, |_| ("i".to_owned(), String::new()));
    let breach = Breach { law: Law::AckedOnce, entry: Some(3), at: Time(3), what: "It is wrong.".to_owned() };
    let mut failure = *super::failed();
    (failure.trace, failure.breaches) = (trace, vec![breach]);
    let page = failure.timeline().html();
    let data = picture(&page);
    let law = list(&data["items"]).iter().find(|item| item["kind"] == "law").expect("the breach is shown");
    let call = &calls(&page, 0)[super::index(&law["calls"][0])];
    assert_eq!(call["number"], 3);
}

#[test]
fn a_page_of_long_payloads_has_a_bound_too() {
    let long = "x".repeat(1 << 20);
    let trace = sent(200, |_| ("i".to_owned(), long.clone()));
    let page = trace.timeline().html();
    assert!(page.len() < 48 << 20, "{} bytes", page.len());
    assert_eq!(calls(&page, 0).last().unwrap()["number"], 199);
}

#[test]
fn two_long_runs_are_shown_about_their_first_difference() {
    let other = |number: usize| (if number == 90_000 { "else" } else { "i" }.to_owned(), String::new());
    let (one, other) = (sent(3 * MOST, |_| ("i".to_owned(), String::new())), sent(3 * MOST, other));
    let page = one.timeline().beside(other.timeline()).html();
    let data = picture(&page);
    let sides = list(&data["difference"]["sides"]);
    let call = |run: usize| calls(&page, run)[super::index(&sides[run]["call"])].clone();
    assert_eq!((&call(0)["number"], &call(1)["number"]), (&90_000.into(), &90_000.into()));
    assert_eq!(call(1)["asked"], "else ExternalRaised e \"\"");
}

#[test]
fn a_page_that_leaves_nothing_out_says_nothing_of_it() {
    let trace = sent(20, |_| ("i".to_owned(), String::new()));
    assert_eq!(trace.timeline().left_out(), None);
    assert!(picture(&trace.timeline().html())["runs"][0].get("left_out").is_none());
}
