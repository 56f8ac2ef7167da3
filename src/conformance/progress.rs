//! [`Progress`]: what a person sees while a check runs.
//!
//! A bar on a terminal; plain lines, every so often, elsewhere. It is told how
//! much time has passed, and decides nothing.

use std::io::IsTerminal;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::pulse::Pulse;

/// How often a plain line is printed, and how long a check may take without
/// being talked about.
const EVERY: Duration = Duration::from_secs(5);
const SHORT: Duration = Duration::from_millis(500);

/// What a person sees while a check runs.
pub(crate) enum Progress {
    Hidden,
    Lines {
        label: String,
        calls: u64,
        next: Duration,
    },
    Bar {
        label: String,
        calls: u64,
        /// Drawn once the check has turned out not to be short.
        bar: Option<ProgressBar>,
    },
}

impl Progress {
    /// For a check of so many calls.
    pub fn new(shown: bool, label: &str, calls: u64) -> Progress {
        let label = label.to_owned();
        match shown {
            false => Progress::Hidden,
            true if draws() => Progress::Bar { label, calls, bar: None },
            true => Progress::Lines { label, calls, next: EVERY },
        }
    }

    pub fn show(&mut self, pulse: &Pulse, took: Duration) {
        match self {
            Progress::Hidden => {}
            Progress::Lines { next, .. } if took < *next => {}
            Progress::Lines { label, calls, next } => {
                *next = took + EVERY;
                eprintln!("{}", line(label, *calls, pulse, took));
            }
            Progress::Bar { .. } if took < SHORT => {}
            Progress::Bar { label, calls, bar } => {
                let bar = bar.get_or_insert_with(|| {
                    let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}");
                    let bar = ProgressBar::new(*calls);
                    style.map_or(bar.clone(), |style| bar.with_style(style))
                });
                bar.set_position(pulse.calls.load(Ordering::Relaxed).min(*calls));
                bar.set_message(line(label, *calls, pulse, took));
            }
        }
    }

    pub fn end(&self) {
        if let Progress::Bar { bar: Some(bar), .. } = self {
            bar.finish_and_clear();
        }
    }
}

/// Whether a bar can be drawn: never for a machine that keeps what is printed.
fn draws() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    std::io::stderr().is_terminal() && !dumb && !set("CI") && !set("NEXTEST")
}

fn line(label: &str, calls: u64, pulse: &Pulse, took: Duration) -> String {
    let get = |number: &std::sync::atomic::AtomicU64| number.load(Ordering::Relaxed);
    let done = get(&pulse.calls);
    let rate = done as f64 / took.as_secs_f64().max(0.001);
    format!(
        "{label}: {done} of {calls} calls in {} scripts, {rate:.0} a second; {} findings, waived {} times",
        get(&pulse.scripts),
        get(&pulse.findings),
        get(&pulse.waived)
    )
}
