//! Scripts from seeds: the same each time, whole wherever they are cut, and
//! deep enough to reach what a provider can get wrong.

use std::time::Duration;

use duroxide::providers::WorkItem;
use duroxide_conformance::unstable::{End, check_storage, replay, script};
use duroxide_conformance::{Area, Config, Profile, Script, Step};
use duroxide_sim::Seed;
use duroxide_sim::call::{Call, Item};

mod survey;

use survey::{Factory, survey};

fn scripts(seeds: u64) -> impl Iterator<Item = (Seed, Profile)> {
    (0..seeds).map(|seed| (Seed(seed), Profile::ALL[seed as usize % Profile::ALL.len()]))
}

#[test]
fn a_seed_always_gives_the_same_script() {
    for (seed, profile) in scripts(400) {
        assert_eq!(script(seed, profile), script(seed, profile));
    }
}

#[test]
fn other_seeds_and_other_profiles_give_other_scripts() {
    let mut seen = std::collections::BTreeSet::new();
    for (seed, profile) in scripts(400) {
        assert!(seen.insert(script(seed, profile).to_string()), "the script of seed {seed} was there before");
    }
    let all = Profile::ALL.iter().map(|profile| script(Seed(1), *profile).to_string());
    assert_eq!(all.collect::<std::collections::BTreeSet<_>>().len(), Profile::ALL.len());
}

#[test]
fn a_script_survives_being_written_down() {
    for (seed, profile) in scripts(300) {
        let written = script(seed, profile);
        assert_eq!(written.to_string().parse::<Script>(), Ok(written));
    }
}

#[test]
fn any_part_of_a_script_is_a_script() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for (seed, profile) in scripts(360) {
        let mut random = seed.child("cuts").stream();
        let keep = 1 + random.below(8);
        let steps = script(seed, profile).steps.into_iter().filter(|_| random.below(8) < keep);
        let part = Script { steps: steps.collect() };
        let run = runtime.block_on(replay(&Factory::default(), &part));
        assert!(!matches!(run.end, End::Deviates(_)), "seed {seed}, {}: {:#?}\n{part}", profile.name(), run.end);
    }
}

#[test]
fn memory_never_deviates() {
    let survey = survey();
    assert!(survey.deviations.is_empty(), "{:#?}", survey.deviations);
    let config = Config::default().seed(Seed(7)).calls(100_000);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let verdict = runtime.block_on(check_storage(&Factory::default(), &config));
    assert!(verdict.findings.is_empty(), "{:#?}", verdict.findings);
}

#[test]
fn few_scripts_are_inconclusive() {
    let survey = survey();
    assert!(survey.inconclusive * 100 < survey.scripts, "{} of {}", survey.inconclusive, survey.scripts);
}

/// How many of a thousand calls of each method are accepted and do or find
/// something, and how many are refused, at the least. A method that is refused
/// to nobody is one that no contract lets refuse.
const SHARES: &[(&str, u64, u64)] = &[
    ("abandon_orchestration_item", 300, 200),
    ("abandon_work_item", 300, 200),
    ("ack_orchestration_item", 500, 80),
    ("ack_work_item", 500, 40),
    ("append_with_execution", 500, 80),
    ("cleanup_orphaned_sessions", 30, 0),
    ("delete_instance", 200, 300),
    ("delete_instance_bulk", 150, 0),
    ("delete_instances_atomic", 250, 200),
    ("enqueue_for_orchestrator", 900, 1),
    ("enqueue_for_worker", 900, 10),
    ("fetch_orchestration_item", 350, 0),
    ("fetch_work_item", 500, 0),
    ("get_custom_status", 250, 0),
    ("get_execution_info", 600, 30),
    ("get_instance_info", 400, 200),
    ("get_instance_stats", 400, 0),
    ("get_instance_tree", 120, 0),
    ("get_kv_all_values", 150, 0),
    ("get_kv_value", 120, 0),
    ("get_parent_id", 120, 200),
    ("get_queue_depths", 500, 0),
    ("get_system_metrics", 500, 0),
    ("latest_execution_id", 999, 0),
    ("list_children", 120, 0),
    ("list_executions", 400, 0),
    ("list_instances", 500, 0),
    ("list_instances_by_status", 250, 0),
    ("prune_executions", 120, 150),
    ("prune_executions_bulk", 100, 0),
    ("read", 400, 0),
    ("read_history", 400, 0),
    ("read_history_with_execution_id", 500, 0),
    ("read_with_execution", 500, 0),
    ("renew_orchestration_item_lock", 300, 300),
    ("renew_session_lock", 100, 0),
    ("renew_work_item_lock", 300, 300),
];

