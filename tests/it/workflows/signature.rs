//! A contract that waits for a signature, from a minute on as overdue. An event
//! that comes while nothing waits for it is lost, so who signs does it again
//! until it counts. The bug: who signs does it once.

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ClientError, Either2, OrchestrationContext};
use duroxide_sim::sim::Storm;
use duroxide_sim::{Handle, Sim};

use super::{Code, MINUTE, SECOND, comes_to, end_of, is_found, pair, running, survives};

async fn contract(ctx: OrchestrationContext) -> Result<String, String> {
    let signed = ctx.select2(ctx.schedule_wait("signature"), ctx.schedule_timer(MINUTE)).await;
    if let Either2::First(by) = signed {
        return Ok(by);
    }
    ctx.set_custom_status("overdue");
    Ok(ctx.schedule_wait("signature").await)
}

const COUNTS: &str = "a signature counts";

fn office(sim: Sim) -> Sim {
    let orchestrations = OrchestrationRegistry::builder().register("Contract", |ctx, _: String| contract(ctx)).build();
    // A contract may wait as long as people do, so nothing says when it ends.
    let sim = pair(sim, ActivityRegistry::builder().build(), orchestrations).storm(Storm::new());
    sim.eventually(COUNTS, |sim| comes_to(sim, "contract", "me"))
}

/// Signs after a while, and every twenty seconds until it is known to count.
async fn signer(sim: Handle, code: Code) -> Result<(), ClientError> {
    let client = sim.client();
    client.start_orchestration("contract", "Contract", "").await?;
    running(&sim, &client, "contract").await?;
    sim.sleep(SECOND * sim.input("seconds until it is signed", 30..=90) as u32).await;
    let times = if code == Code::Right { 60 } else { 1 };
    for _ in 0..times {
        client.raise_event("contract", "signature", "me").await?;
        sim.sleep(20 * SECOND).await;
        if end_of(&sim, "contract").is_some() {
            break;
        }
    }
    Ok(())
}

#[test]
fn signatures_count_whatever_goes_wrong() {
    survives(office, |sim| signer(sim, Code::Right));
}

#[test]
fn signature_between_two_waits_is_found() {
    is_found(COUNTS, office, |sim| signer(sim, Code::Wrong));
}
