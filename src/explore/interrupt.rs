//! Handles Ctrl-C during an exploration: prints how far each exploration of this process got, and
//! then ends the process as usual. The workers end when they notice that it is gone, and their
//! seeds with them.
//!
//! If other code handles SIGINT, this module does nothing.

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
    /// The explorations in progress, and how far they got.
    shown: BTreeMap<u64, Standing>,
    /// The signal handler writes to this pipe; it is closed when no exploration is in progress.
    bell: Option<PipeWriter>,
}

struct Standing {
    place: Place,
    report: String,
    took: Duration,
    fails: Option<Seed>,
}

/// An exploration in progress, from [`Shown::begin`] to drop.
pub(super) struct Shown(u64);

impl Shown {
    pub fn begin(place: &Place) -> Shown {
        let mut watch = WATCH.lock();
        watch.last += 1;
        let number = watch.last;
        let report = format!("{}: no seeds yet", place.name);
        watch.shown.insert(number, Standing { place: place.clone(), report, took: Duration::ZERO, fails: None });
        if watch.bell.is_none() {
            watch.bell = listen();
        }
        Shown(number)
    }

    /// Records the statistics so far.
    pub fn reaches(&self, report: &ExplorationReport) {
        const OFTEN: Duration = Duration::from_millis(100);
        if let Some(standing) = WATCH.lock().shown.get_mut(&self.0)
            && report.took >= standing.took + OFTEN
        {
            (standing.report, standing.took) = (report.to_string(), report.took);
        }
    }

    /// Records that a seed failed.
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

/// Starts waiting for the signal. If that is impossible, the signal ends the process without a
/// report.
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
    let mut text = String::from("\nInterrupted while exploring. Progress so far:\n");
    for Standing { place, report, fails, .. } in WATCH.lock().shown.values() {
        let folder = capsule::place(&place.name, Seed(0));
        let folder = folder.parent().unwrap_or(&folder).display();
        text += &format!("  {report}\n");
        text += &match fails {
            Some(seed) => {
                format!("  Seed {seed} fails and was not shrunk yet: {SEED_VARIABLE}={seed} {}\n", place.command)
            }
            None => "  No seed has failed.\n".to_owned(),
        };
        text += &format!("  Capsules of failures are in {folder}\n");
    }
    // Written directly to standard error: a test harness would capture macro output, and never show
    // it for an interrupted test.
    let _ = std::io::stderr().write_all(text.as_bytes());
    clock::end_by_interruption();
}
