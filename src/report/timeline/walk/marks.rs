//! What befell nodes and calls.

use super::super::item::{At, Item, Kind, State};
use super::Walk;
use crate::trace::{Happening, Mark};

impl Walk<'_> {
    pub(super) fn mark(&mut self, mark: &Mark, forced: bool) {
        *self.nodes.get(&mark.node) |= !matches!(mark.what, Happening::Fault { .. } | Happening::Skipped { .. });
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
            Happening::Crashed => self.spell(mark, "down", "crashed", at),
            Happening::Stopped => self.spell(mark, "down", "stopped", at),
            Happening::CutOff => self.spell(mark, "cut", "cut off from the storage", at),
            Happening::Refused => self.spell(mark, "cut", "refused by the storage", at),
            Happening::Stalled => self.spell(mark, "still", "stands still", at),
            Happening::Started { .. } => self.well_again(mark, &["down", "cut", "still"], at),
            Happening::Healed => self.well_again(mark, &["cut"], at),
            Happening::Resumed => self.well_again(mark, &["still"], at),
            Happening::Stopping | Happening::Skewed { .. } => {}
            Happening::Fault { .. } | Happening::Skipped { .. } => {}
        }
        if let Happening::Crashed | Happening::Stopped = &mark.what {
            let why = if mark.what == Happening::Crashed { "Its node crashed." } else { "Its node shut down." };
            self.gone(&mark.node, at, why);
        }
        let (kind, state) = match &mark.what {
            Happening::Fault { .. } => (Kind::Fault, State::Failed),
            Happening::Crashed => (Kind::Node, State::Failed),
            Happening::Skipped { .. } => (Kind::Node, State::Cancelled),
            Happening::Started { .. } | Happening::Stopping | Happening::Stopped => (Kind::Node, State::Fine),
            Happening::CutOff | Happening::Refused | Happening::Healed => (Kind::Node, State::Fine),
            Happening::Stalled | Happening::Resumed | Happening::Skewed { .. } => (Kind::Node, State::Fine),
        };
        let what = mark.what.to_string();
        let note = format!("{} {}.", mark.node, what.trim_end_matches('.'));
        self.add(Item::point(kind, at, what).by(&mark.node).state(state).note(note));
    }

    /// Something that lasts begins.
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
