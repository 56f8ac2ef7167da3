//! A failed run, and two runs beside each other.

use page_checks::{Browser, Theme, runs};

use crate::{number, open, quiet, text};

#[tokio::test]
async fn the_failing_moment_is_marked_and_can_be_shown() {
    let (failed, _) = runs::pair();
    let browser = open("failure", &failed.timeline().about("parcel-1").html()).await;
    assert!(text(&browser, "$('failure').innerText").await.starts_with("The simulation failed: the body returned"));
    browser.click_on("#to-failure").await;
    let x = number(&browser, "axis.x(DATA.runs[0].failure.at)").await;
    assert!(x > 0.0 && x < number(&browser, "axis.width").await);
    assert!(text(&browser, "$('panel').innerText").await.contains("Repeat it with:"));
    assert_eq!(number(&browser, "document.querySelectorAll('#panel pre').length").await, 1.0);
    assert_eq!(text(&browser, "document.querySelector('.accused .what').textContent").await, "parcel-1");
    browser.screenshot("failure").await;
    quiet(browser).await;
}

#[tokio::test]
async fn two_failures_are_both_told() {
    let (failed, _) = runs::pair();
    let browser =
        open("failures", &failed.timeline().named("one").beside(failed.timeline().named("other")).html()).await;
    let headline = text(&browser, "$('failure').innerText").await;
    assert!(headline.contains("one: The simulation failed") && headline.contains("other: The"), "{headline}");
    browser.click_on("#failure-text").await;
    assert_eq!(number(&browser, "document.querySelectorAll('#panel pre').length").await, 2.0);
    assert_eq!(text(&browser, "$('difference').innerText").await, "The two runs are equal, call by call.");
    browser.screenshot("failures").await;
    quiet(browser).await;
}

#[tokio::test]
async fn two_runs_are_shown_up_to_their_first_difference() {
    let (failed, good) = runs::pair();
    let html = failed.timeline().named("a lost parcel").beside(good.timeline().named("a kept parcel")).html();
    let browser = Browser::start("sides", 1400, 800).await;
    for theme in [Theme::Dark, Theme::Light] {
        browser.open("page", &html, theme).await;
        browser.eval("1").await;
        browser.screenshot(&format!("sides-{theme:?}")).await;
    }
    let same = "(() => { const before = (run) => DATA.items.filter((i) => i.run === run && i.to < DATA.difference.at)
            .map((i) => [i.kind, i.state, i.label, i.lane, i.from, i.to].join());
        return before(0).length > 5 && before(0).join('|') === before(1).join('|'); })()";
    assert_eq!(browser.eval(same).await, true, "up to the first difference both runs are drawn alike");
    browser.click_on("#to-difference").await;
    let panel = text(&browser, "$('panel').innerText").await;
    assert!(panel.contains("\"lose\"") && panel.contains("\"keep\""), "{panel}");
    browser.screenshot("difference").await;
    quiet(browser).await;
}
