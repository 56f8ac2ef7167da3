//! Checking providers against the contract.
#![allow(missing_docs)]

mod clocks;
mod concurrent;
mod config;
mod contract;
mod differential;
mod finding;
mod generate;
mod mail;
mod minimise;
mod misled;
mod readme;
mod regress;
mod report;
mod saboteurs;
mod scratch;
mod server;
#[path = "../../../../tests/it/shared.rs"]
mod shared;
#[path = "../../../../tests/it/source.rs"]
mod source;
mod tidy;
mod trials;
mod tricks;
mod validations;
mod waivers;

use shared::{check, snapshot, start_item};
