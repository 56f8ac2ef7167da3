//! [`FailedTest`]: a failed simulation with what its test asked to be done about it.

use super::failure::Failure;
use super::handle::Handle;
use super::{Leaves, Outcome, Remark, Run, Sim, run};

/// A failed simulation of a test.
pub(crate) struct FailedTest {
    pub failure: Box<Failure>,
    pub leaves: Leaves,
    pub remark: Option<Remark>,
}

impl Sim {
    /// Sets whether a failing [`Sim::run`] leaves files.
    pub(crate) fn leaving(mut self, leaves: Leaves) -> Sim {
        self.leaves = leaves;
        self
    }

    /// Runs the simulation for a test that needs only the body's value. Prints the escapes of a
    /// successful run.
    pub(crate) fn run_for_test<B, F, R>(mut self, body: B) -> Result<R::Value, FailedTest>
    where
        B: FnOnce(Handle) -> F + Send + 'static,
        F: Future<Output = R> + 'static,
        R: Outcome,
    {
        let (remark, policy, leaves) = (self.remark.take(), self.escapes, self.leaves);
        match self.try_run(body) {
            Ok(Run { value, trace, memory, seed, escapes, .. }) => {
                policy.tell(seed, &escapes);
                let entries = trace.entries.len();
                run::discard((trace, memory), entries);
                Ok(value)
            }
            Err(failure) => Err(FailedTest { failure, leaves, remark }),
        }
    }
}
