//! Generates the Rust test of a finding, on duroxide's public traits.
//!
//! It makes the calls of the run with the same numbers and texts; lock tokens
//! are variables, and times are relative to `start`. To let time pass, it moves
//! the process's clock, or sleeps if the provider reads another clock.

use std::collections::BTreeSet;

use duroxide_sim::call::{Call, Reply};

use super::calls::{TokenNames, method};
use super::layout::{Code, WIDTH, wrapped};
use super::uses::{Helper, Import, Used, Uses, helpers, imports};
use super::{Finding, asserts::asserts, rule};
use crate::drive::Observed;
use crate::mismatch::Aspect;
use crate::script::Step;
use crate::storage::TimeSource;

/// Generates the program.
pub(super) fn program(finding: &Finding) -> String {
    let cited = rule::cite(finding.rule);
    let Body { sections, sleeps, mut uses, .. } = Body::of(finding);
    let setup = setup(sleeps, &mut uses);
    let body = sections.iter().map(Section::code).collect::<Vec<String>>().join(OPEN);
    let functions = storage_functions(finding, &sections, &mut uses);
    let head = [
        format!("{} breaks {} ({}).", finding.subject.label, finding.rule, cited.strength),
        format!("Source: {}", cited.source),
    ];
    let head = head.iter().flat_map(|line| wrapped(line, WIDTH - 3)).map(|line| format!("// {line}\n"));
    let mut text = head.collect::<String>();
    text += &imports(&uses);
    text += "\n";
    text += &functions;
    text += &helpers(&uses);
    text += &constant(&format!("{}: {}", finding.rule, cited.claim));
    text += &format!("\n#[tokio::test]\nasync fn {}() {{\n{setup}{body}}}\n", name(finding.rule));
    text
}

/// The statements before the first call.
fn setup(sleeps: bool, uses: &mut Uses) -> String {
    let mut setup = String::new();
    let moves = uses.contains(&Used::Start) || uses.contains(&Used::Warp);
    // Very short locks need a stopped clock, too.
    if !sleeps && (moves || uses.contains(&Used::ShortSpan)) {
        let name = if moves { "warp" } else { "_warp" };
        setup += "    // The wall clock of this process is stopped; the test moves it.\n";
        setup += &format!(
            "    let {name} = Warp::claim().await.expect(\"a turn\").start(None).expect(\"a clock that stops\");\n"
        );
        uses.insert(Import::Warp.into());
    }
    if uses.contains(&Used::Start) && sleeps {
        setup += "    let start = now_ms();\n";
        uses.insert(Helper::NowMs.into());
    } else if uses.contains(&Used::Start) {
        setup += "    let start = warp.now().0;\n";
    }
    setup + "    let provider = provider().await;\n"
}

/// Reopens the storage in a program.
const OPEN: &str = "    let provider = open().await;\n";

const ADMIN: &str = "    let admin = provider.as_management_capability().expect(\"a provider that can be managed\");\n";

/// The statements between two openings of the storage.
#[derive(Default)]
struct Section {
    text: String,
    /// Whether the provider has to answer methods of `ProviderAdmin`.
    uses_admin: bool,
}

impl Section {
    fn code(&self) -> String {
        format!("{}{}", if self.uses_admin { ADMIN } else { "" }, self.text)
    }
}

