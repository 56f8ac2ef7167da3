//! README's first test, as README has it.

mod first_test;

/// The code between the first fence of that kind and its end.
fn block(text: &str) -> &str {
    let code = text.split("```rust\n").nth(1).expect("README has a block of Rust");
    code.split("```").next().expect("the block ends")
}

#[test]
fn readme_shows_the_test_that_runs_here() {
    let here = include_str!("readme/first_test.rs");
    assert_eq!(block(include_str!("../../README.md")), here);
    assert!(here.lines().count() < 20, "{} lines", here.lines().count());
}
