//! README's check of a provider, as README has it.

#[test]
fn readme_shows_the_check_that_runs_here() {
    let (readme, here) = (include_str!("../../README.md"), include_str!("../check_provider.rs"));
    assert!(readme.contains(&format!("```rust\n{here}```")));
}
