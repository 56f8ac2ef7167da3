//! Real input and output is noticed, named, and fails a run.

use std::fs::{self, File, OpenOptions};
use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use duroxide_sim::clock::Escape;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext};
use duroxide_sim::sim::{Cause, Failure};
use duroxide_sim::{Handle, Node, Sim};

const INSTEAD: &str = "A simulation has no input and output";

/// The failure of a run whose body does this.
#[track_caller]
fn failure(work: fn()) -> Box<Failure> {
    let run = Sim::new(1).try_run(move |_| async move { work() });
    let failure = run.map(drop).expect_err("it reaches the real world");
    assert!(matches!(failure.cause, Cause::RealIo), "{failure}");
    assert!(failure.to_string().contains(INSTEAD), "{failure}");
    failure
}

/// How often each stray is noticed in a body that does this, where it is allowed.
#[track_caller]
fn allowed(work: fn()) -> Vec<(Escape, u64)> {
    let run = Sim::new(1).allow_escapes().try_run(move |_| async move { work() });
    let run = run.unwrap_or_else(|failure| panic!("{failure}"));
    run.escapes.into_iter().map(|(stray, seen)| (stray, seen.times)).collect()
}

/// A file of the tests'.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Where nobody listens.
const NOBODY: &str = "127.0.0.1:1";

#[test]
fn a_connection_is_noticed_and_named() {
    fn asks() {
        drop(TcpStream::connect(NOBODY));
    }
    let failure = failure(asks);
    let seen = &failure.escapes[&Escape::Network];
    assert_eq!(seen.times, 1);
    let place = seen.place.clone().unwrap_or_default();
    assert!(place.contains("clock::real_io::a_connection_is_noticed_and_named::asks"), "{place}");
    assert!(
        failure.to_string().contains(&format!("the real network was used, once in one run: in {place}")),
        "{failure}"
    );
}

#[test]
fn sockets_that_listen_or_send_and_names_that_are_looked_up_are_noticed() {
    assert_eq!(allowed(|| drop(TcpListener::bind("127.0.0.1:0"))), [(Escape::Network, 1)]);
    let sends = || {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let _ = socket.send_to(b"hello", NOBODY);
    };
    assert_eq!(allowed(sends), [(Escape::Network, 2)]);
    assert_eq!(allowed(|| drop("localhost:80".to_socket_addrs())), [(Escape::Network, 1)]);
}

#[test]
fn files_that_are_written_are_noticed() {
    fn name() -> PathBuf {
        file("files_that_are_written_are_noticed")
    }
    assert_eq!(allowed(|| fs::write(name(), "text").expect("it can be written")), [(Escape::File, 1)]);
    assert_eq!(allowed(|| drop(File::create(name()))), [(Escape::File, 1)]);
    assert_eq!(allowed(|| drop(OpenOptions::new().append(true).open(name()))), [(Escape::File, 1)]);
    let others = || {
        fs::rename(name(), name().with_extension("new")).expect("it is there");
        fs::remove_file(name().with_extension("new")).expect("it is there");
        fs::create_dir(name().with_extension("d")).expect("it is not there");
        fs::remove_dir(name().with_extension("d")).expect("it is there");
    };
    assert_eq!(allowed(others), [(Escape::File, 4)]);
}

#[test]
fn what_is_read_and_what_goes_nowhere_is_not() {
    let reads = || {
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).expect("it is there");
        fs::write("/dev/null", "nothing").expect("it can be written");
        println!("printed");
    };
    assert_eq!(allowed(reads), []);
}

#[test]
fn processes_are_noticed() {
    let failure = failure(|| {
        let _ = Command::new("true").status();
    });
    assert_eq!(failure.escapes[&Escape::Process].times, 1, "{failure}");
}

