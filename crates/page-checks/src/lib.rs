//! A real headless Chromium to look at duroxide-sim's pages with, through
//! WebDriver.
//!
//! Chromium and its driver are Debian's packages `chromium` and
//! `chromium-driver`; `.ci/run` installs them where they are missing. Nothing
//! here is published.

mod browser;
pub mod runs;

pub use browser::{Browser, Theme};
