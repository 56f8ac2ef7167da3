//! A run does not depend on what ran before it in its process: each seed gives
//! the same as the first run of a process, as a later one, and in another order.

use std::collections::BTreeMap;
use std::process::Command;
use std::thread;

use super::workloads::{WORKLOADS, story};
use super::{FINGERPRINT, fingerprint};

/// Which seeds a child process runs, in order: `3..9`, or `9..3` backwards.
const CHILD: &str = "DUROXIDE_SIM_IT_ORDER";

/// Set to 1, it has the tests that take a sample by default do all their work;
/// here 10,000 seeds, each also alone in a process, which takes half an hour.
const WHOLE: &str = "DUROXIDE_SIM_WHOLE";

/// How many runs a process makes one after another.
const CHUNK: u64 = 500 / WORKLOADS.len() as u64 + 1;

type Prints = BTreeMap<(u64, usize), String>;

/// Prints the fingerprints of the seeds that a test asks for.
#[test]
fn print_the_fingerprints_of_a_range() {
    let Ok(range) = std::env::var(CHILD) else { return };
    let (from, to) = range.split_once("..").expect("a range");
    let (from, to): (u64, u64) = (from.parse().expect("a number"), to.parse().expect("a number"));
    let seeds: Vec<u64> = if from < to { (from..to).collect() } else { (to..from).rev().collect() };
    for seed in seeds {
        let mut all: Vec<usize> = (0..WORKLOADS.len()).collect();
        if from > to {
            all.reverse();
        }
        for number in all {
            println!("\n{seed} {number} {}", fingerprint(&story(WORKLOADS[number], seed)));
        }
    }
}

/// What a process that runs these gives.
fn prints(range: &str) -> Prints {
    let program = std::env::current_exe().expect("a test knows its program");
    let output = Command::new(program)
        .args(["--exact", "determinism::order::print_the_fingerprints_of_a_range", "--nocapture"])
        .env(CHILD, range)
        .output()
        .expect("the program can be run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let of = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let (seed, number) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        words.next().filter(|rest| rest.starts_with(FINGERPRINT)).map(|rest| ((seed, number), rest.to_owned()))
    };
    text.lines().filter_map(of).collect()
}

/// Where these differ.
fn differences(name: &str, expected: &Prints, found: &Prints) -> Vec<String> {
    let differs = |(key, print): (&(u64, usize), &String)| {
        let other = expected.get(key)?;
        (other != print).then(|| format!("seed {} of {:?}, {name}: {print}, not {other}", key.0, WORKLOADS[key.1]))
    };
    found.iter().filter_map(differs).collect()
}

/// Each of these seeds in one process after another, backwards in another, and
/// those of `alone` in a process of their own.
fn chunk(from: u64, to: u64, alone: impl Iterator<Item = u64>) -> Vec<String> {
    let forward = prints(&format!("{from}..{to}"));
    assert_eq!(forward.len() as u64, (to - from) * WORKLOADS.len() as u64);
    let backward = prints(&format!("{to}..{from}"));
    assert_eq!(forward.len(), backward.len());
    let mut all = differences("backwards", &forward, &backward);
    for seed in alone {
        let first = prints(&format!("{seed}..{}", seed + 1));
        assert_eq!(first.len(), WORKLOADS.len());
        all.extend(differences("alone", &forward, &first));
    }
    all
}

#[test]
fn a_run_is_the_same_whatever_ran_before_it() {
    let whole = std::env::var(WHOLE).is_ok_and(|value| value == "1");
    let found = if whole {
        let chunks: Vec<(u64, u64)> = (0..10_000).step_by(CHUNK as usize).map(|n| (n, n + CHUNK)).collect();
        let half = |odd: usize| -> Vec<String> {
            let mine = chunks.iter().skip(odd).step_by(2);
            mine.flat_map(|(from, to)| chunk(*from, (*to).min(10_000), *from..(*to).min(10_000))).collect()
        };
        thread::scope(|scope| {
            let other = scope.spawn(|| half(1));
            let mut all = half(0);
            all.extend(other.join().expect("no panic"));
            all
        })
    } else {
        chunk(660, 720, (660..720).step_by(10))
    };
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
}
