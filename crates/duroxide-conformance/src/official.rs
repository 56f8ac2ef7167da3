//! [`Validation`]: duroxide's own validations, to be run on any storage.
//!
//! This module lists the validations and calls them. `trials` decides about the
//! clock and the meaning of a failure.

#[macro_use]
mod list;

use std::pin::Pin;
use std::time::Duration;

use duroxide::provider_validations::ProviderFactory;
use duroxide_sim::clock;

use super::trial_storage::TrialStorage;

/// The versions with which duroxide's tests mark old events: the last one
/// before queue messages raced with timers in a new way, and the first with
/// that behaviour.
const STAMPS: [&str; 2] = ["0.1.30", "0.1.31"];

/// A running validation.
type Running<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// The providers that a validation applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    Everybody,
    /// Providers whose fetches return immediately.
    ShortPolls,
    /// Providers that support long polls.
    LongPolls,
}

/// One of duroxide's validations. It panics if the provider fails it.
pub(crate) struct Validation {
    /// The name of its trial: `official::module::name`.
    pub trial: &'static str,
    pub whose: For,
    pub run: for<'a> fn(&'a TrialStorage) -> Running<'a>,
}

macro_rules! validation {
    ($function:path) => {
        (For::Everybody, |trial_storage| Box::pin(async move { $function(trial_storage).await }))
    };
    ($function:path, provider) => {
        (For::Everybody, |trial_storage| Box::pin(async move { $function(&*trial_storage.provider().await).await }))
    };
    ($function:path, long_polls) => {
        (For::LongPolls, |trial_storage| Box::pin(async move { $function(&*trial_storage.provider().await).await }))
    };
    ($function:path, short_polls) => {
        (For::ShortPolls, |trial_storage| {
            Box::pin(
                async move { $function(&*trial_storage.provider().await, trial_storage.short_poll_threshold()).await },
            )
        })
    };
    ($function:path, stamps) => {
        (For::Everybody, |trial_storage| {
            Box::pin(async move {
                for stamp in STAMPS {
                    $function(trial_storage, stamp).await;
                }
            })
        })
    };
}

macro_rules! table {
    ($($module:ident { $($name:ident $(with $how:ident)?;)* })*) => {
        /// Every validation, in the order of duroxide's source.
        const ALL: &[Validation] = &[$($({
            const PARTS: (For, for<'a> fn(&'a TrialStorage) -> Running<'a>) =
                validation!(duroxide::provider_validation::$module::$name $(, $how)?);
            let trial = concat!("official::", stringify!($module), "::", stringify!($name));
            Validation { trial, whose: PARTS.0, run: PARTS.1 }
        }),*),*];
    };
}

official_validations!(table);

impl Validation {
    pub fn all() -> &'static [Validation] {
        ALL
    }

    /// The validation with this name: `module::name`.
    pub fn find(name: &str) -> Option<&'static Validation> {
        ALL.iter().find(|validation| validation.trial.strip_prefix("official::") == Some(name))
    }
}

/// Whether fetches of this storage wait if they find nothing.
pub(crate) async fn polls_long(trial_storage: &TrialStorage) -> bool {
    const POLL: Duration = Duration::from_millis(400);
    let provider = trial_storage.provider().await;
    let began = clock::now();
    let fetched = provider.fetch_orchestration_item(trial_storage.lock_timeout(), POLL, None).await;
    let took = clock::now() - began;
    trial_storage.give_back(provider).await;
    matches!(fetched, Ok(None)) && took >= POLL
}
