//! Recorded histories as files.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{FORMAT, Recorded, RecordedError};
use crate::errors::Wrapped;
use crate::text::Quoted;
use crate::{clock, command};

/// The size limit of a file, in bytes.
const LARGEST: u64 = 1 << 30;

impl Recorded {
    /// Reads a file that [`Recorded::write`] wrote.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not a recorded history, or has a format version that this
    /// crate does not know.
    pub fn read(path: impl AsRef<Path>) -> Result<Recorded, RecordedError> {
        #[derive(Deserialize)]
        struct Head {
            recorded: u32,
        }
        let path = path.as_ref();
        let wrong =
            |why: &str| RecordedError::new(format!("The history {} cannot be used{why}.", Quoted(path.display())));
        let because = |why: &str, error: Wrapped| RecordedError { source: Some(error), ..wrong(why) };
        let about = std::fs::metadata(path).map_err(|error| because("", Wrapped::new(error)))?;
        // Reading a pipe or a device may never end.
        if !about.is_file() {
            return Err(wrong(": it is not a regular file"));
        }
        if about.len() > LARGEST {
            return Err(wrong(&format!(": it has {} bytes, and the limit is {LARGEST}", about.len())));
        }
        let text = std::fs::read_to_string(path).map_err(|error| because("", Wrapped::new(error)))?;
        let head: Head = serde_json::from_str(&text)
            .map_err(|error| because(": it is not a recorded history", Wrapped::new(error)))?;
        if head.recorded != FORMAT {
            let theirs = head.recorded;
            return Err(wrong(&format!(": it has format {theirs}, and this crate reads format {FORMAT}")));
        }
        let recorded: Recorded = serde_json::from_str(&text)
            .map_err(|error| because(": it is damaged, or a newer duroxide recorded it", Wrapped::new(error)))?;
        if recorded.executions.is_empty() || recorded.executions.iter().any(|execution| execution.events.is_empty()) {
            return Err(wrong(": it has no events, so a replay would prove nothing"));
        }
        if !recorded.executions.is_sorted_by(|one, next| one.execution < next.execution) {
            return Err(wrong(": its executions do not ascend"));
        }
        Ok(recorded)
    }

    /// Reads the files in a folder whose names end in `.json`, in the order of their names.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read, has no such file, or has one that is not a recorded history.
    pub fn read_all(folder: impl AsRef<Path>) -> Result<Vec<(PathBuf, Recorded)>, RecordedError> {
        let folder = folder.as_ref();
        let unread = |error: std::io::Error| RecordedError {
            sentence: format!("The folder of histories {} cannot be read.", Quoted(folder.display())),
            source: Some(Wrapped::new(error)),
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unread)? {
            let path = entry.map_err(unread)?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
        if files.is_empty() {
            return Err(RecordedError::new(format!(
                "The folder {} has no .json file, so a replay of its histories would prove nothing. Record some with \
                 Recorded::add_to.",
                Quoted(folder.display())
            )));
        }
        files.sort();
        files.into_iter().map(|file| Recorded::read(&file).map(|recorded| (file, recorded))).collect()
    }

    /// Writes the history, creating the folder if needed. The file is written completely or not at
    /// all.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), RecordedError> {
        let path = path.as_ref();
        let text = serde_json::to_string_pretty(self).expect("plain data with text keys has a JSON form") + "\n";
        // A simulation may write its histories, and does not depend on the files.
        clock::escapes::unnoticed(|| command::write_whole(path, &text)).map_err(|error| RecordedError {
            sentence: format!("The history {} could not be written.", Quoted(path.display())),
            source: Some(Wrapped::new(error)),
        })
    }

    /// Writes the history to a file in `folder` that is named after its orchestration and its shape:
    /// the kinds and names of its events, without ids, times and data. A history of the same shape
    /// that is there already stays, so that exploring many seeds leaves one history for each branch.
    /// Returns the path.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn add_to(&self, folder: impl AsRef<Path>) -> Result<PathBuf, RecordedError> {
        let name = self.executions.first().and_then(|first| first.orchestration()).map_or("", |(name, _)| name);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let name: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).take(60).collect();
        let path = folder.as_ref().join(format!("{name}-{:016x}.json", super::shape::shape(self)));
        if !path.exists() {
            self.write(&path)?;
        }
        Ok(path)
    }
}
