//! [`Config`]: how much is checked, from which seed, and what is known already.
//!
//! It reads the environment once, when a check begins, and says clearly what is
//! wrong with it. It checks nothing.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use duroxide_sim::seed::{SEED_VARIABLE, Seed, SeedError};

use super::generate::Profile;
use super::minimise::Budget;
use super::regress::{Kept, KeptError, Regressions, SCRIPT_VARIABLE};
use super::storage::TimeSource;
use super::waivers::{Waivers, WaiversError};
use crate::report::Format;

/// The environment variable that overrides how many calls a check makes.
pub const CALLS_VARIABLE: &str = "DUROXIDE_SIM_CALLS";

/// The environment variable that names reports to write, as in
/// `json=report.json,markdown=report.md`.
pub const REPORT_VARIABLE: &str = "DUROXIDE_SIM_REPORT";

/// How much is checked, and from which seed.
///
/// ```
/// use duroxide_conformance::Config;
///
/// let config = Config::default().seed(7).calls(1_000_000).waivers("known-deviations.toml");
/// # let _ = config;
/// ```
///
/// What is checked depends on the seed and the number of calls alone, so that a
/// run repeats. The limits on real time are safety nets: a run that hits one
/// says so.
///
/// These environment variables override it: `DUROXIDE_SIM_SEED`,
/// `DUROXIDE_SIM_CALLS`, `DUROXIDE_SIM_SCRIPT` (a file with one script, which
/// alone is run) and `DUROXIDE_SIM_REPORT` (more reports, as in
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
    /// Everything is drawn from this seed; 1 unless set.
    pub fn seed(self, seed: impl Into<Seed>) -> Config {
        Config { seed: seed.into(), ..self }
    }

    /// How many calls are made, those of shrinking not counted. Unless set,
    /// 100,000 where time is virtual and 20,000 elsewhere, where each call takes
    /// a hundred times as long. The last script is run to its end.
    pub fn calls(self, calls: u64) -> Config {
        Config { calls: Some(calls), ..self }
    }

    /// How many calls are made of storage that reads time so.
    pub(crate) fn calls_at(&self, time: TimeSource) -> u64 {
        self.calls.unwrap_or(if time == TimeSource::Virtual { 100_000 } else { 20_000 })
    }

    /// How much real time the check may take; five minutes unless set. It ends
    /// at the script that reaches it, and says how far it came.
    pub fn at_most(self, time: Duration) -> Config {
        Config { at_most: time, ..self }
    }

    /// How much time one call may take before it counts as hung; 10 s unless
    /// set.
    pub fn patience(self, patience: Duration) -> Config {
        Config { patience, ..self }
    }

    /// What making one finding small may cost; 10 s unless set.
    pub fn shrinking(self, budget: Budget) -> Config {
        Config { shrinking: budget, ..self }
    }

    /// What scripts are about, in turn; every profile unless set. An empty list
    /// stands for all of them too.
    pub fn profiles(self, profiles: impl IntoIterator<Item = Profile>) -> Config {
        let mut profiles: Vec<Profile> = profiles.into_iter().collect();
        if profiles.is_empty() {
            profiles = Profile::ALL.to_vec();
        }
        Config { profiles, ..self }
    }

    /// A TOML file of known deviations: see [`Waivers`]. None unless set.
    pub fn waivers(self, file: impl Into<PathBuf>) -> Config {
        Config { waivers: Some(file.into()), ..self }
    }

    /// The folder in which the smallest scripts of findings are kept, and from
    /// which they are rerun first; `proptest-regressions/conformance` of the
    /// package unless set. A folder that is not there holds none.
    pub fn regressions(self, folder: impl Into<PathBuf>) -> Config {
        Config { regressions: Some(Regressions::at(folder)), ..self }
    }

    /// Keeps no scripts, and reruns none.
    pub fn no_regressions(self) -> Config {
        Config { regressions: None, ..self }
    }

    /// Writes a report too. May be called several times.
    pub fn report(mut self, format: Format, file: impl Into<PathBuf>) -> Config {
        self.reports.push((format, file.into()));
        self
    }

    /// Shows no progress.
    pub fn quiet(self) -> Config {
        Config { progress: false, ..self }
    }

    /// The same, with what the environment overrides.
    ///
    /// # Errors
    ///
    /// When a variable is set and makes no sense.
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

    /// The waivers in the file, if there is one.
    pub(crate) fn load_waivers(&self) -> Result<Waivers, WaiversError> {
        self.waivers.as_ref().map_or_else(|| Ok(Waivers::default()), Waivers::read)
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|text| text.to_string_lossy().into_owned())
}

/// A number of calls, with `_` between digits for those who like that.
fn calls_of(text: &str) -> Option<u64> {
    let digits: String = text.trim().chars().filter(|c| *c != '_').collect();
    // Number::parse would take a sign.
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|calls| plain && *calls > 0)
}

/// A format and a file, from `format=file`.
pub(crate) fn report_of(text: &str) -> Result<(Format, PathBuf), ConfigError> {
    let error = || ConfigError::Report(text.trim().to_owned());
    let (format, file) = text.trim().split_once('=').ok_or_else(error)?;
    let format = Format::named(format.trim()).ok_or_else(error)?;
    let file = file.trim();
    if file.is_empty() { Err(error()) } else { Ok((format, PathBuf::from(file))) }
}

/// What is wrong with the environment, or with an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// `DUROXIDE_SIM_SEED` is not a seed.
    Seed(SeedError),
    /// `DUROXIDE_SIM_CALLS` is not a number of calls.
    Calls(String),
    /// `DUROXIDE_SIM_SCRIPT` names no script.
    Script(KeptError),
    /// Not a format and a file.
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
                let formats = Format::ALL.map(Format::name).join("|");
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
