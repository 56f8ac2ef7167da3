//! What the client makes of errors, its own and the provider's.

use std::collections::BTreeMap;
use std::sync::Arc;

use duroxide::providers::ProviderError;
use duroxide::{Client, ClientError, InstanceFilter, PruneOptions};
use duroxide_sim::Memory;
use duroxide_sim::call::{Answering, Call, Class, Handler, Refusal, Reply};
use duroxide_sim::provider::{Port, Under};

use super::{HOUR, SECOND, sim};

/// A provider that refuses everything.
struct Refusing(Refusal);

impl Handler for Refusing {
    fn handle(&self, _: Arc<Call>) -> Answering<'_> {
        Answering::ready(Reply::Refused(self.0.clone()))
    }

    fn describe(&self) -> String {
        "refusing".to_owned()
    }

    fn has_admin(&self) -> bool {
        true
    }
}

/// A provider without the management methods.
struct Unmanaged(Under);

impl Handler for Unmanaged {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        self.0.handle(call)
    }

    fn describe(&self) -> String {
        "unmanaged".to_owned()
    }

    fn has_admin(&self) -> bool {
        false
    }
}

/// The outcomes of every management method that can fail, as errors.
async fn manage(client: &Client) -> Vec<(&'static str, Option<ClientError>)> {
    let (filter, options) = (InstanceFilter::default(), PruneOptions::default());
    vec![
        ("list_all_instances", client.list_all_instances().await.err()),
        ("list_instances_by_status", client.list_instances_by_status("Running").await.err()),
        ("get_instance_info", client.get_instance_info("i").await.err()),
        ("get_execution_info", client.get_execution_info("i", 1).await.err()),
        ("list_executions", client.list_executions("i").await.err()),
        ("read_execution_history", client.read_execution_history("i", 1).await.err()),
        ("get_system_metrics", client.get_system_metrics().await.err()),
        ("get_queue_depths", client.get_queue_depths().await.err()),
        ("get_instance_tree", client.get_instance_tree("i").await.err()),
        ("delete_instance", client.delete_instance("i", true).await.err()),
        ("delete_instance_bulk", client.delete_instance_bulk(filter.clone()).await.err()),
        ("prune_executions", client.prune_executions("i", options.clone()).await.err()),
        ("prune_executions_bulk", client.prune_executions_bulk(filter, options).await.err()),
    ]
}

/// The outcomes of every other method that can fail, as errors.
#[allow(deprecated)] // raise_event_persistent is, and still works.
async fn work(client: &Client) -> Vec<(&'static str, Option<ClientError>)> {
    vec![
        ("start", client.start_orchestration("i", "o", "").await.err()),
        ("start versioned", client.start_orchestration_versioned("i", "o", "1.0.0", "").await.err()),
        ("start typed", client.start_orchestration_typed("i", "o", 1).await.err()),
        ("start versioned typed", client.start_orchestration_versioned_typed("i", "o", "1.0.0", 1).await.err()),
        ("raise", client.raise_event("i", "e", "").await.err()),
        ("raise typed", client.raise_event_typed("i", "e", &1).await.err()),
        ("raise persistent", client.raise_event_persistent("i", "e", "").await.err()),
        ("enqueue", client.enqueue_event("i", "q", "").await.err()),
        ("enqueue typed", client.enqueue_event_typed("i", "q", &1).await.err()),
        ("cancel", client.cancel_instance("i", "r").await.err()),
        ("status", client.get_orchestration_status("i").await.err()),
        ("wait", client.wait_for_orchestration("i", HOUR).await.err()),
        ("wait typed", client.wait_for_orchestration_typed::<u8>("i", HOUR).await.err()),
        ("wait for a change", client.wait_for_status_change("i", 0, SECOND, HOUR).await.err()),
        ("value", client.get_kv_value("i", "k").await.err()),
        ("value typed", client.get_kv_value_typed::<u8>("i", "k").await.err()),
        ("values", client.get_kv_all_values("i").await.err()),
        ("wait for a value", client.wait_for_kv_value("i", "k", HOUR).await.err()),
        ("wait for a value typed", client.wait_for_kv_value_typed::<u8>("i", "k", HOUR).await.err()),
        ("stats", client.get_orchestration_stats("i").await.err()),
    ]
}

