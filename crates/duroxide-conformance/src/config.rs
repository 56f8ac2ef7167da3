//! [`Config`]: the size and seed of a check, and its known deviations.
//!
//! The environment is read once, when a check begins; invalid variables are
//! reported as errors.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use duroxide_sim::seed::{SEED_VARIABLE, Seed, SeedError};

use super::generate::Profile;
use super::minimise::Budget;
use super::regress::{Kept, KeptError, Regressions};
use super::script::SCRIPT_VARIABLE;
use super::storage::TimeSource;
use super::waivers::{Waivers, WaiversError};
use crate::report::Format;

/// The environment variable that overrides the number of calls a check makes.
pub const CALLS_VARIABLE: &str = "DUROXIDE_SIM_CALLS";

/// The environment variable that lists reports to write, as in
/// `json=report.json,markdown=report.md`.
pub const REPORT_VARIABLE: &str = "DUROXIDE_SIM_REPORT";

/// The configuration of a check: its seed, its size, its files and its limits.
///
/// ```
/// use duroxide_conformance::Config;
///
/// let config = Config::default().seed(7).calls(1_000_000).waivers("known-deviations.toml");
/// # let _ = config;
/// ```
///
/// The calls of a check depend only on the seed and the number of calls, so a
/// check can be repeated. The limits on real time are safety nets: a check that
/// reaches one reports that it did.
///
/// These environment variables override the configuration: `DUROXIDE_SIM_SEED`,
/// `DUROXIDE_SIM_CALLS`, `DUROXIDE_SIM_SCRIPT` (a file with the only script to
/// run) and `DUROXIDE_SIM_REPORT` (additional reports, as in
/// `json=report.json,markdown=report.md`).
#[derive(Clone, Debug)]
#[must_use]
pub struct Config {
    pub(crate) seed: Seed,
    calls: Option<u64>,
    pub(crate) at_most: Duration,
    pub(crate) patience: Duration,
    pub(crate) shrinking: Budget,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) waivers: Option<PathBuf>,
    pub(crate) regressions: Option<Regressions>,
    pub(crate) reports: Vec<(Format, PathBuf)>,
    pub(crate) script: Option<Kept>,
    pub(crate) progress: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            seed: Seed(1),
            calls: None,
            at_most: Duration::from_secs(300),
            patience: Duration::from_secs(10),
            shrinking: Budget::default(),
            profiles: Profile::ALL.to_vec(),
            waivers: None,
            regressions: Some(Regressions::default()),
            reports: Vec::new(),
            script: None,
            progress: true,
        }
    }
}

impl Config {
    /// Sets the seed that everything is generated from. Default: 1.
    pub fn seed(self, seed: impl Into<Seed>) -> Config {
        Config { seed: seed.into(), ..self }
    }

    /// Sets the number of calls to make, not counting those of shrinking.
    /// Default: 100,000 with virtual time and 20,000 otherwise, where a call
    /// takes about a hundred times as long. The last script runs to its end.
    pub fn calls(self, calls: u64) -> Config {
        Config { calls: Some(calls), ..self }
    }

    /// The number of calls to make on storage with this time source.
    pub(crate) fn calls_at(&self, time: TimeSource) -> u64 {
        self.calls.unwrap_or(if time == TimeSource::Virtual { 100_000 } else { 20_000 })
    }

    /// Limits the real time of the check. Default: five minutes. The check
    /// stops after the script that reaches the limit and reports how many calls
    /// it made.
    pub fn at_most(self, time: Duration) -> Config {
        Config { at_most: time, ..self }
    }

    /// Sets the real time after which one call counts as hung. Default: 10 s.
    pub fn patience(self, patience: Duration) -> Config {
        Config { patience, ..self }
    }

    /// Sets the budget for shrinking one finding. Default: 10 s.
    pub fn shrinking(self, budget: Budget) -> Config {
        Config { shrinking: budget, ..self }
    }

    /// Sets the profiles of the generated scripts, used in turn. Default: every
    /// profile, also for an empty list.
    pub fn profiles(self, profiles: impl IntoIterator<Item = Profile>) -> Config {
        let mut profiles: Vec<Profile> = profiles.into_iter().collect();
        if profiles.is_empty() {
            profiles = Profile::ALL.to_vec();
        }
        Config { profiles, ..self }
    }

    /// Sets a TOML file of known deviations, see [`Waivers`]. Default: none.
    pub fn waivers(self, file: impl Into<PathBuf>) -> Config {
        Config { waivers: Some(file.into()), ..self }
    }

