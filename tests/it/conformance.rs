//! Checking providers against the contract.

mod config;
mod contract;
mod differential;
mod generate;
mod report;
mod saboteurs;
mod scratch;
mod trials;
mod waivers;
