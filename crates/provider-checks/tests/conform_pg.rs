//! `duroxide-pg` against the whole contract.

use provider_checks::postgres::Postgres;

fn main() {
    duroxide_conformance::main_with(Postgres::from_env(), provider_checks::config())
}
