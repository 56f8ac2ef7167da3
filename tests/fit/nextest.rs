//! cargo-nextest, which runs every test in a process of its own, if it is installed.

use std::process::{Command, Stdio};

fn is_installed() -> bool {
    let mut version = Command::new(env!("CARGO"));
    version.args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

#[test]
fn nextest_runs_tests_with_the_attribute() {
    // Inside of nextest it would wait for itself.
    if std::env::var_os("NEXTEST").is_some() || !is_installed() {
        eprintln!("cargo-nextest is not installed, or runs this test itself: nothing is tested.");
        return;
    }
    let mut nextest = Command::new(env!("CARGO"));
    nextest.args(["nextest", "run", "--test", "it", "--no-fail-fast", "attribute::"]);
    let output = nextest.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("it runs");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("attribute::seeds_are_explored"), "{text}");
}
