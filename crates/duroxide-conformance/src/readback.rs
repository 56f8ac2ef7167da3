//! The two steps that inspect the whole state: reading back and draining.
//!
//! Lost or wrong effects of earlier calls show here at the latest.

use std::collections::BTreeSet;
use std::time::Duration;

use duroxide_sim::call::{AckTurn, Call, Reply, SessionClaim, Tags};

use super::drive::{Over, Play};

/// The duration of the locks taken while draining; longer than a drain takes.
const LOCK: Duration = Duration::from_secs(600);

/// How far ahead draining waits for messages to become visible; later ones are
/// ignored.
const HORIZON: Duration = Duration::from_secs(86_400);

/// The same limit where time is real, in ticks.
const TICKS: u32 = 20;

/// Missing executions are read up to this number.
const MOST_PRUNED: u64 = 5;

/// The maximum number of fetches in a drain.
const MOST_FETCHES: usize = 500;

impl Play<'_> {
    /// Makes every read call.
    pub(super) async fn read_back(&mut self) -> Result<(), Over> {
        for call in [Call::ListInstances, Call::GetSystemMetrics, Call::GetQueueDepths] {
            self.make(call).await?;
        }
        for status in ["Running", "Completed", "Failed", "ContinuedAsNew"] {
            self.make(Call::ListInstancesByStatus { status: status.to_owned() }).await?;
        }
        for instance in self.names.clone() {
            self.read_instance(instance).await?;
        }
        Ok(())
    }

    async fn read_instance(&mut self, instance: String) -> Result<(), Over> {
        let name = || instance.clone();
        let calls = [
            Call::Read { instance: name() },
            Call::ReadHistory { instance: name() },
            Call::LatestExecutionId { instance: name() },
            Call::GetInstanceInfo { instance: name() },
            Call::GetCustomStatus { instance: name(), last_seen_version: 0 },
            Call::GetKvAllValues { instance: name() },
            Call::GetInstanceStats { instance: name() },
            Call::ListChildren { instance: name() },
            Call::GetParentId { instance: name() },
            Call::GetInstanceTree { instance: name() },
            Call::ListExecutions { instance: name() },
        ];
        for call in calls {
            self.make(call).await?;
        }
        // Pruned executions are read too; nothing of them may be left.
        let there = self.oracle.store().executions_of(&instance);
        let latest = there.last().map_or(0, |execution| execution.0).min(MOST_PRUNED);
        let executions: BTreeSet<u64> = there.into_iter().map(|(execution, ..)| execution).chain(1..=latest).collect();
        for execution in executions {
            self.make(Call::ReadWithExecution { instance: name(), execution }).await?;
            self.make(Call::ReadHistoryWithExecutionId { instance: name(), execution }).await?;
            self.make(Call::GetExecutionInfo { instance: name(), execution }).await?;
        }
        Ok(())
    }

    /// Fetches and acknowledges everything that is or becomes eligible within a
    /// day.
    pub(super) async fn drain(&mut self) -> Result<(), Over> {
        let end = self.now() + self.tick().map_or(HORIZON, |tick| tick * TICKS);
        let mut left = MOST_FETCHES;
        loop {
            while left > 0 && (self.drain_turn().await? || self.drain_job().await?) {
                left -= 1;
            }
            let now = self.now();
            let store = self.oracle.store();
            let next = [store.next_turn_after(now), store.next_job_after(now)].into_iter().flatten().min();
            match next {
                Some(next) if next <= end && left > 0 => self.wait((next - now).as_millis() as u64).await?,
                _ => return Ok(()),
            }
        }
    }

    async fn drain_turn(&mut self) -> Result<bool, Over> {
        let Some(Reply::Turn(Some(turn))) = self.make(any_turn()).await? else { return Ok(false) };
        self.make(Call::AckOrchestrationItem(Box::new(AckTurn::nothing(turn.token, turn.execution)))).await?;
        Ok(true)
    }

    async fn drain_job(&mut self) -> Result<bool, Over> {
        let Some(Reply::Job(Some(job))) = self.make(any_job("drain")).await? else { return Ok(false) };
        self.make(Call::AckWorkItem { token: job.token, completion: None }).await?;
        Ok(true)
    }
}

/// Fetches any orchestration item.
pub(super) fn any_turn() -> Call {
    Call::FetchOrchestrationItem { lock_for: LOCK, poll_for: Duration::ZERO, versions: None }
}

/// Fetches any work item, claiming unowned sessions for `owner`.
pub(super) fn any_job(owner: &str) -> Call {
    let session = Some(SessionClaim { owner: owner.to_owned(), lock_for: LOCK });
    Call::FetchWorkItem { lock_for: LOCK, poll_for: Duration::ZERO, session, tags: Tags::Any }
}
