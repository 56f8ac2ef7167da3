//! [`differential`]: runs one script on several providers and names those that
//! differ.
//!
//! Each provider runs the script on its own, with its own oracle. The answers
//! are normalized (tokens by the order of issue, times relative to the script's
//! start) and compared step by step. Where answers differ, the contract may
//! leave the choice open, such as which of two instances a fetch takes; then no
//! provider breaks a rule, as each one's oracle confirms.
//!
//! Providers are judged by their oracles and by majority. Scripts are not
//! shrunk.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::seed::Seed;
use duroxide_sim::unstable::text::{self, Line};

use super::blame::blame;
use super::check::replay_all;
use super::config::Config;
use super::contract::Strength;
use super::drive::{End, Observed, Run};
use super::generate;
use super::script::Script;
use super::storage::Storage;

/// The result of comparing providers.
#[derive(Clone, Debug, Default)]
#[must_use = "a comparison reports nothing unless it is inspected"]
pub struct Comparison {
    /// Divergences in which a provider breaks a rule: the earliest for each set
    /// of odd providers and each method.
    pub partings: Vec<Parting>,
    /// Divergences in which the contract leaves a choice. These do not fail the
    /// comparison.
    pub choices: Vec<Parting>,
    /// The number of scripts that ran on every provider.
    pub scripts: u64,
    /// Reasons why something could not be compared.
    pub troubles: Vec<String>,
}

/// A call that providers answered differently.
#[derive(Clone, Debug, PartialEq)]
pub struct Parting {
    /// The script.
    pub script: Script,
    /// The script's seed; `None` for a script that was given.
    pub seed: Option<Seed>,
    /// The index of the call, from 0.
    pub call: usize,
    /// The called method.
    pub method: &'static str,
    /// Every answer, with the providers that gave it; the most common first.
    pub answers: Vec<(Vec<String>, String)>,
    /// The odd providers; empty for a tie.
    pub odd: Vec<String>,
    /// How the odd providers were identified.
    pub judge: Judge,
}

/// How the odd providers were identified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judge {
    /// By their own oracles: the broken rule of each provider.
    Oracle(BTreeMap<String, &'static str>),
    /// By majority; the contract allows every answer.
    Minority,
    /// Not at all: the answers are tied, and the contract allows every one.
    Nobody,
}

/// Runs generated scripts on several providers and names the odd ones. The
/// budget counts the calls of the first provider. Names must be distinct.
pub async fn differential(providers: &[(&str, &dyn Storage)], config: &Config) -> Comparison {
    let config = match config.clone().with_env() {
        Ok(config) => config,
        Err(error) => return Comparison { troubles: vec![error.to_string()], ..Comparison::default() },
    };
    let mut comparison = Comparison::default();
    if let Some(kept) = &config.script {
        compare(&mut comparison, providers, &[(kept.script.clone(), None)], &config).await;
        return comparison;
    }
    // Scripts suit the coarsest clock of all providers.
    let tick = providers.iter().filter_map(|(_, storage)| storage.time().tick()).max();
    // A provider's clock is set up once for each batch.
    const BATCH: u64 = 50;
    let all = providers.iter().map(|(_, storage)| config.calls_at(storage.time())).min().unwrap_or(0);
    let (mut calls, mut number) = (0, 0);
    while calls < all && comparison.troubles.is_empty() {
        let scripts: Vec<(Script, Option<Seed>)> = (number..number + BATCH)
            .map(|number| {
                let profile = config.profiles[(number % config.profiles.len() as u64) as usize];
                let profile = profile.in_ticks(tick);
                let seed = config.seed.child(profile.name()).child(&number.to_string());
                (generate::script(seed, profile), Some(seed))
            })
            .collect();
        number += BATCH;
        let made = compare(&mut comparison, providers, &scripts, &config).await;
        calls += made.max(1);
    }
    comparison
}

/// Runs one script on several providers.
pub async fn differential_script(providers: &[(&str, &dyn Storage)], script: &Script) -> Comparison {
    let mut comparison = Comparison::default();
    compare(&mut comparison, providers, &[(script.clone(), None)], &Config::default()).await;
    comparison
}

