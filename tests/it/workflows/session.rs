//! A session: things are put into a basket by activities that all run where the
//! basket is, and then paid. The bug: the basket is nowhere but in the memory of
//! that process, and what is not there counts as empty.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use duroxide_sim::duroxide::runtime::RuntimeOptions;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::{Handle, Node, Sim};

use super::{Code, SECOND, end_of, in_a_storm, is_found, survives};

const THINGS: [&str; 3] = ["apples", "bread", "cheese"];

async fn shopping(ctx: OrchestrationContext, code: Code) -> Result<String, String> {
    let session = ctx.instance_id();
    for (n, thing) in THINGS.iter().enumerate() {
        // All there should be, or the one thing that is new.
        let things = if code == Code::Right { THINGS[..=n].join(" ") } else { (*thing).to_owned() };
        ctx.schedule_activity_on_session("Put", things, &session).await?;
        ctx.schedule_timer(10 * SECOND).await;
    }
    let things = if code == Code::Right { THINGS.join(" ") } else { String::new() };
    ctx.schedule_activity_on_session("Pay", things, &session).await
}

/// The baskets of a process, by session.
#[derive(Clone, Default)]
struct Baskets(Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>);

impl Baskets {
    /// Puts things in, and says what is in it then.
    fn put(&self, session: Option<&str>, things: &str) -> String {
        let mut baskets = self.0.lock().expect("nobody panics");
        let basket = baskets.entry(session.unwrap_or_default().to_owned()).or_default();
        basket.extend(things.split_whitespace().map(str::to_owned));
        basket.iter().cloned().collect::<Vec<_>>().join(" ")
    }
}

/// What one process runs.
fn process(code: Code) -> (ActivityRegistry, OrchestrationRegistry) {
    let baskets = Baskets::default();
    let paid = baskets.clone();
    let activities = ActivityRegistry::builder()
        .register("Put", move |ctx: ActivityContext, things: String| {
            let all = baskets.put(ctx.session_id(), &things);
            async move { Ok(all) }
        })
        .register("Pay", move |ctx: ActivityContext, things: String| {
            let all = paid.put(ctx.session_id(), &things);
            async move { Ok(all) }
        })
        .build();
    let orchestrations =
        OrchestrationRegistry::builder().register("Shopping", move |ctx, _: String| shopping(ctx, code)).build();
    (activities, orchestrations)
}

const PAID: &str = "all that was put in is paid";

fn shop(sim: Sim, code: Code) -> Sim {
    let options = || RuntimeOptions {
        session_lock_timeout: 30 * SECOND,
        session_lock_renewal_buffer: 5 * SECOND,
        ..Sim::default_options()
    };
    let sim = sim
        .node(Node::with_factory("a", move || process(code)).options(options()))
        .node(Node::with_factory("b", move || process(code)).options(options()));
    in_a_storm(sim).always(PAID, |sim| match end_of(sim, "shopping-1") {
        Some((_, paid)) if paid != THINGS.join(" ") => Err(format!("what is paid is {paid:?}")),
        _ => Ok(()),
    })
}

async fn customer(sim: Handle) -> Result<(), ClientError> {
    sim.client().start_orchestration("shopping-1", "Shopping", "").await
}

#[test]
fn baskets_are_paid_whatever_goes_wrong() {
    survives(|sim| shop(sim, Code::Right), customer);
}

#[test]
fn state_of_a_process_that_is_lost_is_found() {
    is_found(PAID, |sim| shop(sim, Code::Wrong), customer);
}
