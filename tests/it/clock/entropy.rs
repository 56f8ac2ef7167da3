//! Everything random on a simulating thread follows the seed.

use std::collections::{BTreeSet, HashMap};

use duroxide_sim::{Seed, Sim};

/// What `draw` gives inside a simulation with this seed.
#[track_caller]
fn inside<T: Send + 'static>(seed: u64, draw: fn() -> T) -> T {
    let run = Sim::new(seed).try_run(move |_| async move { Ok::<_, String>(draw()) });
    run.unwrap_or_else(|failure| panic!("{failure}")).value
}

/// `draw` gives the same for the same seed, and something else for each other.
#[track_caller]
fn assert_follows_seed<T: Send + Ord + std::fmt::Debug + 'static>(draw: fn() -> T) {
    let seeds = [0, 1, 2, 3, 42, u64::MAX];
    let first: Vec<T> = seeds.iter().map(|seed| inside(*seed, draw)).collect();
    let second: Vec<T> = seeds.iter().map(|seed| inside(*seed, draw)).collect();
    assert_eq!(first, second, "the same seed gives the same");
    let different: BTreeSet<&T> = first.iter().collect();
    assert_eq!(different.len(), seeds.len(), "another seed gives something else: {first:?}");
}

#[test]
fn hash_maps_iterate_in_an_order_that_follows_the_seed() {
    fn order() -> Vec<u32> {
        let map: HashMap<u32, ()> = (0..64).map(|key| (key, ())).collect();
        map.into_keys().collect()
    }
    assert_follows_seed(order);
}

#[test]
fn uuids_follow_the_seed() {
    fn uuids() -> Vec<String> {
        (0..3).map(|_| uuid::Uuid::new_v4().to_string()).collect()
    }
    assert_follows_seed(uuids);
    let uuids: BTreeSet<String> = inside(1, uuids).into_iter().collect();
    assert_eq!(uuids.len(), 3, "entropy does not repeat itself within a run");
}

/// Lengths around a word's, and one above the 256 bytes that the system never
/// cuts short.
const LENGTHS: [usize; 9] = [1, 2, 3, 7, 8, 9, 16, 255, 1001];

fn drawn<E: std::fmt::Debug>(fill: impl Fn(&mut [u8]) -> Result<(), E>) -> Vec<Vec<u8>> {
    fill(&mut []).expect("nothing is easily filled");
    let all: Vec<Vec<u8>> = LENGTHS
        .iter()
        .map(|length| {
            let mut bytes = vec![0; *length];
            fill(&mut bytes).expect("there is entropy");
            bytes
        })
        .collect();
    let tail = &all[8][900..];
    assert!(tail.iter().any(|byte| *byte != 0), "a long buffer is filled to its end");
    all
}

#[test]
fn getrandom_0_2_follows_the_seed() {
    assert_follows_seed(|| drawn(getrandom02::getrandom));
}

#[test]
fn getrandom_0_3_follows_the_seed() {
    assert_follows_seed(|| drawn(getrandom03::fill));
}

#[test]
fn getrandom_0_4_follows_the_seed() {
    assert_follows_seed(|| drawn(getrandom04::fill));
}

/// tokio decides this by a generator that it seeds from a counter of the process.
#[test]
fn an_unbiased_select_follows_the_seed() {
    async fn tosses() -> Vec<bool> {
        let mut all = Vec::new();
        for _ in 0..64 {
            all.push(tokio::select! {
                () = std::future::ready(()) => true,
                () = std::future::ready(()) => false,
            });
        }
        all
    }
    let inside = |seed: u64| {
        let run = Sim::new(seed).try_run(|_| async { Ok::<_, String>((tosses().await, tokio::spawn(tosses()).await)) });
        let run = run.unwrap_or_else(|failure| panic!("{failure}"));
        assert!(run.select_is_seeded);
        let (body, task) = run.value;
        (body, task.expect("no panic"))
    };
    let first: Vec<_> = (0..6).map(inside).collect();
    assert_eq!(first, (0..6).map(inside).collect::<Vec<_>>(), "the same seed gives the same");
    let different: BTreeSet<_> = first.iter().collect();
    assert_eq!(different.len(), 6, "another seed gives something else");
}

/// What a simulation draws must not depend on what ran before it in the process.
#[test]
fn a_run_does_not_depend_on_the_runs_before_it() {
    let draw = || uuid::Uuid::new_v4().as_u128();
    let alone = inside(9, draw);
    for other in 0..5 {
        inside(other, draw);
        assert_eq!(inside(9, draw), alone);
    }
}

#[test]
fn other_threads_keep_the_systems_entropy() {
    let on_another_thread = || {
        let run = Sim::new(3).try_run(|_| async {
            tokio::task::spawn_blocking(|| uuid::Uuid::new_v4().as_u128()).await.map_err(|error| error.to_string())
        });
        run.unwrap_or_else(|failure| panic!("{failure}")).value
    };
    assert_ne!(on_another_thread(), on_another_thread());
    let here = || uuid::Uuid::new_v4();
    assert_ne!(here(), here());
}

#[test]
fn the_body_has_streams_of_its_own() {
    let draws = |purposes: &'static [&'static str]| {
        let run = Sim::new(11).try_run(move |sim| async move {
            Ok::<_, String>(purposes.iter().map(|purpose| sim.random(purpose).next_u64()).collect::<Vec<u64>>())
        });
        run.unwrap_or_else(|failure| panic!("{failure}")).value
    };
    let both = draws(&["a", "b"]);
    assert_eq!(draws(&["b", "a"]), [both[1], both[0]], "one purpose does not shift another");
    assert_ne!(both[0], both[1]);
    let expected = Seed(11).child("body").child("a").stream().next_u64();
    assert_eq!(both[0], expected, "a stream of the body's can be drawn outside too");
}
