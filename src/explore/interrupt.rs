//! Ctrl-C while seeds are run: says how far each exploration of this process has
//! come, and then ends the process as ever. Its workers end when
//! they notice that it is gone, and the seeds with them.
//!
//! It changes nothing where somebody else handles that signal.

use std::collections::BTreeMap;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::time::Duration;

use parking_lot::Mutex;

use super::ExplorationReport;
use super::capsule;
use super::place::Place;
use crate::clock;
use crate::seed::{SEED_VARIABLE, Seed};

static WATCH: Mutex<Watch> = Mutex::new(Watch { last: 0, shown: BTreeMap::new(), bell: None });

struct Watch {
    last: u64,
    /// How far the explorations have come that are under way.
    shown: BTreeMap<u64, Standing>,
    /// Is rung by the signal; closed when nothing is under way.
    bell: Option<PipeWriter>,
}

struct Standing {
    place: Place,
    report: String,
    took: Duration,
    fails: Option<Seed>,
}

/// An exploration that is under way, from [`Shown::begin`] to drop.
pub(super) struct Shown(u64);

impl Shown {
    pub fn begin(place: &Place) -> Shown {
        let mut watch = WATCH.lock();
        watch.last += 1;
        let number = watch.last;
        let report = format!("{}: no seed yet", place.name);
        watch.shown.insert(number, Standing { place: place.clone(), report, took: Duration::ZERO, fails: None });
        if watch.bell.is_none() {
            watch.bell = listen();
        }
        Shown(number)
    }

    /// It has come as far as this.
    pub fn reaches(&self, report: &ExplorationReport) {
        const OFTEN: Duration = Duration::from_millis(100);
        if let Some(standing) = WATCH.lock().shown.get_mut(&self.0)
            && report.took >= standing.took + OFTEN
        {
            (standing.report, standing.took) = (report.to_string(), report.took);
        }
    }

    /// A seed has failed.
    pub fn fails(&self, seed: Option<Seed>) {
        if let Some(standing) = WATCH.lock().shown.get_mut(&self.0) {
            standing.fails = standing.fails.or(seed);
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let mut watch = WATCH.lock();
        watch.shown.remove(&self.0);
        if watch.shown.is_empty() && watch.bell.is_some() {
            clock::end_when_interrupted();
            watch.bell = None;
        }
    }
}

/// Begins to wait for the signal. Where that cannot be, it ends the process
/// without a word, as ever.
fn listen() -> Option<PipeWriter> {
    let (reader, writer) = std::io::pipe().ok()?;
    if !clock::ring_when_interrupted(&writer) {
        return None;
    }
    let thread = std::thread::Builder::new().name("duroxide-sim interrupt".to_owned());
    if thread.spawn(move || wait(reader)).is_err() {
        clock::end_when_interrupted();
        return None;
    }
    Some(writer)
}

fn wait(mut bell: PipeReader) {
    if !matches!(bell.read(&mut [0]), Ok(1)) {
        return;
    }
    let mut text = String::from("\nInterrupted while exploring. This is how far it has come:\n");
    for Standing { place, report, fails, .. } in WATCH.lock().shown.values() {
        let folder = capsule::place(&place.name, Seed(0));
        let folder = folder.parent().unwrap_or(&folder).display();
        text += &format!("  {report}\n");
        text += &match fails {
            Some(seed) => {
                format!("  Seed {seed} fails, and was not made small yet: {SEED_VARIABLE}={seed} {}\n", place.command)
            }
            None => "  No seed has failed.\n".to_owned(),
        };
        text += &format!("  Capsules of failures are left in {folder}\n");
    }
    // Past what a test harness captures: nobody sees that of a test that is ended.
    let _ = std::io::stderr().write_all(text.as_bytes());
    clock::end_by_interruption();
}
