//! The possible orders of a turn's messages.
//!
//! A queue is first in, first out. Two messages sent at the same time may be in
//! either order, and no document says that delayed messages are ordered by
//! their visibility.

use std::collections::{BTreeMap, BTreeSet};

use duroxide_sim::call::{Item, Reply};

use super::Made;
use crate::calls::enqueues;

/// The turns whose messages are in an impossible order.
pub(super) struct Orders {
    unsound: BTreeSet<usize>,
}

/// The call that sent a message, and the message's index in that call.
#[derive(Clone, Copy)]
struct Sent(usize, usize);

impl Orders {
    pub fn of(history: &[Made]) -> Orders {
        let mut senders: BTreeMap<String, Option<Sent>> = BTreeMap::new();
        for (call, made) in history.iter().enumerate() {
            for (place, item) in enqueues(&made.call).iter().enumerate() {
                // Equal messages cannot be told apart.
                let sent = senders.entry(format!("{item:?}")).or_insert(Some(Sent(call, place)));
                *sent = sent.filter(|sent| sent.0 == call && sent.1 == place);
            }
        }
        let sound = |items: &[Item]| {
            let sent: Vec<Sent> =
                items.iter().filter_map(|item| *senders.get(&format!("{item:?}"))?).collect::<Vec<_>>();
            let after = |first: &Sent, second: &Sent| match first.0 == second.0 {
                true => first.1 > second.1,
                false => history[second.0].replied < history[first.0].invoked,
            };
            !sent.iter().enumerate().any(|(at, first)| sent[at + 1..].iter().any(|second| after(first, second)))
        };
        let turns = history.iter().enumerate().filter_map(|(call, made)| match &made.reply {
            Some(Reply::Turn(Some(turn))) if turn.messages.len() > 1 => Some((call, turn)),
            _ => None,
        });
        Orders { unsound: turns.filter(|(_, turn)| !sound(&turn.messages)).map(|(call, _)| call).collect() }
    }

    pub fn is_sound(&self, call: usize) -> bool {
        !self.unsound.contains(&call)
    }
}
