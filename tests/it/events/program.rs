//! Programs of a few steps, and the orchestration function that interprets them.

use std::time::Duration;

use duroxide::runtime::OrchestrationStatus;
use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::{ActivityContext, Client, Either2, OrchestrationContext};
use duroxide_sim::sim::{Handle, Run};
use duroxide_sim::trace::History;
use duroxide_sim::{Node, Sim, clock};
use serde::{Deserialize, Serialize};

/// One thing that a program waits for. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Step {
    Wait(char),
    Dequeue(char),
    Timer(u64),
    DequeueOrTimer(char, u64),
    WaitOrTimer(char, u64),
    Activity(u64),
    ContinueAsNew,
}

/// One thing that a client does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Start(Vec<Step>),
    Raise(char, String),
    Enqueue(char, String),
    Cancel(String),
    /// The node crashes, or starts again. Their instance does not matter.
    Crash,
    Restart,
}

/// An operation on an instance at a time, in milliseconds since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    pub at: u64,
    pub instance: &'static str,
    pub op: Op,
}

/// How an instance stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Missing,
    Running,
    Completed,
    Cancelled(String),
    Failed(String),
}

/// What can be seen of an instance from outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    pub standing: Standing,
    /// What each step received, as far as the program got.
    pub received: Vec<String>,
    pub executions: usize,
}

/// The input of the orchestration: the program, and how far it has got.
#[derive(Serialize, Deserialize)]
struct Plan {
    steps: Vec<Step>,
    at: usize,
    received: Vec<String>,
}

async fn interpret(ctx: OrchestrationContext, input: String) -> Result<String, String> {
    let mut plan: Plan = serde_json::from_str(&input).map_err(|error| error.to_string())?;
    while let Some(step) = plan.steps.get(plan.at).cloned() {
        plan.at += 1;
        if step == Step::ContinueAsNew {
            let input = serde_json::to_string(&plan).map_err(|error| error.to_string())?;
            return ctx.continue_as_new(input).await;
        }
        plan.received.push(take(&ctx, step).await?);
        // Shows what was received where there will never be an output.
        ctx.set_custom_status(plan.received.join(" "));
    }
    Ok(plan.received.join(" "))
}

async fn take(ctx: &OrchestrationContext, step: Step) -> Result<String, String> {
    let timer = |ms| ctx.schedule_timer(Duration::from_millis(ms));
    let or_timeout = |either| match either {
        Either2::First(data) => data,
        Either2::Second(()) => "timeout".to_owned(),
    };
    Ok(match step {
        Step::Wait(name) => ctx.schedule_wait(name).await,
        Step::Dequeue(queue) => ctx.dequeue_event(queue).await,
        Step::Timer(ms) => {
            timer(ms).await;
            "fired".to_owned()
        }
        Step::DequeueOrTimer(queue, ms) => or_timeout(ctx.select2(ctx.dequeue_event(queue), timer(ms)).await),
        Step::WaitOrTimer(name, ms) => or_timeout(ctx.select2(ctx.schedule_wait(name), timer(ms)).await),
        Step::Activity(ms) => ctx.schedule_activity("Work", ms.to_string()).await?,
        Step::ContinueAsNew => unreachable!("the interpreter does it"),
    })
}

/// A simulation with one node that interprets programs.
pub fn interpreter(seed: u64) -> Sim {
    let work = |_: ActivityContext, ms: String| async move {
        let ms: u64 = ms.parse().map_err(|error| format!("{error}"))?;
        clock::sleep_until(clock::now() + Duration::from_millis(ms)).await;
        Ok("done".to_owned())
    };
    let activities = ActivityRegistry::builder().register("Work", work).build();
    let orchestrations = OrchestrationRegistry::builder().register("Program", interpret).build();
    Sim::new(seed).node(Node::new("a", activities, orchestrations))
}

/// What a run of a script leaves: how each instance stands, and its history.
pub type Outcome = Vec<(Seen, History)>;

/// Runs a script until `until`, and looks at `instances` then.
pub fn play(script: &[Act], until: u64, instances: &[&'static str]) -> Outcome {
    play_traced(script, until, instances).value
}

/// As [`play`], with the trace.
pub fn play_traced(script: &[Act], until: u64, instances: &[&'static str]) -> Run<Outcome> {
    let (script, instances) = (script.to_vec(), instances.to_vec());
    let run = interpreter(1).try_run(move |sim| async move {
        let client = sim.client();
        for act in script {
            sleep_to(&sim, act.at).await;
            perform(&sim, &client, act).await?;
        }
        sleep_to(&sim, until).await;
        let mut outcome = Outcome::new();
        for instance in instances {
            outcome.push((look(&sim, instance).await?, sim.history(instance)));
        }
        Ok::<_, String>(outcome)
    });
    run.unwrap_or_else(|failure| panic!("{failure}"))
}

async fn sleep_to(sim: &Handle, ms: u64) {
    // A client that comes back at a moment must not wait in it.
    if let Some(left) = Duration::from_millis(ms).checked_sub(sim.elapsed()).filter(|left| !left.is_zero()) {
        sim.sleep(left).await;
    }
}

async fn perform(sim: &Handle, client: &Client, Act { instance, op, .. }: Act) -> Result<(), String> {
    let done = match op {
        Op::Start(steps) => {
            let plan = Plan { steps, at: 0, received: Vec::new() };
            client.start_orchestration_typed(instance, "Program", plan).await
        }
        Op::Raise(name, data) => client.raise_event(instance, name, data).await,
        Op::Enqueue(queue, data) => client.enqueue_event(instance, queue, data).await,
        Op::Cancel(reason) => client.cancel_instance(instance, reason).await,
        Op::Crash => return sim.crash("a").map_err(|error| error.to_string()),
        Op::Restart => return sim.start("a").await.map_err(|error| error.to_string()),
    };
    done.map_err(|error| error.to_string())
}

async fn look(sim: &Handle, instance: &str) -> Result<Seen, String> {
    let status = sim.client().get_orchestration_status(instance).await.map_err(|error| error.to_string())?;
    let (standing, shown) = match status {
        OrchestrationStatus::NotFound => (Standing::Missing, None),
        OrchestrationStatus::Running { custom_status, .. } => (Standing::Running, custom_status),
        OrchestrationStatus::Completed { output, custom_status, .. } => {
            if output != custom_status.unwrap_or_default() {
                return Err(format!("{instance} received {output:?}, which its custom status does not show"));
            }
            (Standing::Completed, Some(output))
        }
        OrchestrationStatus::Failed { details, custom_status, .. } => {
            let text = details.display_message();
            let reason = text.strip_prefix("canceled: ").map(|reason| Standing::Cancelled(reason.to_owned()));
            (reason.unwrap_or(Standing::Failed(text)), custom_status)
        }
    };
    let received = shown.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    Ok(Seen { standing, received, executions: sim.history(instance).executions.len() })
}
