//! What the test binaries share: where proptest and insta write, how much they
//! do, and the message most tests begin with.

use duroxide::providers::WorkItem;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};

/// Where failures of proptest are kept, in the package that is tested.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/cases.txt");

/// A proptest runner whose failures are kept, and always tried again first.
fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        ..Config::default()
    })
}

/// Runs `test` on `cases` generated values; panics with the smallest failing
/// one.
#[track_caller]
pub fn check<S: proptest::strategy::Strategy>(
    cases: u32,
    strategy: S,
    test: impl Fn(S::Value) -> Result<(), proptest::test_runner::TestCaseError>,
) {
    if let Err(error) = runner(cases).run(&strategy, test) {
        panic!("{error}");
    }
}

/// Compares `text` with the snapshot of that name in the package's `snapshots/`.
#[track_caller]
pub fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The start of a root instance, as a client sends it.
pub fn start_item(instance: &str, orchestration: &str) -> WorkItem {
    WorkItem::StartOrchestration {
        instance: instance.to_owned(),
        orchestration: orchestration.to_owned(),
        input: String::new(),
        version: None,
        parent_instance: None,
        parent_id: None,
        parent_execution_id: None,
        execution_id: 1,
    }
}
