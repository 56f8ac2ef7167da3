//! What reaches past a simulation is noticed and named.

use std::time::Duration;

use duroxide_sim::clock::Escape;
use duroxide_sim::explore::Problem;
use duroxide_sim::{Handle, Node, Sim};

use super::{explore, order, shop};

/// What strays from a run of this body, and where it says that comes from.
#[track_caller]
fn escapes<F>(body: impl Fn(Handle) -> F + Clone + Send + 'static) -> Vec<(Escape, String)>
where
    F: Future<Output = ()> + 'static,
{
    let build = |sim: Sim| shop(sim).sometimes("never", |_| false);
    let found = explore().seeds(2).check_determinism_every(0).try_run(build, body).map_err(|problem| *problem);
    let Err(Problem::Escapes { escapes, .. }) = &found else { panic!("{found:?}") };
    let place = |(stray, seen): (&Escape, &duroxide_sim::clock::Seen)| {
        assert!(seen.times > 0);
        (*stray, seen.place.clone().unwrap_or_default())
    };
    escapes.iter().map(place).collect()
}

#[test]
fn a_thread_that_is_started_is_named() {
    let seen = escapes(|_| async {
        drop(std::thread::spawn(|| {}));
    });
    let [(Escape::Thread, place)] = &seen[..] else { panic!("{seen:?}") };
    assert!(place.contains("explore::escapes::a_thread_that_is_started_is_named"), "{place}");
}

#[test]
fn a_sleep_on_real_time_is_named() {
    let seen = escapes(|_| async { std::thread::sleep(Duration::from_micros(10)) });
    let [(Escape::Sleep, place)] = &seen[..] else { panic!("{seen:?}") };
    assert!(place.contains("explore::escapes::a_sleep_on_real_time_is_named"), "{place}");
}

#[test]
fn a_wait_that_blocks_is_named() {
    let seen = escapes(|_| async {
        let (send, receive) = std::sync::mpsc::channel();
        // Longer than it takes to come to the wait, also on a busy machine.
        let busy = std::time::Duration::from_millis(300);
        let thread = std::thread::spawn(move || {
            std::thread::sleep(busy);
            send.send(()).expect("somebody waits");
        });
        receive.recv().expect("it is sent");
        drop(thread);
    });
    let [(Escape::Thread, _), (Escape::Wait, place)] = &seen[..] else { panic!("{seen:?}") };
    assert!(place.contains("explore::escapes::a_wait_that_blocks_is_named"), "{place}");
}

#[test]
fn real_input_and_output_is_named() {
    let seen = escapes(|_| async { drop(std::net::TcpStream::connect("127.0.0.1:1")) });
    let [(Escape::Network, place)] = &seen[..] else { panic!("{seen:?}") };
    assert!(place.contains("explore::escapes::real_input_and_output_is_named"), "{place}");
}

#[test]
fn an_activity_that_strays_is_named() {
    fn hash(text: &str) -> usize {
        std::thread::sleep(Duration::from_micros(10));
        text.len()
    }
    let build = |sim: Sim| {
        use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
        use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext};
        let activities = ActivityRegistry::builder()
            .register("Hash", |_: ActivityContext, text: String| async move { Ok(hash(&text).to_string()) })
            .build();
        let orchestrations = OrchestrationRegistry::builder()
            .register(
                "Order",
                |ctx: OrchestrationContext, _: String| async move { ctx.schedule_activity("Hash", "").await },
            )
            .build();
        sim.node(Node::new("a", activities, orchestrations))
    };
    let found = explore().seeds(2).try_run(build, order).expect_err("it strays").to_string();
    assert!(found.contains("the thread slept on real time, once in one run: in "), "{found}");
    assert!(found.contains("an_activity_that_strays_is_named::hash"), "{found}");
    assert_eq!(explore().seeds(2).allow_escapes().run(build, order).escapes.len(), 1);
}

#[test]
fn nothing_strays_by_itself() {
    let report = explore().seeds(50).run(|sim| shop(sim).storm(duroxide_sim::sim::Storm::new()), order);
    assert!(report.escapes.is_empty(), "{report:?}");
}

/// Run by the test below, in a process that is told its one seed; by itself it has
/// nothing to do.
#[test]
fn stray_with_one_seed() {
    if std::env::var_os(duroxide_sim::seed::SEED_VARIABLE).is_some() {
        let body = |_: Handle| async { std::thread::sleep(Duration::from_micros(10)) };
        drop(explore().run(shop, body));
    }
}

#[test]
fn the_command_for_one_seed_fails_for_what_strays_as_well() {
    let output = std::process::Command::new(std::env::current_exe().expect("a test knows its program"))
        .args(["--exact", "explore::escapes::stray_with_one_seed", "--nocapture"])
        .env(duroxide_sim::seed::SEED_VARIABLE, "3")
        .output()
        .expect("the program can be run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("stray_with_one_seed"), "{text}");
    assert!(text.contains("Explore::allow_escapes"), "{text}");
}
