//! The verdicts.

use duroxide_sim::duroxide::runtime::registry::OrchestrationRegistry;
use duroxide_sim::duroxide::{Either2, EventKind, OrchestrationContext};
use duroxide_sim::recorded::{End, Replay, Verdict, Wanted};

use super::{Checked, DAY, SECOND, check, nothing, recorded, work};

type Output = Result<String, String>;

/// Doubles the input twice, with a timer between.
async fn twice(ctx: OrchestrationContext, input: String) -> Output {
    let once = ctx.schedule_activity("Double", input).await?;
    ctx.schedule_timer(DAY).await;
    ctx.schedule_activity("Double", once).await
}

fn only(checked: &Checked) -> &Verdict {
    assert_eq!(checked.executions.len(), 1, "{checked}");
    &checked.executions[0].verdict
}

/// The id of the recorded event that differs, and what the code does in its place.
fn divergence(checked: &Checked) -> (u64, Wanted) {
    let Verdict::Diverges(how) = only(checked) else { panic!("{checked}") };
    assert!(!checked.is_compatible());
    (how.recorded.as_ref().expect("an event is recorded").event_id, how.wanted.clone())
}

#[test]
fn code_replays_what_it_did() {
    let checked = check(work(twice), 2 * DAY, work(twice));
    assert!(matches!(only(&checked), Verdict::Replays) && checked.is_compatible(), "{checked}");
}

#[test]
fn running_instance_goes_on_and_what_is_under_way_is_told() {
    let checked = check(work(twice), SECOND, work(twice));
    let Verdict::GoesOn(how) = only(&checked) else { panic!("{checked}") };
    assert!(how.next.is_empty() && how.ends.is_none(), "{checked}");
    assert_eq!(checked.to_string(), "\"one\": execution 1, Work 1.0.0, replays and goes on; under way: TimerCreated.");
}

#[test]
fn another_input_of_an_activity_diverges() {
    let code = |ctx: OrchestrationContext, input: String| twice(ctx, format!("0{input}"));
    let checked = check(work(twice), 2 * DAY, work(code));
    let (event, wanted) = divergence(&checked);
    assert_eq!(event, 2);
    assert!(matches!(wanted, Wanted::Action(EventKind::ActivityScheduled { input, .. }) if input == "03"), "{checked}");
    let text = checked.to_string();
    assert!(text.contains("diverges at event 2. Recorded: ActivityScheduled Double \"3\"."), "{text}");
    assert!(text.contains("The code: ActivityScheduled Double \"03\"."), "{text}");
}

#[test]
fn a_step_left_out_in_the_middle_diverges() {
    let code = |ctx: OrchestrationContext, input: String| async move {
        let once = ctx.schedule_activity("Double", input).await?;
        ctx.schedule_activity("Double", once).await
    };
    let checked = check(work(twice), 2 * DAY, work(code));
    let (event, wanted) = divergence(&checked);
    assert_eq!(event, 4);
    assert!(matches!(wanted, Wanted::Action(EventKind::ActivityScheduled { .. })), "{checked}");
}

/// duroxide itself does not notice that code ends an execution before its history does.
#[test]
fn a_step_left_out_at_the_end_diverges() {
    let code = |ctx: OrchestrationContext, input: String| async move {
        ctx.schedule_activity("Double", input).await?;
        ctx.schedule_timer(DAY).await;
        Ok("12".to_owned())
    };
    let checked = check(work(twice), 2 * DAY, work(code));
    assert_eq!(divergence(&checked), (6, Wanted::End(End::Completed("12".to_owned()))), "{checked}");
}

#[test]
fn a_step_added_diverges_wherever_it_is() {
    let at_the_end = |ctx: OrchestrationContext, input: String| async move {
        let output = twice(ctx.clone(), input).await?;
        ctx.schedule_activity("Double", "1").await?;
        Ok(output)
    };
    let checked = check(work(twice), 2 * DAY, work(at_the_end));
    let (event, wanted) = divergence(&checked);
    assert_eq!(event, 8);
    assert!(matches!(wanted, Wanted::Action(_)), "{checked}");
    // The last action of a turn: duroxide takes it over in silence where no other action follows.
    let beside = |ctx: OrchestrationContext, input: String| async move {
        let once = ctx.schedule_activity("Double", input).await?;
        ctx.schedule_timer(DAY).await;
        let other = ctx.schedule_activity("Double", "1");
        let output = ctx.schedule_activity("Double", once).await;
        other.await?;
        output
    };
    assert_eq!(divergence(&check(work(twice), 2 * DAY, work(beside))).0, 6);
}

