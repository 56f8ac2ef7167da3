//! Checking providers against the contract.

mod contract;
mod generate;
mod saboteurs;
