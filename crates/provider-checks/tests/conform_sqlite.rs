//! duroxide's SQLite provider in memory, against the whole contract.

use duroxide_conformance::Suite;
use provider_checks::sqlite::Sqlite;

fn main() {
    Suite::with_storage(Sqlite::in_memory()).config(provider_checks::config()).main()
}
