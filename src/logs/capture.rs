//! [`Capture`]: the subscriber of a simulation's thread.

use std::fmt::{self, Write};
use std::future::poll_fn;
use std::pin::pin;

use tracing::dispatcher::{DefaultGuard, Dispatch, with_default};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

use super::level::{Levels, LogLevel};
use super::line::LogLine;
use super::lines::Lines;
use super::origin::{self, Place};
use crate::clock::escapes::unnoticed;

/// The length in characters to which messages and fields are cut.
const LONGEST: usize = 2_000;

/// Collects from now on what this thread logs, until the returned guard is dropped. Everything is
/// also passed on to `theirs`.
pub(crate) fn begin(lines: &Lines, levels: Levels, theirs: Option<Dispatch>) -> DefaultGuard {
    origin::begin(lines);
    tracing::subscriber::set_default(Capture { lines: lines.clone(), levels, theirs })
}

/// Drives a future whose code is heard by nobody: that of a process which has crashed.
pub(crate) async fn silent<T>(code: impl Future<Output = T>) -> T {
    let mut code = pin!(code);
    poll_fn(|cx| with_default(&Dispatch::none(), || code.as_mut().poll(cx))).await
}

struct Capture {
    lines: Lines,
    levels: Levels,
    /// The subscriber that the test has set. What it does is no escape of the code under test.
    theirs: Option<Dispatch>,
}

impl Capture {
    fn pass_on<T>(&self, what: impl FnOnce(&Dispatch) -> T) -> Option<T> {
        self.theirs.as_ref().map(|theirs| unnoticed(|| what(theirs)))
    }
}

impl Subscriber for Capture {
    fn register_callsite(&self, place: &'static Metadata<'static>) -> Interest {
        if self.levels.keep(place) {
            return Interest::always();
        }
        self.pass_on(|theirs| theirs.register_callsite(place)).unwrap_or_else(Interest::never)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // A `Dispatch` does not tell its own hint.
        self.theirs.is_none().then(|| self.levels.most())
    }

    fn enabled(&self, place: &Metadata<'_>) -> bool {
        self.levels.keep(place) || self.pass_on(|theirs| theirs.enabled(place)).unwrap_or(false)
    }

    fn event(&self, event: &Event<'_>) {
        if self.levels.keep(event.metadata()) {
            self.lines.add(line(event));
        }
        self.pass_on(|theirs| {
            // The line may be enabled for this log alone.
            if theirs.enabled(event.metadata()) {
                theirs.event(event);
            }
        });
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.pass_on(|theirs| theirs.new_span(span)).unwrap_or_else(|| Id::from_u64(1))
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.pass_on(|theirs| theirs.record(span, values));
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.pass_on(|theirs| theirs.record_follows_from(span, follows));
    }

    fn enter(&self, span: &Id) {
        self.pass_on(|theirs| theirs.enter(span));
    }

    fn exit(&self, span: &Id) {
        self.pass_on(|theirs| theirs.exit(span));
    }

    fn clone_span(&self, span: &Id) -> Id {
        self.pass_on(|theirs| theirs.clone_span(span)).unwrap_or_else(|| span.clone())
    }

    fn try_close(&self, span: Id) -> bool {
        self.pass_on(|theirs| theirs.try_close(span)).unwrap_or(false)
    }

    fn current_span(&self) -> Current {
        self.pass_on(Dispatch::current_span).unwrap_or_else(Current::none)
    }
}

/// Returns the line of an event that is logged now.
fn line(event: &Event<'_>) -> LogLine {
    let code = event.metadata();
    let mut said = Said { promotes: code.target().starts_with("duroxide::"), ..Said::default() };
    event.record(&mut said);
    let Place { at, calls, origin } = origin::place().expect("a run has begun on this thread");
    let node = origin.as_ref().map(|origin| origin.node.to_string());
    let (instance, activity, attempt) =
        origin.map_or_else(Default::default, |origin| (origin.instance, origin.activity, origin.attempt));
    LogLine {
        at,
        node,
        instance: said.instance.or(instance),
        activity: said.activity.or(activity),
        attempt,
        level: LogLevel::of(*code.level()),
        target: code.target().to_owned(),
        message: said.message,
        fields: said.fields,
        calls,
    }
}

/// The fields of an event.
#[derive(Default)]
struct Said {
    /// Whether fields say the instance and the activity, as duroxide's do.
    promotes: bool,
    message: String,
    instance: Option<String>,
    activity: Option<String>,
    fields: Vec<(String, String)>,
}

impl Said {
    fn add(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            "instance" | "instance_id" if self.promotes => self.instance = Some(value),
            "activity" | "activity_name" if self.promotes => self.activity = Some(value),
            name => self.fields.push((name.to_owned(), value)),
        }
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, cut(format_args!("{value}")));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, cut(format_args!("{value:?}")));
    }
}

/// Formats a text, and cuts it if it is too long.
fn cut(text: fmt::Arguments<'_>) -> String {
    let mut short = Short { text: String::new(), room: LONGEST };
    // It refuses what does not fit.
    if write!(short, "{text}").is_err() {
        short.text.push('…');
    }
    short.text
}

/// A text of bounded length.
struct Short {
    text: String,
    room: usize,
}

impl Write for Short {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for c in more.chars() {
            self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(c);
        }
        Ok(())
    }
}
