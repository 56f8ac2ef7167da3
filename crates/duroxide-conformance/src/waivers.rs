//! [`Waivers`]: the known, unfixed deviations of a provider.
//!
//! This module reads the waiver file and selects the waivers of a provider. A
//! check determines whether a waiver is still needed.

use std::fmt;
use std::path::{Path, PathBuf};

use duroxide_sim::unstable::text::{Line, Lines};
use serde::Deserialize;
use toml::Spanned;

use super::contract;
use super::race::Program;
use super::script::Script;

/// A file of known deviations.
///
/// ```
/// use duroxide_conformance::Waivers;
///
/// let text = r#"
///     [[waiver]]
///     rule = "list.newest-first"
///     provider = "duroxide-pg"        # only this provider; all of them without it
///     build = "release"               # only where debug assertions are off; everywhere without it
///     reason = "Instances are listed by name."
///     link = "https://example.com/bugs/7"
///     script = """
///     "ReadBack"
///     """
/// "#;
/// let waivers = Waivers::parse("waivers.toml", text).unwrap();
/// assert_eq!(waivers.of("duroxide-pg").count(), usize::from(!cfg!(debug_assertions)));
/// assert_eq!(waivers.of("sqlite").count(), 0);
/// ```
///
/// `rule` is a rule's id in the [contract table](contract) or the name of an
/// official validation's trial, as in `official::deletion::test_list_children`.
/// `reason` and `link` are required. `script` is the finding's script: every
/// check runs it; without a script, the check's own scripts have to show the
/// deviation. A deviation that only concurrent callers show has a `program`
/// instead, which is run repeatedly until it shows it. A rule may have several
/// waivers, each with its own script. `build` is for deviations that depend on
/// the build: an integer overflow panics in a `"debug"` build and wraps in a
/// `"release"` build.
///
/// A waived rule that is broken does not fail a check. A waiver that is no
/// longer needed does, except for an official validation whose waiver says
/// `intermittent = true`: such a validation depends on real time, and one run
/// in which it passes proves nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waivers {
    file: PathBuf,
    waivers: Vec<Waiver>,
}

/// One known deviation.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiver {
    /// The id of the broken rule.
    pub rule: &'static str,
    /// The label of the provider that breaks the rule; `None` stands for every
    /// provider.
    pub provider: Option<String>,
    /// The build that shows the deviation; `None` stands for every build.
    pub build: Option<Build>,
    /// Why the deviation is accepted for now.
    pub reason: String,
    /// Where the deviation is described.
    pub link: String,
    /// A script that shows the deviation.
    pub script: Option<Script>,
    /// A program of concurrent callers that shows the deviation in some of its
    /// runs.
    pub program: Option<Program>,
    /// Whether the official validation passes in some runs. `false` for rules
    /// of the contract table.
    pub intermittent: bool,
    /// The line of the waiver in its file.
    pub line: usize,
}

/// The build of a check, as far as panics depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Build {
    /// With debug assertions.
    Debug,
    /// Without debug assertions.
    Release,
}

