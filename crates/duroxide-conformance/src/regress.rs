//! Kept scripts: the script of each finding, stored as text in a folder and
//! rerun first by later checks.
//!
//! This module reads and writes the files; it runs nothing.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use duroxide_sim::unstable::text::Line;

use super::finding::Finding;
use super::script::{SCRIPT_VARIABLE, Script};

/// A folder of kept scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regressions {
    folder: PathBuf,
}

/// A kept script.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The script's file.
    pub file: PathBuf,
    /// The rule that the script showed broken; `None` if the file does not name
    /// it.
    pub rule: Option<String>,
    /// The script.
    pub script: Script,
}

impl Default for Regressions {
    /// `proptest-regressions/conformance` in the tested package, or
    /// `target/conformance` if cargo does not tell which package that is.
    fn default() -> Regressions {
        let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).filter(|folder| folder.is_dir());
        let in_package = package.map(|folder| folder.join("proptest-regressions").join("conformance"));
        Regressions { folder: in_package.unwrap_or_else(|| Path::new("target").join("conformance")) }
    }
}

impl Regressions {
    /// The scripts in a folder, which may not exist yet.
    pub fn at(folder: impl Into<PathBuf>) -> Regressions {
        Regressions { folder: folder.into() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps a finding's script and returns its file. The same script always
    /// goes into the same file.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn keep(&self, finding: &Finding) -> Result<PathBuf, KeptError> {
        let file = self.folder.join(finding.script.file_name(finding.rule));
        let seed = finding.seed.map(|seed| format!("# seed: {seed}\n")).unwrap_or_default();
        let shown = finding.shown();
        let lines = |what: &str, lines: &[String]| -> String {
            let line = |line: &String| format!("# {what}: {}\n", line.replace(['\n', '\r'], " "));
            lines.iter().map(line).collect()
        };
        let text = format!(
            "# rule: {}\n# provider: {}\n{seed}{}{}{}",
            finding.rule,
            finding.subject.label.replace(['\n', '\r'], " "),
            lines("expected", &shown.expected),
            lines("got", &shown.got),
            finding.script
        );
        let written = fs::create_dir_all(&self.folder).and_then(|()| fs::write(&file, text));
        written.map_err(|error| KeptError { file: file.clone(), reason: format!("cannot be written: {error}") })?;
        Ok(file)
    }

    /// Reads every script in the folder, ordered by file name.
    ///
    /// # Errors
    ///
    /// If the folder or a file cannot be read, or a file is not a script.
    pub fn load(&self) -> Result<Vec<Kept>, KeptError> {
        let failed = |error: std::io::Error| KeptError {
            file: self.folder.clone(),
            reason: format!("cannot be listed: {error}"),
        };
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let files: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
        let mut files = files.map_err(failed)?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "script"));
        files.sort();
        files.iter().map(|file| Kept::read(file)).collect()
    }
}

impl Kept {
    /// Reads one file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is not a script.
    pub fn read(file: &Path) -> Result<Kept, KeptError> {
        let failed = |reason: String| KeptError { file: file.to_owned(), reason };
        let text = fs::read_to_string(file).map_err(|error| failed(format!("cannot be read: {error}")))?;
        let script: Script = text.parse().map_err(|error| failed(format!("is not a script. {error}")))?;
        if script.is_empty() {
            return Err(failed("contains no steps".to_owned()));
        }
        let rule = text.lines().find_map(|line| line.strip_prefix("# rule:")).map(|rule| rule.trim().to_owned());
        Ok(Kept { file: file.to_owned(), rule, script })
    }

    /// Reads the script that `DUROXIDE_SIM_SCRIPT` names, if the variable is
    /// set.
    ///
    /// # Errors
    ///
    /// If the variable does not name a readable script.
    pub fn from_env() -> Result<Option<Kept>, KeptError> {
        std::env::var_os(SCRIPT_VARIABLE).map(|file| Kept::read(Path::new(&file))).transpose()
    }
}

/// A kept script that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptError {
    file: PathBuf,
    reason: String,
}

impl fmt::Display for KeptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason.trim_end_matches('.');
        write!(f, "{} {}. Fix it, or delete it if it is no longer needed.", Line(self.file.display()), Line(reason))
    }
}

impl std::error::Error for KeptError {}
