//! Events that clients send: positional ones (`raise_event`, `schedule_wait`)
//! and queued ones (`enqueue_event`, `dequeue_event`).
//!
//! Generated scripts of client operations meet generated programs, which one
//! orchestration function interprets. What must come out of it is worked out by
//! a model (`model.rs`) from duroxide's documents.

mod carry;
mod claims;
mod model;
mod outage;
mod pictures;
mod program;
mod scripts;
mod ties;
