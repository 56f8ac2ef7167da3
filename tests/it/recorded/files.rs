//! Histories as files.

use std::path::Path;

use duroxide_sim::Sim;
use duroxide_sim::duroxide::OrchestrationContext;
use duroxide_sim::recorded::{Recorded, Replay, Verdict};

use super::{DAY, nothing, recorded, work};
use crate::scratch;

async fn once(ctx: OrchestrationContext, input: String) -> Result<String, String> {
    ctx.schedule_activity("Double", input).await
}

fn history() -> Recorded {
    recorded(work(once), DAY, nothing)
}

#[track_caller]
fn error(path: &Path) -> String {
    Recorded::read(path).expect_err("it is wrong").to_string()
}

#[test]
fn a_file_gives_back_what_was_written() {
    let folder = scratch::folder("recorded-round-trip");
    let path = folder.join("deep/one.json");
    history().write(&path).expect("it is written");
    assert_eq!(Recorded::read(&path).expect("it is read"), history());
}

#[test]
fn histories_of_one_shape_are_kept_once() {
    let folder = scratch::folder("recorded-shapes");
    let first = history().add_to(&folder).expect("it is written");
    // Other data and times, the same branch.
    let other = recorded(work(|ctx, _| once(ctx, "8".to_owned())), DAY, nothing);
    assert_ne!(other, history());
    assert_eq!(other.add_to(&folder).expect("it is there"), first);
    let fails = recorded(work(|ctx, _| once(ctx, "x".to_owned())), DAY, nothing);
    assert_ne!(fails.add_to(&folder).expect("it is written"), first);
    let report = Replay::new(work(once)).check_all(&folder).expect("they are read");
    assert_eq!(report.histories.len(), 2);
    let name = first.file_name().and_then(|name| name.to_str()).expect("it has a name");
    assert!(name.starts_with("Work-") && name.ends_with(".json"), "{name}");
}

#[test]
fn files_that_are_no_histories_are_refused() {
    let folder = scratch::folder("recorded-wrong");
    let path = folder.join("one.json");
    assert!(error(&path).contains("cannot be used"), "{}", error(&path));
    assert!(error(&folder).contains("it is not a regular file"), "{}", error(&folder));
    let write = |text: &str| std::fs::write(&path, text).expect("it is written");
    for text in ["", "[]", "7", "{}", "{\"recorded\": \"one\"}", "\u{0}"] {
        write(text);
        assert!(error(&path).contains("it is not a recorded history"), "{text:?}: {}", error(&path));
    }
    write("{\"recorded\": 2}");
    assert!(error(&path).contains("it has format 2, and this crate reads format 1"), "{}", error(&path));
    let text = serde_json::to_string(&history()).expect("it has a JSON form");
    for (from, to, why) in [
        ("\"kv\":", "\"more\":1,\"kv\":", "damaged"),
        ("\"ActivityScheduled\"", "\"Unheard\"", "a newer duroxide recorded it"),
        ("\"events\":[", "\"events\":[],\"events\":[", "damaged"),
    ] {
        write(&text.replacen(from, to, 1));
        assert!(error(&path).contains(why), "{}", error(&path));
    }
    let mut empty = history();
    empty.executions[0].events.clear();
    empty.write(&path).expect("it is written");
    assert!(error(&path).contains("it has no events"), "{}", error(&path));
    empty.executions.clear();
    assert!(!Replay::new(work(once)).check(&empty).is_compatible());
}

#[test]
fn a_folder_without_histories_proves_nothing() {
    let folder = scratch::folder("recorded-empty");
    let check = |folder: &Path| Replay::new(work(once)).check_all(folder).expect_err("it is wrong").to_string();
    assert!(check(&folder).contains("has no .json file"), "{}", check(&folder));
    assert!(check(&folder.join("away")).contains("cannot be read"), "{}", check(&folder.join("away")));
    std::fs::write(folder.join("one.json"), "{").expect("it is written");
    assert!(check(&folder).contains("one.json"), "{}", check(&folder));
}

#[test]
fn histories_that_duroxide_cannot_have_recorded_are_told_as_that() {
    let replay = Replay::new(work(once));
    let unreadable = |change: &dyn Fn(&mut Recorded)| {
        let mut history = history();
        change(&mut history);
        let checked = replay.check(&history);
        let Verdict::Unreadable(why) = checked.executions[0].verdict.clone() else { panic!("{checked}") };
        assert!(!checked.is_compatible());
        why
    };
    let events = |change: &'static dyn Fn(&mut Vec<duroxide_sim::duroxide::Event>)| {
        unreadable(&|history| change(&mut history.executions[0].events))
    };
    assert!(events(&|events| drop(events.remove(0))).contains("not OrchestrationStarted"));
    assert!(events(&|events| events.swap(1, 2)).contains("do not ascend"));
    assert!(events(&|events| events[1].instance_id = "other".to_owned()).contains("another instance"));
    assert!(
        events(&|events| {
            let mut last = events.last().expect("there is one").clone();
            last.event_id += 1;
            events.push(last);
        })
        .contains("after the one that ends")
    );
}

#[test]
fn instances_without_a_history_are_an_error_or_left_out() {
    let (all, errors) = Sim::new(1).run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("waits", "Work", "3").await?;
        let all = Recorded::all_of(&client).await?;
        let errors = [Recorded::of(&client, "waits").await, Recorded::of(&client, "nobody").await];
        Ok::<_, Box<dyn std::error::Error>>((all, errors.map(|read| read.expect_err("it has none").to_string())))
    });
    assert!(all.is_empty());
    for error in errors {
        assert!(error.contains("has no history") || error.contains("cannot be read"), "{error}");
    }
}
