//! What a person is shown of a finding, and that its program is one.

use std::cell::Cell;
use std::panic::catch_unwind;
use std::sync::Arc;

use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_sim::Memory;
use duroxide_sim::conformance::{Finding, TimeSource};

use super::saboteurs::Saboteur;
use super::tricks::{ALL, ATTEMPTS, BYTES, LOCK, MESSAGES, busy, finding};

/// What a person sees, the command that depends on this test's name left out.
fn rendered(finding: &Finding) -> String {
    let text = finding.to_string();
    let (text, command) = text.trim_end().rsplit_once('\n').expect("it has lines");
    assert!(command.trim().starts_with("DUROXIDE_SIM_SCRIPT="), "{command}");
    assert!(command.contains("cargo test -p duroxide-sim --test it -- --exact "), "{command}");
    format!("{text}\n")
}

#[test]
fn findings_read_well() {
    for saboteur in ALL {
        let name = saboteur.rule.replace(['.', '-'], "_");
        crate::snapshot(&format!("conformance_finding_{name}"), &rendered(&finding(&saboteur, &busy())));
    }
}

#[test]
fn finding_is_a_json_object() {
    let mut finding = finding(&ATTEMPTS, &busy());
    finding.file = Some("proptest-regressions/conformance/attempts.script".into());
    let mut shown = serde_json::to_value(finding.shown()).expect("it has a JSON form");
    let replay = shown["replay"].take();
    let file = "DUROXIDE_SIM_SCRIPT=proptest-regressions/conformance/attempts.script cargo test";
    assert!(replay.as_str().is_some_and(|command| command.starts_with(file)), "{replay}");
    assert_eq!(shown["program"].take(), finding.program());
    let text = serde_json::to_string_pretty(&shown).expect("it has a JSON form");
    crate::snapshot("conformance_finding_json", &text);
}

#[test]
fn program_for_a_provider_with_a_clock_of_its_own_sleeps() {
    let mut finding = finding(&LOCK, &busy());
    finding.subject.time = TimeSource::Real { tick: std::time::Duration::from_millis(100) };
    let program = finding.program();
    assert!(program.contains("tokio::time::sleep(Duration::from_millis(999)).await;"), "{program}");
    assert!(!program.contains("Warp"), "{program}");
}

thread_local! {
    /// What the programs below check; `Memory` where nobody says.
    static UNDER_TEST: Cell<Option<Saboteur>> = const { Cell::new(None) };
}

async fn under_test() -> Arc<dyn Provider> {
    match UNDER_TEST.get() {
        Some(saboteur) => saboteur.create_provider().await,
        None => Arc::new(Memory::new()),
    }
}

/// The programs, as they are generated: each is a test, which `Memory` passes.
macro_rules! programs {
    ($($name:ident),*) => {
        $(mod $name {
            include!(concat!("finding/", stringify!($name), ".rs"));

            pub const TEXT: &str = include_str!(concat!("finding/", stringify!($name), ".rs"));

            pub fn run() {
                $name();
            }
        })*
    };
}

programs!(ack_turn_messages_removed, payload_long, turn_exclusive);

/// A program is the one that its finding prints, and fails where the rule is
/// broken, by its last assertion.
#[track_caller]
fn proves(saboteur: &Saboteur, text: &str, run: fn()) {
    let mut finding = finding(saboteur, &busy());
    finding.subject.code = Some("crate::conformance::finding::under_test().await".to_owned());
    assert_eq!(finding.program(), text);
    run();
    UNDER_TEST.set(Some(*saboteur));
    let panic = catch_unwind(run).expect_err("it fails");
    UNDER_TEST.set(None);
    let said = panic.downcast_ref::<String>().map_or("", String::as_str);
    assert!(said.contains(saboteur.rule), "{said}");
}

#[test]
fn program_without_waits_compiles_and_fails() {
    proves(&MESSAGES, ack_turn_messages_removed::TEXT, ack_turn_messages_removed::run);
}

#[test]
fn program_with_a_long_text_compiles_and_fails() {
    proves(&BYTES, payload_long::TEXT, payload_long::run);
}

#[test]
fn program_that_moves_the_clock_compiles_and_fails() {
    proves(&LOCK, turn_exclusive::TEXT, turn_exclusive::run);
}
