//! [`Timeline`]: a run as a self-contained HTML page.
//!
//! Virtual time runs from left to right. Nodes, clients and instances have a lane each, with turns,
//! activities, timers, waits, messages, crashes and faults, and the moment at which the run failed.
//! Two runs can be shown together, with their first difference marked. The page contains its data,
//! style and script, and loads nothing from a network.
//!
//! The page omits calls that carry no information: fetches that find nothing, repeated reads with
//! the same answer, and the runtimes' own reads and maintenance. It states how many they are.

mod calls;
mod cause;
mod difference;
mod given;
mod html;
mod item;
mod lane;
mod lanes;
mod leave;
mod order;
mod picture;
mod rows;
mod source;
mod text;
mod walk;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::Time;
use crate::command::write_whole;
use crate::errors::Wrapped;
use crate::laws::Breach;
use crate::sim::{Failure, Observed, Plan, Run, Unfinished};
use crate::text::{Line, Lines};
use crate::trace::{Part, Trace, Wanted};

use cause::Clue;
use difference::Difference;
pub(crate) use leave::write_page;
use picture::Picture;
use source::{Source, SourceFailure};
use walk::Route;

/// One or two runs, to be shown as an HTML page.
///
/// ```
/// use duroxide_sim::Sim;
///
/// let run = Sim::new(1).try_run(|_| async {}).unwrap_or_else(|failure| panic!("{failure}"));
/// let page = run.timeline().title("Nothing at all").html();
/// assert!(page.starts_with("<!doctype html>"));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a timeline has no effect until it is written"]
pub struct Timeline<'a> {
    title: Option<String>,
    first: Side<'a>,
    second: Option<Side<'a>>,
}

/// One of the runs.
#[derive(Clone, Debug)]
struct Side<'a> {
    name: Option<String>,
    trace: &'a Trace,
    /// The indices of the calls in the whole run, if the trace is a part of it.
    numbers: &'a [usize],
    /// The number of calls in the whole run.
    calls: usize,
    elapsed: Option<Duration>,
    seed: Option<String>,
    failure: Option<Fails<'a>>,
    /// The instances that a failure is about.
    about: Vec<String>,
    /// What the run did besides its calls.
    observed: Option<&'a Observed>,
    plan: Option<&'a Plan>,
}

/// How a run failed.
#[derive(Clone, Debug)]
struct Fails<'a> {
    headline: String,
    text: String,
    at: Time,
    clue: Clue,
    breaches: &'a [Breach],
    waits: &'a [Unfinished],
}

impl Trace {
    /// Returns a timeline of the run.
    pub fn timeline(&self) -> Timeline<'_> {
        Timeline { title: None, first: Side::of(self), second: None }
    }
}

impl<T> Run<T> {
    /// Returns a timeline of the run.
    pub fn timeline(&self) -> Timeline<'_> {
        let mut timeline = self.trace.timeline();
        timeline.first.elapsed = Some(self.elapsed);
        timeline.first.seed = Some(self.seed.to_string());
        (timeline.first.observed, timeline.first.plan) = (Some(&self.observed), Some(&self.plan));
        timeline
    }
}

impl Failure {
    /// Returns a timeline of the run, with the moment of the failure marked.
    pub fn timeline(&self) -> Timeline<'_> {
        self.trace.timeline().failure(self)
    }
}

impl<'a> Timeline<'a> {
    /// Sets the title of the page.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Marks how the run failed.
    pub fn failure(mut self, failure: &'a Failure) -> Self {
        (self.first.observed, self.first.plan) = (Some(&failure.observed), Some(&failure.plan));
        self.fails(failure, &failure.breaches, &failure.waits)
    }

    fn fails(mut self, failure: &Failure, breaches: &'a [Breach], waits: &'a [Unfinished]) -> Self {
        let headline = format!("The simulation failed: {}", failure.cause);
        self.first.elapsed = Some(failure.at - failure.start);
        self.first.seed = Some(failure.seed.to_string());
        self.first.failure = Some(Fails {
            headline,
            text: failure.to_string(),
            at: failure.at,
            clue: Clue::of(failure),
            breaches,
            waits,
        });
        self
    }

    /// Marks the moment at which a run failed, for a run that failed outside of [`crate::Sim`].
    /// `why` is a sentence.
    pub fn failed_at(mut self, at: Time, why: impl Into<String>) -> Self {
        let why = Lines(why.into()).to_string();
        let (headline, text) = (why.clone(), why);
        let (breaches, waits) = (&[][..], &[][..]);
        self.first.failure = Some(Fails { headline, text, at, clue: Clue::default(), breaches, waits });
        self
    }

