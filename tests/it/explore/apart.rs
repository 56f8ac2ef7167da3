//! What a seed reads, prints and starts is its own, and it ends with its test.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use duroxide_sim::Sim;
use duroxide_sim::explore::{Capsule, Finding, Problem};
use duroxide_sim::seed::SEED_VARIABLE;
use duroxide_sim::sim::Cause;

use super::{explore, is_unlucky, order, shop};

fn program() -> Command {
    Command::new(std::env::current_exe().expect("a test knows its program"))
}

#[test]
fn what_a_seed_reads_and_prints_is_no_part_of_the_protocol() {
    let report = explore().seeds(40).run(shop, |sim| async move {
        println!("{{\"calls\":1}}\nnull\n\"explore::apart\"");
        eprintln!("{}", "x".repeat(100_000));
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
        if !text.is_empty() {
            return Err(format!("there is something to read: {text}"));
        }
        order(sim).await.map_err(|error| error.to_string())
    });
    assert_eq!(report.seeds, 40);
}

fn finding(found: Result<duroxide_sim::explore::ExplorationReport, Box<Problem>>) -> Finding {
    match found.map_err(|problem| *problem) {
        Err(Problem::Failed(finding)) => *finding,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_seed_printed_before_it_died_is_told() {
    fn deep(n: u64) -> u64 {
        let page = std::hint::black_box([n; 512]);
        if n == 0 { 0 } else { deep(n - 1) + page[7] }
    }
    let ends: [(fn(), &str); 3] = [
        (|| std::process::abort(), "the last words"),
        (|| assert!(std::hint::black_box(deep(1 << 20)) > 0), "has overflowed its stack"),
        (|| std::alloc::handle_alloc_error(std::alloc::Layout::new::<u64>()), "memory allocation of 8 bytes failed"),
    ];
    for (end, told) in ends {
        let found = finding(explore().seeds(20).try_run(shop, move |sim| async move {
            println!("noise\n{}", "x\n".repeat(5_000));
            if is_unlucky(&sim) {
                println!("the last words");
                end();
            }
            order(sim).await
        }));
        assert!(matches!(found.failure.cause, Cause::Died(_)), "{found}");
        let text = found.to_string();
        assert!(text.contains("Last output of its process:\n") && text.contains(told), "{text}");
        assert!(found.failure.printed.len() <= 40 && text.contains("the last words"), "{text}");
    }
}

#[test]
fn what_a_seed_printed_is_in_its_capsule() {
    let found = finding(explore().seeds(1).try_run(shop, |sim| async move {
        println!("the last words");
        if sim.seed().0 == 0 {
            std::process::abort();
        }
    }));
    let capsule = Capsule::read(found.capsule.as_ref().expect("a capsule")).expect("it can be read");
    assert!(capsule.printed.iter().any(|line| line == "the last words"), "{found}");
    assert_eq!(capsule.failure().printed, found.failure.printed);
}

/// Explores in a body, and where a simulation is built; others run it with a seed.
#[test]
fn an_exploration_inside_another_is_a_mistake() {
    let inner = || {
        let _ = explore().seeds(2).run(shop, order);
    };
    let told = "An exploration cannot start inside";
    if std::env::var_os(SEED_VARIABLE).is_some() {
        explore().seeds(3).run(shop, move |_| async move { inner() });
    }
    let in_body = explore().seeds(3).try_run(shop, move |_| async move { inner() }).map_err(|problem| *problem);
    assert!(matches!(&in_body, Err(Problem::Setup(why)) if why.contains(told)), "{in_body:?}");
    let build = move |sim: Sim| {
        inner();
        shop(sim)
    };
    let in_build = explore().seeds(3).try_run(build, order).map_err(|problem| *problem);
    assert!(matches!(&in_build, Err(Problem::Setup(why)) if why.contains(told)), "{in_build:?}");
    let in_simulation = Sim::new(1).try_run(move |_| async move { inner() }).expect_err("it explores");
    assert!(in_simulation.to_string().contains(told), "{in_simulation}");
}

#[test]
fn an_exploration_inside_another_is_a_mistake_with_one_seed_as_well() {
    let test = ["--exact", "explore::apart::an_exploration_inside_another_is_a_mistake"];
    let output = program().args(test).env(SEED_VARIABLE, "1").output().expect("the program can be run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && text.contains("An exploration cannot start inside"), "{text}");
}

/// Others run it with a seed.
#[test]
fn a_panic_where_a_simulation_is_built_is_told_with_its_place() {
    let build = |_: Sim| panic!("no configuration {}", 7);
    let found = explore().seeds(3).try_run(build, order).expect_err("it panics").to_string();
    assert!(found.contains("Building the simulation panicked at tests/it/explore/apart.rs:"), "{found}");
    assert!(found.contains(": no configuration 7"), "{found}");
}

#[test]
fn a_panic_where_a_simulation_is_built_is_told_with_one_seed_as_well() {
    let test = ["--exact", "explore::apart::a_panic_where_a_simulation_is_built_is_told_with_its_place"];
    let output = program().args(test).env(SEED_VARIABLE, "1").output().expect("the program can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Where [`stays_until_it_is_ended`] reports, when another test asks for it.
const SOCKET: &str = "DUROXIDE_SIM_TEST_SOCKET";

/// Set in workers.
const WORKER: &str = "DUROXIDE_SIM_WORKER";

/// A worker and a seed that open a line and stay; other tests run it.
#[test]
fn stays_until_it_is_ended() {
    let Some(path) = std::env::var_os(SOCKET).map(PathBuf::from) else { return };
    let open = move |letter: &[u8]| {
        let mut line = UnixStream::connect(&path).expect("somebody listens");
        line.write_all(letter).expect("somebody reads");
        line
    };
    let _line = std::env::var_os(WORKER).map(|_| open(b"w"));
    let long = Duration::from_secs(600);
    let explore = explore().seeds(1_000_000).workers(1).seed_time_limit(long);
    explore.run(
        |sim| shop(sim).sometimes("pigs fly", |_| false),
        move |sim| {
            let open = open.clone();
            async move {
                if sim.seed().0 == 30 {
                    let _line = open(b"s");
                    loop {
                        std::thread::park();
                    }
                }
                order(sim).await
            }
        },
    );
}

/// Starts it, and waits until its seed stays; with the lines to its worker and
/// its seed.
fn started(name: &str) -> (Child, [UnixStream; 2]) {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).expect("a socket can be made");
    // Where this test runs in the background of a shell it ignores interruptions, and so
    // would the program.
    let child = Command::new("env")
        .arg("--default-signal=INT")
        .arg(program().get_program())
        .args(["--exact", "explore::apart::stays_until_it_is_ended"])
        .env_remove(SEED_VARIABLE)
        .env(SOCKET, &path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be run");
    let lines = ["w", "s"].map(|letter| {
        let (mut line, _) = listener.accept().expect("a process comes");
        let mut first = [0];
        line.read_exact(&mut first).expect("it says what it is");
        assert_eq!(first, letter.as_bytes());
        line
    });
    std::fs::remove_file(&path).expect("the socket can go");
    (child, lines)
}

/// A line ends when every process is gone that had it.
fn assert_gone(lines: [UnixStream; 2]) {
    for mut line in lines {
        line.set_read_timeout(Some(Duration::from_secs(60))).expect("it is a time");
        assert_eq!(line.read(&mut [0]).expect("the process has ended"), 0);
    }
}

#[test]
fn an_interruption_says_how_far_it_came_and_leaves_no_process() {
    let (child, lines) = started("interrupted");
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("there is a kill").success());
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.signal(), Some(2), "it ends as by Ctrl-C: {text}");
    for told in ["Interrupted while exploring.", " seeds in ", "\"pigs fly\" in 0", "No seed has failed.", "Capsules"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert_gone(lines);
}

#[test]
fn a_test_that_is_killed_leaves_no_process() {
    let (mut child, lines) = started("killed");
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert_gone(lines);
}
