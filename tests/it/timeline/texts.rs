//! Texts stay texts, and the page stays one file.

use std::time::Duration;

use duroxide_sim::Sim;
use duroxide_sim::clock::Time;
use duroxide_sim::trace::Trace;

use super::{bought, calls, failed, list, picture, shop};

const HOSTILE: &str = "</script><script>alert(1)</script><!--<script>{{script}}{{calls}} & \"\\ ' \u{2028}\u{0}";

fn empty() -> Trace {
    Trace { started: Time(0), entries: Vec::new(), marks: Vec::new(), remains: None }
}

#[test]
fn no_payload_leaves_its_place() {
    let run = shop(1).try_run(|sim| async move {
        sim.client().start_orchestration(HOSTILE, "Order", HOSTILE).await?;
        sim.sleep(Duration::from_secs(100)).await;
        sim.client().raise_event(HOSTILE, HOSTILE, HOSTILE).await
    });
    let page = run.unwrap_or_else(|failure| panic!("{failure}")).timeline().title(HOSTILE).named(HOSTILE).html();
    let tags = |page: &str| ["<script", "</script", "<!--", "</title"].map(|tag| page.matches(tag).count());
    assert_eq!(tags(&page), tags(&empty().timeline().html()), "no more tags than in an empty page");
    let data = picture(&page);
    let shown = HOSTILE.replace('\u{2028}', "\\u{2028}").replace('\0', "\\u{0}");
    assert_eq!(data["title"], shown);
    assert!(list(&data["lanes"]).iter().any(|lane| lane["name"] == shown));
    assert!(calls(&page, 0).iter().any(|call| call["call"].to_string().contains("alert(1)")));
    assert!(
        page.contains("<title>&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;!--&lt;script&gt;{{script}}")
    );
}

#[test]
fn the_page_asks_nobody_for_anything() {
    let page = empty().timeline().html();
    let words = ["http:", "https:", "//", " src=", "@import", "url(", "fetch(", "XMLHttpRequest", "import("];
    let code = |line: &str| line.split("// ").next().unwrap_or_default().trim_start().to_owned();
    let lines: Vec<String> = page.lines().map(code).filter(|line| *line != "//").collect();
    let found: Vec<&String> = lines.iter().filter(|line| words.iter().any(|word| line.contains(word))).collect();
    assert!(found.is_empty(), "{found:?}");
    assert!(page.contains("content=\"default-src 'none'; "), "its policy forbids it too");
}

#[test]
fn the_page_sets_texts_only_as_texts() {
    let page = empty().timeline().html();
    for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn the_same_run_has_the_same_page() {
    assert_eq!(bought("a book").timeline().html(), bought("a book").timeline().html());
}

#[test]
fn pages_are_written_with_their_folders_and_errors_are_sentences() {
    let folder = std::env::temp_dir().join(format!("duroxide-sim-timeline-{}", std::process::id()));
    let file = folder.join("a/b/page.html");
    let failure = failed();
    assert_eq!(failure.timeline().write(&file).as_deref(), Ok(&*file));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), failure.timeline().html());
    let error = failure.timeline().write(&folder).expect_err("a folder is no file").to_string();
    assert_eq!(error, format!("The timeline cannot be written to {}. Choose another path.", folder.display()));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_failing_test_leaves_its_page_and_names_it() {
    let panicked = std::panic::catch_unwind(|| {
        Sim::new(9).timeline_on_failure().run(|_| async { Err::<(), _>("to be looked at") });
    });
    let payload = panicked.expect_err("it fails");
    let text = payload.downcast_ref::<String>().expect("it panics with a text");
    let (_, page) = text.split_once("See the run in a browser:\n  ").unwrap_or_else(|| panic!("{text}"));
    let page = page.lines().next().expect("a line");
    let name = "duroxide-sim/timeline.texts.a_failing_test_leaves_its_page_and_names_it/";
    assert!(page.contains(name) && page.ends_with("/9.html"), "{page}");
    let program = std::env::current_exe().expect("the test knows where it lies");
    let target = page.split_once(name).expect("the name is in it").0;
    assert!(program.starts_with(target) && target != "/", "{page} does not lie with {}", program.display());
    let html = std::fs::read_to_string(page).expect("the page is there");
    assert!(html.contains("to be looked at"));
}
