//! Deterministic simulation testing for duroxide.

pub mod call;
pub mod clock;
pub mod laws;
pub mod provider;
pub mod seed;
pub mod sim;
pub mod store;
pub mod trace;
pub mod contract {
    //! stub
}

pub use duroxide;
pub use provider::Memory;
pub use seed::Seed;
pub use sim::Sim;
