//! Storms, the calm after them, and the two verdicts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use duroxide_sim::Sim;
use duroxide_sim::call::Method;
use duroxide_sim::duroxide::ClientError;
use duroxide_sim::faults::FaultAction;
use duroxide_sim::sim::{Action, Cause, FaultKind, Plan, Run, Storm, Trigger};

use super::{DAY, SECOND, once, output, point, two_nodes, work};

#[track_caller]
fn stormy(seed: u64, storm: Storm) -> Run<String> {
    let run = two_nodes(seed).storm(storm).finish_within(DAY).try_run(|sim| once(sim, "Mix"));
    run.unwrap_or_else(|failure| panic!("{failure}"))
}

/// The kind that an entry of a storm comes from, as far as it shows.
fn kind_of(what: &Action) -> FaultKind {
    match what {
        Action::Crash { .. } => FaultKind::Crash,
        Action::Stop { .. } | Action::Start { .. } => FaultKind::Stop,
        Action::Upgrade { .. } => FaultKind::Upgrade,
        Action::Partition { .. } => FaultKind::Partition,
        Action::Outage { .. } => FaultKind::Outage,
        Action::Stall { .. } => FaultKind::Stall,
        Action::Skew { .. } => FaultKind::Skew,
        Action::Fault(FaultAction::Refuse { .. }) => FaultKind::Refuse,
        Action::Fault(FaultAction::LoseReply) => FaultKind::LoseReply,
        Action::Fault(FaultAction::Drop { .. }) => FaultKind::Drop,
        Action::Fault(FaultAction::ShortLock { .. }) => FaultKind::ShortLock,
        Action::Fault(FaultAction::Delay { before, after }) if *before + *after >= SECOND => FaultKind::Slowness,
        Action::Fault(_) => FaultKind::Latency,
        other => panic!("storms have no kind for {other}"),
    }
}

#[test]
fn storms_of_one_kind_bring_that_kind_alone() {
    // Outages are for storms with unsurvivable faults, and nodes have one build here.
    let possible = |kind: &FaultKind| !matches!(kind, FaultKind::Outage | FaultKind::Upgrade);
    for kind in FaultKind::ALL.iter().copied().filter(possible) {
        let entries: Vec<_> = (0..12)
            .flat_map(|seed| stormy(seed, Storm::new().only(&[kind]).every_kind()).plan.entries)
            .map(|entry| kind_of(&entry.what))
            .collect();
        assert!(!entries.is_empty(), "{kind:?}");
        assert!(entries.iter().all(|found| *found == kind), "{kind:?}: {entries:?}");
    }
}

#[test]
fn storms_vary_with_the_seed_and_stay_within_their_bounds() {
    let longest = Duration::from_secs(120);
    let (mut kinds, mut quiet) = (std::collections::BTreeSet::new(), 0);
    for seed in 0..40 {
        let run = stormy(seed, Storm::new().lasts(longest).fault_budget(3));
        let calm = run.plan.calm.expect("a storm has a calm");
        assert!(calm <= longest);
        let troubles = run.plan.entries.iter().filter(|entry| {
            kinds.insert(kind_of(&entry.what));
            !matches!(kind_of(&entry.what), FaultKind::Latency | FaultKind::Skew)
        });
        assert!(troubles.count() <= 3, "{}", run.plan);
        quiet += usize::from(run.plan.entries.is_empty());
        let late = run.trace.marks.iter().filter(|mark| mark.at - run.trace.started > calm).count();
        assert_eq!(late, 0, "nothing goes wrong in the calm: {}", run.trace.text());
    }
    assert!(kinds.len() >= 8 && quiet < 20, "{kinds:?} {quiet}");
}

#[test]
fn at_the_calm_every_node_is_up_and_reaches_the_storage() {
    for seed in 0..20 {
        let storm = Storm::new().every_kind().lasts(Duration::from_secs(90));
        let works = two_nodes(seed).storm(storm).run(|sim| async move {
            sim.client().start_orchestration("i", "Mix", "x").await?;
            sim.sleep(Duration::from_secs(91)).await;
            Ok::<_, ClientError>(["a", "b"].map(|node| sim.crash(node).is_ok()))
        });
        assert_eq!(works, [true, true], "seed {seed}");
    }
}

#[test]
fn a_plan_replays_without_the_storm() {
    let sim = || two_nodes(3).storm(Storm::new().every_kind());
    let run = sim().replay(Plan::new()).try_run(|sim| once(sim, "Mix"));
    let run = run.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(run.plan, Plan::new());
    assert!(run.trace.marks.iter().all(|mark| mark.what.is_ordinary()));
}

#[test]
fn a_broken_property_ends_the_run_where_it_breaks() {
    let effects = Arc::new(AtomicU64::new(0));
    let count = effects.clone();
    let sim = work(
        move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
            async { Ok(String::new()) }
        },
        |ctx, _| async move { ctx.schedule_activity("Do", "").await },
    );
    let twice = move |_: &duroxide_sim::Handle| match effects.load(Ordering::Relaxed) {
        0 | 1 => Ok(()),
        n => Err(format!("it was done {n} times.")),
    };
    let crash = |node: &str| Action::crash(node, SECOND);
    let plan = Plan::new()
        .before(point("a", Method::AckWorkItem, 1), crash("a"))
        .before(point("b", Method::AckWorkItem, 1), crash("b"));
    let failure = sim.plan(plan).always("done once", twice).try_run(|sim| once(sim, "Work"));
    let failure = failure.expect_err("it is done twice");
    let Cause::Property { name, what } = &failure.cause else { panic!("{failure}") };
    assert_eq!((name.as_str(), what.as_str()), ("done once", "it was done 2 times."));
    assert!(!failure.is_safe() && failure.is_live(), "{failure}");
    assert!(failure.to_string().contains("  safety:       broken\n  liveness:     held\n"), "{failure}");
    assert_eq!(failure.at - failure.start, 30 * SECOND, "when the lock of the crashed node had ended");
}

