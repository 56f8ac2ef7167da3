//! Simulations beside the crates and tools that people test with.
#![allow(missing_docs)]

mod insta;
mod nextest;
mod proptest;
mod rstest;
mod subscriber;
mod week;
