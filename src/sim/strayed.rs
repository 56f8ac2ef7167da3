//! What becomes of what strays from a run ([`crate::clock::Escape`]).

use super::Sim;
use crate::clock::Escapes;
use crate::clock::escapes::{self, Locate};
use crate::seed::Seed;
use crate::text::line;

/// Whether it is left alone, and of what it is looked up where it happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub locate: Locate,
    tolerates: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { locate: Locate::Io, tolerates: false }
    }
}

impl Policy {
    /// Whether a run with these strays fails.
    pub fn refuses(self, escapes: &Escapes) -> bool {
        !self.tolerates && escapes.keys().any(|stray| stray.is_io())
    }

    /// Prints what strayed from a run that went well.
    pub fn tell(self, seed: Seed, escapes: &Escapes) {
        if !escapes.is_empty() && !self.tolerates {
            let lines = line(escapes::lines(escapes).join("; "));
            eprintln!(
                "Something in the simulation of seed {seed} reaches past it: {lines}. No seed decides how that goes, and \
                 virtual time knows nothing of it. Use tokio's sleep, locks, channels and tasks; or allow it, with \
                 Sim::allow_escapes. An exploration says where it comes from."
            );
        }
    }
}

impl Sim {
    /// Looks up where anything strays.
    pub(crate) fn locate(mut self) -> Sim {
        self.escapes.locate = Locate::Everything;
        self
    }

    /// Allows what reaches past the simulation ([`crate::clock::Escape`]). Without
    /// this a run that used the real network, wrote real files or started processes
    /// fails ([`super::Cause::RealIo`]): such a test depends on more than its seed, and
    /// does real things. Threads, sleeps on real time and waits that block do not fail
    /// a run; [`Sim::run`] prints them, unless they are allowed. All of them are in
    /// [`super::Run::escapes`] in any case.
    ///
    /// Seen is what the simulation's own thread does through the C library's functions, and
    /// what input and output there is on threads that it starts, such as those of
    /// `tokio::fs` and `spawn_blocking`. Reading files is not noticed.
    pub fn allow_escapes(mut self) -> Sim {
        self.escapes.tolerates = true;
        if self.escapes.locate == Locate::Io {
            self.escapes.locate = Locate::Nothing;
        }
        self
    }
}