#[test]
fn properties_look_at_histories() {
    let grows = |sim: &duroxide_sim::Handle| {
        let events = sim.history("i").events().len();
        if events <= 3 { Ok(()) } else { Err(format!("i has {events} events.")) }
    };
    let failure = two_nodes(1).always("short", grows).try_run(|sim| once(sim, "Mix"));
    let failure = failure.expect_err("it grows");
    assert!(matches!(&failure.cause, Cause::Property { what, .. } if what == "i has 4 events."), "{failure}");
}

#[test]
fn what_does_not_end_within_the_bound_of_the_calm_is_unfinished() {
    let run = |orchestration: &'static str, bound| {
        two_nodes(1).finish_within(bound).try_run(move |sim| async move {
            sim.client().start_orchestration("i", orchestration, "x").await?;
            Ok::<_, ClientError>(())
        })
    };
    let elapsed = run("Hour", 2 * DAY).map(|run| run.elapsed).expect("an hour is within two days");
    assert!(elapsed >= Duration::from_secs(3600));
    let failure = run("Hour", 60 * SECOND).expect_err("an hour is longer than a minute");
    assert_eq!(failure.cause, Cause::Unfinished(60 * SECOND), "{failure}");
    assert!(failure.is_safe() && !failure.is_live());
    assert!(failure.waits[0].to_string().starts_with("i waits for TimerCreated"), "{failure}");
}

#[test]
fn what_is_unfinished_does_not_hide_what_must_hold_at_last() {
    let sim = |bound| {
        let sim = two_nodes(1).finish_within(bound).eventually("it is told", |_| Err("nobody tells".to_owned()));
        sim.eventually("it is true", |_| Ok(()))
    };
    let body = |sim: duroxide_sim::Handle| async move {
        sim.client().start_orchestration("i", "Hour", "x").await?;
        Ok::<_, ClientError>(())
    };
    let failure = sim(60 * SECOND).try_run(body).expect_err("an hour is longer than a minute");
    assert_eq!(failure.cause, Cause::Unfinished(60 * SECOND), "{failure}");
    assert_eq!(failure.pending, ["\"it is told\": nobody tells"]);
    let text = failure.to_string();
    assert!(
        text.contains("Properties that must eventually hold, and did not yet:\n  \"it is told\": nobody tells\n"),
        "{text}"
    );
    let failure = sim(2 * DAY).try_run(body).expect_err("nobody tells");
    assert!(matches!(&failure.cause, Cause::Eventually { name, .. } if name == "it is told"), "{failure}");
    assert!(failure.pending.is_empty(), "the cause says it: {failure}");
}

#[test]
fn the_bound_counts_from_the_calm() {
    let storm = Storm::new().only(&[FaultKind::Skew]).lasts(2 * Duration::from_secs(3600));
    let calm = |run: &Run<()>| run.plan.calm.expect("a storm has a calm");
    let mut longer = 0;
    for seed in 0..20 {
        let run = two_nodes(seed).storm(storm.clone()).finish_within(SECOND).try_run(|sim| async move {
            sim.client().start_orchestration("i", "Hour", "x").await?;
            Ok::<_, ClientError>(())
        });
        match run {
            Ok(run) => {
                assert!(calm(&run) >= Duration::from_secs(3599));
                longer += 1;
            }
            Err(failure) => assert_eq!(failure.cause, Cause::Unfinished(SECOND)),
        }
    }
    assert!(longer > 0);
}

#[test]
fn a_storm_with_unsurvivable_faults_finds_what_duroxide_gives_up() {
    // An activity whose lock is renewed once, shortly before it ends.
    let sim = |seed| {
        let work = work(
            |_, _| async {
                tokio::time::sleep(27 * SECOND).await;
                Ok("done".to_owned())
            },
            |ctx, _| async move { ctx.schedule_activity("Do", "").await },
        );
        let storm = Storm::new().only(&[FaultKind::Refuse]).every_kind();
        (work.seed(seed), storm)
    };
    let goes_well = |(sim, storm): (Sim, Storm)| {
        let run = sim.storm(storm).try_run(|sim| async move {
            sim.client().start_orchestration("i", "Work", "").await?;
            output(&sim.client(), "i").await
        });
        run.is_ok_and(|run| run.value == "done")
    };
    assert!((0..60).all(|seed| goes_well(sim(seed))));
    let unsurvivable = |seed| {
        let (sim, storm) = sim(seed);
        (sim, storm.include_unsurvivable())
    };
    assert!(!(0..60).all(|seed| goes_well(unsurvivable(seed))));
}

#[test]
fn entries_of_a_storm_at_a_time_lie_before_its_calm() {
    for seed in 0..40 {
        let plan = stormy(seed, Storm::new().every_kind()).plan;
        let calm = plan.calm.expect("a storm has a calm");
        for entry in &plan.entries {
            assert!(!matches!(entry.when, Trigger::At(at) if at > calm), "{plan}");
        }
    }
}
