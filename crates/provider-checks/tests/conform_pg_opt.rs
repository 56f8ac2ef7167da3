//! `duroxide-pg-opt` against the whole contract.

use provider_checks::postgres_opt::PostgresOpt;

fn main() {
    duroxide_conformance::main_with(PostgresOpt::from_env(), provider_checks::config())
}
