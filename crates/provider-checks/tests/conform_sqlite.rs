//! duroxide's SQLite provider in memory, against the whole contract.

use provider_checks::sqlite::Sqlite;

fn main() {
    duroxide_conformance::main_with(Sqlite::in_memory(), provider_checks::config())
}
