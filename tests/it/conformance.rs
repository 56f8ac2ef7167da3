//! Checking providers against the contract.

mod config;
mod contract;
mod differential;
mod finding;
mod generate;
mod minimise;
mod regress;
mod report;
mod saboteurs;
mod scratch;
mod tricks;
mod trials;
mod waivers;