    /// Sets the folder in which the shrunk scripts of findings are kept; a
    /// check reruns them before it generates new ones. Default:
    /// `proptest-regressions/conformance` of the package. A missing folder
    /// counts as empty.
    pub fn regressions(self, folder: impl Into<PathBuf>) -> Config {
        Config { regressions: Some(Regressions::at(folder)), ..self }
    }

    /// Neither keeps nor reruns scripts of findings.
    pub fn no_regressions(self) -> Config {
        Config { regressions: None, ..self }
    }

    /// Adds a report to write. May be called several times.
    pub fn report(mut self, format: Format, file: impl Into<PathBuf>) -> Config {
        self.reports.push((format, file.into()));
        self
    }

    /// Turns off the progress display.
    pub fn quiet(self) -> Config {
        Config { progress: false, ..self }
    }

    /// Returns the configuration with the environment's overrides applied.
    ///
    /// # Errors
    ///
    /// If a variable is set to an invalid value.
    pub fn with_env(mut self) -> Result<Config, ConfigError> {
        if let Some(seed) = Seed::from_env().map_err(ConfigError::Seed)? {
            self.seed = seed;
        }
        if let Some(text) = variable(CALLS_VARIABLE) {
            self.calls = Some(calls_of(&text).ok_or(ConfigError::Calls(text))?);
        }
        self.script = Kept::from_env().map_err(ConfigError::Script)?;
        if let Some(text) = variable(REPORT_VARIABLE) {
            for one in text.split(',').filter(|one| !one.trim().is_empty()) {
                self.reports.push(report_of(one)?);
            }
        }
        Ok(self)
    }

    /// Reads the waiver file, if one is set.
    pub(crate) fn load_waivers(&self) -> Result<Waivers, WaiversError> {
        self.waivers.as_ref().map_or_else(|| Ok(Waivers::default()), Waivers::read)
    }

    /// The configuration with the environment's overrides applied, and its
    /// waivers.
    ///
    /// # Errors
    ///
    /// A message, if a variable or the waiver file is invalid.
    pub(crate) fn settle(&self) -> Result<(Config, Waivers), String> {
        let config = self.clone().with_env().map_err(|error| error.to_string())?;
        let waivers = config.load_waivers().map_err(|error| error.to_string())?;
        Ok((config, waivers))
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|text| text.to_string_lossy().into_owned())
}

/// Parses a positive number of calls; `_` may separate digits.
fn calls_of(text: &str) -> Option<u64> {
    let digits: String = text.trim().chars().filter(|c| *c != '_').collect();
    // Number::parse would take a sign.
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|calls| plain && *calls > 0)
}

/// Parses `format=file`.
pub(crate) fn report_of(text: &str) -> Result<(Format, PathBuf), ConfigError> {
    let error = || ConfigError::Report(text.trim().to_owned());
    let (format, file) = text.trim().split_once('=').ok_or_else(error)?;
    let format = Format::named(format.trim()).ok_or_else(error)?;
    let file = file.trim();
    if file.is_empty() { Err(error()) } else { Ok((format, PathBuf::from(file))) }
}

/// An invalid environment variable or argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// `DUROXIDE_SIM_SEED` is not a seed.
    Seed(SeedError),
    /// `DUROXIDE_SIM_CALLS` is not a number of calls.
    Calls(String),
    /// `DUROXIDE_SIM_SCRIPT` does not name a readable script.
    Script(KeptError),
    /// A report is not given as a format and a file.
    Report(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Seed(error) => write!(f, "{SEED_VARIABLE}: {error}"),
            ConfigError::Calls(text) => write!(
                f,
                "{CALLS_VARIABLE} is {text:?}, which is not a number of calls. Give a whole number from 1 up to {}, as \
                 in {CALLS_VARIABLE}=1000000, or unset it.",
                u64::MAX
            ),
            ConfigError::Script(error) => write!(f, "{SCRIPT_VARIABLE}: {error}"),
            ConfigError::Report(text) => {
                let formats = Format::ALL.iter().map(|format| format.name()).collect::<Vec<_>>().join("|");
                write!(
                    f,
                    "{text:?} does not name a report. Give a format and a file, as in --report json=report.json or \
                     {REPORT_VARIABLE}=json=report.json,markdown=report.md; the formats are {formats}."
                )
            }
        }
    }
}

impl std::error::Error for ConfigError {}
