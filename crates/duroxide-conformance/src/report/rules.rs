//! The outcome of each rule.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::contract::{self, Check, Rule};
use crate::verdict::Verdict;

/// A rule and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleLine {
    /// The rule's id.
    pub id: &'static str,
    /// `must`, `should` or `may`.
    pub strength: &'static str,
    /// What a conforming provider does.
    pub claim: &'static str,
    /// The outcome.
    pub fate: Fate,
}

/// The outcome of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Calls that concern the rule were made, and none broke it.
    Held,
    /// The rule was broken.
    Broken,
    /// The rule was broken, and a waiver accepts that.
    Waived,
    /// No call that concerns the rule was made, or sequential calls cannot
    /// break it.
    NotReached,
}

impl Fate {
    /// The outcome as text.
    pub fn word(self) -> &'static str {
        match self {
            Fate::Held => "held",
            Fate::Broken => "broken",
            Fate::Waived => "waived",
            Fate::NotReached => "not reached",
        }
    }
}

pub(super) fn lines(verdict: &Verdict) -> Vec<RuleLine> {
    let called = verdict.counts.methods();
    let races = verdict.races.iter().map(|race| race.rule);
    let broken: BTreeSet<&str> =
        verdict.findings.iter().chain(&verdict.remarks).map(|finding| finding.rule).chain(races).collect();
    let waived: BTreeSet<&str> = verdict.waived.iter().map(|waived| waived.rule).collect();
    let line = |rule: &'static Rule| {
        let fate = match rule.id {
            id if broken.contains(id) => Fate::Broken,
            id if waived.contains(id) => Fate::Waived,
            id if verdict.reached.contains(id) || is_reached(rule, &called) => Fate::Held,
            _ => Fate::NotReached,
        };
        RuleLine { id: rule.id, strength: rule.strength.word(), claim: rule.claim, fate }
    };
    contract::rules().map(line).collect()
}

/// Whether scripts can break the rule, and called a method that it concerns.
fn is_reached(rule: &Rule, called: &BTreeSet<&str>) -> bool {
    let shows = |check: &Check| matches!(check, Check::Script | Check::ReadBack | Check::Drain | Check::Dropped);
    rule.checks.iter().any(shows) && methods(rule.area()).iter().any(|method| called.contains(method))
}

/// The methods that the rules of an area concern; for areas about every method,
/// one that every script calls.
fn methods(area: &str) -> &'static [&'static str] {
    match area {
        "turn" => &["fetch_orchestration_item"],
        "ack-turn" => &["ack_orchestration_item"],
        "abandon-turn" => &["abandon_orchestration_item"],
        "renew-turn" => &["renew_orchestration_item_lock"],
        "enqueue" => &["enqueue_for_orchestrator"],
        "enqueue-job" => &["enqueue_for_worker"],
        "job" | "tag" => &["fetch_work_item"],
        "ack-job" => &["ack_work_item"],
        "abandon-job" => &["abandon_work_item"],
        "renew-job" => &["renew_work_item_lock"],
        "session" => &["renew_session_lock", "cleanup_orphaned_sessions"],
        "read" => &["read", "read_with_execution", "read_history"],
        "append" => &["append_with_execution"],
        "kv" => &["get_kv_value", "get_kv_all_values"],
        "status" => &["get_custom_status"],
        "stats" => &["get_instance_stats"],
        "list" => &["list_instances", "list_instances_by_status"],
        "info" => &["get_instance_info"],
        "execution" => &["list_executions", "get_execution_info"],
        "metrics" => &["get_system_metrics"],
        "depths" => &["get_queue_depths"],
        "tree" => &["list_children", "get_parent_id", "get_instance_tree"],
        "delete" => &["delete_instance", "delete_instances_atomic"],
        "delete-bulk" => &["delete_instance_bulk"],
        "prune" => &["prune_executions"],
        "prune-bulk" => &["prune_executions_bulk"],
        "capability" | "concurrent" | "data" | "dropped" | "durable" | "error" | "identity" | "no-panic"
        | "payload" | "time" => &["fetch_orchestration_item"],
        // Never held: the test of all areas fails.
        _ => &[],
    }
}
