//! Scripts that are kept in files.

use std::path::PathBuf;

use duroxide_conformance::{Kept, Regressions};

use super::tricks::{ATTEMPTS, BYTES, busy, finding};

/// A folder for one test, emptied.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[test]
fn kept_scripts_come_back_in_order() {
    let kept = Regressions::at(folder("kept_scripts_come_back"));
    assert_eq!(kept.load(), Ok(Vec::new()), "a folder that is not there holds nothing");
    let findings = [finding(&ATTEMPTS, &busy()), finding(&BYTES, &busy())];
    let mut files: Vec<PathBuf> = findings.iter().map(|finding| kept.keep(finding).expect("it can be kept")).collect();
    assert_eq!(kept.keep(&findings[0]).as_ref(), Ok(&files[0]), "the same script, the same file");
    std::fs::write(kept.folder().join("README.md"), "no script").expect("the folder is there");
    files.sort();
    let loaded = kept.load().expect("they can be loaded");
    assert_eq!(loaded.iter().map(|kept| kept.file.clone()).collect::<Vec<_>>(), files);
    for finding in &findings {
        let same = |kept: &&Kept| kept.rule.as_deref() == Some(finding.rule) && kept.script == finding.script;
        assert_eq!(loaded.iter().filter(same).count(), 1);
    }
}

#[test]
fn kept_file_says_what_it_shows() {
    let kept = Regressions::at(folder("kept_file_says"));
    let file = kept.keep(&finding(&ATTEMPTS, &busy())).expect("it can be kept");
    let name = file.file_name().expect("it has a name").to_string_lossy().into_owned();
    let text = std::fs::read_to_string(&file).expect("it is there");
    crate::snapshot("conformance_kept_script", &format!("{name}\n{text}"));
}

#[test]
fn damaged_files_are_named_with_the_line() {
    let folder = folder("damaged_files");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut errors = Vec::new();
    for text in ["# rule: a.b\n\"ReadBack\"\n{\"Wait\":\n", "# nothing\n", "\"Read\u{0}Back\"", "{\"Wait\":-1}"] {
        std::fs::write(folder.join("damaged.script"), text).expect("a file");
        let error = Regressions::at(&folder).load().expect_err("it is damaged").to_string();
        errors.push(error.replace(&folder.display().to_string(), "…"));
    }
    std::fs::write(folder.join("damaged.script"), [0xff, 0xfe, 0x00]).expect("a file");
    errors.push(
        Regressions::at(&folder)
            .load()
            .expect_err("it is no text")
            .to_string()
            .replace(&folder.display().to_string(), "…"),
    );
    crate::snapshot("conformance_damaged_scripts", &(errors.join("\n") + "\n"));
}

#[test]
fn folder_is_in_the_package_by_default() {
    let expected = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("proptest-regressions").join("conformance");
    assert_eq!(Regressions::default().folder(), expected);
}
