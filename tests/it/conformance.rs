//! Checking providers against the contract.

mod config;
mod contract;
mod generate;
mod differential;
mod report;
mod saboteurs;
mod trials;
mod waivers;
