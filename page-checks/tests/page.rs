//! The timeline page in Chromium.

use page_checks::{Browser, Theme, runs};

#[tokio::test]
async fn pages_are_drawn_at_every_size_and_in_both_themes() {
    let browser = Browser::start("sizes", 1400, 800).await;
    let (ten, many) = (runs::ten(), runs::ten_thousand());
    for (name, html) in [("ten", ten.timeline().html()), ("many", many.timeline().html())] {
        for theme in [Theme::Light, Theme::Dark] {
            browser.open(name, &html, theme).await;
            browser.eval("DATA.items.length").await;
            browser.screenshot(&format!("{name}-{theme:?}")).await;
            assert_eq!(browser.console().await, Vec::<String>::new());
            assert_eq!(browser.requests().await, Vec::<String>::new());
        }
        println!(
            "{name}: {} {}",
            html.len(),
            browser.eval("[DATA.items.length, DATA.moments.length, DATA.lanes.length, plot.drawn]").await
        );
    }
    browser.close().await;
}
