//! Texts in every place that a text can have.

use std::collections::BTreeMap;
use std::time::Duration;

use duroxide_sim::call::Method;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext};
use duroxide_sim::explore::{Capsule, Difference, ExplorationReport, Problem};
use duroxide_sim::faults::FaultAction;
use duroxide_sim::laws::{Breach, Law};
use duroxide_sim::sim::{
    Action, Busy, CallSite, Cause, Failure, Held, NodeError, Plan, PlanEntry, Run, TaskPanic, Trigger,
};
use duroxide_sim::trace::{Mark, NodeEvent, Trace};
use duroxide_sim::{Node, Seed, Sim};
use proptest::prelude::*;

use super::{seen, text};
use crate::check;

const SOON: Duration = Duration::from_secs(60);

/// A run in which one text is the name, the id and the payload of everything,
/// with the history of its instance.
fn everywhere(text: &str) -> Run<String> {
    let (own, name) = (text.to_owned(), text.to_owned());
    let activities = ActivityRegistry::builder()
        .register(text, |_: ActivityContext, input: String| async move { Err::<String, _>(input) })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register(text, move |ctx: OrchestrationContext, _: String| {
            let name = name.clone();
            async move {
                ctx.set_custom_status(name.clone());
                ctx.set_kv_value(name.clone(), name.clone());
                ctx.schedule_wait(name.clone()).await;
                ctx.schedule_activity(name.clone(), name).await
            }
        })
        .build();
    let point = CallSite::new(text, Method::AckWorkItem, 1);
    let plan = Plan::new().at(SOON, Action::upgrade(text, text)).fault(point, FaultAction::LoseReply);
    let node = Node::new(text, activities.clone(), orchestrations.clone());
    let sim = Sim::new(1).node(node.with_build(text, activities, orchestrations));
    let run = sim.plan(plan).try_run(move |sim| async move {
        let client = sim.client_named(&format!("{own}, a client"));
        client.start_orchestration(&own, &own, &own).await?;
        sim.sleep(SOON).await;
        client.raise_event(&own, &own, &own).await?;
        client.wait_for_orchestration(&own, SOON).await?;
        Ok::<_, duroxide_sim::duroxide::ClientError>(sim.history(&own).to_string())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn no_text_of_a_run_shows_more_than_lines_of_letters() {
    let lines = |run: &Run<String>| {
        let texts = [run.value.clone(), run.trace.text(), run.plan.to_string()];
        texts.iter().map(|text| seen(text)).collect::<Result<Vec<usize>, _>>()
    };
    let plain = lines(&everywhere("x")).expect("all of it can be seen");
    check(24, text(), |text| {
        let run = everywhere(&text);
        prop_assert_eq!(&lines(&run)?, &plain, "as many lines as with a plain text: {}", run.trace.text());
        let read = Trace::from_json_lines(&run.trace.json_lines());
        prop_assert_eq!(read.as_ref(), Ok(&run.trace));
        let (page, data) = (run.timeline().html(), serde_json::to_string(&text).unwrap());
        prop_assert!(page.contains(&data.replace('<', "\\u003c")), "the calls of the page are exact");
        Ok(())
    });
}

/// A failure that says `text` wherever it can.
fn failure(text: &str, cause: Cause) -> Failure {
    let owned = || text.to_owned();
    let point = CallSite::new(text, Method::Read, 3);
    let plan = Plan::new()
        .before(point.clone(), Action::crash(text, SOON))
        .after(point, Action::stall(text, SOON))
        .at(SOON, Action::partition(text, SOON))
        .at(SOON, Action::upgrade(text, text));
    let faults =
        [NodeEvent::Started { build: owned(), restarts: 1 }, NodeEvent::Skipped { what: owned(), why: owned() }];
    let marks = faults.map(|what| Mark { at: duroxide_sim::clock::Time(0), before: 0, node: text.into(), what });
    let mut failure = Sim::new(1).try_run(|_| async { Err::<(), _>("to be changed") }).expect_err("it fails");
    failure.cause = cause;
    failure.waits = serde_json::from_value(serde_json::json!([])).unwrap();
    failure.pending = vec![owned()];
    failure.breaches = vec![Breach { law: Law::AckedOnce, entry: None, at: failure.start, what: owned() }];
    failure.unreached = vec![PlanEntry { when: Trigger::At(SOON), what: Action::Start { node: owned() } }];
    failure.sometimes = BTreeMap::from([(owned(), true)]);
    failure.trace.marks = marks.to_vec();
    let mut plan = serde_json::to_value(plan).unwrap();
    plan["inputs"] = serde_json::json!({ text: { "value": 1, "least": 0 } });
    failure.plan = serde_json::from_value(plan).unwrap();
    *failure
}

fn causes(text: &str) -> Vec<Cause> {
    let owned = || text.to_owned();
    vec![
        Cause::Setup(owned()),
        Cause::Error(owned()),
        Cause::Panic(owned()),
        Cause::TaskPanic(vec![TaskPanic { text: owned(), place: owned() }]),
        Cause::Property { name: owned(), what: owned() },
        Cause::Eventually { name: owned(), what: owned(), held: None },
        Cause::Eventually { name: owned(), what: owned(), held: Some(Held { from: SOON, until: SOON }) },
        Cause::AtEnd { name: owned(), what: owned() },
        Cause::NeverAtRest {
            name: owned(),
            busy: vec![
                Busy::Start { node: owned() },
                Busy::Activity { node: owned(), activity: owned(), instance: owned(), since: SOON },
                Busy::Turn { instance: owned(), until: SOON },
                Busy::Message { instance: owned(), message: owned(), due: SOON },
                Busy::Job { instance: owned(), job: owned(), due: SOON, attempts: 1 },
            ],
        },
        Cause::Died(owned()),
        Cause::Laws,
    ]
}

#[test]
fn no_failure_shows_more_than_lines_of_letters_and_none_is_forged() {
    check(48, text(), |text| {
        for (cause, plain) in causes(&text).into_iter().zip(causes("x")) {
            let (ours, plain) = (failure(&text, cause), failure("x", plain));
            let marked = |text: &str| text.lines().filter(|line| !line.starts_with("  | ")).count();
            for (ours, plain) in [
                (ours.to_string(), plain.to_string()),
                (ours.trace.text(), plain.trace.text()),
                (ours.plan.to_string(), plain.plan.to_string()),
            ] {
                seen(&ours)?;
                prop_assert_eq!(marked(&ours), marked(&plain), "no line of ours more: {}", ours);
            }
            let json = serde_json::to_string(&ours).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Failure>(&json).unwrap(), &ours);
        }
        Ok(())
    });
}

#[test]
fn no_text_of_an_exploration_shows_more_than_lines_of_letters() {
    check(48, text(), |text| {
        let owned = || text.clone();
        let mut report = ExplorationReport::default();
        (report.name, report.sometimes) = (owned(), BTreeMap::from([(owned(), 0)]));
        prop_assert_eq!(seen(&report.to_string())?, 1);
        let difference = Difference {
            seed: Seed(1),
            before: vec![owned()],
            one: owned(),
            other: owned(),
            cause: owned(),
            command: "cargo test".to_owned(),
        };
        prop_assert_eq!(seen(&difference.to_string())?, 10);
        let never = Problem::Never { names: vec![owned()], report: Box::new(report) };
        prop_assert_eq!(seen(&never.to_string())?, 4);
        let marked = |text: &str| text.lines().filter(|line| !line.starts_with("  | ")).count();
        prop_assert_eq!(marked(&Problem::Setup(owned()).to_string()), 1);
        prop_assert_eq!(seen(&NodeError::Unknown(owned(), vec![owned()]).to_string())?, 1);
        prop_assert!(seen(&NodeError::Plan(owned()).to_string())? <= 1, "an empty text has no line");
        prop_assert_eq!(seen(&Trace::from_json_lines(&text).expect_err("it is no trace").to_string())?, 1);
        Ok(())
    });
}

#[test]
fn a_file_that_is_no_capsule_cannot_write_into_the_error() {
    let folder = std::env::temp_dir().join(format!("duroxide-sim-hostile-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("a\u{1b}[2J\u{202e}.json");
    std::fs::write(&file, "{\"capsule\": \"\u{1b}[2J\\n\u{202e}\"}").unwrap();
    let error = Capsule::read(&file).expect_err("it is none").to_string();
    assert_eq!(super::unseen(&error), None, "{error:?}");
    assert_eq!(error.lines().count(), 1, "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn letters_of_every_script_stay_as_they_are() {
    for text in ["Ünïcödé", "漢字", "हिन्दी", "עברית", "🚀🦀", "a b"] {
        let run = everywhere(text);
        assert!(
            run.trace.text().contains(&format!("enqueue_for_orchestrator {text} ExternalRaised {text} \"{text}\""))
        );
        assert!(run.value.starts_with(&format!("{text} execution 1")), "{}", run.value);
    }
}
