//! [`Printed`]: the output of a worker and its seeds, in a memory file. Its end is reported if one
//! of them dies.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

/// The memory file that a worker's output goes to.
pub(super) struct Printed {
    file: File,
    /// The end of output that was discarded to save memory.
    kept: Vec<u8>,
}

/// How much output is reported, in bytes and in lines.
const MOST: u64 = 4_000;
const MOST_LINES: usize = 40;

/// How much output is kept in memory.
const ROOM: u64 = 16 << 20;

impl Printed {
    pub fn of(file: File) -> Printed {
        Printed { file, kept: Vec::new() }
    }

    /// The output file of this process, if it is a worker with such a file.
    pub fn here() -> Option<Printed> {
        let file = File::from(std::io::stdout().as_fd().try_clone_to_owned().ok()?);
        file.metadata().ok().filter(std::fs::Metadata::is_file).map(|_| Printed::of(file))
    }

    /// Discards everything printed so far.
    pub fn clear(&mut self) {
        self.kept.clear();
        // If this fails, a later report contains more than necessary.
        let _ = self.file.set_len(0);
    }

    /// Discards all but the end of the output, if there is too much of it.
    pub fn bound(&mut self) {
        if self.file.metadata().is_ok_and(|file| file.len() > ROOM) {
            self.kept = self.tail();
            let _ = self.file.set_len(0);
        }
    }

    fn tail(&self) -> Vec<u8> {
        let length = self.file.metadata().map_or(0, |file| file.len());
        let mut tail = vec![0; usize::try_from(length.min(MOST)).unwrap_or_default()];
        let read = self.file.read_exact_at(&mut tail, length - length.min(MOST));
        if read.is_err() {
            tail.clear();
        }
        tail
    }

    /// The last lines of the output.
    pub fn lines(&self) -> Vec<String> {
        let all = [self.kept.clone(), self.tail()].concat();
        let end = &all[all.len().saturating_sub(MOST as usize)..];
        let text = String::from_utf8_lossy(end);
        let mut lines: Vec<String> = text.trim_end().lines().rev().take(MOST_LINES).map(str::to_owned).collect();
        lines.reverse();
        lines
    }
}
