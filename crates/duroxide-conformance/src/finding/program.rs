//! Generates the Rust test of a finding, on duroxide's public traits.
//!
//! It makes the calls of the run with the same numbers and texts; lock tokens
//! are variables, and times are relative to `start`. To let time pass, it moves
//! the process's clock, or sleeps if the provider reads another clock.

use std::collections::{BTreeMap, BTreeSet};

use duroxide_sim::call::{Call, Reply};

use super::calls::{TokenNames, method};
use super::code::{EVENT_FUNCTION, START_FUNCTION};
use super::layout::{Code, WIDTH, wrapped};
use super::{Finding, asserts::asserts, rule};
use crate::drive::Observed;
use crate::mismatch::Aspect;
use crate::script::Step;
use crate::storage::TimeSource;

/// duroxide's items that a program may use, with their paths.
const NAMES: [(&str, &[&str]); 2] = [
    (
        "duroxide::providers",
        &[
            "DispatcherCapabilityFilter",
            "ExecutionMetadata",
            "InstanceFilter",
            "KvEntry",
            "Provider",
            "PruneOptions",
            "ScheduledActivityIdentifier",
            "SemverRange",
            "SessionFetchConfig",
            "TagFilter",
            "WorkItem",
        ],
    ),
    ("duroxide", &["AppErrorKind", "ConfigErrorKind", "ErrorDetails", "Event", "EventKind", "PoisonMessageType"]),
];

/// Generates the program.
pub(super) fn program(finding: &Finding) -> String {
    let cited = rule::cite(finding.rule);
    let body = Body::of(finding);
    let sleeps = body.sleeps;
    let body = body.text;
    let used = identifiers(&body);
    let mut setup = String::new();
    let moves = used.contains("start") || used.contains("warp");
    // Very short locks need a stopped clock, too.
    let is_hasty = used.contains("from_millis") || used.contains("new");
    if !sleeps && (moves || is_hasty) {
        let name = if moves { "warp" } else { "_warp" };
        setup += "    // The wall clock of this process is stopped; the test moves it.\n";
        setup += &format!(
            "    let {name} = Warp::claim().await.expect(\"a turn\").start(None).expect(\"a clock that stops\");\n"
        );
    }
    if used.contains("start") {
        setup += if sleeps { "    let start = now_ms();\n" } else { "    let start = warp.now().0;\n" };
    }
    setup += "    let provider = provider().await;\n";
    let body = with_admin(&body);
    let mut text = storage_functions(finding, &used);
    text += &helpers(&format!("{setup}{body}"));
    text += &constant(&format!("{}: {}", finding.rule, cited.claim));
    text += &format!("\n#[tokio::test]\nasync fn {}() {{\n{setup}{body}}}\n", name(finding.rule));
    let head = [
        format!("{} breaks {} ({}).", finding.subject.label, finding.rule, cited.strength),
        format!("Source: {}", cited.source),
    ];
    let head = head.iter().flat_map(|line| wrapped(line, WIDTH - 3)).map(|line| format!("// {line}\n"));
    head.collect::<String>() + &imports(&text) + "\n" + &text
}

/// Reopens the storage in a program.
const OPEN: &str = "    let provider = open().await;\n";

const ADMIN: &str = "    let admin = provider.as_management_capability().expect(\"a provider that can be managed\");\n";

/// Adds a binding for `ProviderAdmin` where a provider has to answer one of its
/// methods.
fn with_admin(body: &str) -> String {
    let part =
        |part: &str| if identifiers(part).contains("admin") { format!("{ADMIN}{part}") } else { part.to_owned() };
    body.split(OPEN).map(part).collect::<Vec<String>>().join(OPEN)
}

/// The functions that depend on the storage, if used. Code that the storage
/// does not supply is left as a `todo!`.
fn storage_functions(finding: &Finding, used: &BTreeSet<&str>) -> String {
    let subject = &finding.subject;
    let function = |about: &str, head: &str, code: &Option<String>, missing: &str| {
        let code = code.clone().unwrap_or_else(|| format!("todo!({missing:?})"));
        format!("/// {about}\nasync fn {head} {{\n    {code}\n}}\n")
    };
    let missing = "make the provider under test";
    let mut text = function("A new, empty provider.", "provider() -> Arc<dyn Provider>", &subject.code, missing);
    if used.contains("open") {
        let about = "Another provider on the same storage.";
        let missing = "open the storage of the provider under test again";
        text += "\n";
        text += &function(about, "open() -> Arc<dyn Provider>", &subject.code_to_open, missing);
    }
    if used.contains("corrupt_history") {
        let about = "Makes the stored history of an instance unreadable.";
        let missing = "do what corrupt_instance_history of the ProviderFactory does";
        text += "\n";
        text += &function(about, "corrupt_history(instance: &str)", &subject.code_to_corrupt, missing);
    }
    text
}

