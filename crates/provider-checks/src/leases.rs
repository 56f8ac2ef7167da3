//! Providers lent out and taken back: storage is slow to make and quick to
//! empty, so a storage, its provider and its open connections are used again
//! as soon as nobody holds the provider any more.
//!
//! It does not know what a storage is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use duroxide::providers::Provider;
use parking_lot::Mutex;
use tokio::runtime::{Handle, Id};

/// After so many uses a storage is emptied thoroughly, or what was deleted
/// slows it down.
const USES_BETWEEN_THOROUGH: u32 = 50;

/// How long storage that is given back may stay busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// History that no version of duroxide can read. It is JSON, as all that these
/// providers write is.
pub(crate) const UNREADABLE: &str = r#"{"no": "event"}"#;

/// Whether a pool of so many connections rests, of which `busy` always work. The
/// number of idle ones may have wrapped for a moment: a pool counts one down
/// before it counts it up.
pub(crate) fn rests(idle: usize, busy: usize, size: u32) -> bool {
    let size = size as usize;
    idle <= size && idle + busy >= size
}

/// Where storages come from.
#[async_trait]
pub(crate) trait Shelf: Send + Sync {
    type Provider: Provider + 'static;

    /// Sets up a new storage: its address, and the first provider over it.
    async fn make(&self) -> Result<(String, Self::Provider), String>;

    /// Another provider over a storage that is there already.
    async fn open(&self, address: &str) -> Result<Self::Provider, String>;

    /// Whether no call is under way: one whose future was dropped may go on.
    fn is_idle(&self, provider: &Self::Provider) -> bool;

    /// Waits until nothing is under way that no provider here knows of.
    async fn settle(&self, _address: &str) {}

    /// Deletes what is in a storage, where its providers are idle. Says whether
    /// the storage was still there.
    async fn empty(&self, address: &str, provider: &Self::Provider, thorough: bool) -> Result<bool, String>;
}

/// One storage and the providers over it. The first was there first.
struct Lease<P> {
    address: String,
    /// A provider's connections and tasks die with the runtime it was made in.
    runtime: Id,
    providers: Vec<Arc<P>>,
    uses: u32,
}

impl<P> Lease<P> {
    fn is_free(&self) -> bool {
        self.providers.iter().all(|provider| Arc::strong_count(provider) == 1)
    }

    fn holds(&self, provider: &Arc<dyn Provider>) -> bool {
        self.providers.iter().any(|own| std::ptr::addr_eq(Arc::as_ptr(own), Arc::as_ptr(provider)))
    }
}

/// The storages of one factory.
pub(crate) struct Leases<S: Shelf> {
    /// Oldest use first.
    leases: Mutex<Vec<Lease<S::Provider>>>,
    /// After the providers, which it outlives.
    pub(crate) shelf: S,
}

impl<S: Shelf> Leases<S> {
    pub(crate) fn new(shelf: S) -> Self {
        Self { leases: Mutex::default(), shelf }
    }

    /// A provider over an empty storage.
    pub(crate) async fn lend(&self) -> Result<Arc<S::Provider>, String> {
        let free = {
            let mut leases = self.leases.lock();
            leases.iter().position(Lease::is_free).map(|at| leases.remove(at))
        };
        let cleaned = match free {
            // What belonged to a runtime that is gone cannot end, nor go on.
            Some(lease) if lease.runtime != Handle::current().id() || self.comes_to_rest(&lease.providers).await => {
                self.clean(lease).await?
            }
            _ => None,
        };
        let lease = match cleaned {
            Some(lease) => lease,
            None => {
                let (address, provider) = self.shelf.make().await?;
                Lease { address, runtime: Handle::current().id(), providers: vec![Arc::new(provider)], uses: 1 }
            }
        };
        let provider = lease.providers[0].clone();
        self.leases.lock().push(lease);
        Ok(provider)
    }

    /// The storage emptied; `None` if it has gone.
    async fn clean(&self, mut lease: Lease<S::Provider>) -> Result<Option<Lease<S::Provider>>, String> {
        if lease.runtime != Handle::current().id() {
            lease.providers = vec![Arc::new(self.shelf.open(&lease.address).await?)];
            lease.runtime = Handle::current().id();
        }
        lease.providers.truncate(1);
        lease.uses += 1;
        let thorough = lease.uses.is_multiple_of(USES_BETWEEN_THOROUGH);
        let there = self.shelf.empty(&lease.address, &lease.providers[0], thorough).await?;
        Ok(there.then_some(lease))
    }

    /// Whether these come to rest. If not, their storage is not lent again.
    async fn comes_to_rest(&self, providers: &[Arc<S::Provider>]) -> bool {
        let since = Instant::now();
        while !providers.iter().all(|one| self.shelf.is_idle(one)) {
            if since.elapsed() > PATIENCE {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        true
    }

    /// Waits until nothing is under way behind a provider that was lent here.
    pub(crate) async fn settle(&self, provider: &Arc<dyn Provider>) {
        let found = {
            let leases = self.leases.lock();
            let lease = leases.iter().find(|lease| lease.holds(provider));
            lease.map(|lease| (lease.address.clone(), lease.providers.clone()))
        };
        let Some((address, providers)) = found else { return };
        self.comes_to_rest(&providers).await;
        self.shelf.settle(&address).await;
    }

    /// Another provider over a storage of this or another process.
    pub(crate) async fn open(&self, address: &str) -> Result<Arc<S::Provider>, String> {
        let provider = Arc::new(self.shelf.open(address).await?);
        if let Some(lease) = self.leases.lock().iter_mut().find(|lease| lease.address == address) {
            lease.providers.push(provider.clone());
        }
        Ok(provider)
    }

    pub(crate) fn has(&self, address: &str) -> bool {
        self.leases.lock().iter().any(|lease| lease.address == address)
    }

    pub(crate) fn address(&self, provider: &Arc<dyn Provider>) -> Option<String> {
        let leases = self.leases.lock();
        leases.iter().find(|lease| lease.holds(provider)).map(|lease| lease.address.clone())
    }

    /// The storage lent last.
    ///
    /// # Panics
    ///
    /// When none was lent: then there is nothing to ask about.
    pub(crate) fn newest(&self) -> (String, Arc<S::Provider>) {
        let leases = self.leases.lock();
        let lease = leases.last().expect("a provider was made before its storage is asked about");
        (lease.address.clone(), lease.providers[0].clone())
    }
}
