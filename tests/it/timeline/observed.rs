//! What a page shows of a run besides its calls, and the moment of a failure's cause.

use std::time::Duration;

use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::{ActivityContext, OrchestrationContext};
use duroxide_sim::explore::Capsule;
use duroxide_sim::sim::{ClientCall, Double, Failure, Run};
use duroxide_sim::{Handle, Node, Sim};
use serde_json::Value;

use super::{DAY, index, list, picture};

/// "Mail" waits for its go and sends, with an effect and some lines.
fn post(sim: Sim) -> Sim {
    let sent = sim.effects();
    let activities = ActivityRegistry::builder()
        .register("Send", move |ctx: ActivityContext, to: String| {
            let sent = sent.clone();
            async move {
                ctx.trace_info("begins");
                ctx.trace_error("it is heavy");
                tokio::time::sleep(Duration::from_secs(5)).await;
                sent.add(format!("a letter to {to}"));
                if to == "nobody" { Err("unknown".to_owned()) } else { Ok("posted".to_owned()) }
            }
        })
        .register("Weigh", |_: ActivityContext, _: String| async { Ok("1 g".to_owned()) })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Mail", |ctx: OrchestrationContext, to: String| async move {
            ctx.schedule_activity("Weigh", to.clone()).await?;
            ctx.schedule_wait("go").await;
            ctx.schedule_activity("Send", to).await
        })
        .build();
    sim.node(Node::new("a", activities, orchestrations)).double("Weigh", Double::returns("2 g"))
}

async fn mail(sim: Handle, to: &'static str) -> Result<String, Box<dyn std::error::Error>> {
    sim.at(Duration::from_secs(60), ClientCall::raise_event("mail-1", "go", "now"))?;
    sim.input("letters", 3..=3);
    sim.client().start_orchestration("mail-1", "Mail", to).await?;
    tracing::info!("waits for the letter");
    sim.sleep(DAY).await;
    Ok(sim.output("mail-1", DAY).await?)
}

fn sent() -> Run<String> {
    post(Sim::new(1)).try_run(|sim| mail(sim, "Ann")).unwrap_or_else(|failure| panic!("{failure}"))
}

fn lost() -> Box<Failure> {
    post(Sim::new(1)).try_run(|sim| mail(sim, "nobody")).expect_err("nobody gets it")
}

fn items<'a>(picture: &'a Value, kind: &str) -> Vec<&'a Value> {
    list(&picture["items"]).iter().filter(|item| item["kind"] == kind).collect()
}

fn time(picture: &Value, moment: &Value) -> u64 {
    picture["moments"][index(moment)].as_u64().expect("a time is a number")
}

#[test]
fn log_lines_are_marks_at_their_time_in_the_lane_of_their_instance() {
    let picture = picture(&sent().timeline().html());
    let lines = items(&picture, "log");
    let [body, activity] = lines[..] else { panic!("the lines of one moment are one mark: {lines:?}") };
    assert_eq!((body["label"].as_str(), time(&picture, &body["from"])), (Some("waits for the letter"), 0));
    assert_eq!(picture["lanes"][index(&body["lane"])]["name"], "client");
    assert_eq!((activity["label"].as_str(), activity["state"].as_str()), (Some("begins and 1 more"), Some("failed")));
    assert_eq!(time(&picture, &activity["from"]), 60_000);
    assert_eq!(picture["lanes"][index(&activity["lane"])]["name"], "mail-1");
    let note = activity["note"].as_str().expect("it has a note");
    assert_eq!(
        note, "+1:00.000 INFO  on a mail-1 Send: begins\n+1:00.000 ERROR on a mail-1 Send: it is heavy",
        "a mark lists its lines"
    );
}

#[test]
fn effects_are_marks_too() {
    let picture = picture(&sent().timeline().html());
    let effects = items(&picture, "effect");
    let [letter] = effects[..] else { panic!("there is one effect: {effects:?}") };
    assert_eq!((letter["label"].as_str(), time(&picture, &letter["from"])), (Some("a letter to Ann"), 65_000));
    assert_eq!(letter["note"], "The effect \"a letter to Ann\" by activity Send.");
}

