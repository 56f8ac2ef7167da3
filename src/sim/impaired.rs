//! The nodes that were down, cut off, refused or stalled when a run ended, and the clocks
//! that were wrong, read from its trace.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Time;
use crate::text::Line;
use crate::trace::{NodeEvent, Span, Trace};

/// The impairments of a node, each with the time when it began.
#[derive(Default)]
struct State {
    down: Option<(Time, &'static str)>,
    cut_off: Option<Time>,
    refused: Option<Time>,
    stalled: Option<Time>,
}

/// Returns a sentence for each impaired node.
pub(super) fn nodes(trace: &Trace) -> Vec<String> {
    let mut states = BTreeMap::<&str, State>::new();
    for mark in &trace.marks {
        states.entry(&mark.node).or_default().follow(mark.at, &mark.what);
    }
    states.iter().filter_map(|(node, state)| state.sentence(node, trace.started)).collect()
}

/// Returns a sentence for each period in which a node's clock was wrong.
pub(super) fn clocks(trace: &Trace) -> Vec<String> {
    let mut wrong = BTreeMap::<&str, (Time, i64)>::new();
    let mut periods = Vec::new();
    let since = |at: Time| Span(at - trace.started);
    let sentence = |node: &str, from: Time, by_ms: i64, until: String| {
        let (by, way) = (Span(Duration::from_millis(by_ms.unsigned_abs())), if by_ms < 0 { "behind" } else { "ahead" });
        format!("{}: {by} {way} from +{} {until}.", Line(node), since(from))
    };
    for mark in &trace.marks {
        let NodeEvent::Skewed { by_ms } = mark.what else { continue };
        if let Some((from, before)) = wrong.remove(&*mark.node) {
            periods.push(sentence(&mark.node, from, before, format!("to +{}", since(mark.at))));
        }
        if by_ms != 0 {
            wrong.insert(&mark.node, (mark.at, by_ms));
        }
    }
    periods.extend(wrong.iter().map(|(node, (from, by_ms))| sentence(node, *from, *by_ms, "to the end".to_owned())));
    periods
}

impl State {
    fn follow(&mut self, at: Time, event: &NodeEvent) {
        match event {
            NodeEvent::Started { .. } => self.down = None,
            NodeEvent::Crashed => self.down = Some((at, "crashed")),
            NodeEvent::Stopping => self.down = Some((at, "began to shut down")),
            // It may have started again while the process before was still shutting down.
            NodeEvent::Stopped => self.down = self.down.map(|_| (at, "shut down")),
            NodeEvent::CutOff => self.cut_off = Some(at),
            NodeEvent::Refused => self.refused = Some(at),
            NodeEvent::Healed => self.cut_off = None,
            NodeEvent::Accepted => self.refused = None,
            NodeEvent::Stalled => self.stalled = Some(at),
            NodeEvent::Resumed => self.stalled = None,
            NodeEvent::Skewed { .. } => {}
            NodeEvent::Fault { .. } | NodeEvent::Skipped { .. } => {}
        }
    }

    fn sentence(&self, node: &str, start: Time) -> Option<String> {
        let since = |at: Time| Span(at - start);
        let all = [
            self.down.map(|(at, how)| format!("has been down since +{}, when it {how}", since(at))),
            self.cut_off.map(|at| format!("has been cut off from the storage since +{}", since(at))),
            self.refused.map(|at| format!("has had its calls refused by the storage since +{}", since(at))),
            self.stalled.map(|at| format!("has been stalled since +{}", since(at))),
        ];
        let all: Vec<String> = all.into_iter().flatten().collect();
        (!all.is_empty()).then(|| format!("{} {}.", Line(node), all.join(", and ")))
    }
}
