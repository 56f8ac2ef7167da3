//! Traces and histories as text and as JSON lines.

use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext};
use duroxide_sim::sim::Run;
use duroxide_sim::trace::Trace;
use duroxide_sim::{Node, Sim};

/// An order that is paid after a day and shipped, with a crash in between.
fn order() -> Run<String> {
    let activities = ActivityRegistry::builder()
        .register("Reserve", |_: ActivityContext, item: String| async move { Ok(format!("reserved {item}")) })
        .register("Ship", |_: ActivityContext, item: String| async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Ok(format!("shipped {item}"))
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Order", |ctx: OrchestrationContext, item: String| async move {
            ctx.set_custom_status("waiting for payment");
            ctx.schedule_activity("Reserve", item.clone()).await?;
            let paid = ctx.schedule_wait("paid").await;
            ctx.set_kv_value("paid", paid);
            ctx.schedule_timer(Duration::from_secs(86_400)).await;
            ctx.schedule_activity("Ship", item).await
        })
        .build();
    let sim = Sim::new(1).node(Node::new("a", activities, orchestrations));
    let run = sim.try_run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("order-1", "Order", "a book").await?;
        sim.sleep(Duration::from_secs(60)).await;
        client.raise_event("order-1", "paid", "12 EUR").await?;
        sim.sleep(Duration::from_secs(86_405)).await;
        sim.crash("a").expect("node a runs");
        sim.start("a").await.expect("node a is down");
        client.wait_for_orchestration("order-1", Duration::from_secs(3600)).await?;
        Ok::<_, duroxide_sim::duroxide::ClientError>(sim.history("order-1").to_string())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn history_reads_well() {
    crate::snapshot("order_history", &order().value);
}

#[test]
fn trace_reads_well() {
    crate::snapshot("order_trace", &order().trace.text());
}

/// Names may hold anything, and a trace is still a line for each call.
#[test]
fn control_characters_in_names_are_written_out() {
    let orchestrations = OrchestrationRegistry::builder()
        .register("Nothing", |_: OrchestrationContext, _: String| async move { Ok(String::new()) })
        .build();
    let sim = Sim::new(1).node(Node::new("a", ActivityRegistry::builder().build(), orchestrations));
    let run = sim.try_run(|sim| async move { sim.client().start_orchestration("a\nb\0c", "Nothing", "").await });
    let text = run.unwrap_or_else(|failure| panic!("{failure}")).trace.text();
    assert!(text.contains("enqueue_for_orchestrator a\\nb\\u{0}c StartOrchestration"), "{text}");
    assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text}");
}

#[test]
fn json_lines_come_back_as_the_same_trace() {
    let trace = order().trace;
    let text = trace.json_lines();
    assert_eq!(text.lines().count(), trace.entries.len() + trace.marks.len() + 2);
    assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    assert_eq!(Trace::from_json_lines(&text).as_ref(), Ok(&trace));
}

#[test]
fn a_corrupt_trace_says_which_line_cannot_be_read() {
    let text = order().trace.json_lines();
    let cut: String = text.lines().take(5).map(|line| format!("{line}\n")).collect();
    let message = |text: &str| Trace::from_json_lines(text).expect_err("it is corrupt").to_string();
    assert!(
        message(&cut).starts_with("Line 6 of the trace cannot be read: the text ends before this line."),
        "{}",
        message(&cut)
    );
    assert!(message("").starts_with("Line 1 "), "{}", message(""));
    let newer = text.replacen("\"trace\":2", "\"trace\":3", 1);
    assert!(message(&newer).contains("it has version 3"), "{}", message(&newer));
    let broken = text.replacen("\"asked\"", "\"axed\"", 1);
    assert!(message(&broken).starts_with("Line 2 "), "{}", message(&broken));
}

#[test]
fn traces_of_version_1_without_marks_are_still_read() {
    let trace = Trace { marks: Vec::new(), ..order().trace };
    let text = trace.json_lines();
    let old = text.replacen("\"trace\":2", "\"trace\":1", 1).replacen(",\"marks\":0", "", 1);
    assert_ne!(old, text);
    assert_eq!(Trace::from_json_lines(&old).as_ref(), Ok(&trace));
}

#[test]
fn an_unknown_instance_has_an_empty_history() {
    let text = Sim::new(1).run(|sim| async move { Ok::<_, String>(sim.history("nobody").to_string()) });
    assert_eq!(text, "nobody: no history\n");
}
