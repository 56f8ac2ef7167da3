//! Orchestration code that awaits what duroxide does not drive.

use super::*;

#[track_caller]
fn is_unseen(orchestration: &'static str, input: &'static str) {
    let failure = fails(sim(), orchestration, input);
    assert!(matches!(failure.cause, Cause::Stalled { .. }), "{failure}");
    assert_eq!(waits_of(&failure, "i-1"), [Wait::Unseen]);
    let text = failure.to_string();
    for named in ["tokio::time::sleep", "ctx.schedule_timer", "a channel", "futures::join_all", "ctx.join"] {
        assert!(text.contains(named), "{text}");
    }
}

#[test]
fn a_sleep_of_tokio_is_told_as_something_that_duroxide_does_not_drive() {
    is_unseen("Sleeps", "");
}

#[test]
fn a_channel_is_told_as_something_that_duroxide_does_not_drive() {
    is_unseen("Channel", "");
}

#[test]
fn join_all_over_many_futures_is_told_as_something_that_duroxide_does_not_drive() {
    is_unseen("JoinAll", "40");
    sim().run(|sim| one(sim, "JoinAll", "30"));
}

/// What the text recommends works.
#[test]
fn the_join_of_duroxide_goes_over_many_futures() {
    let status = sim().run(|sim| one(sim, "Join", "40"));
    assert!(matches!(&status, OrchestrationStatus::Completed { output, .. } if output == "40"), "{status:?}");
}
