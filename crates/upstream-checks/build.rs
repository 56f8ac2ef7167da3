//! Writes duroxide's own integration tests, moved to simulations, into the build's folder. The
//! tests come from the package of duroxide that this build depends on; none of their text is kept
//! in this repository.

#[path = "src/exceptions.rs"]
mod exceptions;
#[path = "src/package.rs"]
mod package;
#[path = "src/rewrite.rs"]
mod rewrite;

use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=../../Cargo.lock");
    if let Err(why) = write() {
        println!("cargo::error={}", why.replace('\n', " "));
    }
}

fn write() -> Result<(), String> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("Cargo sets OUT_DIR for build scripts.")?).join("moved");
    let tests = package::tests()?;
    if out.exists() {
        fs::remove_dir_all(&out).map_err(|error| format!("{} cannot be emptied: {error}.", out.display()))?;
    }
    println!("cargo::rustc-env=DUROXIDE_TESTS={}", tests.display());
    let mut moved = rewrite::Moved::default();
    for file in package::rust_files(&tests)? {
        let text = fs::read_to_string(&file).map_err(|error| format!("{} cannot be read: {error}.", file.display()))?;
        let relative = file.strip_prefix(&tests).expect("the file lies in the folder that was listed");
        let text = moved.file(relative, &text, &tests)?;
        put(&out.join(relative), &text)?;
    }
    moved.finish()?;
    put(&out.join("main.rs"), &moved.root(&out))
}

fn put(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().expect("a file lies in a folder");
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written.map_err(|error| format!("{} cannot be written: {error}.", path.display()))
}