/// Compares providers on some scripts. Returns the number of calls that the
/// first provider received.
async fn compare(
    comparison: &mut Comparison,
    providers: &[(&str, &dyn Storage)],
    scripts: &[(Script, Option<Seed>)],
    config: &Config,
) -> u64 {
    let distinct: BTreeSet<&str> = providers.iter().map(|(name, _)| *name).collect();
    if providers.len() < 2 || distinct.len() < providers.len() {
        let why = "A comparison needs at least two providers, each with a distinct name.";
        comparison.troubles.push(why.to_owned());
        return 0;
    }
    let only: Vec<&Script> = scripts.iter().map(|(script, _)| script).collect();
    let mut all: Vec<(&str, Vec<Run>)> = Vec::new();
    for (name, storage) in providers {
        match replay_all(*storage, &only, config).await {
            Ok(runs) => all.push((name, runs)),
            Err(why) => comparison.troubles.push(format!("{name}: {why}")),
        }
    }
    if all.len() < providers.len() {
        return 0;
    }
    for (number, (script, seed)) in scripts.iter().enumerate() {
        comparison.scripts += 1;
        let runs: Vec<(&str, &Run)> = all.iter().map(|(name, runs)| (*name, &runs[number])).collect();
        if let Some(parting) = part(&runs) {
            comparison.add(Parting { script: script.clone(), seed: *seed, ..parting });
        }
    }
    all[0].1.iter().map(|run| run.observed.len() as u64).sum()
}

/// The first divergence of the runs of one script.
fn part(runs: &[(&str, &Run)]) -> Option<Parting> {
    let longest = runs.iter().map(|(_, run)| run.observed.len()).max().unwrap_or(0);
    let mut names: Vec<Names> = runs.iter().map(|(_, run)| Names::new(run.base)).collect();
    for at in 0..longest {
        let mut answers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut asked: Vec<Option<String>> = Vec::new();
        for ((name, run), names) in runs.iter().zip(&mut names) {
            let seen = run.observed.get(at);
            asked.push(seen.map(|seen| names.call(&seen.call)));
            answers.entry(names.answer(seen)).or_default().push((*name).to_owned());
        }
        // The runs have already diverged: the providers no longer receive the
        // same calls.
        let same_question = asked.windows(2).all(|pair| pair[0].is_none() || pair[1].is_none() || pair[0] == pair[1]);
        if answers.len() > 1 || !same_question {
            return Some(judge(runs, at, answers));
        }
    }
    None
}

fn judge(runs: &[(&str, &Run)], at: usize, answers: BTreeMap<String, Vec<String>>) -> Parting {
    let mut answers: Vec<(Vec<String>, String)> =
        answers.into_iter().map(|(answer, providers)| (providers, answer)).collect();
    answers.sort_by_key(|(providers, _)| std::cmp::Reverse(providers.len()));
    let method = runs.iter().find_map(|(_, run)| run.observed.get(at)).map_or("", |seen| seen.call.method().name());
    // A provider that breaks a rule is odd, whatever the majority says.
    let broken: BTreeMap<String, &'static str> =
        runs.iter().filter_map(|(name, run)| Some(((*name).to_owned(), broken_rule(run)?))).collect();
    let most = answers.first().map_or(0, |(providers, _)| providers.len());
    let is_tie = answers.get(1).is_some_and(|(providers, _)| providers.len() == most);
    let (odd, judge) = if !broken.is_empty() {
        (broken.keys().cloned().collect(), Judge::Oracle(broken))
    } else if is_tie {
        (Vec::new(), Judge::Nobody)
    } else {
        (answers.iter().skip(1).flat_map(|(providers, _)| providers.clone()).collect(), Judge::Minority)
    };
    Parting { script: Script::default(), seed: None, call: at, method, answers, odd, judge }
}

/// The rule that a run breaks, unless it is a `may` rule.
fn broken_rule(run: &Run) -> Option<&'static str> {
    let End::Deviates(deviation) = &run.end else { return None };
    let rule = blame(&run.observed, &deviation.mismatch);
    (rule.strength != Strength::May).then_some(rule.id)
}

impl Comparison {
    /// Whether no provider breaks a rule, and everything could be compared.
    pub fn is_clean(&self) -> bool {
        self.partings.is_empty() && self.troubles.is_empty()
    }

    /// Asserts that the comparison is clean.
    ///
    /// # Panics
    ///
    /// If it is not; the message is the whole comparison.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.is_clean(), "{self}");
    }

    fn add(&mut self, parting: Parting) {
        let list = match parting.judge {
            Judge::Oracle(_) => &mut self.partings,
            Judge::Minority | Judge::Nobody => &mut self.choices,
        };
        let same = |other: &&mut Parting| {
            other.odd == parting.odd && other.method == parting.method && other.judge == parting.judge
        };
        match list.iter_mut().find(same) {
            Some(known) if parting.call < known.call => *known = parting,
            Some(_) => {}
            None => list.push(parting),
        }
    }
}

