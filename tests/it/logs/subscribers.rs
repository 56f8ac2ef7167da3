//! The subscriber that a test has set stays in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use duroxide_sim::Sim;
use parking_lot::Mutex;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::{order, ran, sim};

/// Records what it receives, and writes a file for each line.
#[derive(Clone, Default)]
struct Mine {
    got: Arc<Mutex<Vec<String>>>,
    spans: Arc<AtomicU64>,
    writes: bool,
}

impl Subscriber for Mine {
    fn enabled(&self, place: &Metadata<'_>) -> bool {
        *place.level() <= Level::DEBUG && place.target().starts_with("it::")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.got.lock().push(format!("span {}", span.metadata().name()));
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.got.lock().push(format!("{} {}", event.metadata().level(), event.metadata().target()));
        if self.writes {
            let file = std::env::temp_dir().join(format!("duroxide-sim-logs-{}", std::process::id()));
            std::fs::write(&file, "a line").expect("the file can be written");
            std::fs::remove_file(file).expect("the file can be removed");
        }
    }

    fn enter(&self, span: &Id) {
        self.got.lock().push(format!("enter {}", span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        self.got.lock().push(format!("exit {}", span.into_u64()));
    }
}

fn under<T>(mine: &Mine, test: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(mine.clone(), test)
}

#[test]
fn the_subscriber_of_the_thread_gets_lines_and_spans() {
    let mine = Mine::default();
    let run = under(&mine, || {
        ran(sim().try_run(|sim| async move {
            tracing::debug_span!("placing").in_scope(|| tracing::debug!("places an order"));
            order(sim, "4711").await
        }))
        .observed
        .log
    });
    let got = mine.got.lock().clone();
    let begin = ["span placing", "enter 1", "DEBUG it::logs::subscribers", "exit 1"];
    assert_eq!(got[..4], begin, "{got:?}");
    let rest = ["INFO it::logs", "INFO it::logs", "DEBUG it::logs"];
    assert_eq!(got[4..], rest, "what it does not enable it does not get");
    assert_eq!(run.lines.len(), 4, "the log has its own levels: {run}");
}

#[test]
fn what_a_subscriber_does_is_no_escape() {
    let mine = Mine { writes: true, ..Mine::default() };
    let escapes = under(&mine, || ran(Sim::new(1).try_run(|_| async { tracing::info!("written") })).escapes);
    assert_eq!(mine.got.lock().len(), 1);
    assert!(escapes.is_empty(), "{escapes:?}");
}

#[test]
fn the_thread_has_its_subscriber_again_after_a_run() {
    let mine = Mine::default();
    under(&mine, || {
        Sim::new(1).run(|_| async {});
        tracing::info!("after the run");
    });
    assert_eq!(*mine.got.lock(), ["INFO it::logs::subscribers"]);
}
