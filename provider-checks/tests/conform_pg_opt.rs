//! `duroxide-pg-opt` against the whole contract.

use duroxide_sim::conformance;
use provider_checks::postgres_opt::PostgresOpt;

fn main() {
    conformance::main_with(PostgresOpt::from_env(), provider_checks::config())
}
