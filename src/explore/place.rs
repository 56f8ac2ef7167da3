//! [`Place`]: which exploration of which test this is, so that the same program,
//! started again, finds it again.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::{ExplorationReport, Problem};
use crate::command;

/// What explorations came to in this process, by test, in their order.
static ENDED: Mutex<BTreeMap<String, Vec<Result<ExplorationReport, Problem>>>> = Mutex::new(BTreeMap::new());

/// An exploration of a test.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// To show.
    pub name: String,
    /// The arguments with which this program comes here again.
    pub arguments: Vec<String>,
    /// The command that comes here again, for people.
    pub command: String,
    /// What tells the body of this exploration from others'.
    pub body: String,
    /// Whether the test itself says what it is called.
    is_named: bool,
}

impl Place {
    /// Where this is: `named` by the test, or within the function that defines the type
    /// of the closure that builds the simulation. `scenario` is the names of that type
    /// and of the body's.
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

    /// What to look at where this program, started again, does not come here.
    pub fn hint(&self) -> &'static str {
        if self.is_named {
            "Explore::named has to be given the test's name as `cargo test` prints it, with its modules (\
             \"orders::all_are_paid\")."
        } else {
            "The program has to come to the same explorations whenever it is started with the same arguments."
        }
    }

    /// What the explorations before this one came to.
    pub fn earlier(&self) -> Vec<Result<ExplorationReport, Problem>> {
        ENDED.lock().get(&self.name).cloned().unwrap_or_default()
    }

    /// Which of the test's explorations this is, counted from 0.
    pub fn number(&self) -> u64 {
        ENDED.lock().get(&self.name).map_or(0, Vec::len) as u64
    }

    /// Writes down what this one came to.
    pub fn end(&self, with: &Result<ExplorationReport, Problem>) {
        ENDED.lock().entry(self.name.clone()).or_default().push(with.clone());
    }
}
