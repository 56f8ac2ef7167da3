//! Nothing is built here. `links` in Cargo.toml needs a build script, and two
//! versions of this crate in one program would both define the C library's
//! functions (see the feature `interpose`): by that key cargo refuses them with
//! an error that names both, where the linker would speak of symbols.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
}
