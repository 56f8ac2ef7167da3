//! Fan-out and fan-in: invoices are added up, each by an activity of its own. The
//! bug: an activity adds to the total without a word about which invoice it is,
//! and it may run twice.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::{Handle, Sim};

use super::{Code, SECOND, end_of, is_found, survives, two_nodes};

const INVOICES: u64 = 5;
const SUM: u64 = 15;

/// A row of a database.
#[derive(Default)]
struct Ledger {
    total: u64,
    /// The invoices that are in the total.
    seen: BTreeSet<u64>,
}

impl Ledger {
    fn add(&mut self, invoice: u64, code: Code) {
        if code == Code::Wrong || self.seen.insert(invoice) {
            self.total += invoice;
        }
    }
}

async fn month(ctx: OrchestrationContext) -> Result<String, String> {
    let all = (1..=INVOICES).map(|invoice| ctx.schedule_activity("Add", invoice.to_string())).collect();
    ctx.join(all).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok("closed".to_owned())
}

const ONCE: &str = "an invoice is in the total once";

fn books(sim: Sim, code: Code) -> Sim {
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let (written, read) = (ledger.clone(), ledger);
    let activities = ActivityRegistry::builder()
        .register("Add", move |_: ActivityContext, invoice: String| {
            let written = written.clone();
            async move {
                let invoice = invoice.parse().map_err(|error| format!("{error}"))?;
                tokio::time::sleep(SECOND).await;
                written.lock().expect("nobody panics").add(invoice, code);
                tokio::time::sleep(SECOND).await;
                Ok(String::new())
            }
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder().register("Month", |ctx, _: String| month(ctx)).build();
    two_nodes(sim, activities, orchestrations).always(ONCE, move |sim| {
        let (total, ended) = (read.lock().expect("nobody panics").total, end_of(sim, "month-1").is_some());
        let right = if ended { total == SUM } else { total <= SUM };
        if right { Ok(()) } else { Err(format!("the total is {total}, and the month closed: {ended}")) }
    })
}

async fn close(sim: Handle) -> Result<(), ClientError> {
    sim.client().start_orchestration("month-1", "Month", "").await
}

#[test]
fn totals_are_right_whatever_goes_wrong() {
    survives(|sim| books(sim, Code::Right), close);
}

#[test]
fn result_that_counts_twice_is_found() {
    is_found(ONCE, |sim| books(sim, Code::Wrong), close);
}
