//! Checking providers against the contract.

pub mod concurrent;
mod config;
mod contract;
mod differential;
mod finding;
mod generate;
mod mail;
mod minimise;
mod misled;
mod regress;
mod report;
pub mod saboteurs;
mod scratch;
mod server;
mod trials;
mod tricks;
mod waivers;
