//! Looking at instances and waiting for them.

use std::time::Duration;

use duroxide::OrchestrationStatus::{self, Completed, Failed, NotFound, Running};
use duroxide::{ClientError, ErrorDetails};
use duroxide_sim::sim::Handle;

use super::{HOUR, MINUTE, POLL, SECOND, Sum, TEN_SECONDS_IN_VAIN, sim};

fn running(status: &str, version: u64) -> OrchestrationStatus {
    Running { custom_status: Some(status.to_owned()), custom_status_version: version }
}

/// That `elapsed` has just gone by, as somebody sees it who looks every `poll`.
#[track_caller]
fn assert_seen_at(sim: &Handle, elapsed: Duration, poll: Duration) {
    assert!(sim.elapsed() >= elapsed && sim.elapsed() <= elapsed + poll, "{:?} instead of {elapsed:?}", sim.elapsed());
}

#[test]
fn the_status_follows_an_instance_from_before_its_start_to_its_end() {
    sim().run(|sim| async move {
        let client = sim.client();
        assert_eq!(client.get_orchestration_status("job").await.unwrap(), NotFound);
        client.start_orchestration("job", "Progress", "").await.unwrap();
        sim.sleep(SECOND).await;
        assert_eq!(client.get_orchestration_status("job").await.unwrap(), running("one", 1));
        sim.sleep(MINUTE).await;
        assert_eq!(client.get_orchestration_status("job").await.unwrap(), running("two", 2));
        sim.sleep(MINUTE).await;
        let done = Completed { output: "done".into(), custom_status: Some("two".into()), custom_status_version: 2 };
        assert_eq!(client.get_orchestration_status("job").await.unwrap(), done);

        client.start_orchestration("bad", "Fail", "broken").await.unwrap();
        sim.sleep(SECOND).await;
        let status = client.get_orchestration_status("bad").await.unwrap();
        let Failed { details: ErrorDetails::Application { message, .. }, custom_status, custom_status_version } =
            status
        else {
            panic!("{status:?}")
        };
        assert_eq!((message.as_str(), custom_status, custom_status_version), ("broken", None, 0));
    });
}

#[test]
fn a_wait_for_a_change_ends_at_each_change_and_at_the_end() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("job", "Progress", "").await.unwrap();
        let status = client.wait_for_status_change("job", 0, SECOND, HOUR).await.unwrap();
        assert_eq!(status, running("one", 1));
        assert_seen_at(&sim, Duration::ZERO, SECOND);
        let status = client.wait_for_status_change("job", 1, SECOND, HOUR).await.unwrap();
        assert_eq!(status, running("two", 2));
        assert_seen_at(&sim, MINUTE, SECOND);
        // What was seen long ago counts as a change at once.
        let at = sim.elapsed();
        assert_eq!(client.wait_for_status_change("job", 1, SECOND, HOUR).await.unwrap(), running("two", 2));
        assert_eq!(sim.elapsed(), at);
        let status = client.wait_for_status_change("job", 2, SECOND, HOUR).await.unwrap();
        assert!(matches!(status, Completed { custom_status_version: 2, .. }), "{status:?}");
        assert_seen_at(&sim, 2 * MINUTE, SECOND);
    });
}

#[test]
fn a_wait_for_a_change_that_does_not_come_ends_on_time() {
    sim().run(|sim| async move {
        let client = sim.client();
        // Three sleeps of 300 ms and one of what is left.
        let error = client.wait_for_status_change("none", 0, Duration::from_millis(300), SECOND).await.unwrap_err();
        assert!(matches!(error, ClientError::Timeout), "{error:?}");
        assert_eq!(sim.elapsed(), SECOND);
    });
}

#[test]
fn a_wait_ends_when_the_orchestration_does() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("sleeper", "Sleep", "slept").await.unwrap();
        let status = client.wait_for_orchestration("sleeper", 2 * HOUR).await.unwrap();
        assert!(matches!(status, Completed { output, .. } if output == "slept"));
        assert_seen_at(&sim, HOUR, POLL);
        // Of what has ended it tells at once.
        let at = sim.elapsed();
        client.wait_for_orchestration("sleeper", Duration::ZERO).await.unwrap();
        assert_eq!(sim.elapsed(), at);
    });
}

#[test]
fn a_wait_in_vain_times_out_at_the_clients_next_look() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("sleeper", "Sleep", "").await.unwrap();
        for instance in ["sleeper", "none"] {
            let began = sim.elapsed();
            let error = client.wait_for_orchestration(instance, 10 * SECOND).await.unwrap_err();
            assert!(matches!(error, ClientError::Timeout), "{error:?}");
            assert_eq!(sim.elapsed() - began, TEN_SECONDS_IN_VAIN);
        }
    });
}

#[test]
fn a_typed_wait_tells_failures_from_outputs_of_another_type() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("bad", "Fail", "broken").await.unwrap();
        client.start_orchestration("text", "Echo", "x").await.unwrap();
        let failed = client.wait_for_orchestration_typed::<Sum>("bad", HOUR).await.unwrap();
        assert_eq!(failed, Err("broken".to_owned()));
        let error = client.wait_for_orchestration_typed::<Sum>("text", HOUR).await.unwrap_err();
        assert!(matches!(&error, ClientError::InvalidInput { message } if message.starts_with("decode failed")));
        let error = client.wait_for_orchestration_typed::<Sum>("none", SECOND).await.unwrap_err();
        assert!(matches!(error, ClientError::Timeout), "{error:?}");
    });
}
