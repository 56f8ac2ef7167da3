//! What a person is shown of a finding, and that its program is one.

use std::cell::{Cell, RefCell};
use std::panic::catch_unwind;
use std::sync::Arc;

use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_conformance::unstable::{Subject, replay};
use duroxide_conformance::{Finding, Script, Storage, TimeSource};
use duroxide_sim::Memory;

use super::saboteurs::{Saboteur, Suspect};
use super::tricks::{ALL, ATTEMPTS, BYTES, CACHED, LOCK, MESSAGES, PASSES_OVER, RIGHT, block_on, busy, finding};

/// What a person sees, the command that depends on this test's name left out.
fn rendered(finding: &Finding) -> String {
    let text = finding.to_string();
    let (text, command) = text.trim_end().rsplit_once('\n').expect("it has lines");
    assert!(command.trim().starts_with("DUROXIDE_SIM_SCRIPT="), "{command}");
    // Cargo is named only where cargo has started this.
    let by_cargo = command.contains(" cargo test -p duroxide-conformance --test conformance -- --exact ");
    assert!(by_cargo || std::env::var_os("CARGO_PKG_NAME").is_none(), "{command}");
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
    let file = "DUROXIDE_SIM_SCRIPT=proptest-regressions/conformance/attempts.script ";
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

thread_local! {
    /// The storage of the program that runs.
    static STORAGE: RefCell<Option<Suspect>> = const { RefCell::new(None) };
}

/// The same, whose storage can be opened once more, and spoilt.
async fn stored_under_test() -> Arc<dyn Provider> {
    let suspect = Suspect::new(UNDER_TEST.get().unwrap_or(RIGHT));
    let provider = suspect.provider();
    STORAGE.set(Some(suspect));
    provider
}

async fn open_under_test() -> Arc<dyn Provider> {
    let suspect = STORAGE.take().expect("a provider was made");
    let opened = suspect.open("").await.expect("it can be opened");
    STORAGE.set(Some(suspect));
    opened
}

async fn corrupt_under_test(instance: &str) {
    let suspect = STORAGE.take().expect("a provider was made");
    suspect.corrupt_instance_history(instance).await;
    STORAGE.set(Some(suspect));
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

programs!(
    ack_turn_messages_removed,
    durable_reopen_sees_all,
    payload_long,
    read_unreadable_is_an_error,
    turn_exclusive
);

/// A program is the one that its finding prints, and fails where the rule is
/// broken, by its last assertion.
#[track_caller]
fn proves(saboteur: &Saboteur, text: &str, run: fn()) {
    let mut finding = finding(saboteur, &busy());
    finding.subject.code = Some("crate::finding::under_test().await".to_owned());
    shows(saboteur, &finding, text, run);
}

/// The same of a script that is as small as it can be, whose storage is opened once
/// more, or spoilt.
#[track_caller]
fn proves_as_stored(saboteur: &Saboteur, script: &str, text: &str, run: fn()) {
    let script: Script = script.parse().expect("a script");
    let suspect = Suspect::new(*saboteur);
    let (rule, seen) = (saboteur.rule, block_on(replay(&suspect, &script)));
    let mut finding = Finding { rule, script, run: seen, seed: None, subject: Subject::of(&suspect), file: None };
    finding.subject.code = Some("crate::finding::stored_under_test().await".to_owned());
    finding.subject.code_to_open = Some("crate::finding::open_under_test().await".to_owned());
    finding.subject.code_to_corrupt = Some("crate::finding::corrupt_under_test(instance).await;".to_owned());
    shows(saboteur, &finding, text, run);
}

#[track_caller]
fn shows(saboteur: &Saboteur, finding: &Finding, text: &str, run: fn()) {
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

const QUEUED_AND_OPENED: &str = r#"
{"Call":{"call":{"EnqueueForOrchestrator":{"item":{"ExternalRaised":{"instance":"i1","name":"a","data":""}},"delay":null}}}}
"Reopen"
{"Call":{"call":"GetQueueDepths"}}
"#;

#[test]
fn program_that_opens_the_storage_once_more_compiles_and_fails() {
    let (text, run) = (durable_reopen_sees_all::TEXT, durable_reopen_sees_all::run);
    proves_as_stored(&CACHED, QUEUED_AND_OPENED, text, run);
}

const SPOILT: &str = r#"
{"Call":{"call":{"AppendWithExecution":{"instance":"i1","execution":1,"events":[{"event_id":1,"source_event_id":null,"instance_id":"i1","execution_id":1,"timestamp_ms":0,"duroxide_version":"1.0.0","type":"ExternalSubscribed","name":"a"}]}}}}
{"Corrupt":"i1"}
{"Call":{"call":{"Read":{"instance":"i1"}}}}
"#;

#[test]
fn program_that_spoils_a_history_compiles_and_fails() {
    let (text, run) = (read_unreadable_is_an_error::TEXT, read_unreadable_is_an_error::run);
    proves_as_stored(&PASSES_OVER, SPOILT, text, run);
}

#[test]
fn program_leaves_open_what_only_the_storage_can_say() {
    let script: Script = QUEUED_AND_OPENED.parse().expect("a script");
    let suspect = Suspect::new(CACHED);
    let run = block_on(replay(&suspect, &script));
    let subject = Subject::of(&suspect);
    let program = Finding { rule: CACHED.rule, script, run, seed: None, subject, file: None }.program();
    assert!(program.contains("todo!(\"make the provider under test\")"), "{program}");
    assert!(program.contains("todo!(\"open the storage of the provider under test again\")"), "{program}");
}
