//! Checking providers against the contract.

mod config;
mod contract;
mod generate;
mod differential;
mod report;
mod saboteurs;
mod scratch;
mod trials;
mod waivers;
