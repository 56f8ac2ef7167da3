//! Which threads live on virtual time, and for how long.

use std::cell::RefCell;
use std::hint::spin_loop;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use duroxide_sim::clock::{self, Time};
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{OrchestrationContext, OrchestrationStatus};
use duroxide_sim::{Node, Seed, Sim};

const DAY: Duration = Duration::from_secs(86_400);

/// Far from the time of any test: the year 2400.
const FAR: Time = Time(13_569_465_600_000);

/// Passes real time: more than enough for a paused clock to run off.
fn work() {
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(20) {
        spin_loop();
    }
}

#[test]
fn time_stands_still_while_a_blocking_task_runs() {
    Sim::new(1).run(|sim| async move {
        let timer = tokio::spawn(tokio::time::sleep(DAY));
        let answer = tokio::task::spawn_blocking(|| {
            work();
            42
        });
        assert_eq!(answer.await.expect("it does not panic"), 42);
        assert_eq!(sim.elapsed(), Duration::ZERO);
        timer.await.expect("it does not panic");
        assert_eq!(sim.elapsed(), DAY, "afterwards time moves again");
    });
}

#[test]
fn only_the_simulations_thread_is_virtual() {
    let before = SystemTime::now();
    let inside = Sim::new(1).start_at(FAR).try_run(|sim| async move {
        sim.sleep(DAY).await;
        let elsewhere = || (SystemTime::now(), clock::is_virtual());
        let blocking = tokio::task::spawn_blocking(elsewhere).await.map_err(|error| error.to_string())?;
        let thread = std::thread::spawn(elsewhere).join().map_err(|_| "the thread panicked")?;
        Ok::<_, String>((clock::is_virtual(), clock::now(), [blocking, thread]))
    });
    let after = SystemTime::now();
    let (is_virtual, now, elsewhere) = inside.unwrap_or_else(|failure| panic!("{failure}")).value;
    assert!(is_virtual);
    assert_eq!(now, FAR + DAY);
    for (time, is_virtual) in elsewhere {
        assert!(!is_virtual);
        assert!(before <= time && time <= after, "{before:?} <= {time:?} <= {after:?}");
    }
}

#[test]
fn the_tests_thread_keeps_the_real_clock() {
    let (steady, wall) = (Instant::now(), SystemTime::now());
    Sim::new(1).start_at(FAR).run(|sim| async move { sim.sleep(DAY).await });
    let panicked = Sim::new(1).start_at(FAR).try_run(|_| async { assert!(clock::now() < FAR, "on purpose") });
    panicked.map(drop).expect_err("the body panicked");
    assert!(!clock::is_virtual());
    assert!(steady.elapsed() < DAY);
    assert!(wall.elapsed().expect("the wall clock does not go back") < DAY);
    work(); // Hangs on a clock that stands still.
}

/// Reads the clock, and draws entropy, when its thread ends.
struct Last(RefCell<Option<Sender<(Time, SystemTime)>>>);

impl Drop for Last {
    fn drop(&mut self) {
        let read = (clock::now(), SystemTime::now());
        let _ = (Instant::now(), uuid::Uuid::new_v4());
        if let Some(send) = self.0.take() {
            send.send(read).expect("the test listens");
        }
    }
}

thread_local! {
    static LAST: Last = const { Last(RefCell::new(None)) };
}

#[test]
fn a_destructor_at_the_end_of_the_simulations_thread_reads_the_real_clock() {
    let (send, receive) = channel();
    let before = SystemTime::now();
    Sim::new(1).start_at(FAR).run(|sim| {
        LAST.with(|last| last.0.replace(Some(send)));
        async move { sim.sleep(DAY).await }
    });
    let (_, wall) = receive.recv().expect("the destructor ran");
    assert!(before <= wall && wall <= SystemTime::now(), "{wall:?}");
}

/// Thread-locals are dropped in the reverse order of their making: were there
/// one behind the clock that needs dropping, it would be gone by then.
#[test]
fn a_destructor_at_the_end_of_any_thread_may_read_the_clock() {
    let (send, receive) = channel();
    let thread = std::thread::Builder::new().spawn(|| {
        LAST.with(|last| last.0.replace(Some(send)));
        (clock::now(), Instant::now(), uuid::Uuid::new_v4())
    });
    thread.expect("a thread").join().expect("no panic");
    receive.recv().expect("the destructor ran");
}

