//! `duroxide-pg` against the whole contract.

use duroxide_conformance::Suite;
use provider_checks::postgres::Postgres;

fn main() {
    Suite::with_storage(Postgres::from_env()).config(provider_checks::config()).main()
}
