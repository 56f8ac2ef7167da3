//! `duroxide-pg-opt` against the whole contract.

use duroxide_conformance::Suite;
use provider_checks::postgres_opt::PostgresOpt;

fn main() {
    Suite::with_storage(PostgresOpt::from_env()).config(provider_checks::config()).main()
}