impl Build {
    /// The build of this library. The provider has the same, unless a Cargo
    /// profile overrides one of the two.
    pub fn current() -> Build {
        if cfg!(debug_assertions) { Build::Debug } else { Build::Release }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    waiver: Vec<Spanned<RawWaiver>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWaiver {
    rule: Spanned<String>,
    provider: Option<String>,
    build: Option<Build>,
    reason: Spanned<String>,
    link: Spanned<String>,
    script: Option<Spanned<String>>,
    program: Option<Spanned<String>>,
    #[serde(default)]
    intermittent: bool,
}

impl Waivers {
    /// Reads a waiver file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is not a valid waiver file.
    pub fn read(file: impl AsRef<Path>) -> Result<Waivers, WaiversError> {
        let file = file.as_ref();
        match std::fs::read_to_string(file) {
            Ok(text) => Waivers::parse(file, &text),
            Err(error) => Err(WaiversError { file: file.to_owned(), line: None, reason: error.to_string() }),
        }
    }

    /// Parses the text of a waiver file; `file` is the name used in errors.
    ///
    /// # Errors
    ///
    /// If the text is not a valid waiver file.
    pub fn parse(file: impl Into<PathBuf>, text: &str) -> Result<Waivers, WaiversError> {
        let file = file.into();
        let wrong = |at: Option<usize>, reason: String| {
            let line = at.map(|at| line_of(text, at));
            WaiversError { file: file.clone(), line, reason }
        };
        let raw: RawFile = toml::from_str(text)
            .map_err(|error| wrong(error.span().map(|span| span.start), error.message().to_owned()))?;
        let mut waivers = Vec::new();
        for raw in raw.waiver {
            let at = raw.span().start;
            let waiver = waiver_of(raw.into_inner(), line_of(text, at)).map_err(|(at, reason)| wrong(Some(at), reason));
            waivers.push(waiver?);
        }
        Ok(Waivers { file, waivers })
    }

    /// The waivers that apply to the provider with this label in this build.
    pub fn of<'a>(&'a self, label: &'a str) -> impl Iterator<Item = &'a Waiver> {
        self.waivers.iter().filter(move |waiver| waiver.is_for(label))
    }

    /// A set with only this waiver.
    pub(crate) fn only(&self, waiver: &Waiver) -> Waivers {
        Waivers { file: self.file.clone(), waivers: vec![waiver.clone()] }
    }

    /// The file that the waivers were read from.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

impl Waiver {
    fn is_for(&self, label: &str) -> bool {
        self.provider.as_deref().is_none_or(|provider| provider == label)
            && self.build.is_none_or(|build| build == Build::current())
    }
}

fn waiver_of(raw: RawWaiver, line: usize) -> Result<Waiver, (usize, String)> {
    let rule = rule_of(raw.rule.get_ref()).ok_or_else(|| {
        let near = nearest(raw.rule.get_ref()).map(|id| format!(" Did you mean {id:?}?")).unwrap_or_default();
        (raw.rule.span().start, format!("There is no rule {:?}.{near}", raw.rule.get_ref()))
    })?;
    for (text, name) in [(&raw.reason, "reason"), (&raw.link, "link")] {
        if text.get_ref().trim().is_empty() {
            return Err((text.span().start, format!("The {name} is empty.")));
        }
    }
    let script = match &raw.script {
        None => None,
        Some(text) => Some(script_of(text.get_ref()).map_err(|reason| (text.span().start, reason))?),
    };
    let program = match &raw.program {
        None => None,
        Some(text) => Some(program_of(text.get_ref()).map_err(|reason| (text.span().start, reason))?),
    };
    if raw.intermittent && !rule.starts_with("official::") {
        let reason = "Only an official validation can be intermittent: a rule of the contract table has a script or a \
                      program that shows the deviation.";
        return Err((raw.rule.span().start, reason.to_owned()));
    }
    let (intermittent, reason, link) = (raw.intermittent, raw.reason.into_inner(), raw.link.into_inner());
    Ok(Waiver { rule, provider: raw.provider, build: raw.build, reason, link, script, program, intermittent, line })
}

fn script_of(text: &str) -> Result<Script, String> {
    let script: Script = text.parse().map_err(|error| format!("In the script that begins here: {error}"))?;
    if script.is_empty() { Err("The script that begins here has no steps.".to_owned()) } else { Ok(script) }
}

fn program_of(text: &str) -> Result<Program, String> {
    text.parse().map_err(|error| format!("In the program that begins here: {error}"))
}

/// The id as it stands in the contract table or in the list of validations.
fn rule_of(id: &str) -> Option<&'static str> {
    match id.strip_prefix("official::") {
        None => contract::find(id).map(|rule| rule.id),
        Some(name) => super::official::Validation::find(name).map(|validation| validation.trial),
    }
}

/// The rule whose id shares the longest prefix with `id`.
fn nearest(id: &str) -> Option<&'static str> {
    let common = |other: &str| id.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    contract::rules().map(|rule| rule.id).max_by_key(|other| common(other)).filter(|other| common(other) > 3)
}

/// The number of the line that contains byte `at`.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// An unreadable or invalid waiver file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaiversError {
    file: PathBuf,
    line: Option<usize>,
    reason: String,
}

impl fmt::Display for WaiversError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Waivers, {}", Line(self.file.display()))?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(
            f,
            ": {} Each [[waiver]] has a rule of the contract table, a reason and a link, and may have a provider, a \
             build and a script.",
            Lines(sentence(&self.reason))
        )
    }
}

/// The text with a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let start: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let stop = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{start}{}{stop}", letters.as_str())
}

impl std::error::Error for WaiversError {}
