//! `duroxide-pg` against the whole contract.

use duroxide_sim::conformance;
use provider_checks::postgres::Postgres;

fn main() {
    conformance::main_with(Postgres::from_env(), provider_checks::config())
}
