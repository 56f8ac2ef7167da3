//! README's first test and the guide's exploration, as they stand there.

mod failure;
mod first_test;
mod orders;

const README: &str = include_str!("../../README.md");

/// The code between a fence of that kind and its end, counted from 0.
fn block(text: &str, number: usize) -> &str {
    let code = text.split("```rust\n").nth(number + 1).expect("README has that block of Rust");
    code.split("```").next().expect("the block ends")
}

#[test]
fn readme_shows_the_test_that_runs_here() {
    let here = include_str!("readme/first_test.rs");
    assert_eq!(block(README, 0), here);
    assert!(here.lines().count() < 20, "{} lines", here.lines().count());
}

#[test]
fn the_guide_shows_the_exploration_that_runs_here() {
    let here = include_str!("readme/orders.rs");
    assert_eq!(block(include_str!("../../src/guide/exploring.md"), 0), here);
}
