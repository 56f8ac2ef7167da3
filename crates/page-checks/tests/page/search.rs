//! Searching.

use fantoccini::key::Key;
use page_checks::runs;

use crate::{number, open, press, quiet, text};

async fn found(browser: &page_checks::Browser, what: &str) -> f64 {
    browser.eval("$('search').focus(), $('search').select()").await;
    browser.keys(what).await;
    assert_eq!(text(browser, "$('search').value").await, what);
    number(browser, "view.found.size").await
}

#[tokio::test]
async fn instances_methods_events_and_payloads_are_found() {
    let browser = open("search", &runs::ten().timeline().html()).await;
    let all = number(&browser, "DATA.items.length").await;
    assert!(found(&browser, "parcel-1").await > 5.0);
    assert!(found(&browser, "ack_work_item").await >= 2.0);
    let timers = found(&browser, "TimerCreated").await;
    assert!(timers >= 1.0 && timers < all, "{timers}");
    assert!(found(&browser, "a vase").await >= 2.0);
    assert!(found(&browser, "after a month").await >= 1.0);
    assert_eq!(found(&browser, "nothing of the kind").await, 0.0);
    assert_eq!(text(&browser, "$('matches').textContent").await, "0 matches");
    quiet(browser).await;
}

#[tokio::test]
async fn enter_goes_from_match_to_match() {
    let browser = open("matches", runs::page_of_ten_thousand()).await;
    assert!(found(&browser, "parcel-0641").await > 3.0);
    press(&browser, Key::Enter).await;
    assert!(text(&browser, "$('matches').textContent").await.starts_with("1 of "));
    assert!(text(&browser, "sentence(view.chosen)").await.contains("parcel-0641"));
    let seen = "(() => { const box = plot.box(view.chosen, $('scroll').scrollTop);
        return box.y >= 0 && box.y < plot.height && box.x >= 0 && box.x < plot.width; })()";
    assert_eq!(browser.eval(seen).await, true, "a match is brought into sight");
    browser.screenshot("match").await;
    press(&browser, Key::Enter).await;
    assert!(text(&browser, "$('matches').textContent").await.starts_with("2 of "));
    browser.eval("$('only-matches').click()").await;
    assert!(number(&browser, "layout.lines.length").await < 10.0);
    browser.screenshot("only").await;
    quiet(browser).await;
}
