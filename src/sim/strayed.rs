//! What becomes of what strays from a run ([`crate::clock::Stray`]).

use super::Sim;
use crate::clock::Strays;
use crate::clock::strays::{self, Locate};
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
    pub fn refuses(self, strays: &Strays) -> bool {
        !self.tolerates && strays.keys().any(|stray| stray.is_io())
    }

    /// Prints what strayed from a run that went well.
    pub fn tell(self, seed: Seed, strays: &Strays) {
        if !strays.is_empty() && !self.tolerates {
            let lines = line(strays::lines(strays).join("; "));
            eprintln!(
                "Something in the simulation of seed {seed} reaches past it: {lines}. No seed decides how that goes, and \
                 virtual time knows nothing of it. Use tokio's sleep, locks, channels and tasks; or allow it, with \
                 Sim::tolerate_strays. An exploration says where it comes from."
            );
        }
    }
}

impl Sim {
    /// Looks up where anything strays.
    pub(crate) fn locate(mut self) -> Sim {
        self.strays.locate = Locate::Everything;
        self
    }

    /// Allows what reaches past the simulation ([`crate::clock::Stray`]). Without
    /// this a run that used the real network, wrote real files or started processes
    /// fails ([`super::Cause::RealIo`]): such a test depends on more than its seed, and
    /// does real things. Threads, sleeps on real time and waits that block do not fail
    /// a run; [`Sim::run`] prints them, unless they are allowed. All of them are in
    /// [`super::Run::strays`] in any case.
    ///
    /// Seen is what the simulation's own thread does through the C library's functions, and
    /// what input and output there is on threads that it starts, such as those of
    /// `tokio::fs` and `spawn_blocking`. Reading files is not noticed.
    pub fn tolerate_strays(mut self) -> Sim {
        self.strays.tolerates = true;
        if self.strays.locate == Locate::Io {
            self.strays.locate = Locate::Nothing;
        }
        self
    }
}
