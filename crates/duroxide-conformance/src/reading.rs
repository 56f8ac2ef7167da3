//! [`Reading`]: what a provider makes of the parts of the contract that are open.

/// Behaviour that the contract leaves open, as the provider declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whether timestamps in answers (`created_at`, `completed_at`, …) follow
    /// the clock that the check controls.
    pub timestamps: bool,
    /// Whether `enqueue_for_orchestrator` honours its delay ("Providers without
    /// delayed_visibility support can ignore this").
    pub delayed_visibility: bool,
}

impl Default for Reading {
    fn default() -> Reading {
        Reading { timestamps: true, delayed_visibility: true }
    }
}
