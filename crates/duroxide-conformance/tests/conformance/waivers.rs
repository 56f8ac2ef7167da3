//! Known deviations: what their file may say, that they fail nobody, hide
//! nothing, and have to go when they are mended.

use std::path::PathBuf;

use duroxide_conformance::unstable::check_storage;
use duroxide_conformance::{Build, Config, Verdict, Waivers};
use duroxide_sim::call::{Call, Class, Reply};
use duroxide_sim::clock::Time;

use super::saboteurs::{Bench, Saboteur};
use super::scratch::Scratch;

const DEAD: [&str; 2] = ["ack-job.dead-token-refused", "ack-job.expired-token-refused"];

/// Takes every ack of a job for good: most scripts meet that early.
fn acks_any_token(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match (call, &reply) {
        (Call::AckWorkItem { .. }, Reply::Refused(refusal)) if refusal.class == Class::LockLost => Reply::Done,
        _ => reply,
    }
}

/// The same, and from the third attempt on a turn's attempts stand still.
fn acks_any_token_and_miscounts(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let mut reply = acks_any_token(bench, now, call);
    if let Reply::Turn(Some(turn)) = &mut reply {
        turn.attempts = turn.attempts.min(3);
    }
    reply
}

fn right(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask(now, call)
}

const FREQUENT: Saboteur = Saboteur { name: "frequent", rule: DEAD[0], trick: acks_any_token };
const BOTH: Saboteur = Saboteur { name: "frequent", rule: DEAD[0], trick: acks_any_token_and_miscounts };
const MENDED: Saboteur = Saboteur { name: "frequent", rule: DEAD[0], trick: right };

fn waiver(rule: &str, more: &str) -> String {
    format!("[[waiver]]\nrule = {rule:?}\nreason = \"Acks are not checked.\"\nlink = \"bugs/7\"\n{more}\n")
}

/// Waives what `FREQUENT` breaks.
fn waived() -> Scratch {
    Scratch::file(&DEAD.map(|rule| waiver(rule, "")).concat())
}

async fn verdict(saboteur: &Saboteur, waivers: &Scratch, calls: u64) -> Verdict {
    let config = Config::default().quiet().no_regressions().calls(calls).waivers(waivers.path());
    check_storage(saboteur, &config).await
}

fn rules(verdict: &Verdict) -> Vec<&'static str> {
    verdict.findings.iter().map(|finding| finding.rule).collect()
}

#[tokio::test]
async fn deviation_that_is_not_waived_fails() {
    let verdict = verdict(&FREQUENT, &Scratch::file(""), 20_000).await;
    assert!(rules(&verdict).contains(&DEAD[0]), "{verdict}");
    assert!(!verdict.is_clean());
}

#[tokio::test]
async fn waived_deviation_does_not_fail_and_is_shown() {
    let verdict = verdict(&FREQUENT, &waived(), 20_000).await;
    assert!(verdict.is_clean(), "{verdict}");
    assert!(verdict.waived.iter().all(|waived| waived.times > 0), "{:?}", verdict.waived);
    let text = verdict.to_string();
    assert!(text.contains("Acks are not checked. (bugs/7)") && text.contains(DEAD[0]), "{text}");
}

#[tokio::test]
async fn frequent_waived_deviation_does_not_hide_a_rare_one() {
    let verdict = verdict(&BOTH, &waived(), 60_000).await;
    assert_eq!(rules(&verdict), ["turn.attempts-rise"], "{verdict}");
    assert!(verdict.counts.avoided > 20, "calls that end a script are left out: {:?}", verdict.counts.avoided);
}

#[tokio::test]
async fn calls_that_would_only_meet_a_waived_deviation_are_left_out() {
    let with = verdict(&FREQUENT, &waived(), 20_000).await;
    assert!(with.counts.avoided > 20, "{:?}", with.counts.avoided);
    let times: u64 = with.waived.iter().map(|waived| waived.times).sum();
    assert!(times > 2, "and some are still made: {times}");
    let none = verdict(&MENDED, &Scratch::file(""), 20_000).await;
    assert_eq!(none.counts.avoided, 0, "nothing is left out where nothing is waived");
}

#[tokio::test]
async fn waiver_that_is_never_met_is_stale() {
    let verdict = verdict(&MENDED, &waived(), 20_000).await;
    assert_eq!(verdict.stale.len(), 2, "{verdict}");
    assert!(!verdict.is_clean());
    let text = verdict.to_string();
    assert!(text.contains("now passes: remove the waiver") && text.contains("line 1)"), "{text}");
}

#[tokio::test]
async fn waiver_that_scripts_cannot_meet_is_not_stale_in_a_check_of_scripts() {
    let others = ["concurrent.one-lock-winner", "official::deletion::test_list_children"];
    let file = Scratch::file(&others.map(|rule| waiver(rule, "")).concat());
    let verdict = verdict(&MENDED, &file, 20_000).await;
    assert!(verdict.is_clean(), "its own trial says so: {verdict}");
}

