//! Assembles the page from its files, and prevents payloads from being interpreted as anything but
//! text.
//!
//! Texts are embedded as JSON in `script` elements that are not executed. `</script` would end such
//! an element, and `<!--` would change how it is parsed, so that JSON contains no `<`. The page's
//! own script inserts texts only as text nodes.

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

/// Assembles the page.
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

/// Fills in the placeholders of a template. Inserted values are not searched for placeholders.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let size = values.iter().map(|(_, value)| value.len()).sum::<usize>();
    let mut page = String::with_capacity(template.len() + size);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").expect("the page's placeholders must be closed");
        let value = values.iter().find(|(place, _)| *place == name);
        page.push_str(before);
        page.push_str(value.expect("the page must not have other placeholders").1);
        rest = after;
    }
    page.push_str(rest);
    page
}

/// Escapes a text for HTML.
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

/// Escapes JSON for a `script` element. JSON has `<` only inside strings, where this escape has the
/// same meaning.
fn inert(json: &str) -> String {
    json.replace('<', "\\u003c")
}
