//! The tests that do not pass as they are moved, and why.

/// Why a test does not pass as it is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It changes or reads the rows of SQLite by SQL, and a simulated provider has none. Such a
    /// test is left out of the build, because its code needs a pool of connections to compile.
    SpeaksSql,
    /// It only computes, for minutes in a build without optimisation: no storage, no time, no
    /// runtime. Nothing of it would move, so it is left out of the build.
    ComputesForMinutes,
    /// Its code waits for the clock without letting other tasks run: by a sleep of its thread, or
    /// in a loop. Virtual time stands still while code runs.
    WaitsOnItsThread,
    /// It asserts what a provider as slow as a disk makes likely: that an activity has not ended
    /// yet, or that a time-out comes first. It passes where every call takes a while.
    WantsSlowProvider,
    /// It asserts that a fetch which finds nothing returns at once, or relies on that. It passes
    /// on a provider with short polls.
    WantsShortPolls,
}

impl Reason {
    /// Whether the test is left out of the build.
    pub fn is_left_out(self) -> bool {
        match self {
            Reason::SpeaksSql | Reason::ComputesForMinutes => true,
            Reason::WaitsOnItsThread | Reason::WantsSlowProvider | Reason::WantsShortPolls => false,
        }
    }

    /// Returns the function of this crate that runs the body on a provider on which it passes, and
    /// what the test is called there.
    pub fn remedy(self) -> Option<(&'static str, &'static str)> {
        match self {
            Reason::SpeaksSql | Reason::ComputesForMinutes | Reason::WaitsOnItsThread => None,
            Reason::WantsSlowProvider => Some(("slow_provider", "on_a_slow_provider")),
            Reason::WantsShortPolls => Some(("short_polls", "with_short_polls")),
        }
    }
}

/// A test that does not pass as it is moved.
#[derive(Clone, Copy, Debug)]
pub struct Exception {
    /// The file and the function, as `file::function`.
    pub test: &'static str,
    /// Why it does not pass.
    pub reason: Reason,
    /// What its failure says, or what the code of a test contains that is left out of the build.
    pub says: &'static str,
}

/// Every test that does not pass, in the order of the files. Each has to fail as it says here.
pub const EXCEPTIONS: &[Exception] = &[
    Exception {
        test: "cancellation_corner_cases::exhaustive_small_scope_queue_race_orders",
        reason: Reason::ComputesForMinutes,
        says: "for program in programs",
    },
    Exception {
        test: "cancellation_corner_cases::q14_missing_version_is_poisoned_by_sqlite_dispatcher",
        reason: Reason::SpeaksSql,
        says: "sqlx::",
    },
    Exception {
        test: "capability_filtering_tests::wide_supported_range_drains_stuck_items_via_deserialization_error",
        reason: Reason::SpeaksSql,
        says: "sqlx::",
    },
    Exception {
        test: "errors_tests::history_cap_exceeded_fs",
        reason: Reason::WantsSlowProvider,
        says: "expected failure due to history capacity, got: done",
    },
    Exception {
        test: "errors_tests::history_cap_exceeded_inmem",
        reason: Reason::WantsSlowProvider,
        says: "expected failure due to history capacity, got: done",
    },
    Exception {
        test: "kv_store_tests::kv_prune_unpersisted_current_turn_key_with_wall_clock",
        reason: Reason::WaitsOnItsThread,
        says: "removed:0,ephemeral:will_be_pruned",
    },
    Exception {
        test: "session_e2e_tests::test_max_sessions_per_runtime_enforced",
        reason: Reason::WantsShortPolls,
        says: "Timeout",
    },
    Exception {
        test: "session_e2e_tests::test_session_cap_blocks_then_unblocks",
        reason: Reason::WantsShortPolls,
        says: "Timed out waiting for",
    },
    Exception {
        test: "shutdown_tests::shutdown_waits_for_non_yielding_activity_to_exit",
        reason: Reason::WaitsOnItsThread,
        says: "the simulation's thread was abandoned",
    },
    Exception {
        test: "sqlite_provider_validations::test_sqlite_short_poll_returns_immediately",
        reason: Reason::WantsShortPolls,
        says: "Short polling provider should return immediately",
    },
    Exception {
        test: "sqlite_provider_validations::test_sqlite_short_poll_work_item_returns_immediately",
        reason: Reason::WantsShortPolls,
        says: "Short polling provider should return immediately",
    },
    Exception {
        test: "worker_reliability_test::activity_reliability_after_crash_before_completion_enqueue",
        reason: Reason::WantsSlowProvider,
        says: "Activity should not have completed yet",
    },
    Exception {
        test: "worker_reliability_test::multiple_activities_reliability_after_crash",
        reason: Reason::WantsSlowProvider,
        says: "No activities should have completed yet",
    },
];
