//! What the checks ask of a provider's storage beyond duroxide's
//! `ProviderFactory`: where it is, and a second provider over it.
//!
//! It does not know any provider.

use std::sync::Arc;

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;

/// A factory that knows the storage under each provider it made.
///
/// `corrupt_instance_history` and `get_max_attempt_count` name no provider:
/// they mean the storage of the provider made last. Where trials run beside
/// each other, each takes a factory of its own.
#[async_trait]
pub trait Storage: ProviderFactory {
    /// The provider's name in reports.
    fn name(&self) -> &'static str;

    /// Whether another process can open the storage, also after this one died.
    fn outlives_the_process(&self) -> bool;

    /// Where the storage of this provider is: what [`Storage::open`] takes.
    /// `None` for a provider of another factory.
    fn address(&self, provider: &Arc<dyn Provider>) -> Option<String>;

    /// Another provider over the storage at this address.
    ///
    /// # Errors
    ///
    /// When there is no such storage or it cannot be opened.
    async fn open(&self, address: &str) -> Result<Arc<dyn Provider>, String>;

    /// Another provider over the storage of this one.
    ///
    /// # Errors
    ///
    /// When the provider is not of this factory, or its storage cannot be
    /// opened a second time.
    async fn reopen(&self, provider: &Arc<dyn Provider>) -> Result<Arc<dyn Provider>, String> {
        let address = self.address(provider).ok_or_else(|| {
            format!("{}: this provider was made by another factory; reopen it with that one", self.name())
        })?;
        self.open(&address).await
    }
}
