//! Files that failing tests leave: where they lie, and what happens where they
//! cannot be written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use duroxide_sim::explore::Problem;
use duroxide_sim::{Failure, Sim};

use super::{explore, order, shop};

/// Where such files lie.
fn left() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    target.expect("it lies in cargo's folder").join("duroxide-sim")
}

fn failed() -> Failure {
    *Sim::new(9).try_run(|_| async { Err::<(), _>("to be looked at") }).expect_err("it fails")
}

/// The page that is left by a test with a name, which is its thread's.
fn page_of(name: &str) -> PathBuf {
    let failure = failed();
    let leave = move || failure.leave_timeline().expect("it can be written");
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(leave);
    thread.expect("a thread").join().expect("it does not panic")
}

#[test]
fn names_of_tests_neither_leave_the_folder_nor_share_one() {
    let (long, longer) = ("x".repeat(300), "x".repeat(301));
    let (at_most, more) = ("y".repeat(100), "y".repeat(101));
    let names = [
        "left_names::plain-1",
        "left_names.plain-1",
        "left_names/plain-1",
        "left_names-plain-1",
        "../../left_names",
        "/left_names",
        "..",
        ".",
        "::",
        "::::",
        "",
        " ",
        "left_names\\x",
        "left_names\u{1b}\r\nx",
        "left_names é",
        "left_names e\u{301}",
        &long,
        &longer,
        &at_most,
        &more,
    ];
    let left = std::fs::canonicalize({
        std::fs::create_dir_all(left()).unwrap();
        left()
    })
    .unwrap();
    let mut folders = BTreeSet::new();
    for name in names {
        let page = page_of(name);
        let page = std::fs::canonicalize(&page).unwrap_or_else(|error| panic!("{name:?}: {}: {error}", page.display()));
        let folder = page.parent().expect("a folder");
        assert_eq!(folder.parent(), Some(&*left), "{name:?}: {}", page.display());
        let text = folder.file_name().and_then(|name| name.to_str()).expect("plain letters");
        assert!(text.len() <= 100 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.@".contains(c)), "{text}");
        assert!(folders.insert(folder.to_owned()), "{name:?} shares {}", folder.display());
    }
    assert!(folders.contains(&left.join("left_names.plain-1")) && folders.contains(&left.join(at_most)));
    folders.iter().for_each(|folder| std::fs::remove_dir_all(folder).expect("it is there"));
}

#[test]
fn a_failure_whose_files_cannot_be_written_is_told_all_the_same() {
    // A file is where the folder is to be.
    let place = left().join("explore.left.a_failure_whose_files_cannot_be_written_is_told_all_the_same");
    std::fs::create_dir_all(left()).expect("the folder can be made");
    std::fs::write(&place, "in the way").expect("it can be written");
    let found = explore()
        .seeds(1)
        .workers(1)
        .try_run(|sim| shop(sim).always("never right", |_| Err("planted".to_owned())), order);
    let Err(Problem::Failed(found)) = found.map_err(|problem| *problem) else { panic!("it fails") };
    let text = found.to_string();
    assert!(text.contains("\"never right\" must always hold"), "{text}");
    assert!(
        text.contains("could not be written. The reason: ") && text.contains("The timeline cannot be written to "),
        "{text}"
    );
    assert!(found.capsule.is_none() && found.page.is_none(), "{text}");
    assert!(found.command().starts_with("DUROXIDE_SIM_SEED="), "{text}");
    assert_eq!(std::fs::read_to_string(&place).ok().as_deref(), Some("in the way"));
    std::fs::remove_file(place).expect("it is there");
}

/// Run by another, with the switch on.
#[test]
fn writes_a_page() {
    if std::env::var_os("DUROXIDE_SIM_PLANTED_FAILURE").is_some() {
        Sim::new(9).timeline_on_failure().run(|_| async { Err::<(), _>("to be looked at") });
    }
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn a_full_disk_is_told_beside_the_failure_and_leaves_no_half_a_file() {
    let folder = left().join("explore.left.writes_a_page");
    let page = folder.join("9.html");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    std::fs::write(&page, "the page of a run before").expect("it can be written");
    let before = files(&folder);
    let program = std::env::current_exe().expect("a test knows its program");
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" --exact explore::left::writes_a_page"]).arg(program);
    let output = shell.env("DUROXIDE_SIM_PLANTED_FAILURE", "1").output().expect("there is a shell");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!output.status.success() && text.contains("to be looked at"), "{text}");
    assert!(text.contains("The timeline cannot be written to ") && text.contains("File too large"), "{text}");
    assert_eq!(files(&folder), before, "{text}");
    assert_eq!(std::fs::read_to_string(page).ok().as_deref(), Some("the page of a run before"));
    std::fs::remove_dir_all(folder).expect("it is there");
}
