//! A subscriber of tracing-subscriber that the test has set, with its layers, spans and filters.

use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::Instrument;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::week::{DAY, sim, week};

/// What was written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().clone()).expect("it is text").lines().map(str::to_owned).collect()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Written;

    fn make_writer(&'a self) -> Written {
        self.clone()
    }
}

/// A layer that writes plain lines.
fn plain<S>(to: &Written) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_subscriber::fmt::layer().with_writer(to.clone()).without_time().with_ansi(false)
}

#[test]
fn layers_with_filters_of_their_own_receive_their_lines_and_spans() {
    let (all, few) = (Written::default(), Written::default());
    let warnings = Targets::new().with_target("fit", LevelFilter::WARN);
    let subscriber =
        Registry::default().with(plain(&all).with_filter(LevelFilter::DEBUG)).with(plain(&few).with_filter(warnings));
    let log = tracing::subscriber::with_default(subscriber, || {
        let run = sim(1).try_run(|sim| async move {
            let span = tracing::info_span!("approving", by = "Ada");
            async {
                tracing::debug!("begins");
                tokio::task::yield_now().await;
                tracing::warn!("takes long");
            }
            .instrument(span)
            .await;
            week(sim, 1, DAY).await
        });
        run.unwrap_or_else(|failure| panic!("{failure}")).observed.log
    });
    let all = all.lines();
    let line = |text: &str| all.iter().find(|line| line.ends_with(text)).unwrap_or_else(|| panic!("{text}: {all:?}"));
    assert_eq!(line("begins"), "DEBUG approving{by=\"Ada\"}: fit::subscriber: begins");
    assert_eq!(line("takes long"), " WARN approving{by=\"Ada\"}: fit::subscriber: takes long");
    let day = " INFO duroxide::activity: day 1 of 1 instance_id=week-1 ";
    assert!(all.iter().any(|line| line.starts_with(day)), "{all:?}");
    assert_eq!(few.lines(), [" WARN fit::subscriber: takes long"], "its filter leaves out the span, too");
    let kept: Vec<&str> = log.lines.iter().map(|line| line.message.as_str()).collect();
    let days = ["day 1 of 1", "day 2 of 1", "day 3 of 1", "day 4 of 1", "day 5 of 1"];
    assert_eq!(kept[0], "takes long");
    assert_eq!(kept[1..], days, "the log has its own levels");
}

#[test]
fn the_current_span_reaches_tasks_of_the_simulation() {
    let written = Written::default();
    tracing::subscriber::with_default(Registry::default().with(plain(&written)), || {
        sim(1).run(|_| async {
            let spawned = tracing::info_span!("outer")
                .in_scope(|| tokio::spawn(async { tracing::info!("inside") }.in_current_span()));
            spawned.await.expect("it ends");
        });
    });
    let lines = written.lines();
    assert!(lines.contains(&" INFO outer: fit::subscriber: inside".to_owned()), "{lines:?}");
}
