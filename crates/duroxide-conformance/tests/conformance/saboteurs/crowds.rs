//! Saboteurs that show in a crowd alone, larger than any that scripts from
//! seeds make: their scripts are made here.

use std::time::Duration;

use duroxide_conformance::unstable::check_storage;
use duroxide_conformance::{Config, Script, Step};
use duroxide_sim::call::{AckTurn, Call, InstanceQuery, Metadata, Reply};
use duroxide_sim::clock::Time;

use super::super::scratch::Scratch;
use super::bench::fetch;
use super::{Bench, Saboteur};
use crate::start_item;

pub const ALL: &[Saboteur] =
    &[Saboteur { name: "bulk deletion knows no limit", rule: "delete-bulk.default-limit", trick: no_limit }];

fn no_limit(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::DeleteInstanceBulk { query } = call {
            query.limit.get_or_insert(u32::MAX);
        }
    })
}

/// An instance is started, and completes in its first turn.
fn life(number: usize) -> [Step; 3] {
    let ack = AckTurn {
        token: "turn:0".to_owned(),
        execution: 1,
        history: Vec::new(),
        jobs: Vec::new(),
        messages: Vec::new(),
        metadata: Metadata {
            status: Some("Completed".to_owned()),
            orchestration_name: Some("Short".to_owned()),
            ..Metadata::default()
        },
        cancelled: Vec::new(),
    };
    let item = start_item(&format!("short-{number}"), "Short").into();
    [
        Step::call(Call::EnqueueForOrchestrator { item, delay: None }),
        Step::call(fetch(Duration::from_secs(30))),
        Step::call(Call::AckOrchestrationItem(Box::new(ack))),
    ]
}

#[tokio::test]
async fn bulk_deletion_of_more_than_a_thousand_is_caught() {
    let deletion = Step::call(Call::DeleteInstanceBulk { query: InstanceQuery::default() });
    let steps: Vec<Step> = (0..1001).flat_map(life).chain([deletion]).collect();
    let folder = Scratch::new();
    std::fs::create_dir_all(folder.path()).expect("a temporary folder can be made");
    std::fs::write(folder.path().join("crowd.script"), Script::from(steps).to_string())
        .expect("a temporary file can be written");
    let config = Config::default().calls(1).regressions(folder.path()).quiet();
    let verdict = check_storage(&ALL[0], &config).await;
    let rules: Vec<&str> = verdict.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [ALL[0].rule]);
}
