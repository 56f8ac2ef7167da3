//! [`LogLevel`]: how important a line is, and which lines are kept.

use std::fmt;

use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};

/// The level of a log line, as in `tracing`. `Error` is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    pub(super) fn of(level: Level) -> LogLevel {
        match level {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            Level::INFO => LogLevel::Info,
            Level::DEBUG => LogLevel::Debug,
            Level::TRACE => LogLevel::Trace,
        }
    }

    fn filter(self) -> LevelFilter {
        match self {
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            LogLevel::Error => "ERROR",
            LogLevel::Warn => "WARN",
            LogLevel::Info => "INFO",
            LogLevel::Debug => "DEBUG",
            LogLevel::Trace => "TRACE",
        })
    }
}

/// The levels up to which lines are kept; `None` keeps none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Levels {
    /// For duroxide's own lines.
    pub duroxide: Option<LogLevel>,
    /// For all other lines.
    pub others: Option<LogLevel>,
}

impl Default for Levels {
    fn default() -> Levels {
        Levels { duroxide: Some(LogLevel::Warn), others: Some(LogLevel::Info) }
    }
}

impl Levels {
    /// Whether the lines of a place in the code are kept.
    pub(super) fn keep(&self, place: &Metadata<'_>) -> bool {
        let most = if is_duroxides(place.target()) { self.duroxide } else { self.others };
        place.is_event() && most.is_some_and(|most| *place.level() <= most.filter())
    }

    /// The highest level of the lines that are kept.
    pub(super) fn most(&self) -> LevelFilter {
        self.duroxide.max(self.others).map_or(LevelFilter::OFF, LogLevel::filter)
    }
}

/// Whether duroxide logs the lines of this target on its own account. Under two targets it logs
/// what orchestrations and activities say through their contexts.
fn is_duroxides(target: &str) -> bool {
    (target == "duroxide" || target.starts_with("duroxide::")) && !is_of_a_context(target)
}

/// Whether the lines of this target come from the `trace_info` and its kin of a context.
pub(super) fn is_of_a_context(target: &str) -> bool {
    target == "duroxide::orchestration" || target == "duroxide::activity"
}
