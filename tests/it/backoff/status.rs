//! `wait_for_status_change` looks at once and then after each interval, the
//! last of which it cuts short at the end of its time; it does not look again
//! there. An interval that is not whole milliseconds is rounded up each time.

use std::time::Duration;

use duroxide_sim::call::Call;
use duroxide_sim::duroxide::{ClientError, OrchestrationStatus};
use duroxide_sim::{Node, Sim};
use proptest::prelude::*;

use super::{asked, ceil_ms, ms, no_activities, run, text, timed};
use crate::check;

#[derive(Debug, PartialEq)]
struct Watch {
    looks: Vec<u64>,
    back: u64,
    seen: bool,
}

fn expected(from: u64, at: u64, interval: Duration, timeout: Duration) -> Watch {
    let (mut looks, mut now) = (Vec::new(), from);
    while ms(now - from) < timeout {
        looks.push(now);
        // A turn of the same instant comes after the look.
        if at < now {
            return Watch { looks, back: now, seen: true };
        }
        now += ceil_ms(interval.min(timeout - ms(now - from)));
    }
    Watch { looks, back: now, seen: false }
}

/// Watches an instance that `does` its thing at `at`.
fn watch(
    does: &'static str,
    at: u64,
    from: u64,
    interval: Duration,
    timeout: Duration,
) -> Result<Watch, TestCaseError> {
    let run = run(Sim::new(8).node(Node::new("a", no_activities(), timed())), move |sim| async move {
        let client = sim.client();
        client.start_orchestration("one", does, at.to_string()).await.map_err(text)?;
        sim.sleep(ms(from)).await;
        let seen = match client.wait_for_status_change("one", 0, interval, timeout).await {
            Ok(OrchestrationStatus::Running { custom_status, custom_status_version: 1 }) => {
                does == "Tell" && custom_status.as_deref() == Some("told")
            }
            Ok(OrchestrationStatus::Completed { .. }) => does == "End",
            Err(ClientError::Timeout) => return Ok((false, sim.elapsed().as_millis() as u64)),
            other => return Err(format!("{other:?}")),
        };
        if seen { Ok((true, sim.elapsed().as_millis() as u64)) } else { Err("the wrong status".to_owned()) }
    })?;
    // Each look asks for the status first and, when nothing is new, reads the
    // history: the first call of either kind after a pause is a look.
    let mut looks = asked(&run.trace, "client", |call| matches!(call, Call::GetCustomStatus { .. }));
    looks.dedup();
    Ok(Watch { looks, back: run.value.1, seen: run.value.0 })
}

#[test]
fn a_watch_looks_at_its_interval_and_is_back_at_the_first_look_after_the_change() {
    let interval = prop_oneof![1_000..400_000u64, 1..5_000u64].prop_map(Duration::from_micros);
    let timeout = (0..2_000_000u64).prop_map(Duration::from_micros);
    let strategy = (prop_oneof![Just("Tell"), Just("End")], 0..1_500u64, 0..1_000u64, interval, timeout);
    check(64, strategy, |(does, at, from, interval, timeout)| {
        prop_assert_eq!(watch(does, at, from, interval, timeout)?, expected(from, at, interval, timeout));
        Ok(())
    });
}

#[test]
fn a_watch_of_days_keeps_its_interval() {
    let minutes = |range: std::ops::Range<u64>| range.prop_map(|n| ms(60_000 * n));
    let strategy = (prop_oneof![Just("Tell"), Just("End")], 0..864_000_000u64, minutes(1..3_000), minutes(0..15_000));
    check(24, strategy, |(does, at, interval, timeout)| {
        prop_assert_eq!(watch(does, at, 0, interval, timeout)?, expected(0, at, interval, timeout));
        Ok(())
    });
}
