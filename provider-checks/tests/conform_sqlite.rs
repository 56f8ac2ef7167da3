//! duroxide's SQLite provider in memory, against the whole contract.

use duroxide_sim::conformance;
use provider_checks::sqlite::Sqlite;

fn main() {
    conformance::main_with(Sqlite::in_memory(), provider_checks::config())
}
