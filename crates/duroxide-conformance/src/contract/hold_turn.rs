//! The rules of `abandon_orchestration_item` and
//! `renew_orchestration_item_lock`.

use super::Check::{Concurrent, Drain, Official, ReadBack, Script};
use super::{Rule, must};

pub(super) const RULES: &[Rule] = &[
    must(
        "abandon-turn.messages-kept",
        "An abandon keeps every message of its batch, unchanged.",
        "`abandon_orchestration_item`, \"Preserve message order\"",
        &[
            Script,
            Drain,
            Official("lock_expiration::test_abandon_releases_lock_immediately"),
            Official("poison_message::max_attempt_count_across_message_batch"),
        ],
    ),
    must(
        "abandon-turn.delay",
        "After an abandon with a delay the batch is visible from exactly now plus the delay on.",
        "`abandon_orchestration_item`, \"Parameters\"",
        &[
            Script,
            Official("poison_message::orchestration_delayed_abandon_preserves_unlocked_rows"),
            Official("race_replay::test_continue_as_new_unregistered_backoff"),
        ],
    ),
    must(
        "abandon-turn.no-delay-is-now",
        "After an abandon without a delay the instance can be fetched at once, with everything that was in its \
         batch.",
        "`abandon_orchestration_item`, \"Parameters\"; `abandon_orchestration_item`, \"What This Does\"",
        &[Script, Official("lock_expiration::test_abandon_releases_lock_immediately")],
    ),
    must(
        "abandon-turn.only-batch-delayed",
        "A delay holds back the batch alone: what came meanwhile keeps its own moment.",
        "guide, \"abandon_orchestration_item\"; validation \
         `orchestration_delayed_abandon_preserves_unlocked_rows`",
        &[Script, Drain, Official("poison_message::orchestration_delayed_abandon_preserves_unlocked_rows")],
    ),
    must(
        "abandon-turn.dead-token-refused",
        "An abandon is refused when its token was never issued, or has acked or abandoned its turn already.",
        "`abandon_orchestration_item`, \"Error Handling\" (\"should not be idempotent\")",
        &[Script, Official("instance_locking::test_invalid_lock_token_rejection")],
    ),
    must(
        "abandon-turn.expired-token-refused",
        "An abandon is refused when its lock has ended, whether somebody has fetched the instance since or not, \
         and leaves a newer lock alone.",
        "`abandon_orchestration_item`, \"not recognized or has expired\"; `abandon_orchestration_item`, \"Error \
         Handling\"",
        &[Script, Concurrent],
    ),
    must(
        "abandon-turn.ignore-attempt",
        "An abandon with `ignore_attempt` takes one attempt off each message of its batch.",
        "`abandon_orchestration_item`, \"ignore_attempt\"",
        &[Script, Official("poison_message::abandon_orchestration_item_ignore_attempt_decrements")],
    ),
    must(
        "abandon-turn.ignore-attempt-own-batch",
        "`ignore_attempt` touches no message that the fetch did not take.",
        "guide, \"abandon_orchestration_item\"",
        &[Script, Official("poison_message::orchestration_ignore_attempt_preserves_hidden_start")],
    ),
    must(
        "abandon-turn.ignore-attempt-floor",
        "`ignore_attempt` never takes a number of attempts below 0.",
        "`abandon_orchestration_item`, \"never below 0\"",
        &[Script, Official("poison_message::ignore_attempt_never_goes_negative")],
    ),
    must(
        "abandon-turn.commits-nothing",
        "An abandon changes no history, status, value or job.",
        "guide, \"abandon_orchestration_item\", \"Releasing Without Commit\"",
        &[ReadBack],
    ),
    must(
        "renew-turn.extends-from-now",
        "A renewed lock ends at the moment of the renewal plus `extend_for`, later or earlier than before; its \
         token stays good, however often it is renewed.",
        "`renew_orchestration_item_lock`, \"Duration to extend lock from now\"; guide, \
         \"renew_orchestration_item_lock\"",
        &[Script],
    ),
    must(
        "renew-turn.batch-stays-locked",
        "A renewal holds the whole batch: past the old end neither the instance nor any of its messages is \
         fetched.",
        "guide, \"renew_orchestration_item_lock\"",
        &[Script],
    ),
    must(
        "renew-turn.dead-token-refused",
        "Renewing is refused when the token was never issued, or has acked or abandoned its turn already.",
        "`renew_orchestration_item_lock`, \"Returns\"; `renew_orchestration_item_lock`, its pattern",
        &[Script],
    ),
    must(
        "renew-turn.expired-token-refused",
        "Renewing a lock that has ended is refused, and brings it back in no way.",
        "`renew_orchestration_item_lock`, \"Returns\"",
        &[Script, Official("lock_expiration::test_orchestration_lock_renewal_after_expiration")],
    ),
];
