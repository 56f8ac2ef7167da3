//! Virtual time and entropy: each test names a trap, and fails or hangs where
//! the crate's remedy for it is missing.

mod agree;
mod entropy;
mod real_io;
mod runtimes;
mod setup;
mod threads;
mod times;
mod warp;
mod watchdog;

pub(crate) use warp::alone;
