//! [`Place`]: identifies an exploration within a test, so that a restarted copy of the program
//! finds it again.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::{ExplorationReport, Problem};
use crate::command;

/// The results of the explorations that ended in this process, by test, in order.
static ENDED: Mutex<BTreeMap<String, Vec<Result<ExplorationReport, Problem>>>> = Mutex::new(BTreeMap::new());

/// An exploration of a test.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The name to display.
    pub name: String,
    /// The arguments with which this program reaches this exploration again.
    pub arguments: Vec<String>,
    /// The shell command that runs this exploration again.
    pub command: String,
    /// Distinguishes the body of this exploration from other bodies.
    pub body: String,
    /// Whether the test set its own name.
    is_named: bool,
}

impl Place {
    /// Locates the current exploration: in the test `named`, or in the function that defines the
    /// type of the closure that builds the simulation. `scenario` holds the names of that type and
    /// of the body's type.
    pub fn here(named: Option<&str>, scenario: (&str, &str)) -> Place {
        let (build, body) = scenario;
        let test = command::test(named, build);
        let name = test.clone().or_else(command::program).unwrap_or_else(|| "exploration".to_owned());
        let arguments = match &test {
            Some(test) => {
                [test, "--exact", "--nocapture", "--test-threads=1", "--include-ignored"].map(str::to_owned).into()
            }
            None => command::arguments(),
        };
        Place {
            name,
            arguments,
            command: command::of(test),
            body: format!("{body}, built by {build}"),
            is_named: named.is_some(),
        }
    }

    /// What to check if a restarted copy of this program does not reach this exploration.
    pub fn hint(&self) -> &'static str {
        if self.is_named {
            "Give Explore::named the test's name as `cargo test` prints it, with its modules (\
             \"orders::all_are_paid\")."
        } else {
            "The program must reach the same explorations whenever it is started with the same arguments."
        }
    }

    /// The results of the test's explorations before this one.
    pub fn earlier(&self) -> Vec<Result<ExplorationReport, Problem>> {
        ENDED.lock().get(&self.name).cloned().unwrap_or_default()
    }

    /// The index of this exploration within the test, counted from 0.
    pub fn number(&self) -> u64 {
        ENDED.lock().get(&self.name).map_or(0, Vec::len) as u64
    }

    /// Records the result of this exploration.
    pub fn end(&self, with: &Result<ExplorationReport, Problem>) {
        ENDED.lock().entry(self.name.clone()).or_default().push(with.clone());
    }
}
