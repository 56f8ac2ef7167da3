//! [`Up`]: a real duroxide runtime on the simulation's provider.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use duroxide::ActivityContext;
use duroxide::runtime::registry::{ActivityRegistry, ActivityRegistryBuilder};
use duroxide::runtime::{ActivityHandler, Runtime};

use super::doubles::{Begun, Doubles};
use super::life::ProcessRun;
use super::node::Build;
use super::panics::panic_text;
use super::tasks::ours;
use crate::call::Handler;
use crate::clock;
use crate::logs::{self, Origin};
use crate::provider::Port;

/// A node that is running.
pub(super) struct Up {
    pub runtime: Arc<Runtime>,
    pub life: Arc<ProcessRun>,
}

impl Up {
    /// Starts a runtime on `storage`. `incarnation` counts all starts in the simulation:
    /// duroxide derives a runtime's id from the last digits of the clock, and on a virtual
    /// clock two nodes would get the same id.
    pub async fn start(
        build: Build,
        storage: impl Handler + 'static,
        life: Arc<ProcessRun>,
        doubles: &Arc<Doubles>,
        incarnation: u64,
    ) -> Up {
        let (activities, orchestrations) = build.code();
        let activities = tied(&activities, &life, doubles);
        let provider = Arc::new(Port::over(storage));
        let mut start = pin!(Runtime::start_with_options(provider, activities, orchestrations, build.options));
        let nanos = i64::try_from(incarnation % 1_000_000).expect("a number below a million fits in an i64");
        let starting = poll_fn(|cx| ours(|| clock::shifted(nanos, || start.as_mut().poll(cx))));
        let runtime = logs::from(Origin { node: life.name.clone(), ..Origin::default() }, starting).await;
        Up { runtime, life }
    }

    /// Ends the node like a power failure: from this instant on nothing reaches the
    /// storage, and no activity continues.
    pub fn crash(self) {
        self.life.end();
        ours(|| tokio::spawn(logs::silent(self.runtime.shutdown(Some(0)))));
    }
}

/// Fails the activity if it panics, as duroxide does. duroxide's error text would contain
/// tokio's task id, which is not deterministic.
async fn caught(work: impl Future<Output = Result<String, String>>) -> Result<String, String> {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)));
        polled.unwrap_or_else(|payload| {
            Poll::Ready(Err(format!("the activity panicked with message {:?}", panic_text(&*payload))))
        })
    })
    .await
}

/// Wraps the activities so that they belong to one process run: they continue only while it
/// runs, see the node's clock, are recorded, and are answered by their doubles.
fn tied(activities: &ActivityRegistry, life: &Arc<ProcessRun>, doubles: &Arc<Doubles>) -> ActivityRegistry {
    let own = activities.list_names().into_iter().filter_map(|name| {
        let (_, handler) = activities.resolve_handler(&name)?;
        Some((name, Some(handler)))
    });
    let mut handlers: BTreeMap<String, Option<Arc<dyn ActivityHandler>>> = own.collect();
    doubles.added().for_each(|name| {
        handlers.entry(name.clone()).or_default();
    });
    let tie = |builder: ActivityRegistryBuilder, (name, handler): (String, Option<Arc<dyn ActivityHandler>>)| {
        let (life, doubles) = (life.clone(), doubles.clone());
        builder.register(name.clone(), move |ctx: ActivityContext, input: String| {
            let (handler, life, doubles) = (handler.clone(), life.clone(), doubles.clone());
            let (activity, instance) = (name.clone(), ctx.instance_id().to_owned());
            let begun = Begun { life: life.clone(), delivery: life.deliveries.take(&ctx, &input), ctx, input };
            async move { caught(life.code(activity, instance, doubles.run(begun, handler))).await }
        })
    };
    handlers.into_iter().fold(ActivityRegistry::builder(), tie).build()
}