/// A task that reads the clock when it is dropped.
struct ReadsOnDrop(Sender<(Time, SystemTime)>);

impl Drop for ReadsOnDrop {
    fn drop(&mut self) {
        let wall = SystemTime::now();
        // Nobody listens only where the test has failed already.
        let _ = self.0.send((clock::now(), wall));
    }
}

#[test]
fn tasks_are_dropped_on_virtual_time() {
    let (send, receive) = channel();
    Sim::new(1).start_at(FAR).run(|sim| async move {
        let last = ReadsOnDrop(send);
        tokio::spawn(async move {
            let _last = last;
            std::future::pending::<()>().await;
        });
        sim.sleep(DAY).await;
    });
    let (time, wall) = receive.recv().expect("the task was dropped");
    assert_eq!(time, FAR + DAY);
    assert_eq!(wall, SystemTime::UNIX_EPOCH + Duration::from_millis(time.0));
}

fn registries() -> (ActivityRegistry, OrchestrationRegistry) {
    let later = |ctx: OrchestrationContext, _: String| async move {
        ctx.schedule_timer(30 * DAY).await;
        Ok("done".to_owned())
    };
    (ActivityRegistry::builder().build(), OrchestrationRegistry::builder().register("Later", later).build())
}

/// By the options of `Sim::default_options` an idle node has 2 + 2 dispatchers
/// that poll once a day, a session manager that comes round every five hours
/// (a lock of six less a buffer of one) and cleans up once a day, and gauges
/// every ten days, which are a few calls each.
const IDLE_CALLS: usize = 30 * 4 + 30 * 24 / 5 + 30 + 3 * 4;

#[test]
fn thirty_idle_days_take_few_provider_calls() {
    let (activities, orchestrations) = registries();
    let run = Sim::new(1).node(Node::new("a", activities, orchestrations)).try_run(|sim| async move {
        sim.sleep(30 * DAY).await;
        Ok::<_, String>(())
    });
    let run = run.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(run.elapsed, 30 * DAY);
    // A little more for the first round of each.
    let calls = run.trace.entries.len();
    assert!(calls <= IDLE_CALLS + 20, "{calls} calls, and not {IDLE_CALLS}");
}

#[test]
fn waiting_thirty_days_for_an_instance_takes_few_provider_calls() {
    let (activities, orchestrations) = registries();
    let run = Sim::new(Seed(1)).node(Node::new("a", activities, orchestrations)).try_run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("i", "Later", "").await.map_err(|error| error.to_string())?;
        client.wait_for_orchestration("i", 40 * DAY).await.map_err(|error| error.to_string())
    });
    let run = run.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(matches!(&run.value, OrchestrationStatus::Completed { output, .. } if output == "done"));
    // A wait polls every 100 ms for 100 s; then its polls are spared until each
    // is a hundredth of the whole wait: log(30 days / 100 s) / log(1.01). Each
    // is two calls, one for the history and one for the custom status.
    let spared = (30.0 * 86_400.0 / 100.0_f64).ln() / 1.01_f64.ln();
    let calls = run.trace.entries.len();
    assert!(calls <= IDLE_CALLS + 2 * (1000 + spared as usize) + 50, "{calls} calls");
    assert_eq!(run.elapsed.as_secs(), 30 * 86_400, "its end is seen at once");
}

/// Were each read looked up among all that came before at its instant, these
/// would take minutes, and the run would be given up.
#[test]
fn many_reads_at_one_instant_cost_no_more_each() {
    use duroxide_sim::duroxide::providers::Provider;

    let run = Sim::new(1).try_run(|sim| async move {
        let memory = sim.memory();
        for _ in 0..200_000 {
            memory.read("i").await.map_err(|error| error.to_string())?;
        }
        Ok::<_, String>(sim.elapsed())
    });
    assert_eq!(run.unwrap_or_else(|failure| panic!("{failure}")).value, Duration::ZERO);
}
