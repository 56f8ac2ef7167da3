//! My provider against the whole contract.

use std::sync::Arc;

use duroxide_conformance::Suite;
use duroxide_sim::duroxide::{provider_validations::ProviderFactory, providers::Provider};

struct MyFactory;

#[async_trait::async_trait]
impl ProviderFactory for MyFactory {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        Arc::new(duroxide_sim::Memory::new())
    }
}

#[tokio::test]
async fn provider_keeps_the_contract() {
    Suite::new(MyFactory).check().await.assert_clean();
}
