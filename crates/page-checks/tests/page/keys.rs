//! By keyboard alone, and for those who listen.

use std::collections::BTreeSet;

use fantoccini::key::Key;
use page_checks::runs;

use crate::{number, open, press, quiet, text};

const CHOSEN: &str = "$('focus').getAttribute('aria-label')";

#[tokio::test]
async fn arrows_reach_every_event_and_each_has_a_name() {
    let browser = open("arrows", &runs::ten().timeline().html()).await;
    browser.eval("$('events').focus()").await;
    let count = number(&browser, "walkable().length").await;
    let mut seen = BTreeSet::new();
    press(&browser, Key::Home).await;
    for place in 1..=count as u64 {
        seen.insert(number(&browser, "view.chosen.number").await as u64);
        assert_eq!(number(&browser, "Number($('focus').getAttribute('aria-posinset'))").await as u64, place);
        assert!(text(&browser, CHOSEN).await.len() > 10);
        press(&browser, Key::Right).await;
    }
    assert_eq!(seen.len(), count as usize);
    press(&browser, Key::Left).await;
    assert_eq!(number(&browser, "walkable().indexOf(view.chosen)").await, count - 2.0);
    assert_eq!(text(&browser, "$('events').getAttribute('aria-activedescendant')").await, "focus");
    quiet(browser).await;
}

#[tokio::test]
async fn arrows_go_from_lane_to_lane() {
    let browser = open("lanes", &runs::ten().timeline().html()).await;
    browser.eval("$('events').focus()").await;
    press(&browser, Key::Home).await;
    let first = text(&browser, "laneName(view.chosen.lane)").await;
    assert_eq!(first, "parcel-1");
    press(&browser, Key::Up).await;
    assert_eq!(text(&browser, "laneName(view.chosen.lane)").await, "client");
    press(&browser, Key::Down).await;
    assert_eq!(text(&browser, "laneName(view.chosen.lane)").await, "parcel-1");
    quiet(browser).await;
}

#[tokio::test]
async fn tab_comes_to_the_events_and_the_focus_is_seen() {
    let browser = open("focus", &runs::ten().timeline().html()).await;
    browser.eval("$('help').focus()").await;
    let mut stops = Vec::new();
    for _ in 0..40 {
        press(&browser, Key::Tab).await;
        stops.push(text(&browser, "document.activeElement.id || document.activeElement.tagName").await);
        if stops.last().is_some_and(|stop| stop == "events") {
            break;
        }
    }
    assert_eq!(stops.last().map(String::as_str), Some("events"), "{stops:?}");
    press(&browser, Key::Right).await;
    let outline = text(&browser, "getComputedStyle($('focus')).outlineStyle + ' ' + $('focus').hidden").await;
    assert_eq!(outline, "solid false");
    browser.screenshot("focus").await;
    quiet(browser).await;
}

#[tokio::test]
async fn enter_opens_details_and_escape_brings_back() {
    let browser = open("enter", &runs::ten().timeline().html()).await;
    browser.eval("$('events').focus()").await;
    press(&browser, Key::Home).await;
    press(&browser, Key::Right).await;
    press(&browser, Key::Enter).await;
    assert_eq!(text(&browser, "document.activeElement.tagName").await, "H2");
    let label = text(&browser, "view.chosen.label").await;
    assert_eq!(text(&browser, "document.querySelector('#panel h2').textContent").await, label);
    press(&browser, Key::Escape).await;
    assert_eq!(text(&browser, "document.activeElement.id + ' ' + $('panel').hidden").await, "events true");
    quiet(browser).await;
}

#[tokio::test]
async fn letters_work_the_view() {
    let browser = open("letters", &runs::ten().timeline().html()).await;
    browser.eval("$('events').focus()").await;
    let scale = number(&browser, "axis.scale").await;
    browser.keys("++").await;
    assert!(number(&browser, "axis.scale").await > scale * 2.0);
    let left = number(&browser, "axis.left").await;
    browser.keys("z").await;
    assert!(number(&browser, "axis.left").await > left);
    browser.keys("0").await;
    assert_eq!(number(&browser, "axis.scale").await, scale);
    browser.keys("s").await;
    assert_eq!(text(&browser, "axis.mode").await, "true");
    browser.keys("t").await;
    assert_eq!(text(&browser, "String($('table').hidden)").await, "false");
    browser.keys("t").await;
    browser.keys("?").await;
    assert_eq!(text(&browser, "String($('keys').open)").await, "true");
    press(&browser, Key::Escape).await;
    browser.keys("/").await;
    assert_eq!(text(&browser, "document.activeElement.id").await, "search");
    // Letters in the search are letters.
    browser.keys("st").await;
    assert_eq!(text(&browser, "$('search').value + ' ' + axis.mode").await, "st true");
    quiet(browser).await;
}
