//! duroxide's SQLite provider on files, against the whole contract.

use duroxide_conformance::Suite;
use provider_checks::sqlite::Sqlite;

fn main() {
    let storage = Sqlite::in_files().expect("a temporary folder can be made");
    Suite::with_storage(storage).config(provider_checks::config()).main()
}
