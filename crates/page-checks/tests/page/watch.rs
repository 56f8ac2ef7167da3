//! That these tests would notice what they say does not happen.

use page_checks::{Browser, Theme};

#[tokio::test]
async fn errors_and_requests_of_a_page_are_noticed() {
    let browser = Browser::start("watch", 600, 400).await;
    let page = "<!doctype html><img src='nowhere.png'><script>console.error('said'); missing();</script>";
    browser.open("page", page, Theme::Light).await;
    let console = browser.console().await.join("\n");
    assert!(console.contains("said") && console.contains("missing is not defined"), "{console}");
    let requests = browser.requests().await;
    assert!(requests.len() == 1 && requests[0].ends_with("/nowhere.png"), "{requests:?}");
    browser.close().await;
}