/// The rule as a constant, wrapped to the maximum width.
fn constant(rule: &str) -> String {
    let flat = format!("const RULE: &str = {rule:?};");
    if flat.chars().count() <= WIDTH {
        return format!("\n{flat}\n");
    }
    let lines = wrapped(rule, WIDTH - 8);
    let line = |line: &String| format!("{line:?}").trim_matches('"').to_owned();
    let lines: Vec<String> = lines.iter().map(line).collect();
    format!("\nconst RULE: &str = \"\\\n    {}\";\n", lines.join(" \\\n    "))
}

fn name(rule: &str) -> String {
    rule.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

fn helpers(body: &str) -> String {
    let used = identifiers(body);
    let all = [
        ("start_of", START_FUNCTION),
        ("event", EVENT_FUNCTION),
        ("now_ms", NOW_FUNCTION),
        ("drop_after", DROP_FUNCTION),
    ];
    all.into_iter().filter(|(name, _)| used.contains(name)).map(|(_, code)| code).collect()
}

/// The identifiers in some code, except in strings and comments.
fn identifiers(code: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
        let mut escaped = false;
        let mut in_text = false;
        let words = line.split(|letter: char| {
            let ends = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            in_text ^= ends;
            in_text || !(letter.is_alphanumeric() || letter == '_')
        });
        found.extend(words);
    }
    found
}

const NOW_FUNCTION: &str = "
fn now_ms() -> u64 {
    UNIX_EPOCH.elapsed().expect(\"a time after 1970\").as_millis() as u64
}
";

const DROP_FUNCTION: &str = "
/// Polls a future so often, and then drops it.
async fn drop_after(polls: u32, future: impl Future) {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        future.as_mut().poll(cx).map(drop)
    })
    .await;
}
";

/// The imports that some code needs, in rustfmt's order.
fn imports(text: &str) -> String {
    let words = identifiers(text);
    let mut lines = BTreeMap::new();
    let mut add = |path: &str, name: &'static str, needed: bool| {
        if needed {
            lines.entry(format!("{path}::{{")).or_insert_with(Vec::new).push(name);
        }
    };
    add("std::collections", "HashMap", words.contains("HashMap"));
    add("std::collections", "HashSet", words.contains("HashSet"));
    add("std::sync", "Arc", words.contains("Arc"));
    add("std::task", "Poll", words.contains("Poll"));
    add("std::time", "Duration", words.contains("Duration"));
    add("std::time", "UNIX_EPOCH", words.contains("UNIX_EPOCH"));
    for (path, names) in NAMES {
        names.iter().for_each(|name| add(path, name, words.contains(name)));
    }
    add("duroxide_sim::clock", "Warp", words.contains("Warp"));
    let line = |(path, names): (&String, &Vec<&str>)| match &names[..] {
        [name] => format!("use {}{name};\n", path.trim_end_matches('{')),
        names => format!("use {path}{}}};\n", names.join(", ")),
    };
    let (std, others): (Vec<_>, Vec<_>) = lines.iter().partition(|(path, _)| path.starts_with("std"));
    let text = |lines: Vec<(&String, &Vec<&str>)>| lines.into_iter().map(line).collect::<String>();
    text(std) + "\n" + &text(others)
}

/// The calls of a run, as statements.
struct Body<'a> {
    finding: &'a Finding,
    /// The variables of the tokens returned so far.
    names: TokenNames,
    /// The tokens that later calls use.
    used: BTreeSet<String>,
    /// Whether time passes by itself and cannot be moved.
    sleeps: bool,
    text: String,
}

