//! Duroxide's stress tests, on threads and in real time.

use std::sync::Arc;

use async_trait::async_trait;
use duroxide::provider_stress_tests::large_payload::{LargePayloadConfig, run_large_payload_test_with_config};
use duroxide::provider_stress_tests::parallel_orchestrations::{
    ProviderStressFactory, run_parallel_orchestrations_test_with_config,
};
use duroxide::provider_stress_tests::{StressTestConfig, StressTestResult};
use duroxide::providers::Provider;
use duroxide_sim::Memory;

struct Factory;

#[async_trait]
impl ProviderStressFactory for Factory {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        Arc::new(Memory::new())
    }
}

fn config() -> StressTestConfig {
    StressTestConfig {
        max_concurrent: 20,
        duration_secs: 1,
        tasks_per_instance: 5,
        activity_delay_ms: 5,
        orch_concurrency: 2,
        worker_concurrency: 4,
        // Less than the 30 s that a dispatcher polls for: a fetch that sleeps
        // through what it waits for fails the test.
        wait_timeout_secs: 20,
    }
}

/// Even a slow machine gets through more than `least` in a second.
fn assert_all_completed(result: &StressTestResult, least: usize) {
    assert_eq!((result.completed, result.failed), (result.launched, 0), "{result:?}");
    assert!(result.launched >= least, "{result:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_orchestrations_all_complete() {
    let result = run_parallel_orchestrations_test_with_config(&Factory, config()).await.expect("the test runs");
    assert_all_completed(&result, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn large_payloads_all_complete() {
    let config = LargePayloadConfig {
        base: StressTestConfig { max_concurrent: 2, ..config() },
        small_payload_kb: 10,
        medium_payload_kb: 20,
        large_payload_kb: 50,
        activity_count: 10,
        sub_orch_count: 3,
    };
    let result = run_large_payload_test_with_config(&Factory, config).await.expect("the test runs");
    assert_all_completed(&result, 2);
}
