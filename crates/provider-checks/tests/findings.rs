//! The waivers and the page of findings belong together.

use std::collections::BTreeSet;

use duroxide_conformance::Waivers;

const WAIVERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/waivers.toml");
const FINDINGS: &str = include_str!("../FINDINGS.md");

/// The names that the page can be linked at.
fn anchors() -> BTreeSet<&'static str> {
    let lines = FINDINGS.lines().filter_map(|line| line.strip_prefix("<a id=\"")?.split('"').next());
    lines.collect()
}

/// Where a waiver says that it is written up.
fn links() -> BTreeSet<String> {
    let waivers = Waivers::read(WAIVERS).expect("the waivers can be read");
    let labels = ["sqlite", "duroxide-pg", "duroxide-pg-opt"];
    let of = |label: &'static str| waivers.of(label).map(|waiver| waiver.link.clone()).collect::<Vec<_>>();
    labels.into_iter().flat_map(of).collect()
}

#[test]
fn every_waiver_is_written_up_and_every_finding_waived() {
    let linked: BTreeSet<String> = anchors().into_iter().map(|anchor| format!("FINDINGS.md#{anchor}")).collect();
    assert!(linked.len() > 30, "the page has lost its findings");
    assert_eq!(links(), linked);
}
