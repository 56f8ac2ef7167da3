//! The public API is as listed in `snapshots/`, and nothing that a compatible
//! version may not break has changed since the newest release.

use std::path::Path;
use std::process::Command;

use api_checks::{CRATES, breaking, is_compatible, public_api, root, snapshot};
use semver::Version;

/// Set to write the lists in place of comparing them.
const UPDATE: &str = "UPDATE_API";

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").current_dir(root()).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn listed(file: &Path) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_default()
}

#[test]
fn public_api_is_as_listed() {
    for package in CRATES {
        let (file, now) = (snapshot(package), public_api(package));
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(root().join(&file), now).expect("the list can be written");
            continue;
        }
        let before = listed(&file);
        let lines = |a: &str, b: &str| b.lines().filter(|line| !a.lines().any(|other| other == *line)).count();
        let (gone, added) = (lines(&now, &before), lines(&before, &now));
        assert!(
            before == now,
            "The public API of {package} is not the one in {}: {added} lines are new and {gone} are gone. Run \
             `{UPDATE}=1 cargo test -p api-checks` and read the change in the diff. Breaking changes: {:#?}",
            file.display(),
            breaking(&before, &now)
        );
    }
}

#[test]
fn nothing_breaks_the_users_of_the_newest_release() {
    let Some(tag) = git(&["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]) else {
        println!("No tag of a release is in this checkout: there is nothing to compare with.");
        return;
    };
    let tag = tag.trim();
    let old = Version::parse(&tag[1..]).unwrap_or_else(|error| panic!("The tag {tag} is not a version: {error}."));
    let manifest = listed(Path::new("Cargo.toml"));
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    let new = Version::parse(version.expect("the manifest has a version")).expect("cargo accepts it");
    if !is_compatible(&old, &new) {
        println!("{new} may break what {old} allowed.");
        return;
    }
    for package in CRATES {
        let file = snapshot(package);
        let before = git(&["show", &format!("{tag}:{}", file.display())]).unwrap_or_default();
        let broken = breaking(&before, &listed(&file));
        assert!(broken.is_empty(), "{package} {new} breaks users of {old}, which cargo would update: {broken:#?}");
    }
}

#[test]
fn cargo_updates_within_the_leading_number() {
    let compatible = |old: &str, new: &str| is_compatible(&old.parse().unwrap(), &new.parse().unwrap());
    assert!(compatible("0.1.0", "0.1.0") && compatible("0.1.0", "0.1.7") && compatible("1.2.0", "1.3.0"));
    assert!(!compatible("0.1.0", "0.2.0") && !compatible("0.0.1", "0.0.2") && !compatible("1.2.0", "2.0.0"));
}

#[test]
fn removals_changes_and_variants_of_exhaustive_enums_are_breaking() {
    let old = "pub enum a::E\npub a::E::One\n#[non_exhaustive] pub enum a::G\npub struct a::S\npub fn a::f(u8)";
    assert_eq!(breaking(old, &format!("{old}\npub fn a::g()\npub a::G::Two\npub a::S::x: u8")), [""; 0]);
    assert_eq!(breaking(old, &old.replace("f(u8)", "f(u16)")), ["-pub fn a::f(u8)"]);
    assert_eq!(breaking(old, &format!("{old}\npub a::E::Two(u8)")), ["+pub a::E::Two(u8)"]);
}
