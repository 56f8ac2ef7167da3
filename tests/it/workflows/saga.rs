//! A saga: a trip is booked step by step, and where a step fails or takes too
//! long, what was booked is cancelled. The bug: a step is noted to be undone
//! only when it is known to have succeeded, and what took too long may succeed
//! as well.

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, Either2, OrchestrationContext};
use duroxide_sim::sim::Effects;
use duroxide_sim::{Handle, Sim};

use super::{Code, SECOND, end_of, is_found, survives, two_nodes};

const STEPS: [&str; 3] = ["flight", "hotel", "car"];
const TRIPS: [&str; 2] = ["trip-1", "trip-2"];

async fn trip(ctx: OrchestrationContext, trip: String, code: Code) -> Result<String, String> {
    let mut undo = Vec::new();
    for step in STEPS {
        let key = format!("{step} of {trip}");
        if code == Code::Right {
            undo.push(key.clone());
        }
        let booking = ctx.schedule_activity("Book", &key);
        let booked = match ctx.select2(booking, ctx.schedule_timer(20 * SECOND)).await {
            Either2::First(booked) => booked,
            Either2::Second(()) => Err("too slow".to_owned()),
        };
        if let Err(why) = booked {
            for key in undo.iter().rev() {
                ctx.schedule_activity("Cancel", key).await?;
            }
            return Ok(format!("cancelled: {why}"));
        }
        if code == Code::Wrong {
            undo.push(key);
        }
    }
    Ok("booked".to_owned())
}

/// A travel agency that knows a booking by its key, and cancels it for good: what
/// is booked later with that key is refused.
fn activities(effects: Effects) -> ActivityRegistry {
    let cancelled = effects.clone();
    ActivityRegistry::builder()
        .register("Book", move |_: ActivityContext, key: String| {
            let refused = key == "car of trip-2" || effects.count(&format!("cancelled {key}")) > 0;
            if !refused {
                effects.add(format!("booked {key}"));
            }
            async move { if refused { Err("not available".to_owned()) } else { Ok(String::new()) } }
        })
        .register("Cancel", move |_: ActivityContext, key: String| {
            cancelled.add(format!("cancelled {key}"));
            async { Ok(String::new()) }
        })
        .build()
}

/// A trip that came about has all that was booked for it; of another nothing is
/// left.
fn settled(sim: &Handle) -> Result<(), String> {
    let effects = sim.effects();
    for trip in TRIPS {
        let Some((_, output)) = end_of(sim, trip) else { return Err(format!("{trip} goes on")) };
        for step in STEPS {
            let stands = effects.count(&format!("booked {step} of {trip}")) > 0
                && effects.count(&format!("cancelled {step} of {trip}")) == 0;
            if stands != (output == "booked") {
                return Err(format!("{trip} is {output}, and its {step} booked: {stands}"));
            }
        }
    }
    Ok(())
}

const SETTLED: &str = "a trip has all its bookings or none";

fn agency(sim: Sim, code: Code) -> Sim {
    let activities = activities(sim.effects());
    let orchestrations =
        OrchestrationRegistry::builder().register("Trip", move |ctx, name| trip(ctx, name, code)).build();
    let slow = |sim: &Handle| TRIPS.iter().any(|trip| end_of(sim, trip).is_some_and(|(_, out)| out.contains("slow")));
    two_nodes(sim, activities, orchestrations).eventually(SETTLED, settled).sometimes("a step is too slow", slow)
}

async fn trips(sim: Handle) -> Result<(), ClientError> {
    for trip in TRIPS {
        sim.client().start_orchestration(trip, "Trip", trip).await?;
    }
    Ok(())
}

#[test]
fn trips_are_settled_whatever_goes_wrong() {
    survives(|sim| agency(sim, Code::Right), trips);
}

#[test]
fn lost_compensation_is_found() {
    is_found(SETTLED, |sim| agency(sim, Code::Wrong), trips);
}
