//! duroxide's feature `replay-version-test` adds a message and two events that
//! duroxide-sim does not know by name. They are kept, delivered, judged and told
//! like any other.

use std::time::Duration;

use duroxide::providers::{Provider, WorkItem};
use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::{ClientError, OrchestrationContext};
use duroxide_sim::call::{instance_of, kind_of, named_instance};
use duroxide_sim::sim::Run;
use duroxide_sim::trace::Trace;
use duroxide_sim::{Memory, Node, Sim, laws};

fn raised() -> WorkItem {
    let (instance, name) = ("signal-1".to_owned(), "paid".to_owned());
    WorkItem::ExternalRaised2 { instance, name, topic: "EUR".to_owned(), data: "12".to_owned() }
}

fn signalled() -> Run<String> {
    let orchestrations = OrchestrationRegistry::builder()
        .register("Signal", |ctx: OrchestrationContext, _: String| async move {
            Ok(ctx.schedule_wait2("paid", "EUR").await)
        })
        .build();
    let sim = Sim::new(1).node(Node::new("a", ActivityRegistry::builder().build(), orchestrations));
    let run = sim.try_run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("signal-1", "Signal", "").await?;
        sim.sleep(Duration::from_secs(5)).await;
        client.raise_event2("signal-1", "paid", "EUR", "12").await?;
        client.wait_for_orchestration("signal-1", Duration::from_secs(60)).await?;
        Ok::<_, ClientError>(sim.history("signal-1").to_string())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn a_message_of_an_unknown_kind_reaches_its_instance() {
    let run = signalled();
    assert!(run.value.contains("signal-1 execution 1: Completed \"12\""), "{}", run.value);
    assert!(run.value.contains("ExternalEvent2") && run.value.contains("EUR"), "{}", run.value);
    let text = run.trace.text();
    let sent = "enqueue_for_orchestrator signal-1 ExternalRaised2 ";
    assert!(text.contains(sent) && text.contains("\"topic\":\"EUR\""), "{text}");
    assert_eq!(laws::check(&run.trace), []);
    assert!(run.timeline().html().contains("ExternalRaised2"));
    assert_eq!(Trace::from_json_lines(&run.trace.json_lines()), Ok(run.trace));
}

#[test]
fn an_item_of_an_unknown_kind_is_read_as_its_json() {
    let item = raised();
    assert_eq!(kind_of(&item), "ExternalRaised2");
    assert_eq!(instance_of(&item), "signal-1");
    assert_eq!(named_instance(&item).as_deref(), Some("signal-1"));
}

/// What a provider that loses it would do.
#[tokio::test]
async fn a_message_of_an_unknown_kind_is_counted_and_fetched() {
    let memory = duroxide_sim::provider::Port::over(Memory::new());
    let start = WorkItem::StartOrchestration {
        instance: "signal-1".to_owned(),
        orchestration: "Signal".to_owned(),
        input: String::new(),
        version: None,
        parent_instance: None,
        parent_id: None,
        parent_execution_id: None,
        execution_id: 1,
    };
    for item in [start.clone(), raised()] {
        memory.enqueue_for_orchestrator(item, None).await.expect("it is for an instance");
    }
    let fetched = memory.fetch_orchestration_item(Duration::from_secs(5), Duration::ZERO, None).await;
    let (turn, ..) = fetched.expect("it can be fetched").expect("there is a turn");
    assert_eq!(turn.messages, [start, raised()]);
    let refused = memory.enqueue_for_worker(raised()).await.expect_err("it is no job");
    assert!(refused.message.contains("ExternalRaised2") && !refused.is_retryable(), "{refused}");
}
