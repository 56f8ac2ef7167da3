//! [`Progress`]: what a person sees while something long runs.
//!
//! A bar on a terminal, with the feature `progress`; plain lines elsewhere, ever
//! more rarely. It is told how much time has passed, and decides nothing.

use std::time::Duration;

/// When the first plain line is printed, and how long something may take without
/// being talked about.
const FIRST: Duration = Duration::from_secs(5);
#[cfg(feature = "progress")]
const SHORT: Duration = Duration::from_millis(500);

/// What a person sees.
#[derive(Debug)]
pub struct Progress {
    kind: Kind,
    /// How much there is to do, where that is known.
    total: Option<u64>,
}

#[derive(Debug)]
enum Kind {
    Hidden,
    /// With the time of the next.
    Lines(Duration),
    #[cfg(feature = "progress")]
    Bar(Option<indicatif::ProgressBar>),
}

impl Progress {
    /// For so much to do.
    pub fn new(shown: bool, total: Option<u64>) -> Progress {
        let kind = match shown {
            false => Kind::Hidden,
            #[cfg(feature = "progress")]
            true if draws() => Kind::Bar(None),
            true => Kind::Lines(FIRST),
        };
        Progress { kind, total }
    }

    /// So much is done, and took so long.
    pub fn show(&mut self, done: u64, took: Duration, line: impl FnOnce() -> String) {
        match &mut self.kind {
            Kind::Hidden => {}
            Kind::Lines(next) if took < *next => {}
            Kind::Lines(next) => {
                *next = took + took.max(FIRST);
                let of = self.total.map(|total| format!(" ({} %)", done.saturating_mul(100) / total.max(1)));
                eprintln!("{}{}", line(), of.unwrap_or_default());
            }
            #[cfg(feature = "progress")]
            Kind::Bar(_) if took < SHORT => {}
            #[cfg(feature = "progress")]
            Kind::Bar(bar) => {
                let bar = bar.get_or_insert_with(|| drawn(self.total));
                bar.set_position(done.min(self.total.unwrap_or(u64::MAX)));
                bar.set_message(line());
            }
        }
    }

    /// Nothing is under way any more.
    pub fn end(&self) {
        #[cfg(feature = "progress")]
        if let Kind::Bar(Some(bar)) = &self.kind {
            bar.finish_and_clear();
        }
    }
}

#[cfg(feature = "progress")]
fn drawn(total: Option<u64>) -> indicatif::ProgressBar {
    use indicatif::{ProgressBar, ProgressStyle};
    let (bar, template) = match total {
        Some(total) => (ProgressBar::new(total), "{bar:30} {percent:>3} %  {msg}"),
        None => (ProgressBar::new_spinner(), "{spinner} {msg}"),
    };
    ProgressStyle::with_template(template).map_or(bar.clone(), |style| bar.with_style(style))
}

/// Whether a bar can be drawn: never for a machine that keeps what is printed.
#[cfg(feature = "progress")]
fn draws() -> bool {
    use std::io::IsTerminal;
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    std::io::stderr().is_terminal() && !dumb && !set("CI") && !set("NEXTEST")
}
