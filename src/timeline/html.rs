//! The page: its files filled in, and nothing that a payload says taken for
//! anything but text.
//!
//! Texts come to the page as JSON in `script` elements that are not run. A
//! `script` element ends where `</script` stands, and `<!--` changes how it is
//! read; so no `<` stands in that JSON. The page's own script writes texts as
//! text nodes only.

/// The page's files.
const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPTS: [&str; 9] = [
    include_str!("page/data.js"),
    include_str!("page/axis.js"),
    include_str!("page/plot.js"),
    include_str!("page/lanes.js"),
    include_str!("page/panel.js"),
    include_str!("page/table.js"),
    include_str!("page/page.js"),
    include_str!("page/input.js"),
    include_str!("page/begin.js"),
];

/// The page with these data.
pub(super) fn page(title: &str, picture: &str, calls: &[String]) -> String {
    let script = SCRIPTS.join("\n");
    let calls: String = calls
        .iter()
        .enumerate()
        .map(|(run, lines)| format!("<script type=\"text/plain\" id=\"calls-{run}\">\n{}</script>\n", inert(lines)))
        .collect();
    fill(
        PAGE,
        &[
            ("title", &text(title)),
            ("style", STYLE),
            ("picture", &inert(picture)),
            ("calls", &calls),
            ("script", &script),
        ],
    )
}

/// Fills in the places of a template. What is filled in is not looked at again.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let size = values.iter().map(|(_, value)| value.len()).sum::<usize>();
    let mut page = String::with_capacity(template.len() + size);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").expect("the page's places are closed");
        let value = values.iter().find(|(place, _)| *place == name);
        page.push_str(before);
        page.push_str(value.expect("the page has no other places").1);
        rest = after;
    }
    page.push_str(rest);
    page
}

/// A text in HTML.
fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// JSON in a `script` element. Outside of its strings JSON has no `<`, and in
/// them this escape means the same.
fn inert(json: &str) -> String {
    json.replace('<', "\\u003c")
}
