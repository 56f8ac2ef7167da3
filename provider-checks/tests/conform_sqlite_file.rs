//! duroxide's SQLite provider on files, against the whole contract.

use duroxide_sim::conformance;
use provider_checks::sqlite::Sqlite;

fn main() {
    conformance::main_with(Sqlite::in_files().expect("a temporary folder can be made"), provider_checks::config())
}