fn calls(sim: Sim) -> Sim {
    let activities = ActivityRegistry::builder().register("Call", |_: ActivityContext, _: String| async {
        match tokio::net::TcpStream::connect(NOBODY).await {
            Ok(_) => Ok("connected".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    });
    let orchestrations =
        OrchestrationRegistry::builder().register("Order", |ctx: OrchestrationContext, _: String| async move {
            ctx.schedule_activity("Call", "").await
        });
    sim.node(Node::new("a", activities.build(), orchestrations.build()))
}

async fn order(sim: Handle) -> Result<String, String> {
    let client = sim.client();
    client.start_orchestration("i", "Order", "").await.map_err(|error| error.to_string())?;
    let status = client.wait_for_orchestration("i", Duration::from_secs(60)).await;
    Err(format!("{:?}", status.map_err(|error| error.to_string())))
}

/// tokio's own text tells to change the runtime's builder, which nobody here can.
#[test]
fn a_panic_of_tokio_for_want_of_io_says_what_to_do_instead() {
    let failed = calls(Sim::new(1)).try_run(order).expect_err("the activity panics").to_string();
    assert!(failed.contains("enable_io") && failed.contains(INSTEAD), "{failed}");
    let body = |_: Handle| async { drop(tokio::net::TcpStream::connect(NOBODY).await) };
    let failed = Sim::new(1).try_run(body).expect_err("it panics").to_string();
    assert!(failed.contains("enable_io") && failed.contains(INSTEAD), "{failed}");
}

/// The text of a task that panicked has its number in the process.
#[test]
fn a_panic_in_an_activity_is_told_alike_each_time() {
    let told = || {
        let panics = |_: ActivityContext, text: String| async move { panic!("on purpose: {text}") };
        let activities = ActivityRegistry::builder().register("Call", panics).build();
        let orchestrations = OrchestrationRegistry::builder()
            .register("Order", |ctx: OrchestrationContext, _: String| async move {
                ctx.schedule_activity("Call", "x").await
            })
            .build();
        let run = Sim::new(1).node(Node::new("a", activities, orchestrations)).try_run(order);
        let failure = run.expect_err("the body says what came of it");
        (failure.cause.to_string(), failure.trace.json_lines())
    };
    let first = told();
    assert!(first.0.contains("panicked with message") && first.0.contains("on purpose: x"), "{}", first.0);
    assert_eq!(first, told());
}

#[test]
fn a_test_that_writes_files_itself_hears_where_that_belongs() {
    let failure = failure(|| {
        fs::write(file("a_test_that_writes_files_itself"), "a snapshot").expect("the file can be written");
    });
    assert!(failure.to_string().contains("let the body return the text"), "{failure}");
}

#[test]
fn what_threads_of_a_run_do_is_noticed_too() {
    fn name() -> PathBuf {
        file("what_threads_of_a_run_do_is_noticed_too")
    }
    let blocking = Sim::new(1).try_run(|_| async {
        tokio::task::spawn_blocking(|| fs::write(name(), "text")).await.map_err(|error| error.to_string())?.ok();
        Ok::<_, String>(())
    });
    let failure = blocking.map(drop).expect_err("it writes a file");
    assert!(matches!(failure.cause, Cause::RealIo), "{failure}");
    let seen = &failure.escapes[&Escape::File];
    let place = seen.place.clone().unwrap_or_default();
    assert!(seen.times == 1 && place.contains("what_threads_of_a_run_do_is_noticed_too"), "{failure}");
    // A thread of a thread, and one that does nothing of the kind.
    let nested = || {
        let inner = || std::thread::spawn(|| drop(TcpStream::connect(NOBODY))).join();
        std::thread::spawn(inner).join().expect("it ends").expect("so does the inner one");
    };
    let escapes = allowed(nested);
    assert!(escapes.contains(&(Escape::Network, 1)) && escapes.contains(&(Escape::Thread, 1)), "{escapes:?}");
    // What outlives a run, or comes from another thread, is not the run's.
    let (send, receive) = std::sync::mpsc::channel::<()>();
    let outlives = move || {
        let _ = receive.recv();
        drop(fs::write(name(), "late"));
    };
    let run =
        Sim::new(1).allow_escapes().try_run(move |_| async move { Ok::<_, String>(std::thread::spawn(outlives)) });
    let run = run.unwrap_or_else(|failure| panic!("{failure}"));
    let mut late = Some((send, run.value));
    let escapes = Sim::new(1).allow_escapes().try_run(move |_| async move {
        let (send, thread) = late.take().expect("the body runs once");
        drop(send);
        thread.join().expect("it ends");
    });
    let escapes = escapes.unwrap_or_else(|failure| panic!("{failure}")).escapes;
    assert!(!escapes.contains_key(&Escape::File), "{escapes:?}");
}

/// Set in a child process.
const CHILD: &str = "DUROXIDE_SIM_IT_STRAYS";

#[test]
fn a_run_prints_what_strays_unless_that_is_allowed() {
    let sim = || Sim::new(3);
    let body = |_: Handle| async { drop(std::thread::spawn(|| {})) };
    match std::env::var(CHILD).as_deref() {
        Ok("prints") => return sim().run(body),
        Ok("allowed") => return sim().allow_escapes().run(body),
        _ => {}
    }
    let child = |what: &str| {
        let program = std::env::current_exe().expect("the test binary has a path");
        let name = "clock::real_io::a_run_prints_what_strays_unless_that_is_allowed";
        let output = Command::new(program).args(["--exact", name, "--nocapture"]).env(CHILD, what).output();
        let output = output.expect("the test binary starts");
        assert!(output.status.success(), "it is no failure: {output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let text = child("prints");
    assert!(
        text.contains("The code in the simulation of seed 3 reached past it: a thread was started, once"),
        "{text}"
    );
    assert!(!child("allowed").contains("reached past it"));
}
