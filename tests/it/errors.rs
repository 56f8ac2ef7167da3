//! Errors that wrap others return them, and do not repeat their texts.

use std::error::Error;
use std::path::PathBuf;

use duroxide_sim::Sim;
use duroxide_sim::explore::{Capsule, CapsuleError, Problem};
use duroxide_sim::sim::{Failure, Incidents, try_crash_everywhere};
use duroxide_sim::trace::Trace;

/// Checks that an error wraps a `T`, and that a reporter of the chain says each text once.
fn wraps<T: Error + 'static>(error: &dyn Error) {
    let text = error.to_string();
    let source = error.source().unwrap_or_else(|| panic!("{text} wraps nothing"));
    assert!(source.is::<T>(), "{source:?}");
    assert!(text.ends_with('.') && !text.contains(&source.to_string()), "{text} {source}");
}

fn failing() -> Sim {
    Sim::new(1)
}

#[test]
fn a_page_that_cannot_be_written_wraps_the_error_of_the_file() {
    let failure = failing().try_run(|_| async { Err::<(), _>("planted") }).expect_err("it fails");
    wraps::<std::io::Error>(&failure.timeline().write(std::env::temp_dir()).expect_err("a folder is no file"));
}

#[test]
fn a_capsule_that_cannot_be_read_wraps_the_error_of_the_file_or_of_its_text() {
    wraps::<std::io::Error>(&Capsule::read("no/such/file.json").expect_err("there is none"));
    let of_text = |text: &str| -> CapsuleError {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("capsule-errors.json");
        std::fs::write(&path, text).expect("the file can be written");
        Capsule::read(&path).expect_err("it is no capsule")
    };
    wraps::<serde_json::Error>(&of_text("not json"));
    wraps::<serde_json::Error>(&of_text("{\"capsule\": 2}"));
    assert!(of_text("{\"capsule\": 7}").source().is_none(), "nothing lies below a wrong version");
}

#[test]
fn a_trace_that_cannot_be_read_wraps_the_error_of_its_text() {
    wraps::<serde_json::Error>(&Trace::from_json_lines("not json").expect_err("it is no trace"));
    assert!(Trace::from_json_lines("").expect_err("it is empty").source().is_none());
}

#[test]
fn a_scenario_that_fails_without_a_crash_wraps_its_failure() {
    let found = try_crash_everywhere(|_| failing(), |_| async { Err::<(), _>("planted") });
    let error = found.expect_err("it fails");
    assert!(matches!(error, Incidents::Without(_)), "{error}");
    wraps::<Failure>(&error);
}

#[test]
fn a_problem_is_a_whole_report_and_wraps_nothing() {
    assert!(Problem::Setup("A sentence.".to_owned()).source().is_none());
}
