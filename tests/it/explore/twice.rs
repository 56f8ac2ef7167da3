//! Seeds are run twice, and what no seed decides is found out.

use std::sync::atomic::AtomicU64;

use duroxide_sim::explore::{Difference, Explore, Problem};
use duroxide_sim::sim::Storm;
use duroxide_sim::{Handle, Sim};

use super::{explore, order, shop};

fn stormy(sim: Sim) -> Sim {
    shop(sim).storm(Storm::new())
}

#[test]
fn as_many_seeds_are_run_twice_as_are_asked_for() {
    let twice = |explore: Explore| explore.run(stormy, order).twice;
    assert_eq!(twice(explore().seeds(41)), 5);
    assert_eq!(twice(explore().seeds(12).check_determinism_every(0)), 0);
    for workers in [1, 2, 3] {
        assert_eq!(twice(explore().seeds(12).check_determinism_every(1).workers(workers)), 12);
    }
}

/// The difference that running each seed twice shows.
fn difference<F>(leak: impl Fn(Handle) -> F + Clone + Send + 'static) -> Difference
where
    F: Future<Output = ()> + 'static,
{
    let body = move |sim: Handle| {
        let leak = leak.clone();
        async move {
            leak(sim.clone()).await;
            order(sim).await
        }
    };
    match explore().seeds(20).check_determinism_every(1).try_run(shop, body).map_err(|problem| *problem) {
        Err(Problem::Differs(difference)) => *difference,
        other => panic!("{other:?}"),
    }
}

async fn start(sim: &Handle, instance: &str) {
    sim.client().start_orchestration(instance, "Order", "").await.expect("it is started");
}

#[test]
fn an_address_that_reaches_a_run_is_found_out() {
    static HERE: AtomicU64 = AtomicU64::new(0);
    let found = difference(|sim| async move {
        let address = format!("order-{:x}", &raw const HERE as usize);
        start(&sim, &address).await;
    });
    assert!(found.cause.contains("an address"), "{found}");
    assert!(found.one != found.other && found.one.contains("order-"), "{found}");
}

#[test]
fn an_order_that_no_seed_decides_is_found_out() {
    let found = difference(|sim| async move {
        let reverse = (std::process::id() / 3).is_multiple_of(2);
        let names = if reverse { ["order-7", "order-8"] } else { ["order-8", "order-7"] };
        start(&sim, names[0]).await;
        start(&sim, names[1]).await;
    });
    assert!(found.cause.contains("another order"), "{found}");
}

#[test]
fn a_time_that_no_seed_decides_is_found_out() {
    let found = difference(|sim| async move {
        sim.sleep(std::time::Duration::from_millis(u64::from(std::process::id()))).await;
    });
    assert!(found.cause.contains("another time"), "{found}");
}
