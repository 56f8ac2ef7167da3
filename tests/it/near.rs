//! The tests nearest to the store, the laws, the faults, the clock and the
//! waits of fetches, in a binary of their own: small enough to be built and run
//! for every mutant (see CONTRIBUTING.md).
#![allow(missing_docs)]

mod backoff;
mod clock;
mod delete;
mod faults;
mod filters;
mod laws;
mod memory;
mod official;
mod output;
mod prune;
mod scopes;
mod shared;
mod store;
mod trace;

use shared::{check, snapshot, start_item};
