//! Checking providers against the contract.

mod contract;
mod saboteurs;
