//! What the rewrite does to a file.

use std::path::Path;

use upstream_checks::exceptions::EXCEPTIONS;
use upstream_checks::package;
use upstream_checks::rewrite::Moved;

fn moved(text: &str) -> String {
    let tests = Path::new("/packages/duroxide-0.1.99/tests");
    Moved::default().file(Path::new("some_tests.rs"), text, tests).expect("no exception is of this file")
}

#[test]
fn attributes_become_those_of_simulations() {
    let one = "#[tokio::test]\nasync fn a() {}\n#[tokio::test(flavor = \"multi_thread\", worker_threads = 4)]\nasync fn b() {}\n";
    assert_eq!(moved(one), "#[duroxide_sim::test]\nasync fn a() {}\n#[duroxide_sim::test]\nasync fn b() {}\n");
}

#[test]
fn a_database_in_memory_becomes_a_fresh_provider() {
    let fresh = "let s = duroxide_sim::fresh_provider();\n";
    assert_eq!(moved("let s = Arc::new(SqliteProvider::new_in_memory().await.unwrap());\n"), fresh);
    let long = "let s = std::sync::Arc::new(\n    duroxide::providers::sqlite::SqliteProvider::new_in_memory()\n        \
                .await\n        .expect(\"store (it is one)\"),\n);\n";
    assert_eq!(moved(long), fresh);
    let own = "let s = upstream_checks::own(duroxide_sim::fresh_provider());\n";
    assert_eq!(moved("let s = SqliteProvider::new_in_memory().await.unwrap();\n"), own);
    let typed = "inner: Arc<SqliteProvider>,\n";
    assert_eq!(moved(typed), "inner: Arc<dyn duroxide::providers::Provider>,\n");
}

#[test]
fn a_file_opened_by_its_name_is_the_simulations_own_storage_and_is_not_made() {
    let test = "fn a_test() {\n    std::fs::File::create(&path).unwrap();\n    let s = Arc::new(SqliteProvider::new(&url, None).await.unwrap());\n}\n";
    assert_eq!(moved(test), "fn a_test() {\n    let s = duroxide_sim::provider();\n}\n");
    let helper = "fn create_sqlite_store() {\n    Arc::new(SqliteProvider::new(&url, None).await.unwrap())\n}\n";
    assert_eq!(moved(helper), "fn create_sqlite_store() {\n    duroxide_sim::fresh_provider()\n}\n");
}

#[test]
fn what_is_not_a_store_stays() {
    let other = "let p = Arc::new(LongPollingSqliteProvider::new(store));\n";
    assert_eq!(moved(other), other);
    assert_eq!(moved("mod common;\n"), "use crate::common;\n");
    assert_eq!(moved("env!(\"CARGO_PKG_VERSION\")\n"), "\"0.1.99\"\n");
}

#[test]
fn an_exception_that_duroxide_no_longer_has_is_an_error() {
    let exception = EXCEPTIONS[0].test;
    let (file, _) = exception.split_once("::").expect("an exception names a file and a function");
    let path = Path::new(file).with_extension("rs");
    let lost = Moved::default().file(&path, "fn other() {}\n", Path::new("tests")).expect_err("there is no such test");
    assert!(lost.contains(exception) && lost.contains("Take it off the list"), "{lost}");
    let lost = Moved::default().finish().expect_err("no file was moved");
    assert!(lost.contains(exception), "{lost}");
}

#[test]
fn the_tests_are_those_of_the_package_that_is_built() {
    let tests = Path::new(env!("DUROXIDE_TESTS"));
    assert!(package::rust_files(tests).is_ok_and(|files| files.len() > 50), "{}", tests.display());
    assert!(package::version(tests).starts_with("0.1."));
}
