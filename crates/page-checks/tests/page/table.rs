//! The table of events.

use page_checks::runs;

use crate::{number, open, quiet, text};

#[tokio::test]
async fn the_table_has_every_event_and_opens_details() {
    let browser = open("table", &runs::ten().timeline().html()).await;
    browser.click_on("label.choice:has([value=table])").await;
    let rows = number(&browser, "document.querySelectorAll('#table-rows tr').length").await;
    assert_eq!(rows, number(&browser, "walkable().length").await);
    let header = text(&browser, "document.querySelector('#table thead').innerText").await;
    assert!(header.starts_with("Virtual time"), "{header}");
    browser.click_on("#table-rows tr:nth-child(3) button").await;
    assert_eq!(text(&browser, "String($('panel').hidden)").await, "false");
    browser.screenshot("table").await;
    quiet(browser).await;
}

#[tokio::test]
async fn ten_thousand_events_come_page_by_page() {
    let browser = open("pages", runs::page_of_ten_thousand()).await;
    browser.click_on("label.choice:has([value=table])").await;
    assert_eq!(number(&browser, "document.querySelectorAll('#table-rows tr').length").await, 250.0);
    browser.click_on("#page-on").await;
    assert!(text(&browser, "$('page-place').textContent").await.starts_with("251 to 500 of "));
    browser.screenshot("pages").await;
    quiet(browser).await;
}
