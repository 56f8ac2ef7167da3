//! A workload ends alike on SQLite and in a simulation.
#![allow(missing_docs)]

use provider_checks::scenarios::scenario;
use provider_checks::{in_simulation, on_sqlite};

#[test]
fn hello_completes_on_both() {
    let hello = scenario("hello", 5, "Hello", "");
    assert_eq!(in_simulation(hello.clone()).completed, 5);
    assert_eq!(on_sqlite(hello).completed, 5);
}

#[test]
fn fan_out_completes_on_both() {
    let fan_out = scenario("fan-out", 1, "FanOut", "20");
    assert_eq!(in_simulation(fan_out.clone()).completed, 1);
    assert_eq!(on_sqlite(fan_out).completed, 1);
}
