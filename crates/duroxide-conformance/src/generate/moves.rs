//! [`Move`]: the building blocks of scripts, and the selection for one script.

use duroxide_sim::seed::Stream;

use super::draft::Draft;
use super::profile::{Area, Profile};
use crate::script::Step;

/// A call, or a story of several calls.
#[derive(Clone, Copy)]
pub(super) struct Move(fn(&mut Draft));

impl Move {
    pub fn make(self, draft: &mut Draft) {
        (self.0)(draft);
    }
}

/// The weight of a move, the move, and the areas that it concerns.
type Row = (u64, fn(&mut Draft), &'static [Area]);

/// Single calls.
const CALLS: &[Row] = &[
    (12, Draft::fetch_turn, &[Area::Locks, Area::Attempts, Area::Queues, Area::Versions]),
    (9, Draft::ack_turn, &[Area::Histories, Area::Locks, Area::Numbers]),
    (4, Draft::abandon_turn, &[Area::Locks, Area::Attempts, Area::Time]),
    (3, Draft::renew_turn, &[Area::Locks, Area::Time]),
    (12, Draft::send, &[Area::Queues, Area::Payloads, Area::Time]),
    (4, Draft::send_job, &[Area::Queues, Area::Tags, Area::Sessions, Area::Payloads]),
    (9, Draft::fetch_job, &[Area::Tags, Area::Sessions, Area::Locks, Area::Attempts]),
    (5, Draft::ack_job, &[Area::Sessions, Area::Locks]),
    (3, Draft::renew_job, &[Area::Locks, Area::Time, Area::Sessions]),
    (4, Draft::abandon_job, &[Area::Attempts, Area::Time]),
    (3, Draft::renew_sessions, &[Area::Sessions]),
    (2, Draft::sweep_sessions, &[Area::Sessions]),
    (4, Draft::append, &[Area::Histories, Area::Numbers, Area::Payloads]),
    (12, Draft::pass, &[Area::Locks, Area::Time, Area::Sessions, Area::Attempts]),
    (2, Draft::read_history, &[Area::Histories, Area::Reads, Area::Numbers, Area::Prune]),
    (2, Draft::read_status, &[Area::Status, Area::Reads]),
    (3, Draft::read_values, &[Area::Kv, Area::Reads]),
    (1, Draft::read_stats, &[Area::Reads, Area::Kv, Area::Payloads]),
    (2, Draft::list, &[Area::Reads]),
    (2, Draft::read_info, &[Area::Reads, Area::Numbers]),
    (2, Draft::read_totals, &[Area::Reads]),
    (2, Draft::read_family, &[Area::Reads, Area::Delete]),
    (2, Draft::delete_one, &[Area::Delete]),
    (2, Draft::delete_set, &[Area::Delete]),
    (3, Draft::delete_bulk, &[Area::Delete]),
    (4, Draft::prune_one, &[Area::Prune]),
    (3, Draft::prune_bulk, &[Area::Prune]),
];

/// Stories of several calls.
const STORIES: &[Row] = &[
    (8, Draft::begin, &[Area::Histories, Area::Reads, Area::Payloads, Area::Numbers]),
    (8, Draft::go_on, &[Area::Histories, Area::Payloads, Area::Locks, Area::Kv]),
    (4, Draft::go_on_as_new, &[Area::Histories, Area::Prune, Area::Kv, Area::Numbers, Area::Versions]),
    (3, Draft::end, &[Area::Delete, Area::Reads]),
    (1, Draft::cancel, &[Area::Queues]),
    (2, Draft::timer_story, &[Area::Time, Area::Queues]),
    (2, Draft::late_start, &[Area::Queues]),
    (2, Draft::delayed_message, &[Area::Time, Area::Queues, Area::Attempts]),
    (2, Draft::crowd, &[Area::Queues, Area::Histories]),
    (3, Draft::turn_expires, &[Area::Locks, Area::Time]),
    (3, Draft::turn_taken_over, &[Area::Locks]),
    (2, Draft::turn_token_twice, &[Area::Locks]),
    (2, Draft::short_renewals, &[Area::Locks, Area::Time]),
    (2, Draft::refused_turn, &[Area::Locks, Area::Histories, Area::Kv]),
    (1, Draft::unreadable, &[Area::Histories, Area::Versions, Area::Attempts]),
    (2, Draft::arrives_under_lock, &[Area::Locks, Area::Queues, Area::Attempts]),
    (2, Draft::poison, &[Area::Attempts]),
    (1, Draft::deleted_under_lock, &[Area::Delete, Area::Locks]),
    (4, Draft::work_cycle, &[Area::Attempts, Area::Locks, Area::Tags]),
    (2, Draft::job_expires, &[Area::Locks, Area::Attempts, Area::Time]),
    (2, Draft::job_poison, &[Area::Attempts]),
    (2, Draft::cancelled_underneath, &[Area::Queues, Area::Locks]),
    (2, Draft::session_story, &[Area::Sessions]),
    (3, Draft::session_idles, &[Area::Sessions]),
    (1, Draft::tag_story, &[Area::Tags]),
    (3, Draft::family, &[Area::Delete, Area::Reads]),
    (4, Draft::family_removed, &[Area::Delete]),
    (4, Draft::removed_at_the_end, &[Area::Delete]),
    (5, Draft::pruned, &[Area::Prune]),
    (2, Draft::values_story, &[Area::Kv, Area::Prune]),
    (2, Draft::status_story, &[Area::Status]),
    (2, Draft::version_story, &[Area::Versions]),
];

/// The moves of one script.
pub(super) struct Moves {
    /// Each move with the cumulative weight up to it.
    rows: Vec<(u64, Move)>,
    sum: u64,
}

impl Moves {
    /// Draws about two thirds of all moves, and gives those of the profile's
    /// area more weight.
    pub fn draw(random: &mut Stream, profile: Profile) -> Moves {
        let mut moves = Moves { rows: Vec::with_capacity(64), sum: 0 };
        for (weight, make, areas) in CALLS.iter().chain(STORIES) {
            let focused = areas.contains(&profile.area);
            if focused || !random.one_in(3) {
                moves.push(weight * if focused { 6 } else { 1 } * (1 + random.below(3)), *make);
            }
        }
        moves.push(if profile.area == Area::Dropped { 30 } else { 1 }, |draft| draft.step(Step::ReadBack));
        if random.one_in(4) {
            moves.push(1, |draft| draft.step(Step::Drain));
        }
        if random.one_in(6) {
            moves.push(4, |draft| {
                let instance = draft.known_instance();
                draft.step(Step::Corrupt(instance));
            });
        }
        if profile.area == Area::Durable {
            moves.push(30, |draft| draft.step(Step::Reopen));
        }
        moves
    }

    fn push(&mut self, weight: u64, make: fn(&mut Draft)) {
        self.sum += weight;
        self.rows.push((self.sum, Move(make)));
    }

    pub fn pick(&self, random: &mut Stream) -> Move {
        let at = random.below(self.sum);
        let row = self.rows.partition_point(|(sum, _)| *sum <= at);
        self.rows[row].1
    }
}
