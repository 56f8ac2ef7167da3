//! The guide: tutorials, recipes and reference tables.
//!
//! - Testing an orchestration: [`writing_tests`], then [`doubles`], [`faults`] and [`exploring`].
//! - Upgrading orchestrations: [`recorded`].
//! - Hunting a bug: [`bug_reports`], [`timeline`] and [`logs`].
//! - Checking a provider: [duroxide-conformance](https://docs.rs/duroxide-conformance).
//! - Reference: [`cookbook`], [`simulated`], [`environment`], [`troubleshooting`], [`speed`].

#[doc = include_str!("guide/writing_tests.md")]
pub mod writing_tests {}

#[doc = include_str!("guide/doubles.md")]
pub mod doubles {}

#[doc = include_str!("guide/faults.md")]
pub mod faults {}

#[doc = include_str!("guide/exploring.md")]
pub mod exploring {}

#[doc = include_str!("guide/recorded.md")]
pub mod recorded {}

#[doc = include_str!("guide/bug_reports.md")]
pub mod bug_reports {}

#[doc = include_str!("guide/timeline.md")]
pub mod timeline {}

#[doc = include_str!("guide/logs.md")]
pub mod logs {}

#[doc = include_str!("guide/cookbook.md")]
pub mod cookbook {}

#[doc = include_str!("guide/simulated.md")]
pub mod simulated {}

#[doc = include_str!("guide/environment.md")]
pub mod environment {}

#[doc = include_str!("guide/troubleshooting.md")]
pub mod troubleshooting {}

#[doc = include_str!("guide/speed.md")]
pub mod speed {}
