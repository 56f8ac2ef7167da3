//! Storages that lose something when their process is killed: the trial of
//! crashes names the rule that each of them breaks, and passes the one that
//! loses nothing.
//!
//! A killed process is this program again, and a trial ends the process it is
//! run in; so each trial is this program again too, told by a variable which
//! storage to try.
#![allow(missing_docs)]

mod faults;
mod toy;

use std::process::Command;

use duroxide_conformance::{Config, Suite};
use faults::{Fault, RULES};
use libtest_mimic::{Arguments, Failed, Trial};
use toy::Toys;

const WHOM: &str = "DUROXIDE_SIM_CRASH_OF";

/// So many processes are killed, at the most: one for each 5,000 calls.
const KILLS: u64 = 400;

/// What a crash leaves may have two explanations, of which the trial names one;
/// so it is tried with so many seeds.
const SEEDS: u64 = 5;

/// So many are killed of the storage that does nothing wrong.
const HONEST_KILLS: u64 = 36;

fn main() {
    if let Ok(whom) = std::env::var(WHOM) {
        become_trials(&whom);
    }
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("a_storage_that_writes_before_it_answers_loses_nothing", honest_is_clean)];
    trials.extend(
        RULES
            .iter()
            .map(|(fault, rule)| Trial::test(format!("{fault:?}_breaks_{rule}"), move || is_caught(*fault, rule))),
    );
    libtest_mimic::run(&arguments, trials).exit()
}

fn become_trials(whom: &str) -> ! {
    let fault = RULES.iter().map(|(fault, _)| *fault).find(|fault| format!("{fault:?}") == whom);
    let kills = if fault.is_some() { KILLS } else { HONEST_KILLS };
    let config = Config::default().no_regressions().calls(5_000 * kills);
    let arguments = ["trials", "--exact", "crash::killed", "--test-threads=1"].map(str::to_owned);
    Suite::with_storage(Toys::new(fault)).config(config).main_from(arguments)
}

/// What the trial of crashes ends with, and says.
fn killed(whom: &str, seed: u64) -> Result<(Option<i32>, String), Failed> {
    let mut program = Command::new(std::env::current_exe()?);
    program.env(WHOM, whom).env("DUROXIDE_SIM_SEED", seed.to_string()).env_remove("NEXTEST");
    let output = program.output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8_lossy(&text).into_owned()))
}

fn honest_is_clean() -> Result<(), Failed> {
    let (code, text) = killed("honest", 1)?;
    if code == Some(0) && text.contains("1 passed") { Ok(()) } else { Err(text.into()) }
}

/// It is always found that something is lost, and what is named is the fault's
/// own rule.
fn is_caught(fault: Fault, rule: &str) -> Result<(), Failed> {
    let mut said = String::new();
    for seed in 1..=SEEDS {
        let (code, text) = killed(&format!("{fault:?}"), seed)?;
        if code != Some(101) || !text.contains("breaks 1 rule of the contract") {
            return Err(format!("Nothing was found, with the seed {seed}:\n{text}").into());
        }
        if text.contains(&format!("{fault:?} breaks {rule}")) {
            return Ok(());
        }
        said += &text;
    }
    Err(format!("{rule} is not named:\n{said}").into())
}
