//! A trip books three things, a second each; a cancel gives back what is booked.
//! The planted bug forgets the booking that is under way.

use std::pin::pin;

use super::*;

async fn trip(ctx: OrchestrationContext, forgets: bool) -> Result<String, String> {
    let mut cancel = pin!(ctx.schedule_wait("cancel"));
    let mut booked = Vec::new();
    let mut cancelled = false;
    for what in ["flight", "hotel", "car"] {
        let mut booking = pin!(ctx.schedule_activity("Book", what));
        if let Either2::Second(_) = ctx.select2(booking.as_mut(), cancel.as_mut()).await {
            cancelled = true;
            if forgets {
                break;
            }
            booking.await?;
        }
        booked.push(what);
        if cancelled {
            break;
        }
    }
    if !cancelled {
        return Ok("booked".to_owned());
    }
    for what in booked {
        ctx.schedule_activity("GiveBack", what).await?;
    }
    Ok("cancelled".to_owned())
}

fn agency(sim: Sim, forgets: bool) -> Sim {
    let (booked, given) = (sim.effects(), sim.effects());
    let activities = ActivityRegistry::builder()
        .register("Book", move |_: ActivityContext, what: String| {
            let booked = booked.clone();
            async move {
                tokio::time::sleep(SECOND).await;
                booked.add(format!("{what} booked"));
                Ok(String::new())
            }
        })
        .register("GiveBack", move |_: ActivityContext, what: String| {
            given.add(format!("{what} given back"));
            async { Ok(String::new()) }
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Trip", move |ctx: OrchestrationContext, _: String| trip(ctx, forgets))
        .build();
    sim.node(Node::new("a", activities, orchestrations))
}

const PROPERTY: &str = "all or nothing";

fn all_or_nothing(sim: &Handle) -> Result<(), String> {
    let has = |what: &&&str, how: &str| sim.effects().count(&format!("{what} {how}")) > 0;
    let left: Vec<&str> = ["flight", "hotel", "car"]
        .iter()
        .filter(|what| has(what, "booked") && !has(what, "given back"))
        .copied()
        .collect();
    if left.is_empty() || left.len() == 3 { Ok(()) } else { Err(format!("left over: {}", left.join(", "))) }
}

/// Cancels after so many milliseconds, and waits for the trip's end.
async fn cancel(sim: Handle, after_ms: u64) -> Result<String, Box<dyn std::error::Error>> {
    sim.client().start_orchestration("trip-1", "Trip", "").await?;
    sim.sleep(Duration::from_millis(after_ms)).await;
    sim.client().raise_event("trip-1", "cancel", "").await?;
    Ok(sim.output("trip-1", HOUR).await?)
}

/// Every moment at which a booking is under way, the edges and each so many.
fn moments() -> impl Iterator<Item = u64> {
    (1..3000).filter(|at| at % 1000 != 0 && (at % 61 == 0 || [1, 2, 999].contains(&(at % 1000))))
}

fn run(forgets: bool, after_ms: u64, demand: impl Fn(Sim) -> Sim) -> Result<Run<String>, Box<Failure>> {
    demand(agency(Sim::new(1), forgets)).try_run(move |sim| cancel(sim, after_ms))
}

#[test]
fn a_booking_that_is_forgotten_under_way_is_found_at_every_moment_without_a_fault() {
    for after_ms in moments() {
        let failure = failed(run(true, after_ms, |sim| sim.eventually(PROPERTY, all_or_nothing)));
        assert!(matches!(&failure.cause, Cause::Eventually { name, .. } if name == PROPERTY), "{after_ms}: {failure}");
        let failure = failed(run(true, after_ms, |sim| sim.at_end(PROPERTY, all_or_nothing)));
        let left = format!("left over: {}", ["flight", "hotel", "car"][after_ms as usize / 1000]);
        assert_eq!(failure.cause, Cause::AtEnd { name: PROPERTY.to_owned(), what: left }, "{after_ms}: {failure}");
    }
}

#[test]
fn the_right_trip_goes_well_at_every_moment() {
    for after_ms in (1..=3001).filter(|at| at % 1000 < 3 || at % 61 == 0) {
        let run = well(run(false, after_ms, |sim| {
            sim.eventually(PROPERTY, all_or_nothing).at_end("it is so", all_or_nothing).finish_within(HOUR)
        }));
        let ends = if after_ms < 3000 { "cancelled" } else { "booked" };
        assert!(after_ms == 3000 || run.value == ends, "{after_ms}: {}", run.value);
    }
}

#[test]
fn exploring_finds_it_at_the_first_seeds() {
    let found = duroxide_sim::explore().seeds(10).quiet().try_run(
        |sim| agency(sim, true).eventually(PROPERTY, all_or_nothing),
        |sim| async move {
            let after_ms = sim.input("cancel after ms", 1..=2999);
            cancel(sim, after_ms).await
        },
    );
    let problem = found.expect_err("it is found").to_string();
    assert!(problem.contains("\"all or nothing\" must eventually hold"), "{problem}");
}
