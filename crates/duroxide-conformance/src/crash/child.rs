//! The child process that works until it is killed.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use duroxide_sim::clock::Warp;

use super::{Line, Order, VARIABLE};
use crate::drive::{Observed, OnDeviation, Seen, Stage, play};
use crate::mismatch::Mismatch;
use crate::pace::Pace;
use crate::storage::Storage;

/// Whether this program was started as the child process.
pub(crate) fn is_child() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// Runs the script in the order on standard input, until killed.
///
/// # Errors
///
/// A message, if the order cannot be read or the storage cannot be opened.
pub(crate) async fn work(storage: &dyn Storage) -> Result<(), String> {
    let mut text = String::new();
    let told = |error: std::io::Error| format!("The order could not be read: {error}.");
    std::io::stdin().read_to_string(&mut text).map_err(told)?;
    let order: Order = serde_json::from_str(&text).map_err(|error| format!("The order is not valid: {error}."))?;
    let warp = Warp::start(Some(order.at)).map_err(|error| error.to_string())?;
    let Some(provider) = storage.open(&order.location).await else {
        return Err(format!("The storage at {:?} could not be opened.", order.location));
    };
    // A deviation here is not due to a crash; the parent notices it too and
    // stops there.
    let go_on = |_: &[Observed], _: &Mismatch| OnDeviation::Stop;
    let mut pace = Pace::Warp { warp, tick: storage.time().tick() };
    let stage = Stage {
        provider,
        storage,
        pace: &mut pace,
        policy: &go_on,
        skip: None,
        observer: &say,
        patience: Duration::from_secs(60),
    };
    play(&order.script, stage).await;
    tell(&Line::Done);
    Ok(())
}

fn say(seen: Seen<'_>) {
    tell(&match seen {
        Seen::Asked(at, call) => Line::Asked(at, Box::new(call.clone())),
        Seen::Answered(reply) => Line::Answered(Box::new(reply.clone())),
    });
}

/// Each line is written before anything else is done: the parent knows nothing
/// else.
fn tell(line: &Line) {
    if let Ok(text) = serde_json::to_string(line) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{text}");
        let _ = out.flush();
    }
}