#[test]
fn another_output_or_error_diverges_at_the_end() {
    let other = |ctx: OrchestrationContext, input: String| async move { Ok(twice(ctx, input).await? + "!") };
    let checked = check(work(twice), 2 * DAY, work(other));
    assert_eq!(divergence(&checked), (8, Wanted::End(End::Completed("12!".to_owned()))), "{checked}");
    let panics = |ctx: OrchestrationContext, input: String| async move {
        twice(ctx, input).await?;
        panic!("planted")
    };
    let checked = check(work(twice), 2 * DAY, work(panics));
    assert!(matches!(divergence(&checked), (8, Wanted::End(End::Failed(why))) if why.contains("planted")), "{checked}");
}

#[test]
fn failure_of_the_code_replays() {
    let fails = |ctx: OrchestrationContext, _: String| async move { ctx.schedule_activity("Double", "x").await };
    let checked = check(work(fails), DAY, work(fails));
    assert!(matches!(only(&checked), Verdict::Replays), "{checked}");
    let panics = |_: OrchestrationContext, _: String| async move { panic!("planted") };
    let checked = check(work(panics), DAY, work(panics));
    assert!(matches!(only(&checked), Verdict::Replays), "{checked}");
}

#[test]
fn code_that_waits_where_an_action_is_recorded_diverges() {
    let waits = |ctx: OrchestrationContext, input: String| async move {
        tokio::time::sleep(SECOND).await;
        twice(ctx, input).await
    };
    let checked = check(work(twice), 2 * DAY, work(waits));
    assert_eq!(divergence(&checked), (2, Wanted::Nothing), "{checked}");
    assert!(checked.to_string().contains("such as a tokio timer"), "{checked}");
}

#[test]
fn code_that_never_returns_is_given_up() {
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let ended = std::sync::Arc::new(std::sync::Mutex::new(ended));
    let hangs = move |_: OrchestrationContext, _: String| {
        let ended = ended.clone();
        async move {
            // Until the test ends.
            let _ = ended.lock().map(|ended| ended.recv());
            Ok(String::new())
        }
    };
    let replay = Replay::new(work(hangs)).time_limit(SECOND / 10);
    let checked = replay.check(&recorded(work(twice), 2 * DAY, nothing));
    assert!(matches!(only(&checked), Verdict::NeverReturns) && !checked.is_compatible(), "{checked}");
    drop(end);
}

#[test]
fn running_instance_of_changed_code_tells_what_it_would_add() {
    let adds = |ctx: OrchestrationContext, input: String| async move {
        let once = ctx.schedule_activity("Double", input).await?;
        let warn = ctx.schedule_activity("Double", "7");
        let timer = ctx.schedule_timer(DAY);
        timer.await;
        warn.await?;
        ctx.schedule_activity("Double", once).await
    };
    // An action before a recorded one diverges, one after it is added.
    assert_eq!(divergence(&check(work(twice), SECOND, work(adds))).0, 4);
    let adds = |ctx: OrchestrationContext, input: String| async move {
        ctx.schedule_activity("Double", input).await?;
        let timer = ctx.schedule_timer(DAY);
        let warn = ctx.schedule_activity("Double", "7");
        timer.await;
        warn.await
    };
    let checked = check(work(twice), SECOND, work(adds));
    assert!(
        checked.is_compatible() && checked.to_string().contains("would add ActivityScheduled Double \"7\""),
        "{checked}"
    );
    let ends = |ctx: OrchestrationContext, input: String| async move {
        ctx.schedule_activity("Double", input).await?;
        drop(ctx.schedule_timer(DAY));
        Ok("early".to_owned())
    };
    let checked = check(work(twice), SECOND, work(ends));
    assert!(checked.to_string().contains("would end it: completes with \"early\""), "{checked}");
}

