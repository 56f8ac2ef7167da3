//! Log lines, effects, inputs, doubles and the cause of a failure.

use page_checks::runs;

use crate::{number, open, place, quiet, text};

#[tokio::test]
async fn log_lines_and_effects_are_marks_with_details() {
    let failed = runs::observed();
    let browser = open("observed", &failed.timeline().html()).await;
    let keys = "[...document.querySelectorAll('.key')].map((key) => key.textContent).join()";
    let legend = text(&browser, keys).await;
    assert!(legend.contains("Logs 2") && legend.contains("Effects 1"), "{legend}\n{}", failed.log());
    let (x, y) = place(&browser, "item.kind === 'log' && item.label.startsWith('goes')").await;
    browser.click(x, y).await;
    let panel = text(&browser, "$('panel').innerText").await;
    assert!(panel.contains("WARN  on a letter-1 Post: the box is full"), "{panel}");
    assert!(panel.contains("INFO  on a letter-1 Post: goes to the box"), "{panel}");
    let shown = "document.querySelector('#panel .note').getBoundingClientRect().height";
    assert!(number(&browser, shown).await > 30.0, "each line has a line of its own");
    browser.screenshot("observed").await;
    quiet(browser).await;
}

#[tokio::test]
async fn what_the_run_was_given_unfolds() {
    let browser = open("given", &runs::observed().timeline().html()).await;
    let titles = "[...document.querySelectorAll('#facts summary')].map((title) => title.textContent).join()";
    let titles = text(&browser, titles).await;
    assert_eq!(titles, "Inputs (1),Client calls of the plan (1),Activities answered by doubles (1)");
    let before = number(&browser, "plot.height").await;
    browser.click_on("#facts details:nth-of-type(1) summary").await;
    assert!(text(&browser, "$('facts').innerText").await.contains("stamps: 2"));
    assert!(number(&browser, "plot.height").await < before, "the lanes make room");
    browser.screenshot("given").await;
    quiet(browser).await;
}

#[tokio::test]
async fn the_moment_that_is_shown_is_that_of_the_cause() {
    let browser = open("cause", &runs::observed().timeline().html()).await;
    browser.click_on("#to-failure").await;
    let panel = text(&browser, "$('panel').innerText").await;
    assert!(panel.contains("The cause is at +1:00.000, the end of the run at +1d 00:00:00.000."), "{panel}");
    assert!(panel.contains("The orchestration of letter-1 failed."), "{panel}");
    let x = number(&browser, "axis.x(DATA.runs[0].failure.cause.at)").await;
    assert!(x > 0.0 && x < number(&browser, "axis.width").await);
    let red = "(() => { const [r, g, b] = plot.context.getImageData(
            Math.round(axis.x(failedAt(DATA.runs[0])) * plot.ratio), Math.round((plot.height - 3) * plot.ratio), 1, 1).data;
        return r - Math.max(g, b); })()";
    assert!(number(&browser, red).await > 60.0, "a red line is drawn there");
    browser.screenshot("cause").await;
    quiet(browser).await;
}
