//! With the pointer: clicks, the wheel, dragging, and both scales of time.

use page_checks::runs;

use crate::{number, open, place, quiet, text};

#[tokio::test]
async fn a_click_on_a_bar_opens_its_details() {
    let browser = open("click", &runs::ten().timeline().html()).await;
    let (x, y) = place(&browser, "item.kind === 'activity' && item.label === 'Pack'").await;
    browser.hover(x, y).await;
    assert!(text(&browser, "$('tip').textContent").await.starts_with("Activity Pack, parcel-1 by "));
    browser.click(x, y).await;
    let panel = text(&browser, "$('panel').innerText").await;
    for part in
        ["Pack", "parcel-1", "fetch_work_item", "ack_work_item", "ActivityCompleted #2 \"a vase\"", "Lasts\n3 s"]
    {
        assert!(panel.contains(part), "{part:?} is not in:\n{panel}");
    }
    browser.screenshot("activity").await;
    browser.click_on("#panel summary").await;
    assert!(text(&browser, "document.querySelector('#panel pre').textContent").await.contains("\"FetchWorkItem\""));
    browser.click_on("#panel-close").await;
    assert_eq!(text(&browser, "String($('panel').hidden)").await, "true");
    quiet(browser).await;
}

#[tokio::test]
async fn details_of_a_turn_show_the_events_it_wrote() {
    let browser = open("turn", &runs::ten().timeline().html()).await;
    let (x, y) = place(&browser, "item.kind === 'turn' && item.label === 'Pack done'").await;
    browser.click(x, y).await;
    let panel = text(&browser, "$('panel').innerText").await;
    for part in ["Events of the history", "ActivityCompleted #2", "TimerCreated in 30d", "Causes", "Effects"] {
        assert!(panel.contains(part), "{part:?} is not in:\n{panel}");
    }
    browser.screenshot("turn").await;
    quiet(browser).await;
}

#[tokio::test]
async fn the_wheel_and_the_buttons_zoom_where_the_pointer_is() {
    let browser = open("zoom", &runs::ten().timeline().html()).await;
    let (x, y) = place(&browser, "item.kind === 'activity' && item.label === 'Send'").await;
    let scale = number(&browser, "axis.scale").await;
    browser.wheel(x as i64, y as i64, -400).await;
    assert!(number(&browser, "axis.scale").await > scale * 2.0);
    let (after, _) = place(&browser, "item.kind === 'activity' && item.label === 'Send'").await;
    assert!((after - x).abs() < 60.0, "what was under the pointer stays there: {x} and {after}");
    browser.click_on("#fit").await;
    assert_eq!(number(&browser, "axis.scale").await, scale);
    browser.click_on("#zoom-in").await;
    browser.click_on("#zoom-in").await;
    browser.click_on("#zoom-out").await;
    assert!(number(&browser, "axis.scale").await > scale);
    quiet(browser).await;
}

#[tokio::test]
async fn true_scale_shows_the_month_and_zooms_to_its_milliseconds() {
    let browser = open("month", &runs::ten().timeline().html()).await;
    let width = "(() => { const timer = DATA.items.find((item) => item.kind === 'timer');
        return (axis.x(timer.to) - axis.x(timer.from)) / axis.width; })()";
    assert!(number(&browser, width).await < 0.6);
    browser.screenshot("squeezed").await;
    browser.click_on("label.choice:has([value=true])").await;
    assert!(number(&browser, width).await > 0.9);
    browser.screenshot("true").await;
    // Every millisecond of a month can be told from the next.
    for _ in 0..80 {
        browser.eval("zoom(1.6, axis.margin)").await;
    }
    assert!(number(&browser, "axis.scale").await >= 100.0);
    assert!(number(&browser, "axis.ticks().ticks.length").await >= 3.0);
    browser.screenshot("milliseconds").await;
    quiet(browser).await;
}

#[tokio::test]
async fn many_lanes_scroll_and_fold() {
    let browser = open("many", runs::page_of_ten_thousand()).await;
    let (x, y) = (800, 600);
    let scale = number(&browser, "axis.scale").await;
    browser.wheel(x, y, 1200).await;
    // Chromium scrolls smoothly: in its own time.
    browser.until("$('scroll').scrollTop > 500").await;
    assert_eq!(number(&browser, "axis.scale").await, scale, "the wheel scrolls where not all lanes fit");
    let names = number(&browser, "document.querySelectorAll('.name').length").await;
    assert!((5.0..80.0).contains(&names), "only names in sight are made: {names}");
    browser.eval("$('scroll').scrollTop = 0").await;
    let lanes = number(&browser, "layout.lines.length").await;
    browser.click_on(".fold").await;
    assert_eq!(number(&browser, "layout.lines.length").await, lanes - 1.0);
    assert_eq!(text(&browser, "document.querySelector('.fold').getAttribute('aria-expanded')").await, "false");
    browser.screenshot("folded").await;
    let height = number(&browser, "layout.height").await;
    browser.click_on("#compact").await;
    assert!(number(&browser, "layout.height").await < height / 2.0);
    browser.screenshot("compact").await;
    quiet(browser).await;
}