#[test]
fn handlers_that_are_gone_are_told_with_the_versions_there_are() {
    let history = recorded(work(twice), 2 * DAY, nothing);
    let renamed = OrchestrationRegistry::builder().register("Other", twice).build();
    let checked = Replay::new(renamed).check(&history);
    assert!(matches!(only(&checked), Verdict::HandlerGone { versions } if versions.is_empty()), "{checked}");
    let newer = OrchestrationRegistry::builder().register_versioned("Work", "2.0.0", twice).build();
    let checked = Replay::new(newer).check(&history);
    assert!(matches!(only(&checked), Verdict::HandlerGone { versions } if versions == &["2.0.0"]), "{checked}");
    assert!(!checked.is_compatible() && checked.to_string().contains("the registry has 2.0.0"), "{checked}");
    let both = OrchestrationRegistry::builder().register_versioned("Work", "1.0.0", twice).register_versioned(
        "Work",
        "2.0.0",
        |_: OrchestrationContext, _: String| async { Ok(String::new()) },
    );
    assert!(Replay::new(both.build()).check(&history).is_compatible());
}

#[test]
fn each_execution_of_a_chain_is_replayed_with_its_values() {
    async fn chain(ctx: OrchestrationContext, input: String) -> Output {
        let number: u64 = input.parse().map_err(|_| "no number".to_owned())?;
        let sum = ctx.get_kv_value("sum").map_or(0, |sum| sum.parse().unwrap_or(0)) + number;
        ctx.set_kv_value("sum", sum.to_string());
        match number {
            // The sum decides what is done, so that a replay needs the values from before.
            0 => ctx.schedule_activity("Double", sum.to_string()).await,
            _ => ctx.continue_as_new((number - 1).to_string()).await,
        }
    }
    let history = recorded(work(chain), DAY, nothing);
    assert_eq!(history.executions.len(), 4);
    let checked = Replay::new(work(chain)).check(&history);
    assert!(checked.executions.iter().all(|execution| execution.verdict == Verdict::Replays), "{checked}");
    // In the third execution alone, the code does something else.
    let changed = |ctx: OrchestrationContext, input: String| async move {
        if input == "1" { Err("planted".to_owned()) } else { chain(ctx, input).await }
    };
    let checked = Replay::new(work(changed)).check(&history);
    let diverging: Vec<u64> = checked
        .executions
        .iter()
        .filter(|execution| !execution.verdict.is_compatible())
        .map(|execution| execution.execution)
        .collect();
    assert_eq!(diverging, [3], "{checked}");
}

#[test]
fn races_cancellation_events_and_sub_orchestrations_replay() {
    async fn wait(ctx: OrchestrationContext, _: String) -> Output {
        let (answer, timer) = (ctx.schedule_wait("answer"), ctx.schedule_timer(DAY));
        let first = match ctx.select2(answer, timer).await {
            Either2::First(answer) => answer,
            Either2::Second(()) => "late".to_owned(),
        };
        let both = ctx.join2(ctx.schedule_activity("Double", "1"), ctx.schedule_sub_orchestration("Child", "2"));
        let (one, other) = both.await;
        ctx.set_custom_status("asked");
        let more = ctx.dequeue_event("more").await;
        Ok(format!("{first} {} {} {more}", one?, other?))
    }
    let orchestrations = || {
        OrchestrationRegistry::builder()
            .register("Work", wait)
            .register("Child", |ctx: OrchestrationContext, input: String| async move {
                ctx.schedule_activity("Double", input).await
            })
            .build()
    };
    let answered = recorded(orchestrations(), DAY, |sim| async move {
        sim.client().raise_event("one", "answer", "yes").await.expect("it is raised");
        sim.client().enqueue_event("one", "more", "m").await.expect("it is queued");
    });
    let cancelled = recorded(orchestrations(), DAY, |sim| async move {
        sim.client().cancel_instance("one", "enough").await.expect("it is cancelled");
    });
    let waiting = recorded(orchestrations(), 2 * DAY, nothing);
    let replay = Replay::new(orchestrations());
    for history in [answered, cancelled] {
        let checked = replay.check(&history);
        assert!(matches!(only(&checked), Verdict::Replays), "{checked}");
    }
    let checked = replay.check(&waiting);
    assert!(matches!(only(&checked), Verdict::GoesOn(how) if how.next.is_empty()), "{checked}");
}

#[test]
fn a_check_within_a_simulation_gives_the_same() {
    let history = recorded(work(twice), 2 * DAY, nothing);
    let outside = Replay::new(work(twice)).check(&history);
    let sim = duroxide_sim::Sim::new(1);
    let inside = sim.run(move |_| async move { Ok::<_, String>(Replay::new(work(twice)).check(&history)) });
    assert_eq!(inside, outside);
}