#[test]
fn activities_say_their_input_their_result_and_whether_a_double_answered() {
    let notes = |page: &str| {
        let picture = picture(page);
        items(&picture, "activity").iter().map(|item| item["note"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let good: Vec<String> = notes(&sent().timeline().html());
    assert_eq!(
        good,
        ["Input: \"Ann\". A double answered. It returned \"2 g\".", "Input: \"Ann\". It returned \"posted\"."]
    );
    let bad: Vec<String> = notes(&lost().timeline().html());
    assert!(bad[1].starts_with("Input: \"nobody\". It failed: unknown"), "{bad:?}");
}

#[test]
fn inputs_client_calls_and_doubles_are_listed() {
    let picture = picture(&sent().timeline().html());
    let given = serde_json::json!([
        { "title": "Inputs", "lines": ["letters: 3"] },
        { "title": "Client calls of the plan", "lines": ["at +1:00.000: a client raises the event \"go\" for mail-1 with \"now\""] },
        { "title": "Activities answered by doubles", "lines": ["Weigh: 1 call"] },
    ]);
    assert_eq!(picture["runs"][0]["given"], given);
}

#[test]
fn the_moment_of_a_failure_is_that_of_its_cause() {
    let failure = lost();
    let picture = picture(&failure.timeline().html());
    let shown = &picture["runs"][0]["failure"];
    assert_eq!(time(&picture, &shown["cause"]["at"]), 65_000, "the orchestration fails");
    assert_eq!(shown["cause"]["why"], "The orchestration of mail-1 failed.");
    assert_eq!(time(&picture, &shown["at"]), 86_400_000, "the body notices a day later");
}

#[test]
fn a_stall_is_shown_where_it_begins() {
    let stalled = post(Sim::new(1)).try_run(|sim| async move {
        sim.client().start_orchestration("mail-1", "Mail", "Ann").await.map_err(|error| error.to_string())?;
        sim.finished::<String>("mail-1").await.map_err(|error| error.to_string())
    });
    let picture = picture(&stalled.expect_err("nobody says go").timeline().html());
    let shown = &picture["runs"][0]["failure"];
    let begins = shown["cause"].as_object().map_or(&shown["at"], |cause| &cause["at"]);
    assert_eq!(time(&picture, begins), 0, "{shown}");
}

#[test]
fn the_page_of_a_capsule_shows_the_same() {
    let failure = lost();
    let text = serde_json::to_string(&failure.observed).expect("it is plain data");
    assert_eq!(serde_json::from_str::<duroxide_sim::sim::Observed>(&text).expect("it is the same"), failure.observed);
    let found = duroxide_sim::explore().seeds(1).workers(1).try_run(post, |sim| mail(sim, "nobody"));
    let Err(problem) = found else { panic!("nobody gets it") };
    let duroxide_sim::explore::Problem::Failed(finding) = *problem else { panic!("{problem}") };
    let capsule = Capsule::read(finding.capsule.as_ref().expect("there is a capsule")).expect("it can be read");
    let (one, other) = (picture(&capsule.timeline().html()), picture(&finding.failure.timeline().html()));
    assert_eq!(items(&one, "log"), items(&other, "log"));
    assert!(items(&one, "log").len() > 1);
    assert_eq!(one["runs"][0]["given"], other["runs"][0]["given"]);
    let log = finding.log.as_ref().expect("it leaves its log");
    assert_eq!(std::fs::read_to_string(log).expect("it can be read"), finding.failure.log().to_string());
    assert!(problem_says(&finding, log), "{finding}");
}

fn problem_says(finding: &duroxide_sim::explore::Finding, log: &std::path::Path) -> bool {
    finding.to_string().contains(&format!("\nRead what it logged:\n  {}\n", log.display()))
}
