//! How many seeds are run, which, and what is made of what they reached.

use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use duroxide_sim::explore::{BASE_VARIABLE, Problem, SEEDS_VARIABLE, SHARD_VARIABLE};
use duroxide_sim::seed::SEED_VARIABLE;
use duroxide_sim::sim::{FaultKind, Storm};

use super::{explore, order, shop};

#[test]
fn what_never_holds_that_should_sometimes_is_named() {
    let found = explore().seeds(20).try_run(
        |sim| {
            let sim = shop(sim).sometimes("paid", |sim| sim.effects().count("order-1") == 1);
            sim.sometimes("paid a hundred times", |sim| sim.effects().count("order-1") > 100)
        },
        order,
    );
    let Err(problem) = found else { panic!("{found:?}") };
    assert!(matches!(&*problem, Problem::Never { names, .. } if names == &["paid a hundred times"]), "{problem}");
}

#[test]
fn what_holds_sometimes_is_counted() {
    let report = explore().seeds(60).run(
        |sim| {
            let storm = Storm::new().only(&[FaultKind::ShortLock]).every_kind();
            shop(sim).storm(storm).sometimes("paid twice", |sim| sim.effects().count("order-1") > 1)
        },
        order,
    );
    let twice = report.sometimes["paid twice"];
    assert!(twice > 0 && twice < 60, "{report}");
}

#[test]
fn time_bounds_an_exploration_without_a_number() {
    let report = explore().time_limit(Duration::from_millis(200)).run(shop, order);
    assert!((1..1_000_000).contains(&report.seeds), "{report}");
}

/// Where a run leaves its seed and its process, when another test asks for it.
const FOLDER: &str = "DUROXIDE_SIM_TEST_FOLDER";

/// Six seeds that leave a file each; other tests run it with variables.
#[test]
fn leave_the_seeds() {
    let folder = std::env::var_os(FOLDER).map(std::path::PathBuf::from);
    let own = std::process::id();
    // The files are meant.
    let report = explore().seeds(6).allow_escapes().run(shop, move |sim| {
        if let Some(folder) = &folder {
            let place = if std::process::id() == own { "own" } else { "other" };
            std::fs::write(folder.join(sim.seed().to_string()), place).expect("the file can be written");
        }
        order(sim)
    });
    assert!(report.seeds <= 7);
}

/// The seeds that [`leave_the_seeds`] runs with these variables, and where.
fn seeds_with(variables: &[(&str, &str)]) -> Vec<(u64, String)> {
    static FOLDERS: AtomicU64 = AtomicU64::new(0);
    let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("duroxide-sim-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let output = Command::new(std::env::current_exe().expect("a test knows its program"))
        .args(["--exact", "explore::bounds::leave_the_seeds"])
        .env_remove(SEED_VARIABLE)
        .envs(variables.iter().copied())
        .env(FOLDER, &folder)
        .output()
        .expect("the program can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let files = std::fs::read_dir(&folder).expect("the folder is there");
    let mut seeds: Vec<(u64, String)> = files
        .map(|file| file.expect("a file").path())
        .map(|path| {
            let seed = path.file_name().and_then(|name| name.to_str()?.parse().ok()).expect("a seed");
            (seed, std::fs::read_to_string(&path).expect("it can be read"))
        })
        .collect();
    seeds.sort();
    std::fs::remove_dir_all(&folder).expect("the folder can go");
    seeds
}

fn numbers(seeds: &[(u64, String)]) -> Vec<u64> {
    seeds.iter().map(|(seed, _)| *seed).collect()
}

#[test]
fn shards_share_the_seeds_out() {
    assert_eq!(numbers(&seeds_with(&[])), [0, 1, 2, 3, 4, 5]);
    let variables = |shard| [(SEEDS_VARIABLE, "7"), (BASE_VARIABLE, "0x64"), (SHARD_VARIABLE, shard)];
    assert_eq!(numbers(&seeds_with(&variables("1/3"))), [100, 103, 106]);
    assert_eq!(numbers(&seeds_with(&variables("2/3"))), [101, 104]);
    assert_eq!(numbers(&seeds_with(&variables("3/3"))), [102, 105]);
}

#[test]
fn a_commit_hash_is_a_base() {
    let hash = "1b9cd3204a51f6c2a0cf0d1d5d2f4a0dd2b7a5f1";
    let base: duroxide_sim::Seed = hash.parse().expect("it is a seed");
    let seeds = seeds_with(&[(BASE_VARIABLE, hash), (SEEDS_VARIABLE, "2")]);
    assert_eq!(numbers(&seeds), [base.0, base.0 + 1]);
}

#[test]
fn one_seed_runs_in_the_tests_own_process() {
    assert_eq!(seeds_with(&[(SEED_VARIABLE, "12")]), [(12, "own".to_owned())]);
    assert!(seeds_with(&[]).iter().all(|(_, place)| place == "other"));
}

#[test]
fn a_variable_that_says_nothing_is_an_error() {
    for (name, value) in [(SHARD_VARIABLE, "9/8"), (SEEDS_VARIABLE, "many"), (BASE_VARIABLE, "x")] {
        let output = Command::new(std::env::current_exe().expect("a test knows its program"))
            .args(["--exact", "explore::bounds::leave_the_seeds"])
            .env_remove(SEED_VARIABLE)
            .env(name, value)
            .output()
            .expect("the program can be run");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains(&format!("{name}={value:?} cannot be used")), "{text}");
    }
}