/// The functions that depend on the storage, if used. Code that the storage
/// does not supply is left as a `todo!`.
fn storage_functions(finding: &Finding, sections: &[Section], uses: &mut Uses) -> String {
    let subject = &finding.subject;
    let function = |about: &str, head: &str, code: &Option<String>, missing: &str| {
        let code = code.clone().unwrap_or_else(|| format!("todo!({missing:?})"));
        format!("/// {about}\nasync fn {head} {{\n    {code}\n}}\n")
    };
    let missing = "make the provider under test";
    uses.extend([Import::Arc, Import::Provider].map(Used::from));
    let mut text = function("A new, empty provider.", "provider() -> Arc<dyn Provider>", &subject.code, missing);
    if sections.len() > 1 {
        let about = "Another provider on the same storage.";
        let missing = "open the storage of the provider under test again";
        text += "\n";
        text += &function(about, "open() -> Arc<dyn Provider>", &subject.code_to_open, missing);
    }
    if uses.contains(&Used::CorruptHistory) {
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

/// The calls of a run, as statements.
struct Body<'a> {
    finding: &'a Finding,
    /// The variables of the tokens returned so far.
    names: TokenNames,
    /// The tokens that later calls use.
    used: BTreeSet<String>,
    /// Whether time passes by itself and cannot be moved.
    sleeps: bool,
    /// The last one is being written.
    sections: Vec<Section>,
    uses: Uses,
}

impl Body<'_> {
    fn of(finding: &Finding) -> Body<'_> {
        let observed = &finding.run.observed;
        let all = finding.deviation().is_some_and(|deviation| deviation.mismatch.aspect == Aspect::Token);
        let brought = observed.iter().filter_map(|call| call.call.token().map(str::to_owned));
        let used = if all { observed.iter().filter_map(issued).collect() } else { brought.collect() };
        let sleeps = matches!(finding.subject.time, TimeSource::Real { .. });
        let mut body = Body {
            finding,
            names: TokenNames::new(),
            used,
            sleeps,
            sections: vec![Section::default()],
            uses: Uses::new(),
        };
        let mut step = 0;
        let mut at = finding.run.base;
        for (number, call) in observed.iter().enumerate() {
            body.quiet(step..call.step);
            step = call.step + 1;
            if call.at > at {
                let passed = (call.at - at).as_millis();
                let passed = format!("Duration::from_millis({passed})");
                body.uses.insert(Import::Duration.into());
                if sleeps {
                    body.line(&format!("tokio::time::sleep({passed}).await;"));
                } else {
                    body.uses.insert(Used::Warp);
                    body.line(&format!("warp.advance({passed}).expect(\"time moves\");"));
                }
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
                    self.uses.insert(Used::CorruptHistory);
                    self.line(&format!("corrupt_history({instance:?}).await;"));
                }
                Step::Reopen => self.sections.push(Section::default()),
                Step::Wait(_) | Step::Call(_) | Step::ReadBack | Step::Drain => {}
            }
        }
    }

    fn section(&mut self) -> &mut Section {
        self.sections.last_mut().expect("there is a first section")
    }

    /// Writes a statement.
    fn line(&mut self, statement: &str) {
        self.section().text += &format!("    {statement}\n");
    }

    fn code(&mut self, before: &str, code: &Code, after: &str) {
        code.record_uses(&mut self.uses);
        self.section().text += &code.lay_out(before, 4, after);
    }

    fn call(&mut self, observed: &Observed, is_last: bool) {
        let is_admin = observed.call.is_admin();
        self.section().uses_admin |= is_admin;
        let receiver = if is_admin { "admin" } else { "provider" };
        let polls = self.polls(observed.step);
        let call = method(&observed.call, self.finding.run.base, &self.names);
        let chain = |rest: &[&str]| {
            let rest = rest.iter().map(|link| (*link).to_owned()).collect();
            let chain = Code::Chain { receiver: receiver.to_owned(), call: Box::new(call.clone()), rest };
            match observed.reply {
                None if !is_last => {
                    Code::call("drop_after", vec![Code::word(polls.to_string()), chain]).using(Helper::DropAfter)
                }
                _ => chain,
            }
        };
        if is_last && let Some(deviation) = self.finding.deviation() {
            if deviation.mismatch.aspect == Aspect::Hung {
                self.code("let answer = ", &chain(&[]), ";");
                self.uses.insert(Import::Duration.into());
                self.line("let got = tokio::time::timeout(Duration::from_secs(10), answer).await.expect(RULE);");
            } else {
                self.code("let got = ", &chain(&[".await"]), ";");
            }
            return self.judge(observed);
        }
        let step = observed.step + 1;
        let (answered, refused) = (format!(".expect(\"step {step}\")"), format!(".expect_err(\"step {step}\")"));
        match &observed.reply {
            None => self.code("", &chain(&[]), ".await;"),
            Some(Reply::Refused(_)) => self.code("", &chain(&[".await", &refused]), ";"),
            Some(Reply::Turn(None) | Reply::Job(None)) => {
                self.code("let nothing = ", &chain(&[".await", &answered]), ";");
                self.line("assert!(nothing.is_none());");
            }
            Some(Reply::Turn(Some(_)) | Reply::Job(Some(_))) => {
                let token = issued(observed).filter(|token| self.used.contains(token));
                let is_turn = matches!(&*observed.call, Call::FetchOrchestrationItem { .. });
                let kind = if is_turn { "turn" } else { "job" };
                let number = self.names.values().filter(|name| name.starts_with(kind)).count() + 1;
                let name = format!("{kind}_{number}");
                let before = token.as_ref().map(|_| format!("let (_, {name}, _) = ")).unwrap_or_default();
                self.code(&before, &chain(&[".await", &answered, &format!(".expect(\"a {kind}\")")]), ";");
                self.names.extend(token.map(|token| (token, name)));
            }
            Some(_) => self.code("", &chain(&[".await", &answered]), ";"),
        }
    }

    fn polls(&self, step: usize) -> u32 {
        match self.finding.script.steps.get(step) {
            Some(Step::Call(act)) => act.dropped_after.unwrap_or(0),
            Some(Step::Wait(_) | Step::ReadBack | Step::Drain | Step::Corrupt(_) | Step::Reopen) | None => 0,
        }
    }

    fn judge(&mut self, observed: &Observed) {
        let Some(deviation) = self.finding.deviation() else { return };
        let before: Vec<String> = self.names.values().cloned().collect();
        self.section().text += "\n";
        for statement in asserts(&deviation.mismatch, observed.reply.as_ref(), self.finding.run.base, &before) {
            self.code("", &statement, ";");
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
