//! Scripts from seeds.

use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::WorkItem;

use super::script::{Script, Step};
use crate::call::{Call, Tags};
use crate::seed::Seed;

/// The script of a seed.
pub fn script(seed: Seed) -> Script {
    let mut random = seed.child("script").stream();
    let steps = (0..40).map(|_| match random.below(4) {
        0 => Step::Wait(random.below(3) * 1000),
        1 => Step::call(Call::EnqueueForOrchestrator {
            item: Arc::new(WorkItem::CancelInstance {
                instance: format!("i{}", random.below(3)),
                reason: String::new(),
            }),
            delay: None,
        }),
        2 => Step::call(Call::FetchOrchestrationItem {
            lock_for: Duration::from_secs(1),
            poll_for: Duration::ZERO,
            versions: None,
        }),
        _ => Step::call(Call::FetchWorkItem {
            lock_for: Duration::from_secs(1),
            poll_for: Duration::ZERO,
            session: None,
            tags: Tags::Any,
        }),
    });
    Script { steps: steps.chain([Step::ReadBack, Step::Drain]).collect() }
}