/// Normalizes the answers of one provider for comparison.
struct Names {
    base: Time,
    tokens: BTreeMap<String, String>,
}

impl Names {
    fn new(base: Time) -> Names {
        Names { base, tokens: BTreeMap::new() }
    }

    fn answer(&mut self, seen: Option<&Observed>) -> String {
        let Some(seen) = seen else { return "the call was not made".to_owned() };
        match &seen.reply {
            None => "no answer".to_owned(),
            Some(reply) => {
                self.learn(reply);
                self.plain(&format!("{:?}", bare(reply)))
            }
        }
    }

    fn call(&self, call: &Call) -> String {
        self.plain(&format!("{call:?}"))
    }

    fn learn(&mut self, reply: &Reply) {
        let (kind, token) = match reply {
            Reply::Turn(Some(turn)) => ("turn", &turn.token),
            Reply::Job(Some(job)) => ("job", &job.token),
            _ => return,
        };
        let name = format!("{kind} {}", self.tokens.len());
        self.tokens.entry(token.clone()).or_insert(name);
    }

    /// Replaces tokens by names, and times by those relative to the script's
    /// start.
    fn plain(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (token, name) in &self.tokens {
            text = text.replace(&format!("{token:?}"), name);
        }
        relative(&text, self.base)
    }
}

/// The reply without details that no document specifies: error messages and the
/// order of sets.
fn bare(reply: &Reply) -> Reply {
    let mut reply = reply.clone();
    match &mut reply {
        Reply::Refused(refusal) => {
            refusal.message.clear();
            refusal.operation.clear();
            refusal.class = duroxide_sim::call::Class::Other;
        }
        Reply::Names(names) => names.sort(),
        Reply::Tree(tree) => tree.all_ids.sort(),
        Reply::Turn(Some(turn)) => turn.history_error = turn.history_error.as_ref().map(|_| String::new()),
        Reply::Done | Reply::Turn(None) | Reply::Job(_) | Reply::Events(_) | Reply::Count(_) => {}
        Reply::CustomStatus(_) | Reply::Value(_) | Reply::Values(_) | Reply::Stats(_) => {}
        Reply::Numbers(_) | Reply::Number(_) | Reply::Instance(_) | Reply::Execution(_) => {}
        Reply::Metrics(_) | Reply::QueueDepths(_) | Reply::Deleted(_) | Reply::Pruned(_) => {}
    }
    reply
}

/// Replaces numbers that are times within a year of `base` by `+ms`.
fn relative(text: &str, base: Time) -> String {
    const YEAR_MS: u64 = 366 * 86_400_000;
    let mut out = String::with_capacity(text.len());
    let mut digits = String::new();
    for letter in text.chars().chain(['\0']) {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        match digits.parse::<u64>() {
            Ok(number) if number >= base.0 && number - base.0 <= YEAR_MS => {
                out.push_str(&format!("+{}", number - base.0));
            }
            _ => out.push_str(&digits),
        }
        digits.clear();
        if letter != '\0' {
            out.push(letter);
        }
    }
    out
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for parting in self.partings.iter().chain(&self.choices) {
            writeln!(f, "{parting}")?;
        }
        self.troubles.iter().try_for_each(|why| writeln!(f, "Could not be compared: {}", Line(why)))?;
        let (wrong, free) = (self.partings.len(), self.choices.len());
        write!(
            f,
            "{} scripts: {wrong} divergences in which a provider breaks a rule, {free} in which the contract leaves a \
             choice.",
            self.scripts
        )
    }
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let odd = text::line(self.odd.join(", "));
        match &self.judge {
            Judge::Oracle(rules) => {
                let breaks: Vec<String> = rules.iter().map(|(name, rule)| format!("{name} breaks {rule}")).collect();
                write!(f, "The odd one out is {odd}, according to its own oracle: {}.", Line(breaks.join("; ")))?;
            }
            Judge::Minority => {
                write!(f, "The odd one out is {odd}, by majority; the contract leaves the choice open.")?
            }
            Judge::Nobody => write!(f, "No provider is the odd one out; the contract leaves the choice open.")?,
        }
        writeln!(f, " The answers differ at call {}, {}:", self.call, self.method)?;
        for (providers, answer) in &self.answers {
            writeln!(f, "  {}: {}", Line(providers.join(", ")), Line(answer))?;
        }
        if let Some(seed) = self.seed {
            writeln!(f, "  Script of seed {seed}:")?;
        }
        write!(f, "{}", self.script)
    }
}
