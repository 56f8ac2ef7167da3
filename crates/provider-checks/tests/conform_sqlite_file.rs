//! duroxide's SQLite provider on files, against the whole contract.

use provider_checks::sqlite::Sqlite;

fn main() {
    duroxide_conformance::main_with(
        Sqlite::in_files().expect("a temporary folder can be made"),
        provider_checks::config(),
    )
}
