//! Ten events and ten thousand, light and dark, and how fast.

use page_checks::{Browser, Theme, runs};
use serde_json::json;

use crate::{number, quiet, text};

#[tokio::test]
async fn pages_are_drawn_at_every_size_and_in_both_themes() {
    let browser = Browser::start("sizes", 1400, 800).await;
    let ten = runs::ten().timeline().html();
    for (name, html, least) in [("ten", &*ten, 10.0), ("many", runs::page_of_ten_thousand(), 10_000.0)] {
        for theme in [Theme::Light, Theme::Dark] {
            browser.open(name, html, theme).await;
            assert!(number(&browser, "DATA.items.length").await >= least);
            assert!(number(&browser, "plot.drawn").await >= 10.0);
            let paper = text(&browser, "getComputedStyle(document.body).backgroundColor").await;
            let dark = paper == "rgb(21, 24, 29)";
            assert_eq!(dark, theme == Theme::Dark, "{paper}");
            assert_eq!(text(&browser, "COLOURS.paper").await, paper);
            browser.screenshot(&format!("{name}-{theme:?}")).await;
        }
    }
    quiet(browser).await;
}

#[tokio::test]
async fn the_reader_can_choose_the_theme() {
    let browser = Browser::start("theme", 1400, 800).await;
    browser.open("page", &runs::ten().timeline().html(), Theme::Light).await;
    let paper = "COLOURS.paper + ' ' + $('theme').textContent";
    assert_eq!(text(&browser, paper).await, "rgb(255, 255, 255) Theme: system");
    browser.click_on("#theme").await;
    browser.click_on("#theme").await;
    browser.until("$('theme').textContent === 'Theme: dark'").await;
    assert_eq!(text(&browser, paper).await, "rgb(21, 24, 29) Theme: dark");
    browser.click_on("#theme").await;
    browser.until("$('theme').textContent === 'Theme: system'").await;
    // The system's own choice is followed, also when it changes.
    let dark = json!([{ "name": "prefers-color-scheme", "value": "dark" }]);
    browser.devtools("Emulation.setEmulatedMedia", json!({ "features": dark })).await;
    // The page is told in its own time.
    browser.until("COLOURS.paper === 'rgb(21, 24, 29)'").await;
    assert_eq!(text(&browser, paper).await, "rgb(21, 24, 29) Theme: system");
    quiet(browser).await;
}

/// Milliseconds from the beginning of a page to its first paint, the least of
/// some tries.
async fn first_paint(browser: &Browser, html: &str) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..4 {
        browser.open("paint", html, Theme::Light).await;
        browser.until("performance.getEntriesByName('first-contentful-paint').length").await;
        let paint = number(browser, "performance.getEntriesByName('first-contentful-paint')[0].startTime").await;
        let drawn = number(browser, "performance.getEntriesByName('drawn')[0].startTime").await;
        least = least.min(paint.max(drawn));
    }
    least
}

#[tokio::test]
async fn ten_thousand_events_are_painted_soon_and_moved_smoothly() {
    let browser = Browser::start("speed", 1400, 800).await;
    let few = first_paint(&browser, &runs::ten().timeline().html()).await;
    let many = first_paint(&browser, runs::page_of_ten_thousand()).await;
    // A draw of everything, and one of a part.
    let draw = "(() => { const began = performance.now(); for (let n = 0; n < 20; n++) draw();
        return (performance.now() - began) / 20; })()";
    let whole = number(&browser, draw).await;
    browser.eval("zoom(40)").await;
    let part = number(&browser, draw).await;
    println!("first paint: {few:.0} ms for ten events, {many:.0} ms for ten thousand ({:.1})", many / few);
    println!("a draw of ten thousand events: {whole:.1} ms whole, {part:.1} ms zoomed in");
    assert!(many < few * 20.0, "a thousand times the events take {:.1} times as long to the first paint", many / few);
    assert!(whole < many / 4.0, "a draw takes {whole:.1} ms, and the first paint {many:.1} ms");
    quiet(browser).await;
}
