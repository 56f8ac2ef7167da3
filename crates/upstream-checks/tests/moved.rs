//! duroxide's own integration tests, as the build script moved them.

// The code is duroxide's, and so is its style.
#![allow(warnings, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/moved/main.rs"));