    /// Highlights an instance that the failure is about. This has no effect if the run has not
    /// failed.
    pub fn about(mut self, instance: impl Into<String>) -> Self {
        self.first.about.push(instance.into());
        self
    }

    /// Names the run, for a page with two runs.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.first.name = Some(name.into());
        self
    }

    /// Adds a second run for comparison. If `other` already has two runs, its first one is used.
    pub fn beside(mut self, other: Timeline<'a>) -> Self {
        self.second = Some(other.first);
        self
    }

    /// Returns what one instance and its children did as text, for a snapshot: `None` if the run
    /// has no such instance. Times count from the beginning of the instance, and nodes, faults, clients'
    /// reads and log lines do not appear, so that the text changes only with what the instance
    /// does. What happens at one time is sorted by kind.
    ///
    /// ```
    /// # use duroxide_sim::Sim;
    /// let run = Sim::new(1).try_run(|_| async {}).unwrap_or_else(|failure| panic!("{failure}"));
    /// assert_eq!(run.timeline().text_of("order-1"), None);
    /// ```
    pub fn text_of(&self, instance: &str) -> Option<String> {
        text::of_instance(&self.picture().0, instance)
    }

    /// Returns the page as HTML.
    pub fn html(&self) -> String {
        let (picture, calls) = self.picture();
        let json = serde_json::to_string(&picture).expect("a picture contains only data with a JSON form");
        html::page(&picture.title, &json, &calls)
    }

    /// Writes the page to a file and returns its path. The file is written completely or not at
    /// all; its folder is created if needed.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, file: impl AsRef<Path>) -> Result<PathBuf, TimelineError> {
        let file = file.as_ref();
        let failed = |error: std::io::Error| TimelineError { file: file.to_owned(), source: Wrapped::new(error) };
        write_whole(file, &self.html()).map_err(failed)?;
        Ok(file.to_owned())
    }

    /// Returns a sentence about what the page leaves out, if the run is too large. A page has at
    /// most 50,000 calls of a run, and at most 32 MiB of them.
    pub fn left_out(&self) -> Option<String> {
        let part = |side: &Side<'_>| side.part().map_or(side.trace.entries.len(), |part| part.trace.entries.len());
        let sides = std::iter::once(&self.first).chain(&self.second);
        let cut = if self.second.is_some() { self.parts(None).is_some() } else { true };
        let (shown, all): (Vec<usize>, Vec<usize>) = sides.map(|side| (part(side), side.calls)).unzip();
        let (shown, all) = (shown.iter().sum::<usize>(), all.iter().sum::<usize>());
        (cut && shown < all).then(|| left_out(shown, all))
    }

    /// The parts of the runs to show, if a run has too many calls; for two runs, the calls around
    /// their first difference.
    fn parts(&self, difference: Option<Difference>) -> Option<Vec<Part>> {
        let Some(other) = &self.second else { return self.first.part().map(|part| vec![part]) };
        if self.first.trace.fits() && other.trace.fits() {
            return None;
        }
        let sides = [&self.first, other];
        let at = |(run, side): (usize, &&Side<'_>)| difference.map_or(0, |found| found.sides[run].entry(side.trace));
        let at = sides.iter().enumerate().map(at).min().unwrap_or(0);
        Some(sides.iter().map(|side| side.trace.part_around(at)).collect())
    }

    fn picture(&self) -> (Picture, Vec<String>) {
        let whole = self.second.as_ref().and_then(|other| difference::first(self.first.trace, other.trace));
        let sides: Vec<&Side<'_>> = std::iter::once(&self.first).chain(&self.second).collect();
        let parts = self.parts(whole);
        let views: Vec<View<'_>> = sides
            .iter()
            .enumerate()
            .map(|(run, side)| View::of(side, parts.as_ref().map(|parts| &parts[run])))
            .collect();
        let difference = match &views[..] {
            [one, other] => difference::first(one.trace, other.trace),
            _ => None,
        };
        let forced: BTreeSet<usize> = views.iter().flat_map(|view| view.broken()).collect();
        let place = difference.map(|difference| difference.place);
        let names = ["first run", "second run"];
        let sources: Vec<Source<'_>> = sides
            .iter()
            .zip(&views)
            .zip(names)
            .map(|((side, view), name)| side.source(view, name, &forced, place))
            .collect();
        let title = self.title.clone().unwrap_or_else(|| sources[0].title());
        picture::picture(title, &sources, difference)
    }
}

impl Source<'_> {
    /// The default title.
    fn title(&self) -> String {
        match (&self.failure, &self.seed) {
            (Some(_), Some(seed)) => format!("A failed run of seed {seed}"),
            (Some(_), None) => "A failed run".to_owned(),
            (None, Some(seed)) => format!("A run of seed {seed}"),
            (None, None) => "A run".to_owned(),
        }
    }
}

