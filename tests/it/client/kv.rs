//! The key-value store of an instance, and its statistics.

use std::collections::HashMap;
use std::time::Duration;

use duroxide::ClientError;

use super::{HOUR, MINUTE, POLL, SECOND, TEN_SECONDS_IN_VAIN, events_of, sim};

#[test]
fn values_can_be_read_while_the_instance_runs() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("keeper", "Keep", "").await.unwrap();
        sim.sleep(SECOND).await;
        assert_eq!(client.get_kv_value("keeper", "text").await.unwrap().as_deref(), Some("not JSON"));
        assert_eq!(client.get_kv_value("keeper", "late").await.unwrap(), None);
        assert_eq!(client.get_kv_value("none", "text").await.unwrap(), None);
        assert_eq!(client.get_kv_value_typed::<[u8; 2]>("keeper", "list").await.unwrap(), Some([1, 2]));
        assert_eq!(client.get_kv_value_typed::<[u8; 2]>("keeper", "late").await.unwrap(), None);
        let error = client.get_kv_value_typed::<u8>("keeper", "text").await.unwrap_err();
        assert!(matches!(error, ClientError::InvalidInput { .. }), "{error:?}");

        let mut expected = HashMap::from([("text".to_owned(), "not JSON".to_owned()), ("list".into(), "[1,2]".into())]);
        assert_eq!(client.get_kv_all_values("keeper").await.unwrap(), expected);
        assert_eq!(client.get_kv_all_values("none").await.unwrap(), HashMap::new());
        sim.sleep(2 * HOUR).await;
        expected.insert("late".into(), "7".into());
        assert_eq!(client.get_kv_all_values("keeper").await.unwrap(), expected);
    });
}

#[test]
fn a_wait_for_a_value_ends_when_it_is_set() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("keeper", "Keep", "").await.unwrap();
        assert_eq!(client.wait_for_kv_value("keeper", "late", HOUR).await.unwrap(), "7");
        assert!(sim.elapsed() >= MINUTE && sim.elapsed() <= MINUTE + POLL, "{:?}", sim.elapsed());

        // What is there already is there at once.
        let at = sim.elapsed();
        assert_eq!(client.wait_for_kv_value_typed::<u8>("keeper", "late", Duration::ZERO).await.unwrap(), 7);
        let error = client.wait_for_kv_value_typed::<bool>("keeper", "late", HOUR).await.unwrap_err();
        assert!(matches!(error, ClientError::InvalidInput { .. }), "{error:?}");
        assert_eq!(sim.elapsed(), at);
    });
}

#[test]
fn a_wait_for_a_value_in_vain_times_out() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("keeper", "Keep", "").await.unwrap();
        let error = client.wait_for_kv_value("keeper", "never", 10 * SECOND).await.unwrap_err();
        assert!(matches!(error, ClientError::Timeout), "{error:?}");
        assert_eq!(sim.elapsed(), TEN_SECONDS_IN_VAIN);
        let error = client.wait_for_kv_value_typed::<u8>("keeper", "never", 10 * SECOND).await.unwrap_err();
        assert!(matches!(error, ClientError::Timeout), "{error:?}");
        assert_eq!(sim.elapsed(), 2 * TEN_SECONDS_IN_VAIN);
    });
}

#[test]
fn statistics_count_the_current_execution_and_the_values() {
    sim().run(|sim| async move {
        let client = sim.client();
        assert_eq!(client.get_orchestration_stats("keeper").await.unwrap(), None);
        client.start_orchestration("keeper", "Keep", "").await.unwrap();
        client.start_orchestration("more", "Again", "2").await.unwrap();
        sim.sleep(MINUTE + SECOND).await;

        let events = events_of(&sim, "keeper", 1);
        let stats = client.get_orchestration_stats("keeper").await.unwrap().expect("it is running");
        // Started, two values, timer, fired, a third value, timer.
        assert_eq!((stats.history_event_count, events.len()), (7, 7));
        let bytes: usize = events.iter().map(|event| serde_json::to_string(event).unwrap().len()).sum();
        assert_eq!(stats.history_size_bytes, bytes as u64);
        assert_eq!(stats.kv_user_key_count, 3);
        assert_eq!(stats.kv_total_value_bytes, ("not JSON".len() + "[1,2]".len() + "7".len()) as u64);
        assert_eq!(stats.queue_pending_count, 0);

        // The second execution has started and set its timer.
        let stats = client.get_orchestration_stats("more").await.unwrap().expect("it is running");
        assert_eq!(stats.history_event_count, 2);
    });
}
