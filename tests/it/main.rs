//! The tests of simulations and of the provider.
#![allow(missing_docs)]

mod attribute;
mod backoff;
mod client;
mod clock;
mod commands;
mod delete;
mod determinism;
mod doubles;
mod errors;
mod events;
mod explore;
mod faults;
mod filters;
mod hostile;
mod in_hand;
mod laws;
mod logs;
mod memory;
mod no_progress;
mod nondeterminism;
mod output;
mod panics;
mod prune;
mod readme;
mod recorded;
mod rest;
mod scopes;
mod scratch;
mod scripted;
mod seed;
mod shared;
mod sim;
mod source;
mod stable;
mod store;
mod tidy;
mod timeline;
mod trace;
mod until;
mod waits;
mod workflows;

use shared::{check, snapshot, start_item};
