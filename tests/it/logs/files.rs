//! The files that a failing simulation of a test leaves: its page and its log.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;

use duroxide_sim::Sim;

use super::{order, sim};

fn message(test: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(test)).expect_err("it fails");
    payload.downcast_ref::<String>().expect("it panics with a text").clone()
}

/// The line of a text after another line.
fn after<'a>(text: &'a str, title: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("{title}\n  ")).unwrap_or_else(|| panic!("no {title:?} in {text}"));
    rest.lines().next().expect("there is a line")
}

#[test]
fn a_failing_test_leaves_its_page_and_its_log_and_names_them() {
    let text = message(|| {
        sim().seed(7).run(|sim| async move { order(sim, "stolen").await });
    });
    let (page, log) = (after(&text, "See the run in a browser:"), after(&text, "Read what it logged:"));
    let folder = "duroxide-sim/logs.files.a_failing_test_leaves_its_page_and_its_log_and_names_them/7";
    assert!(page.ends_with(&format!("{folder}.html")) && log.ends_with(&format!("{folder}.log")), "{text}");
    assert!(
        text.find("See the run").unwrap() < text.find("Repeat it with:\n  DUROXIDE_SIM_SEED=7 ").unwrap(),
        "{text}"
    );
    assert!(std::fs::read_to_string(page).expect("the page is there").contains("declined"));
    let log = std::fs::read_to_string(log).expect("the log is there");
    assert!(log.contains("WARN  on a order-1 Charge: it was slow\n"), "{log}");
}

#[test]
fn a_run_that_logs_nothing_leaves_no_log_not_even_that_of_an_earlier_run() {
    let fails = |says: bool| {
        message(move || {
            Sim::new(8).run(move |_| async move {
                if says {
                    tracing::info!("here I am");
                }
                Err::<(), _>("to be looked at")
            });
        })
    };
    let log = after(&fails(true), "Read what it logged:").to_owned();
    assert!(Path::new(&log).is_file());
    let quiet = fails(false);
    assert!(!quiet.contains("Read what it logged"), "{quiet}");
    assert!(!Path::new(&log).exists());
}

#[test]
fn who_wants_no_files_gets_none() {
    let text = message(|| {
        Sim::new(9).without_files().run(|_| async { Err::<(), _>("as planned") });
    });
    assert!(!text.contains("See the run") && text.contains("Repeat it with:"), "{text}");
}

#[test]
fn the_remark_of_a_test_comes_last() {
    let text = message(|| {
        Sim::new(9)
            .on_failure(|failure| Some(format!("seed {} again", failure.seed)))
            .run(|_| async { Err::<(), _>("x") });
    });
    assert!(text.ends_with("\n\nseed 9 again"), "{text}");
}

/// Run by another, with the switch on.
#[test]
fn fails_when_told_to() {
    if std::env::var_os("DUROXIDE_SIM_PLANTED_FAILURE").is_some() {
        Sim::new(9).run(|_| async { Err::<(), _>("to be looked at") });
    }
}

#[test]
fn files_are_left_only_in_a_folder_that_cargo_made() {
    let folder = std::env::temp_dir().join(format!("duroxide-sim-moved-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let program = folder.join("moved");
    std::fs::copy(std::env::current_exe().expect("a test knows its program"), &program).expect("it can be copied");
    let mut test = Command::new(&program);
    test.args(["--exact", "logs::files::fails_when_told_to", "--nocapture"]).env("DUROXIDE_SIM_PLANTED_FAILURE", "1");
    let output = test.current_dir(&folder).env("TMPDIR", &folder).output().expect("it runs");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!output.status.success() && text.contains("to be looked at"), "{text}");
    assert!(!text.contains("See the run"), "{text}");
    let left: Vec<_> = std::fs::read_dir(&folder).expect("it is there").flatten().map(|entry| entry.path()).collect();
    assert_eq!(left, [program]);
    std::fs::remove_dir_all(folder).expect("it is there");
}
