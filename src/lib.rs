//! Deterministic simulation testing for [duroxide](https://docs.rs/duroxide):
//! an in-memory provider on a virtual clock drives the real `Client` and the
//! real `Runtime`, so that a month of workflow with crashes in it runs in
//! milliseconds, the same every time.
//!
//! # Simulate an orchestration
//!
//! ```
//! use std::time::Duration;
//! use duroxide_sim::{Node, Sim};
//! use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
//! use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext};
//!
//! let activities = ActivityRegistry::builder()
//!     .register("Bill", |_: ActivityContext, who: String| async move { Ok(format!("billed {who}")) })
//!     .build();
//! let orchestrations = OrchestrationRegistry::builder()
//!     .register("Trial", |ctx: OrchestrationContext, who: String| async move {
//!         ctx.schedule_timer(Duration::from_secs(30 * 86_400)).await;
//!         ctx.schedule_activity("Bill", who).await
//!     })
//!     .build();
//!
//! Sim::new(42).node(Node::new("a", activities, orchestrations)).run(|sim| async move {
//!     sim.client().start_orchestration("trial-1", "Trial", "Ann").await?;
//!     sim.sleep(Duration::from_secs(15 * 86_400)).await;
//!     sim.crash("a")?;
//!     sim.start("a").await?;
//!     assert_eq!(sim.output::<String>("trial-1", Duration::from_secs(40 * 86_400)).await?, "billed Ann");
//!     Ok::<_, Box<dyn std::error::Error>>(())
//! });
//! ```
//!
//! # Use the provider in an ordinary test
//!
//! [`Memory`] works on real time too, on any tokio runtime, wherever duroxide
//! takes a provider:
//!
//! ```
//! use std::sync::Arc;
//! use duroxide_sim::Memory;
//! use duroxide_sim::duroxide::Client;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let client = Client::new(Arc::new(Memory::new()));
//! client.enqueue_event("order-1", "inbox", "hello").await.unwrap();
//! assert_eq!(client.get_queue_depths().await.unwrap().orchestrator_queue, 1);
//! # });
//! ```
//!
//! The [`guide`] has tutorials, recipes, and what is and is not simulated.
//!
//! # Modules
//!
//! | module | what it owns |
//! |---|---|
//! | [`guide`] | tutorials, a cookbook and reference tables |
//! | [`sim`] | simulations: nodes, limits, outcomes, the handle a test's body has |
//! | [`mod@explore`] | a simulation from thousands of seeds, each in a process of its own |
//! | [`mod@provider`] | [`Memory`], and the two adapters between duroxide's traits and layers |
//! | [`store`] | everything a provider keeps, and one pure function over it |
//! | [`contract`] | which document each of the store's rules follows |
//! | [`faults`] | what a correct provider in a bad world may do, as a layer |
//! | [`trace`] | every provider call with its virtual time; histories as text |
//! | [`logs`] | what the code of a run logs, with its place in the run |
//! | [`laws`] | what must hold in any trace |
//! | [`timeline`] | a run as a self-contained HTML page (feature `timeline`, on by default) |
//! | [`call`] | the vocabulary: calls and replies as plain data |
//! | [`clock`] | virtual time, and how it reaches std; the warp, which holds the wall clock |
//! | [`seed`] | the one source of randomness |
//!
//! # What is not there
//!
//! - No copy and no stub of duroxide: what runs is the published crate.
//! - No clock but `clock`, no randomness but `seed`, no `unsafe` but in
//!   `clock/libc.rs`.
//! - The store does not wait, lock or choose; the layers do not keep state of
//!   the provider's; the laws do not know the store.
//! - Nothing on virtual time waits for another thread.
//!
//! # Errors
//!
//! The text of every error is full sentences. An error that wraps another one returns it from
//! `source()` and leaves its text out, so that a reporter that prints the chain says everything
//! once. An error that holds a whole report, such as [`explore::Problem`], wraps nothing.
//!
//! # Platforms
//!
//! Simulations need Linux with glibc on x86-64 or AArch64. Elsewhere, and
//! without the feature `interpose`, the crate compiles, [`Memory`] works on
//! real time, and [`Sim`] and [`clock::Warp`] say why they cannot run.

#![warn(missing_debug_implementations)]

pub mod call;
pub mod clock;
mod command;
pub mod contract;
mod ddmin;
mod errors;
pub mod explore;
pub mod faults;
// Its tests run as tests/it/readme.
#[allow(clippy::test_attr_in_doctest)]
pub mod guide;
pub mod laws;
pub mod logs;
mod progress;
pub mod provider;
pub mod recorded;
mod run;
pub mod seed;
pub mod sim;
pub mod store;
mod text;
#[cfg(feature = "timeline")]
pub mod timeline;
pub mod trace;
#[doc(hidden)]
pub mod unstable;
mod variants;
mod versions;

pub use duroxide;
/// Makes an `async fn` a test whose body runs in a simulation: on virtual time, from a seed.
///
/// The function takes nothing or a [`Handle`], and returns what a body of [`Sim::run`] may
/// return. `#[duroxide_sim::test(seed = 7)]` sets the seed, which is 1 otherwise;
/// `#[duroxide_sim::test(seeds = 1000)]` explores that many seeds ([`explore()`]). The
/// simulation has no nodes: the body starts runtimes on [`provider()`]. Where nodes, faults or
/// properties are wanted, use [`Sim`] in a plain `#[test]`.
///
/// ```
/// use std::time::Duration;
/// use duroxide_sim::Handle;
///
/// #[duroxide_sim::test(seed = 7)]
/// async fn a_day_passes_at_once(sim: Handle) {
///     tokio::time::sleep(Duration::from_secs(86_400)).await;
///     assert_eq!(sim.elapsed(), Duration::from_secs(86_400));
/// }
/// ```
pub use duroxide_sim_macros::test;
pub use provider::{Memory, MemorySettings};
pub use seed::Seed;
pub use sim::{Failure, Handle, Limits, Node, Sim, fresh_provider, provider};

/// Explores a scenario over many seeds. See [`explore::Explore`].
#[must_use = "exploring does nothing until it is run"]
pub fn explore() -> explore::Explore {
    #[cfg(feature = "timeline")]
    return explore::leaving(Some(timeline::write_page));
    #[cfg(not(feature = "timeline"))]
    explore::leaving(None)
}

/// The README's examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