#[test]
fn errors_of_the_provider_come_through_whole() {
    sim().run(|sim| async move {
        for retryable in [false, true] {
            let refusal = Refusal { retryable, ..Refusal::permanent(Class::Other, "disk", "It is full.") };
            let client = Client::new(Arc::new(Port::over(Refusing(refusal))));
            for (method, error) in work(&client).await.into_iter().chain(manage(&client).await) {
                let Some(ClientError::Provider(error)) = error else { panic!("{method}: {error:?}") };
                let parts = (error.operation.as_str(), error.message.as_str(), error.retryable);
                assert_eq!(parts, ("disk", "It is full.", retryable), "{method}");
                assert_eq!(ClientError::Provider(error).is_retryable(), retryable);
            }
        }
        assert!(sim.elapsed().is_zero(), "an error ends every wait");
    });
}

#[test]
fn without_management_only_the_management_methods_fail() {
    sim().run(|_| async move {
        let memory = Arc::new(Memory::new());
        let client = Client::new(Arc::new(Port::over(Unmanaged(Under::new(memory)))));
        assert!(!client.has_management_capability());
        for (method, error) in manage(&client).await {
            assert!(matches!(error, Some(ClientError::ManagementNotAvailable)), "{method}: {error:?}");
        }
        for (method, error) in work(&client).await {
            // The waits find nothing; nothing else has a reason to fail.
            let in_vain = method.starts_with("wait");
            assert_eq!(matches!(error, Some(ClientError::Timeout)), in_vain, "{method}: {error:?}");
            assert_eq!(error.is_some(), in_vain, "{method}: {error:?}");
        }
    });
}

#[test]
fn input_that_is_not_json_is_refused() {
    sim().run(|sim| async move {
        let client = sim.client();
        let no_json = BTreeMap::from([((1, 2), 3)]);
        let errors = [
            client.start_orchestration_typed("i", "Echo", &no_json).await,
            client.start_orchestration_versioned_typed("i", "Echo", "1.0.0", &no_json).await,
        ];
        for error in errors {
            assert!(matches!(&error, Err(ClientError::InvalidInput { message }) if message.starts_with("encode")));
        }
    });
}

#[test]
fn a_history_that_cannot_be_read_is_an_error_and_not_a_status() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("sum", "Echo", "x").await.unwrap();
        client.wait_for_orchestration("sum", HOUR).await.unwrap();
        assert!(sim.memory().corrupt_history("sum"));
        for error in [
            client.get_orchestration_status("sum").await.err(),
            client.wait_for_orchestration("sum", HOUR).await.err(),
            client.read_execution_history("sum", 1).await.err(),
        ] {
            assert!(matches!(&error, Some(ClientError::Provider(error)) if !error.retryable), "{error:?}");
        }
    });
}

#[test]
fn looking_for_what_is_not_there_is_an_error_of_the_provider() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("sum", "Echo", "x").await.unwrap();
        client.wait_for_orchestration("sum", HOUR).await.unwrap();
        for error in [
            client.get_instance_info("none").await.err(),
            client.get_execution_info("none", 1).await.err(),
            client.get_execution_info("sum", 2).await.err(),
        ] {
            assert!(matches!(&error, Some(ClientError::Provider(error)) if !error.retryable), "{error:?}");
        }
    });
}

#[test]
fn only_timeouts_and_some_errors_of_the_provider_are_worth_another_try() {
    let instance_id = || "i".to_owned();
    let errors = [
        (ClientError::Timeout, true),
        (ClientError::Provider(ProviderError::retryable("o", "m")), true),
        (ClientError::Provider(ProviderError::permanent("o", "m")), false),
        (ClientError::ManagementNotAvailable, false),
        (ClientError::InvalidInput { message: "m".to_owned() }, false),
        (ClientError::InstanceStillRunning { instance_id: instance_id() }, false),
        (ClientError::CannotDeleteSubOrchestration { instance_id: instance_id() }, false),
        (ClientError::InstanceNotFound { instance_id: instance_id() }, false),
    ];
    for (error, expected) in errors {
        assert_eq!(error.is_retryable(), expected, "{error}");
    }
}
