//! The policy for escapes: actions of the code under test that reach past the simulation
//! ([`crate::clock::Escape`]).

use super::Sim;
use crate::clock::Escapes;
use crate::clock::escapes::{self, Locate};
use crate::seed::Seed;
use crate::text::line;

/// Whether escapes are allowed, and for which of them the source location is looked up.
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
    /// Whether a run with these escapes fails.
    pub fn refuses(self, escapes: &Escapes) -> bool {
        !self.tolerates && escapes.keys().any(|escape| escape.is_io())
    }

    /// Prints the escapes of a successful run.
    pub fn tell(self, seed: Seed, escapes: &Escapes) {
        if !escapes.is_empty() && !self.tolerates {
            let lines = line(escapes::lines(escapes).join("; "));
            eprintln!(
                "The code in the simulation of seed {seed} reached past it: {lines}. The seed does not decide how that \
                 goes, and virtual time does not include it. Use tokio's sleep, locks, channels and tasks, or allow \
                 escapes with Sim::allow_escapes. An exploration shows where they come from."
            );
        }
    }
}

impl Sim {
    /// Looks up the source location of every escape.
    pub(crate) fn locate(mut self) -> Sim {
        self.escapes.locate = Locate::Everything;
        self
    }

    /// Allows escapes: actions that reach past the simulation ([`crate::clock::Escape`]).
    /// By default a run that used the real network, wrote real files or started processes
    /// fails ([`super::Cause::RealIo`]), because it depends on more than its seed and has
    /// real effects. Threads, sleeps on real time and blocking waits do not fail a run;
    /// [`Sim::run`] prints them unless they are allowed. [`super::Run::escapes`] always
    /// lists all of them.
    ///
    /// Detected are actions of the simulation's own thread through functions of the C
    /// library, and input and output on threads that it starts, such as those of
    /// `tokio::fs` and `spawn_blocking`. Reading files is not detected.
    pub fn allow_escapes(mut self) -> Sim {
        self.escapes.tolerates = true;
        if self.escapes.locate == Locate::Io {
            self.escapes.locate = Locate::Nothing;
        }
        self
    }
}
