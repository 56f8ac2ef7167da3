//! One script on several providers: the odd one out is named, by its own oracle
//! where it breaks a rule.

use std::time::Duration;

use duroxide_conformance::{Config, Judge, Script, Step, Storage, differential, differential_script};
use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::store::Pick;

use super::saboteurs::{Bench, Saboteur, honest};

fn deletes_whatever_runs(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::DeleteInstance { instance, .. } => {
            bench.ask(now, &Call::DeleteInstance { instance: instance.clone(), force: true })
        }
        _ => bench.ask(now, call),
    }
}

/// Fetches the second of the instances that it may fetch, where there are two.
fn takes_the_second(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if let Call::FetchOrchestrationItem { versions, .. } = call {
        let second = bench.store.eligible_turns(now, versions.as_deref()).get(1).map(|name| (*name).to_owned());
        if let Some(name) = second {
            return bench.pick(now, call, Pick::Instance(name));
        }
    }
    bench.ask(now, call)
}

const CARELESS: Saboteur = Saboteur { name: "careless", rule: "delete.running-refused", trick: deletes_whatever_runs };
const SECOND: Saboteur = Saboteur { name: "second", rule: "", trick: takes_the_second };

fn config() -> Config {
    Config::default().quiet().calls(20_000)
}

fn fetch() -> Step {
    Step::call(Call::FetchOrchestrationItem {
        lock_for: Duration::from_secs(5),
        poll_for: Duration::ZERO,
        versions: None,
    })
}

fn start(instance: &str) -> Step {
    let item = std::sync::Arc::new(crate::start_item(instance, "Order"));
    Step::call(Call::EnqueueForOrchestrator { item, delay: None })
}

#[tokio::test]
async fn providers_that_answer_alike_do_not_part() {
    let (one, other) = (honest(), honest());
    let comparison = differential(&[("one", &one), ("other", &other)], &config()).await;
    assert!(comparison.is_clean() && comparison.choices.is_empty(), "{comparison}");
    assert!(comparison.scripts > 50, "{comparison}");
}

#[tokio::test]
async fn provider_that_breaks_a_rule_is_the_odd_one_out() {
    let (one, other) = (honest(), honest());
    let all: [(&str, &dyn Storage); 3] = [("one", &one), ("careless", &CARELESS), ("other", &other)];
    let comparison = differential(&all, &config()).await;
    let parting = comparison.partings.iter().find(|parting| parting.method == "delete_instance");
    let parting = parting.unwrap_or_else(|| panic!("{comparison}"));
    assert_eq!(parting.odd, ["careless"]);
    let Judge::Oracle(rules) = &parting.judge else { panic!("{parting}") };
    assert!(rules.contains_key("careless") && rules.len() == 1, "{parting}");
    assert_eq!(parting.answers[0].0, ["one", "other"]);
    assert!(comparison.partings.iter().all(|parting| parting.odd == ["careless"]), "{comparison}");
}

#[tokio::test]
async fn two_providers_suffice_where_one_breaks_a_rule() {
    let one = honest();
    let script: Script = vec![start("a"), fetch(), Step::ReadBack].into();
    let same = differential_script(&[("one", &one), ("careless", &CARELESS)], &script).await;
    assert!(same.is_clean(), "{same}");
    let comparison = differential(&[("one", &one), ("careless", &CARELESS)], &config()).await;
    assert!(comparison.partings.iter().all(|parting| parting.odd == ["careless"]), "{comparison}");
    assert!(!comparison.is_clean());
}

#[tokio::test]
async fn choice_that_the_contract_leaves_is_named_and_fails_nobody() {
    let (one, other) = (honest(), honest());
    let script: Script = vec![start("a"), start("b"), fetch()].into();
    let two = differential_script(&[("one", &one), ("second", &SECOND)], &script).await;
    assert!(two.is_clean(), "{two}");
    assert_eq!((two.choices.len(), &two.choices[0].judge), (1, &Judge::Nobody), "{two}");
    let three = differential_script(&[("one", &one), ("second", &SECOND), ("other", &other)], &script).await;
    assert!(three.is_clean(), "{three}");
    assert_eq!((&three.choices[0].judge, &three.choices[0].odd), (&Judge::Minority, &vec!["second".to_owned()]));
    assert!(three.to_string().contains("The odd one out is second, by majority"), "{three}");
}

#[tokio::test]
async fn tokens_and_the_start_of_time_make_no_difference() {
    let one = honest();
    // Tokens of another form, and a provider that has lived for a while.
    let script: Script = vec![start("a"), fetch(), Step::Wait(1000), Step::ReadBack, Step::Drain].into();
    let comparison = differential_script(&[("one", &one), ("renamed", &RENAMED)], &script).await;
    assert!(comparison.is_clean() && comparison.choices.is_empty(), "{comparison}");
}

const RENAMED: Saboteur = Saboteur { name: "renamed", rule: "", trick: other_tokens };

fn other_tokens(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let mut call = call.clone();
    if let Call::AckOrchestrationItem(ack) = &mut call {
        ack.token = ack.token.trim_start_matches("my ").to_owned();
    }
    let mut reply = bench.ask(now, &call);
    if let Reply::Turn(Some(turn)) = &mut reply {
        turn.token = format!("my {}", turn.token);
    }
    reply
}

#[tokio::test]
async fn one_provider_or_one_name_cannot_be_compared() {
    let (one, other) = (honest(), honest());
    let alone = differential(&[("one", &one)], &config()).await;
    assert!(alone.troubles[0].contains("at least two providers"), "{alone}");
    let twins = differential(&[("one", &one), ("one", &other)], &config()).await;
    assert!(!twins.is_clean(), "{twins}");
}