#[tokio::test]
async fn waiver_with_a_script_is_stale_when_its_script_passes() {
    let found = verdict(&FREQUENT, &Scratch::file(""), 20_000).await;
    let finding = found.findings.iter().find(|finding| finding.rule == DEAD[0]).expect("it is found");
    let file = Scratch::file(&waiver(DEAD[0], &format!("script = '''\n{}'''", finding.script)));
    let still = verdict(&FREQUENT, &file, 1).await;
    assert!(still.stale.is_empty(), "{still}");
    let mended = verdict(&MENDED, &file, 1).await;
    assert_eq!(mended.stale.len(), 1, "{mended}");
}

#[tokio::test]
async fn waiver_of_another_provider_does_not_count() {
    let file = Scratch::file(&DEAD.map(|rule| waiver(rule, "provider = \"another\"")).concat());
    let verdict = verdict(&FREQUENT, &file, 20_000).await;
    assert!(rules(&verdict).contains(&DEAD[0]), "{verdict}");
    assert!(verdict.stale.is_empty(), "nor is it stale here: {verdict}");
}

#[tokio::test]
async fn file_that_is_not_there_is_a_trouble_and_no_finding() {
    let config = Config::default().quiet().no_regressions().calls(1).waivers("no/such/file.toml");
    let verdict = check_storage(&MENDED, &config).await;
    assert!(!verdict.is_clean() && verdict.findings.is_empty());
    assert!(verdict.troubles[0].contains("no/such/file.toml"), "{verdict}");
}

fn error(text: &str) -> String {
    Waivers::parse(PathBuf::from("known.toml"), text).expect_err("it is wrong").to_string()
}

#[test]
fn errors_name_file_and_line_and_what_to_do() {
    let unknown = error(&format!("# Known.\n\n{}", waiver("ack-job.dead-token-refusd", "")));
    assert!(unknown.starts_with("Waivers, known.toml, line 4: There is no rule \"ack-job.dead-token-refusd\"."));
    assert!(unknown.contains("Did you mean \"ack-job.dead-token-refused\"?"), "{unknown}");
    let intermittent = error(&waiver("ack-job.dead-token-refused", "intermittent = true"));
    assert!(intermittent.contains("Only an official validation can be intermittent"), "{intermittent}");
    let no_reason = error("\n[[waiver]]\nrule = \"list.all\"\nlink = \"x\"\n");
    assert!(no_reason.starts_with("Waivers, known.toml, line 2: Missing field `reason`."), "{no_reason}");
    let empty = error("[[waiver]]\nrule = \"list.all\"\nreason = \" \"\nlink = \"x\"\n");
    assert!(empty.starts_with("Waivers, known.toml, line 3: The reason is empty."), "{empty}");
    let corrupt = error("[[waiver]]\nrule = \"list.all\nreason = \"y\"\n");
    assert!(corrupt.starts_with("Waivers, known.toml, line 2: "), "{corrupt}");
    let script = error(&waiver("list.all", "script = '''\n\"ReadBack\"\nnonsense\n'''"));
    assert!(script.starts_with("Waivers, known.toml, line 5: In the script that begins here: Line "), "{script}");
    let nothing = error(&waiver("list.all", "script = ''"));
    assert!(nothing.contains("has no steps"), "{nothing}");
    let typo = error(&waiver("list.all", "scirpt = 'x'"));
    assert!(typo.starts_with("Waivers, known.toml, line 5: Unknown field `scirpt`"), "{typo}");
    let build = error(&waiver("list.all", "build = 'relaese'"));
    assert!(build.starts_with("Waivers, known.toml, line 5: Unknown variant `relaese`"), "{build}");
    assert!(build.contains("expected `debug` or `release`"), "{build}");
    let official = error(&waiver("official::deletion::no_such_test", ""));
    assert!(official.contains("There is no rule \"official::deletion::no_such_test\"."), "{official}");
}

#[test]
fn several_waivers_may_name_one_rule_and_official_validations_can_be_waived() {
    let names = ["list.all", "list.all", "official::deletion::test_list_children"];
    let text = names.map(|name| waiver(name, "")).concat();
    let waivers = Waivers::parse("known.toml", &text).expect("it is right");
    assert_eq!(waivers.of("any").map(|waiver| waiver.rule).collect::<Vec<_>>(), names);
}

#[test]
fn waiver_of_another_build_does_not_count() {
    let text = ["debug", "release"].map(|build| waiver("list.all", &format!("build = '{build}'"))).concat();
    let waivers = Waivers::parse("known.toml", &text).expect("it is right");
    assert_eq!(waivers.of("any").map(|waiver| waiver.build).collect::<Vec<_>>(), [Some(Build::current())]);
}
