//! Whatever names and payloads say, they are only text.

use page_checks::runs;

use crate::{open, place, quiet, text};

#[tokio::test]
async fn hostile_names_and_payloads_stay_text() {
    let run = runs::hostile();
    let shown = runs::HOSTILE.replace('\u{2028}', "\\u{2028}").replace('\u{202e}', "\\u{202e}");
    let browser = open("hostile", &run.timeline().title(runs::HOSTILE).html()).await;
    assert_eq!(browser.eval("typeof window.broken").await, "undefined");
    // A title has its spaces, and the line separator, made one.
    assert!(text(&browser, "document.title").await.starts_with("</script><script>window.broken = 1</script><!--"));
    assert_eq!(text(&browser, "document.querySelector('h1').textContent").await, shown);
    assert_eq!(text(&browser, "DATA.lanes.at(-1).name").await, shown);
    assert_eq!(text(&browser, "document.querySelector('.name.instance .what').textContent").await, shown);
    let (x, y) = place(&browser, "item.kind === 'event'").await;
    browser.click(x, y).await;
    browser.until("document.querySelector('#panel summary') !== null").await;
    browser.click_on("#panel summary").await;
    browser.until("document.querySelector('#panel pre') !== null").await;
    let call = text(&browser, "document.querySelector('#panel pre').textContent").await;
    assert!(call.contains("</script><script>window.broken = 1</script>"), "{call}");
    browser.eval("$('search').value = '</script><script>'").await;
    browser.eval("search()").await;
    assert!(browser.eval("view.found.size > 3").await == true);
    browser.screenshot("hostile").await;
    assert_eq!(browser.eval("typeof window.broken").await, "undefined");
    quiet(browser).await;
}
