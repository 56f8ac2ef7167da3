//! Duroxide's own source, as far as tests have to keep up with it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

/// The folder of the duroxide that this crate is built with.
pub fn folder() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Packages that only other systems need may not be on this machine.
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["metadata", "--format-version", "1", "--filter-platform", &host])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("cargo metadata lists packages");
    let found: Vec<&str> = packages
        .iter()
        .filter(|package| package["name"] == "duroxide")
        .map(|package| package["manifest_path"].as_str().expect("a manifest has a path"))
        .collect();
    match found[..] {
        [manifest] => PathBuf::from(manifest).parent().expect("a manifest lies in a folder").to_owned(),
        _ => panic!("one duroxide is expected, not {found:?}"),
    }
}

/// The names in lines that, without the space before them, start with one of
/// `heads`.
pub fn names_after(heads: &[&str], source: &str) -> BTreeSet<String> {
    let name = |line: &str| {
        let rest = heads.iter().find_map(|head| line.trim_start().strip_prefix(head))?;
        Some(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
    };
    source.lines().filter_map(name).collect()
}
