//! [`Printed`]: what a worker and its seeds print: a file in memory, of which the
//! end is of interest when one of them dies.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

/// What is printed into.
pub(super) struct Printed {
    file: File,
    /// The end of what was thrown away meanwhile.
    kept: Vec<u8>,
}

/// How much of it is told, in bytes and in lines.
const MOST: u64 = 4_000;
const MOST_LINES: usize = 40;

/// How much is kept in memory.
const ROOM: u64 = 16 << 20;

impl Printed {
    pub fn of(file: File) -> Printed {
        Printed { file, kept: Vec::new() }
    }

    /// That of this process, where it is a worker that prints into such a file.
    pub fn here() -> Option<Printed> {
        let file = File::from(std::io::stdout().as_fd().try_clone_to_owned().ok()?);
        file.metadata().ok().filter(std::fs::Metadata::is_file).map(|_| Printed::of(file))
    }

    /// Forgets what was printed.
    pub fn clear(&mut self) {
        self.kept.clear();
        // Where that fails, more is told than has to be.
        let _ = self.file.set_len(0);
    }

    /// Throws away all but the end, where it is too much.
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

    /// The last lines of it.
    pub fn lines(&self) -> Vec<String> {
        let all = [self.kept.clone(), self.tail()].concat();
        let end = &all[all.len().saturating_sub(MOST as usize)..];
        let text = String::from_utf8_lossy(end);
        let mut lines: Vec<String> = text.trim_end().lines().rev().take(MOST_LINES).map(str::to_owned).collect();
        lines.reverse();
        lines
    }
}
