//! The tests that do not pass on virtual time, and why.

/// Why a test does not pass on virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It changes or reads the rows of SQLite by SQL, and a simulated provider has none. Such a
    /// test is left out of the build, for its code does not compile without a pool of connections.
    SpeaksSql,
}

/// A test that does not pass on virtual time.
#[derive(Clone, Copy, Debug)]
pub struct Exception {
    /// The file and the function, as `file::function`.
    pub test: &'static str,
    pub reason: Reason,
    /// What its failure says.
    pub says: &'static str,
}

/// Every test that does not pass, in the order of the files.
pub const EXCEPTIONS: &[Exception] = &[
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
];