impl<'a> Side<'a> {
    fn of(trace: &'a Trace) -> Side<'a> {
        let calls = trace.entries.len();
        Side {
            name: None,
            trace,
            numbers: &[],
            calls,
            elapsed: None,
            seed: None,
            failure: None,
            about: Vec::new(),
            observed: None,
            plan: None,
        }
    }

    /// The breaches, with the positions of their calls in the trace.
    fn breaches(&self) -> impl Iterator<Item = Breach> {
        let breaches = self.failure.as_ref().map_or(&[][..], |failure| failure.breaches);
        breaches
            .iter()
            .map(|breach| Breach { entry: breach.entry.and_then(|at| place(self.numbers, at)), ..breach.clone() })
    }

    /// The part to show, if not the whole run.
    fn part(&self) -> Option<Part> {
        if self.trace.fits() {
            return None;
        }
        let calls = self.breaches().filter_map(|breach| breach.entry).collect();
        let waits = self.failure.as_ref().map_or(&[][..], |failure| failure.waits);
        let waiting = waits.iter().map(|wait| wait.instance.as_str());
        let instances = self.about.iter().map(String::as_str).chain(waiting).collect();
        self.trace.part(&Wanted { instances, calls })
    }

    fn source<'v>(&self, view: &View<'v>, name: &str, forced: &BTreeSet<usize>, differs: Option<usize>) -> Source<'v> {
        let trace = view.trace;
        let forced = forced.iter().copied().filter(|number| *number < trace.entries.len()).collect();
        let (breaches, observed, numbers) = (&view.breaches[..], self.observed, &view.numbers[..]);
        let mut walked = walk::walk(Route { trace, forced, differs, breaches, observed, numbers });
        let last = walked.steps.last().copied().unwrap_or(0);
        let elapsed = self.elapsed.map_or(last, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
        let failure = self.failure.as_ref().map(|failure| SourceFailure {
            headline: failure.headline.clone(),
            text: failure.text.clone(),
            at: failure.at.0.saturating_sub(trace.started.0),
            cause: failure.clue.moment(trace, &view.breaches, &walked),
            instances: self.about.iter().cloned().chain(std::mem::take(&mut walked.blamed)).collect(),
            waits: failure.waits.to_vec(),
        });
        let name = self.name.clone().unwrap_or_else(|| name.to_owned());
        let (seed, elapsed) = (self.seed.clone(), elapsed.max(last));
        let given = given::lists(self.plan, self.observed);
        Source { name, trace, numbers: view.numbers.clone(), calls: self.calls, seed, elapsed, failure, given, walked }
    }
}

/// The shown part of a run.
struct View<'v> {
    trace: &'v Trace,
    /// The indices of the calls in the whole run, if the trace is a part of it.
    numbers: Vec<usize>,
    /// The breaches, with the positions of their calls in `trace`.
    breaches: Vec<Breach>,
}

impl<'v> View<'v> {
    fn of(side: &Side<'v>, part: Option<&'v Part>) -> View<'v> {
        let Some(part) = part else {
            return View { trace: side.trace, numbers: side.numbers.to_vec(), breaches: side.breaches().collect() };
        };
        let numbers = part.numbers.iter().map(|at| side.numbers.get(*at).copied().unwrap_or(*at)).collect();
        let placed = |breach: Breach| Breach { entry: breach.entry.and_then(|at| place(&part.numbers, at)), ..breach };
        View { trace: &part.trace, numbers, breaches: side.breaches().map(placed).collect() }
    }

    /// The entries that break laws.
    fn broken(&self) -> impl Iterator<Item = usize> {
        self.breaches.iter().filter_map(|breach| breach.entry)
    }
}

/// The position of the call with index `number` among the calls with these indices. An empty list
/// stands for all calls.
fn place(numbers: &[usize], number: usize) -> Option<usize> {
    if numbers.is_empty() { Some(number) } else { numbers.binary_search(&number).ok() }
}

/// The sentence about what a page leaves out.
fn left_out(shown: usize, all: usize) -> String {
    format!(
        "Of the {all} calls of the run, the page contains {shown}: the last ones, those that break laws, and those about \
         the instances of the failure."
    )
}

/// The error for a page that could not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineError {
    file: PathBuf,
    source: Wrapped,
}

impl fmt::Display for TimelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The timeline cannot be written to {}. Choose another path.", Line(self.file.display()))
    }
}

impl std::error::Error for TimelineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.source.source())
    }
}
