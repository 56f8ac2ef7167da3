//! Checking providers against the contract.

mod concurrent;
