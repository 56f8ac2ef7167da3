//! [`Difference`]: where two runs of one seed diverge, and the likely cause.
//!
//! The runs took place in two processes with different addresses and hash seeds. If any of these,
//! the machine or other threads influence a run, the traces differ.

use std::fmt;
use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::clock::{Escapes, Seen};
use crate::seed::Seed;
use crate::text::Line;
use crate::trace::Trace;

/// The first difference between two runs of one seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The seed.
    pub seed: Seed,
    /// The last lines that both traces share.
    pub before: Vec<String>,
    /// The first differing line of the first run.
    pub one: String,
    /// The first differing line of the second run.
    pub other: String,
    /// The likely cause and what to do about it: full sentences.
    pub cause: String,
    /// The command that runs this seed alone.
    pub command: String,
}

/// The number of lines shown before the difference.
const CONTEXT: usize = 4;

/// How many lines ahead to search for a line that the other trace also has.
const NEAR: usize = 64;

impl Difference {
    /// The first difference between two traces, if there is one.
    pub(super) fn between(seed: Seed, one: &Trace, other: &Trace, command: String) -> Option<Difference> {
        let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
        // The text form is easier to read, but leaves out details that the JSON form has.
        Difference::of(seed, &lines(one.text()), &lines(other.text()), &command)
            .or_else(|| Difference::of(seed, &lines(one.json_lines()), &lines(other.json_lines()), &command))
    }

    fn of(seed: Seed, ones: &[String], others: &[String], command: &str) -> Option<Difference> {
        let length = ones.len().max(others.len());
        let at = (0..length).find(|at| ones.get(*at) != others.get(*at))?;
        let side = |lines: &[String]| lines.get(at).cloned().unwrap_or_else(|| "the end of the trace".to_owned());
        let (one, other) = (side(ones), side(others));
        let rest = |lines: &[String]| lines.iter().skip(at).take(NEAR).cloned().collect::<Vec<_>>();
        let cause = cause(&one, &other, &rest(ones), &rest(others)).to_owned();
        let before = ones[at.saturating_sub(CONTEXT)..at].to_vec();
        Some(Difference { seed, before, one, other, cause, command: command.to_owned() })
    }

    /// Puts escapes first in the cause: they explain a difference better than anything else.
    pub(super) fn blame(&mut self, escapes: &Escapes) {
        for (escape, Seen { place, .. }) in escapes {
            let place = place.as_ref().map(|place| format!(", in {place}")).unwrap_or_default();
            self.cause = format!("In this run, {escape}{place}. {}", self.cause);
        }
    }

    /// The difference of two runs that differed once and could not be made to differ again.
    pub(super) fn once(seed: Seed, tries: u32, command: String) -> Difference {
        let side = format!("not seen again: {tries} more pairs of runs were the same");
        let cause =
            "Something rare that the seed does not determine, such as another thread or the machine's load.".to_owned();
        Difference { seed, before: Vec::new(), one: side.clone(), other: side, cause, command }
    }
}

/// Guesses the cause of a difference.
fn cause(one: &str, other: &str, ones: &[String], others: &[String]) -> &'static str {
    let order = "The same things happen in another order: tokio::select! without `biased`, a map whose hasher takes its \
                 keys from addresses or the process (ahash, foldhash, a static RandomState), or work on another thread.";
    let number = "A number or an id differs: an address, the process's id, a counter of fastrand or uuid v7, or the \
                  real clock. Take it from the simulation instead, with new_guid, utc_now or Handle::random.";
    let time = "The same call comes at another time: something waits for another thread or reads the real clock.";
    if untimed(one) == untimed(other) {
        return time;
    }
    let follows = |line: &str, among: &[String]| among.iter().any(|later| untimed(later) == untimed(line));
    if follows(one, others) && follows(other, ones) {
        return order;
    }
    if skeleton(one) == skeleton(other) {
        return number;
    }
    "The runs diverge: a static or a file that one of them has changed, the environment, another thread, or one of the \
     sources that the page `guide::simulated` of the documentation lists."
}

/// A line of text or JSON without its time.
fn untimed(line: &str) -> &str {
    let separator = if line.starts_with('{') { ",\"by\":" } else { "  " };
    line.trim_start().split_once(separator).map_or(line, |(_, rest)| rest)
}

/// A line in which every word that contains a digit is replaced by `#`.
fn skeleton(line: &str) -> String {
    let words = line.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    words.map(|word| if word.contains(|c: char| c.is_ascii_digit()) { "#" } else { word }).collect()
}

/// A hash of a trace.
pub(super) fn fingerprint(trace: &Trace) -> u64 {
    /// FNV-1a over words of eight bytes.
    struct Hash(u64);
    impl Write for Hash {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            for chunk in bytes.chunks(8) {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                self.0 = (self.0 ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut hash = Hash(0xcbf2_9ce4_8422_2325);
    serde_json::to_writer(&mut hash, trace).expect("plain data with text keys has a JSON form");
    hash.0
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Two runs of the seed {} differ. The last lines that both have:", self.seed)?;
        self.before.iter().try_for_each(|line| writeln!(f, "  {}", Line(line)))?;
        writeln!(f, "Then the first run has\n  {}\nand the second\n  {}", Line(&self.one), Line(&self.other))?;
        writeln!(f, "Likely cause: {}", Line(&self.cause))?;
        write!(f, "\nRun it with:\n  {}", Line(&self.command))
    }
}