#[test]
fn every_method_is_accepted_and_refused_often_enough() {
    let methods = &survey().methods;
    assert_eq!(methods.keys().copied().collect::<Vec<_>>(), SHARES.iter().map(|row| row.0).collect::<Vec<_>>());
    let mut short = Vec::new();
    for (method, useful_share, refused_share) in SHARES {
        let answers = &methods[method];
        let refused: u64 = answers.refused.values().sum();
        let (useful, all) = (answers.accepted - answers.idle, answers.accepted + refused);
        if useful * 1000 < useful_share * all || refused * 1000 < refused_share * all || all < 200 {
            short.push(format!("{method}: of {all} calls {useful} were useful and {refused} refused"));
        }
    }
    assert!(short.is_empty(), "{short:#?}");
}

#[test]
fn every_reason_to_refuse_comes_up() {
    use duroxide_sim::call::Class;
    let seen = |method: &str, class: Class| survey().methods[method].refused.get(&class).copied().unwrap_or(0);
    for (method, class) in [
        ("ack_orchestration_item", Class::LockLost),
        ("ack_orchestration_item", Class::DuplicateEvent),
        ("ack_orchestration_item", Class::Invalid),
        ("ack_work_item", Class::Invalid),
        ("append_with_execution", Class::DuplicateEvent),
        ("append_with_execution", Class::Invalid),
        ("delete_instance", Class::SubOrchestration),
        ("delete_instance", Class::StillRunning),
        ("delete_instances_atomic", Class::ChildLeft),
        ("delete_instances_atomic", Class::StillRunning),
    ] {
        assert!(seen(method, class) >= 10, "{method} was refused as {class:?} {} times", seen(method, class));
    }
}

#[test]
fn every_state_is_reached() {
    let rare: Vec<_> = survey().states.iter().filter(|(_, times)| **times < 8).collect();
    assert!(rare.is_empty() && survey().states.len() > 60, "{rare:#?} of {:#?}", survey().states);
}

#[test]
fn off_the_exact_clock_everything_ends_at_half_ticks() {
    const TICK: u64 = 100;
    let far = Duration::from_secs(365 * 86_400).as_millis();
    for (seed, profile) in scripts(1800) {
        for step in script(seed, profile.on_grid(TICK)).steps {
            if let Step::Wait(ms) = step {
                assert_eq!(ms % TICK, 0, "seed {seed} waits {ms} ms");
            }
            let Step::Call(act) = &step else { continue };
            for span in spans(&act.call) {
                let ms = span.as_millis();
                let told = ms == 0 || ms >= far || ms % u128::from(TICK) == u128::from(TICK / 2);
                assert!(told && span.subsec_nanos() % 1_000_000 == 0 || ms >= far, "seed {seed}: {span:?} in {act:?}");
            }
        }
    }
}

/// The durations of a call, and the moments it names.
fn spans(call: &Call) -> Vec<Duration> {
    let moment = |ms: Option<u64>| ms.map(Duration::from_millis);
    let fire_at = |item: &Item| match &**item {
        WorkItem::TimerFired { fire_at_ms, .. } => Some(Duration::from_millis(*fire_at_ms)),
        _ => None,
    };
    match call {
        Call::FetchOrchestrationItem { lock_for, .. } => vec![*lock_for],
        Call::FetchWorkItem { lock_for, session, .. } => {
            session.iter().map(|claim| claim.lock_for).chain([*lock_for]).collect()
        }
        Call::RenewOrchestrationItemLock { extend_for, .. } | Call::RenewWorkItemLock { extend_for, .. } => {
            vec![*extend_for]
        }
        Call::RenewSessionLock { extend_for, idle_for, .. } => vec![*extend_for, *idle_for],
        Call::EnqueueForOrchestrator { delay, .. }
        | Call::AbandonOrchestrationItem { delay, .. }
        | Call::AbandonWorkItem { delay, .. } => delay.iter().copied().collect(),
        Call::AckOrchestrationItem(ack) => ack.messages.iter().filter_map(fire_at).collect(),
        Call::DeleteInstanceBulk { query } => moment(query.completed_before).into_iter().collect(),
        Call::PruneExecutions { keep, .. } => moment(keep.completed_before).into_iter().collect(),
        Call::PruneExecutionsBulk { query, keep } => {
            moment(query.completed_before).into_iter().chain(moment(keep.completed_before)).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn every_profile_has_a_name_and_rules_find_theirs() {
    for profile in Profile::ALL.iter().copied() {
        assert_eq!(Profile::named(profile.name()), Some(profile));
    }
    assert_eq!(Profile::named("no such area"), None);
    assert_eq!(Profile::for_rule("session.taken-over")[0].area, Area::Sessions);
}
