//! Marks: events of nodes and faults of calls.

use super::super::item::{At, Item, Kind, State};
use super::Walk;
use crate::trace::{Mark, NodeEvent};

impl Walk<'_> {
    pub(super) fn mark(&mut self, mark: &Mark, forced: bool) {
        *self.nodes.get(&mark.node) |= !matches!(mark.what, NodeEvent::Fault { .. } | NodeEvent::Skipped { .. });
        if mark.what.is_ordinary() && !forced {
            return;
        }
        if mark.what.is_latency() && !forced {
            let at = At::Near(self.since_start(mark.at));
            self.add(Item::point(Kind::Latency, at, mark.what.to_string()).by(&mark.node));
            return;
        }
        let at = self.step(mark.at);
        match &mark.what {
            NodeEvent::Crashed => self.spell(mark, "down", "crashed", at),
            NodeEvent::Stopped => self.spell(mark, "down", "stopped", at),
            NodeEvent::CutOff => self.spell(mark, "cut", "cut off from the storage", at),
            NodeEvent::Refused => self.spell(mark, "refused", "refused by the storage", at),
            NodeEvent::Stalled => self.spell(mark, "still", "stalled", at),
            NodeEvent::Started { .. } => self.well_again(mark, &["down", "cut", "still"], at),
            NodeEvent::Healed => self.well_again(mark, &["cut"], at),
            NodeEvent::Accepted => self.well_again(mark, &["refused"], at),
            NodeEvent::Resumed => self.well_again(mark, &["still"], at),
            NodeEvent::Stopping | NodeEvent::Skewed { .. } => {}
            NodeEvent::Fault { .. } | NodeEvent::Skipped { .. } => {}
        }
        if let NodeEvent::Crashed | NodeEvent::Stopped = &mark.what {
            let why = if mark.what == NodeEvent::Crashed { "Its node crashed." } else { "Its node shut down." };
            self.gone(&mark.node, at, why);
        }
        let (kind, state) = match &mark.what {
            NodeEvent::Fault { .. } => (Kind::Fault, State::Failed),
            NodeEvent::Crashed => (Kind::Node, State::Failed),
            NodeEvent::Skipped { .. } => (Kind::Node, State::Cancelled),
            NodeEvent::Started { .. } | NodeEvent::Stopping | NodeEvent::Stopped => (Kind::Node, State::Fine),
            NodeEvent::CutOff | NodeEvent::Refused => (Kind::Node, State::Fine),
            NodeEvent::Healed | NodeEvent::Accepted => (Kind::Node, State::Fine),
            NodeEvent::Stalled | NodeEvent::Resumed | NodeEvent::Skewed { .. } => (Kind::Node, State::Fine),
        };
        let what = mark.what.to_string();
        let note = format!("{} {}.", mark.node, what.trim_end_matches('.'));
        self.add(Item::point(kind, at, what).by(&mark.node).state(state).note(note));
    }

    /// Begins an impairment that lasts.
    fn spell(&mut self, mark: &Mark, slot: &'static str, label: &str, at: At) {
        self.end_spell(mark, slot, at);
        let item = self.add(Item::bar(Kind::Node, at, label).by(&mark.node).state(State::Open));
        self.spells.insert((mark.node.to_string(), slot), item);
    }

    fn well_again(&mut self, mark: &Mark, slots: &[&'static str], at: At) {
        slots.iter().for_each(|slot| self.end_spell(mark, slot, at));
    }

    fn end_spell(&mut self, mark: &Mark, slot: &'static str, at: At) {
        if let Some(item) = self.spells.remove(&(mark.node.to_string(), slot)) {
            let item = &mut self.items[item];
            (item.to, item.state) = (at, State::Fine);
        }
    }
}
