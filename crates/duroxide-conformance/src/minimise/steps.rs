//! Removes steps: chunks, single steps, pairs; and joins waits.

use std::collections::BTreeSet;

use duroxide_sim::unstable::ddmin::DeltaDebug;

use super::{Search, aim};
use crate::drive::Run;
use crate::script::{Script, Step};

/// The maximum number of steps for which pairs are tried.
const FEW: usize = 16;

impl<F: AsyncFnMut(&Script) -> Option<Run>> Search<F> {
    /// Removes in one attempt the steps that rarely matter: reads, and calls
    /// about other instances than the last one's.
    pub(super) async fn cut_bystanders(&mut self) {
        let last = self.best.len().saturating_sub(1);
        let reads: BTreeSet<usize> = (0..last).filter(|at| is_read(&self.best.steps[*at])).collect();
        let strangers = aim::strangers(&self.run);
        let both: BTreeSet<usize> = reads.union(&strangers).copied().collect();
        for gone in [both, reads, strangers] {
            if gone.len() > 1 && self.leave_out(|at| gone.contains(&at)).await {
                return;
            }
        }
    }

    /// Removes consecutive steps: halves first, single steps last.
    pub(super) async fn cut(&mut self) {
        let mut cuts = DeltaDebug::of(self.best.len());
        while let Some(gone) = cuts.next(self.best.len()) {
            if self.leave_out(|at| gone.contains(&at)).await {
                cuts.took();
            }
        }
    }

    /// Removes two steps that can only be removed together.
    pub(super) async fn cut_pairs(&mut self) {
        let mut first = 0;
        while first < self.best.len() && self.best.len() <= FEW {
            let seconds = first + 1..self.best.len();
            let mut found = false;
            for second in seconds {
                found = self.leave_out(|at| at == first || at == second).await;
                if found {
                    break;
                }
            }
            if !found {
                first += 1;
            }
        }
    }

    async fn leave_out(&mut self, gone: impl Fn(usize) -> bool) -> bool {
        let candidate = aim::without(&self.best, &self.run, gone);
        self.attempt(candidate).await
    }

    /// Replaces read-back and drain steps by the calls they made; only by the
    /// deviating call, if that still fails.
    pub(super) async fn spell_out(&mut self) -> bool {
        let mut found = false;
        let mut at = self.best.len();
        while at > 0 {
            at -= 1;
            if !matches!(self.best.steps.get(at), Some(Step::ReadBack | Step::Drain)) {
                continue;
            }
            let calls = aim::spelled_out(&self.run, at);
            let last = calls.len().saturating_sub(1);
            found |= self.replace(at, calls[last..].to_vec()).await || self.replace(at, calls).await;
        }
        found
    }

    async fn replace(&mut self, at: usize, by: Vec<Step>) -> bool {
        let mut candidate = self.best.clone();
        candidate.steps.splice(at..=at, by);
        self.attempt(candidate).await
    }

    /// Joins waits into one, as late as possible.
    pub(super) async fn join_waits(&mut self) {
        let mut at = 0;
        while at < self.best.len() {
            let Step::Wait(first) = self.best.steps[at] else {
                at += 1;
                continue;
            };
            let later = self.best.steps.iter().enumerate().skip(at + 1).find_map(|(later, step)| match step {
                Step::Wait(second) => Some((later, *second)),
                Step::Call(_) | Step::ReadBack | Step::Drain | Step::Corrupt(_) | Step::Reopen => None,
            });
            let Some((later, second)) = later else { return };
            let mut candidate = self.best.clone();
            candidate.steps[later] = Step::Wait(first.saturating_add(second));
            candidate.steps.remove(at);
            if !self.attempt(candidate).await {
                at += 1;
            }
        }
    }

    /// Replaces relative numbers and implied instances by absolute ones.
    pub(super) async fn make_absolute(&mut self) {
        let plain = |run: &Run, at: usize, step: &Step| match step {
            Step::Call(act) => aim::absolute(run, at, act),
            Step::Wait(_) | Step::ReadBack | Step::Drain | Step::Corrupt(_) | Step::Reopen => None,
        };
        let steps = self.best.steps.iter().enumerate();
        let all = steps.map(|(at, step)| plain(&self.run, at, step).unwrap_or_else(|| step.clone())).collect();
        if self.attempt(Script { steps: all }).await {
            return;
        }
        for at in 0..self.best.len() {
            if let Some(step) = plain(&self.run, at, &self.best.steps[at]) {
                self.attempt_step(at, step).await;
            }
        }
    }
}

/// Whether a step changes nothing.
fn is_read(step: &Step) -> bool {
    match step {
        Step::Call(act) => act.call.is_read(),
        Step::ReadBack => true,
        Step::Wait(_) | Step::Drain | Step::Corrupt(_) | Step::Reopen => false,
    }
}