impl Body<'_> {
    fn of(finding: &Finding) -> Body<'_> {
        let observed = &finding.run.observed;
        let all = finding.deviation().is_some_and(|deviation| deviation.mismatch.aspect == Aspect::Token);
        let brought = observed.iter().filter_map(|call| call.call.token().map(str::to_owned));
        let used = if all { observed.iter().filter_map(issued).collect() } else { brought.collect() };
        let sleeps = matches!(finding.subject.time, TimeSource::Real { .. });
        let mut body = Body { finding, names: TokenNames::new(), used, sleeps, text: String::new() };
        let mut step = 0;
        let mut at = finding.run.base;
        for (number, call) in observed.iter().enumerate() {
            body.quiet(step..call.step);
            step = call.step + 1;
            if call.at > at {
                let passed = (call.at - at).as_millis();
                let passed = format!("Duration::from_millis({passed})");
                body.text += &match sleeps {
                    true => format!("    tokio::time::sleep({passed}).await;\n"),
                    false => format!("    warp.advance({passed}).expect(\"time moves\");\n"),
                };
                at = call.at;
            }
            let is_last = number + 1 == observed.len();
            // Of the reads in one step, only the last matters.
            if is_last || !matches!(finding.script.steps.get(call.step), Some(Step::ReadBack)) {
                body.call(call, is_last);
            }
        }
        body
    }

    /// Writes the steps that make no call.
    fn quiet(&mut self, steps: std::ops::Range<usize>) {
        for step in self.finding.script.steps.get(steps).unwrap_or_default() {
            match step {
                Step::Corrupt(instance) => {
                    self.text += &format!("    corrupt_history({instance:?}).await;\n");
                }
                Step::Reopen => self.text += OPEN,
                _ => {}
            }
        }
    }

    fn call(&mut self, observed: &Observed, is_last: bool) {
        let receiver = if observed.call.is_admin() { "admin" } else { "provider" };
        let polls = self.polls(observed.step);
        let call = method(&observed.call, self.finding.run.base, &self.names);
        let mut put = |before: &str, rest: &[&str], after: &str| {
            let rest = rest.iter().map(|link| (*link).to_owned()).collect();
            let chain = Code::Chain { receiver: receiver.to_owned(), call: Box::new(call.clone()), rest };
            let chain = match observed.reply {
                None if !is_last => Code::call("drop_after", vec![Code::word(polls.to_string()), chain]),
                _ => chain,
            };
            self.text += &chain.lay_out(before, 4, after);
        };
        if is_last && let Some(deviation) = self.finding.deviation() {
            if deviation.mismatch.aspect == Aspect::Hung {
                put("let answer = ", &[], ";");
                self.text +=
                    "    let got = tokio::time::timeout(Duration::from_secs(10), answer).await.expect(RULE);\n";
            } else {
                put("let got = ", &[".await"], ";");
            }
            return self.judge(observed);
        }
        let step = observed.step + 1;
        let (answered, refused) = (format!(".expect(\"step {step}\")"), format!(".expect_err(\"step {step}\")"));
        match &observed.reply {
            None => put("", &[], ".await;"),
            Some(Reply::Refused(_)) => put("", &[".await", &refused], ";"),
            Some(Reply::Turn(None) | Reply::Job(None)) => {
                put("let nothing = ", &[".await", &answered], ";");
                self.text += "    assert!(nothing.is_none());\n";
            }
            Some(Reply::Turn(Some(_)) | Reply::Job(Some(_))) => {
                let token = issued(observed).filter(|token| self.used.contains(token));
                let is_turn = matches!(&*observed.call, Call::FetchOrchestrationItem { .. });
                let kind = if is_turn { "turn" } else { "job" };
                let number = self.names.values().filter(|name| name.starts_with(kind)).count() + 1;
                let name = format!("{kind}_{number}");
                let before = token.as_ref().map(|_| format!("let (_, {name}, _) = ")).unwrap_or_default();
                put(&before, &[".await", &answered, &format!(".expect(\"a {kind}\")")], ";");
                self.names.extend(token.map(|token| (token, name)));
            }
            Some(_) => put("", &[".await", &answered], ";"),
        }
    }

    fn polls(&self, step: usize) -> u32 {
        match self.finding.script.steps.get(step) {
            Some(Step::Call(act)) => act.dropped_after.unwrap_or(0),
            _ => 0,
        }
    }

    fn judge(&mut self, observed: &Observed) {
        let Some(deviation) = self.finding.deviation() else { return };
        let before: Vec<String> = self.names.values().cloned().collect();
        self.text += "\n";
        for statement in asserts(&deviation.mismatch, observed.reply.as_ref(), self.finding.run.base, &before) {
            self.text += &statement.lay_out("", 4, ";");
        }
    }
}

fn issued(observed: &Observed) -> Option<String> {
    match &observed.reply {
        Some(Reply::Turn(Some(turn))) => Some(turn.token.clone()),
        Some(Reply::Job(Some(job))) => Some(job.token.clone()),
        _ => None,
    }
}
