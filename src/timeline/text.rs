//! One instance of a picture as text, for snapshots.

use std::fmt::Write;
use std::time::Duration;

use super::item::{Kind, State};
use super::lane::LaneKind;
use super::picture::{Picture, Shown};
use crate::text;
use crate::trace::Span;

/// Returns the lanes of an instance and its children in the first run, with times since the
/// beginning of the instance and without nodes.
pub(super) fn of_instance(picture: &Picture, instance: &str) -> Option<String> {
    let name = text::line(instance);
    let is_it = |lane: &super::lane::Lane| lane.kind == LaneKind::Instance && lane.name == name;
    let lane = picture.lanes.iter().position(is_it)?;
    let items = picture.items.iter().filter(|item| item.run == 0 && item.lane == lane);
    let begins = items.map(|item| picture.moments[item.from]).min()?;
    let mut written = String::new();
    write_lane(picture, lane, begins, 0, &mut written);
    Some(written)
}

fn write_lane(picture: &Picture, number: usize, begins: u64, depth: usize, to: &mut String) {
    let lane = &picture.lanes[number];
    let indent = "  ".repeat(depth);
    let state = lane.lives.first().and_then(|life| life.as_ref()).map_or("", |life| &life.state);
    // Writing to a string cannot fail.
    let _ = writeln!(to, "{indent}{} {} {state}", lane.name, lane.about);
    let mut items: Vec<Line<'_>> = picture
        .items
        .iter()
        .filter(|item| item.run == 0 && item.lane == number)
        .flat_map(|item| Line::of(item, picture, begins))
        .collect();
    items.sort();
    for item in items {
        let _ = writeln!(to, "{indent}  {item}");
    }
    let children = picture.lanes.iter().enumerate().filter(|(_, lane)| lane.parent == Some(number));
    for (child, _) in children {
        write_lane(picture, child, begins, depth + 1, to);
    }
}

/// An item in the order of the text: by time, and at one time by kind.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Line<'a> {
    from: u64,
    rank: u32,
    to: Option<u64>,
    label: &'a str,
    kind: &'static str,
    state: &'static str,
    note: &'a str,
}

impl<'a> Line<'a> {
    /// The lines of an item: none if it depends on clients, nodes or faults, and one for each of
    /// several effects.
    fn of(item: &'a Shown, picture: &Picture, begins: u64) -> Vec<Line<'a>> {
        let Some((rank, kind, is_bar)) = described(item.kind) else { return Vec::new() };
        let time = |moment: usize| picture.moments[moment].saturating_sub(begins);
        let ends = item.state != State::Open && item.state != State::Waiting;
        let line = |label: &'a str, note: &'a str| Line {
            from: time(item.from),
            rank,
            to: (is_bar && ends).then(|| time(item.to)),
            label,
            kind,
            state: if item.kind == Kind::End { "" } else { outcome(item.state) },
            note,
        };
        match item.kind {
            // Which effects share a mark depends on other instances.
            Kind::Effect => item.note.lines().map(|effect| line(effect, "")).collect(),
            // When a timer is due is said in time since the start of the run.
            Kind::Timer => vec![line(&item.label, "")],
            Kind::Turn | Kind::Activity | Kind::Wait | Kind::Child | Kind::Event | Kind::End | Kind::Call => {
                vec![line(&item.label, &item.note)]
            }
            Kind::Node | Kind::Fault | Kind::Latency | Kind::Law | Kind::Log => vec![line(&item.label, &item.note)],
        }
    }
}

/// The rank of a kind at one time, its name, and whether it has an end.
fn described(kind: Kind) -> Option<(u32, &'static str, bool)> {
    match kind {
        Kind::Event => Some((0, "message", false)),
        Kind::Turn => Some((1, "turn", true)),
        Kind::Activity => Some((2, "activity", true)),
        Kind::Timer => Some((3, "timer", true)),
        Kind::Wait => Some((4, "wait", true)),
        Kind::Child => Some((5, "child", true)),
        Kind::Effect => Some((6, "effect", false)),
        Kind::Law => Some((7, "broken law", false)),
        Kind::End => Some((8, "end", false)),
        Kind::Call | Kind::Node | Kind::Fault | Kind::Latency | Kind::Log => None,
    }
}

fn outcome(state: State) -> &'static str {
    match state {
        State::Fine => "",
        State::Failed => ", failed",
        State::Cancelled => ", cancelled",
        State::Lost => ", lost",
        State::Refused => ", refused",
        State::Open => ", not ended",
        State::Waiting => ", not begun",
    }
}

impl std::fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let span = |ms| Span(Duration::from_millis(ms));
        write!(f, "+{}", span(self.from))?;
        if let Some(to) = self.to.filter(|to| *to > self.from) {
            write!(f, " to +{}", span(to))?;
        }
        write!(f, " {} {}{}", self.kind, self.label, self.state)?;
        if self.note.is_empty() { Ok(()) } else { write!(f, ". {}", self.note) }
    }
}
