//! What the lanes hold, as text.

use std::fmt::Write;

use serde_json::Value;

use super::{bought, failed, index, list, picture};

/// The lanes of a picture as text: for each its items with their moments.
fn lanes(picture: &Value) -> String {
    let mut text = String::new();
    let time = |moment: &Value| picture["moments"][index(moment)].as_u64().expect("a time is a number");
    for (number, lane) in list(&picture["lanes"]).iter().enumerate() {
        let indent = "  ".repeat(index(&lane["depth"]));
        let words = |key: &str| lane[key].as_str().unwrap_or_default().to_owned();
        let states: Vec<&str> = list(&lane["lives"]).iter().filter_map(|life| life["state"].as_str()).collect();
        let line = format!("{indent}{} {} {} {}", words("kind"), words("name"), words("about"), states.join(" and "));
        writeln!(text, "{}", line.split_whitespace().collect::<Vec<_>>().join(" ").trim_end()).unwrap();
        for item in list(&picture["items"]).iter().filter(|item| index(&item["lane"]) == number) {
            let words = |key: &str| item[key].as_str().unwrap_or_default();
            let by = item["node"].as_u64().map(|node| list(&picture["lanes"])[node as usize]["name"].clone());
            let by = by.map(|name| format!(" by {}", name.as_str().unwrap_or_default())).unwrap_or_default();
            let until = if item["from"] == item["to"] { String::new() } else { format!(" to {}", time(&item["to"])) };
            let mut line = format!(
                "{indent}    {} {} {:?}: {}{until}{by}",
                words("kind"),
                words("state"),
                words("label"),
                time(&item["from"])
            );
            for (key, word) in [("since", "since"), ("tail", "locked until")] {
                if !item[key].is_null() {
                    write!(line, ", {word} {}", time(&item[key])).unwrap();
                }
            }
            if !words("note").is_empty() {
                write!(line, ". {}", words("note")).unwrap();
            }
            writeln!(text, "{line}").unwrap();
        }
    }
    text
}

#[test]
fn lanes_of_an_order_read_well() {
    let page = bought("a book").timeline().html();
    crate::snapshot("timeline_order", &lanes(&picture(&page)));
}

#[test]
fn lanes_of_a_failed_run_say_what_is_open() {
    let failure = failed();
    let picture = picture(&failure.timeline().about("order-1").html());
    crate::snapshot("timeline_failed", &lanes(&picture));
    let shown = &picture["runs"][0]["failure"];
    assert_eq!(shown["headline"], "The simulation failed: the body returned the error \"the shop has closed\".");
    assert_eq!(shown["text"], failure.to_string());
    assert_eq!(picture["moments"][index(&shown["at"])], 100_000);
    let lane = &picture["lanes"][index(&shown["lanes"][0])];
    assert_eq!(lane["name"], "order-1");
    assert!(lane["lives"][0]["waits"].as_str().unwrap().starts_with("order-1 waits for ExternalSubscribed approval"));
}
