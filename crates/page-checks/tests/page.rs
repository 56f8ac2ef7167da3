//! The timeline page in Chromium.
#![allow(missing_docs)]

mod page {
    mod keys;
    mod observed;
    mod pointer;
    mod search;
    mod sides;
    mod sizes;
    mod table;
    mod texts;
    mod watch;
}

use fantoccini::key::Key;
use page_checks::{Browser, Theme};
use serde_json::Value;

/// A page in a window of an ordinary size.
async fn open(folder: &str, html: &str) -> Browser {
    let browser = Browser::start(folder, 1400, 800).await;
    browser.open("page", html, Theme::Light).await;
    browser
}

/// Ends a test: nothing was said on the console, nothing asked of the network.
async fn quiet(browser: Browser) {
    assert_eq!(browser.console().await, Vec::<String>::new());
    assert_eq!(browser.requests().await, Vec::<String>::new());
    browser.close().await;
}

async fn press(browser: &Browser, key: Key) {
    browser.keys(&char::from(key).to_string()).await;
}

async fn text(browser: &Browser, script: &str) -> String {
    let value = browser.eval(script).await;
    value.as_str().map_or_else(|| panic!("{script} is no text: {value}"), str::to_owned)
}

async fn number(browser: &Browser, script: &str) -> f64 {
    let value = browser.eval(script).await;
    value.as_f64().unwrap_or_else(|| panic!("{script} is no number: {value}"))
}

/// The middle of an item on the screen; `choice` is a test of `item` in
/// JavaScript.
async fn place(browser: &Browser, choice: &str) -> (f64, f64) {
    let script = format!(
        "(() => {{ const item = DATA.items.find((item) => {choice});
            const box = plot.box(item, $('scroll').scrollTop);
            const host = $('events').getBoundingClientRect();
            return [host.left + box.x + box.width / 2, host.top + box.y + box.height / 2]; }})()"
    );
    match browser.eval(&script).await {
        Value::Array(pair) => (pair[0].as_f64().unwrap().round(), pair[1].as_f64().unwrap().round()),
        other => panic!("no place for {choice}: {other}"),
    }
}
