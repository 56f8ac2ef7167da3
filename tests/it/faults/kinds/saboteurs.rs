//! The saboteurs, a test for each.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, Client, ClientError, Either2, OrchestrationContext};
use tokio::time::{sleep, timeout};

use super::{Bench, Kind, SECOND, only};

/// An orchestration `Work` with one activity `Do`.
fn work<A, O, FA, FO>(activity: A, orchestration: O) -> Bench
where
    A: Fn(ActivityContext, String) -> FA + Send + Sync + 'static,
    FA: Future<Output = Result<String, String>> + Send + 'static,
    O: Fn(OrchestrationContext) -> FO + Send + Sync + 'static,
    FO: Future<Output = Result<String, String>> + Send + 'static,
{
    Bench {
        activities: ActivityRegistry::builder().register("Do", activity).build(),
        orchestrations: OrchestrationRegistry::builder()
            .register("Work", move |ctx, _: String| orchestration(ctx))
            .build(),
        next: None,
        watched: true,
        wrong: Arc::default(),
    }
}

/// The same, with an orchestration that runs the activity after a second.
fn doing<A, FA>(wrong: &Arc<AtomicBool>, activity: A) -> Bench
where
    A: Fn(ActivityContext, String) -> FA + Send + Sync + 'static,
    FA: Future<Output = Result<String, String>> + Send + 'static,
{
    let bench = work(activity, |ctx| async move {
        ctx.schedule_timer(SECOND).await;
        ctx.schedule_activity("Do", "").await?;
        Ok("done".to_owned())
    });
    Bench { wrong: wrong.clone(), ..bench }
}

async fn send(client: &Client, message: &str) -> Result<(), ClientError> {
    client.enqueue_event("i", "inbox", message).await
}

/// Sends a message to its own instance with `send`, and waits for it.
fn mail<F, S>(send: S) -> Bench
where
    S: Fn(Client) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    work(
        move |ctx, _| {
            let sent = send(ctx.get_client());
            async move {
                sent.await;
                Ok(String::new())
            }
        },
        |ctx| async move {
            ctx.schedule_activity("Do", "").await?;
            Ok(ctx.dequeue_event("inbox").await)
        },
    )
}

/// Sends again whatever the error.
async fn surely(client: Client) {
    while send(&client, "hello").await.is_err() {
        sleep(SECOND).await;
    }
}

#[test]
fn nothing_shows_a_fault_in_what_is_right() {
    only(&[], "hello", || mail(surely));
}

/// Thinks that something below asks again where that may help.
#[test]
fn retryable_refusals_show_who_leaves_retries_to_others() {
    let careless = |client: Client| async move {
        while send(&client, "hello").await.is_err_and(|error| !error.is_retryable()) {
            sleep(SECOND).await;
        }
    };
    only(&[Kind::Refuse], "hello", || mail(careless));
}

/// Thinks that what is refused for good has been done before.
#[test]
fn permanent_refusals_show_who_takes_them_for_done() {
    let careless = |client: Client| async move {
        while send(&client, "hello").await.is_err_and(|error| error.is_retryable()) {
            sleep(SECOND).await;
        }
    };
    only(&[Kind::RefuseForGood], "hello", || mail(careless));
}

/// Its messages carry an id, by which the receiver leaves out what it has. But the
/// id has the number of the try in it: of two tries of one run both count, and
/// of two runs one does.
#[test]
fn lost_replies_show_who_numbers_tries_instead_of_messages() {
    let bench = || {
        let each = |client: Client| async move {
            let mut number = 1;
            while send(&client, &number.to_string()).await.is_err() {
                number += 1;
                sleep(SECOND).await;
            }
        };
        let received = |ctx: OrchestrationContext| async move {
            ctx.schedule_activity("Do", "").await?;
            let mut received = std::collections::BTreeSet::from([ctx.dequeue_event("inbox").await]);
            let end = ctx.schedule_timer(60 * SECOND);
            let mut end = std::pin::pin!(end);
            while let Either2::First(id) = ctx.select2(ctx.dequeue_event("inbox"), end.as_mut()).await {
                received.insert(id);
            }
            Ok(received.len().to_string())
        };
        let orchestrations = OrchestrationRegistry::builder().register("Work", move |ctx, _: String| received(ctx));
        Bench { orchestrations: orchestrations.build(), ..mail(each) }
    };
    only(&[Kind::LoseReply], "1", bench);
}

/// Whether the storage answers within a second.
async fn is_there(client: &Client) -> bool {
    timeout(SECOND, client.get_orchestration_status("i")).await.is_ok_and(|status| status.is_ok())
}

/// Tells a call that is slow from a storage that is away, and one that has arrived
/// from one that has not; and thinks that what has not arrived by now never will.
async fn give_up(client: Client) -> bool {
    loop {
        // A task of its own: it goes on when nobody waits for it any more.
        let sender = client.clone();
        let sent = tokio::spawn(async move { send(&sender, "hello").await.is_ok() });
        let watched = async {
            for _ in 0..5 {
                if !is_there(&client).await {
                    return false;
                }
                sleep(SECOND).await;
            }
            true
        };
        tokio::select! {
            biased;
            sent = sent => if sent.is_ok_and(|sent| sent) { return true } else { sleep(SECOND).await },
            healthy = watched => if healthy {
                let there = client.get_kv_value("i", "received").await;
                return there.is_ok_and(|value| value.is_some());
            },
        }
    }
}

#[test]
fn delays_show_who_thinks_that_what_is_late_never_comes() {
    let bench = || {
        let activity = |ctx: ActivityContext, _| async move { Ok(give_up(ctx.get_client()).await.to_string()) };
        work(activity, |ctx| async move {
            let mut told = ctx.schedule_activity("Do", "");
            let said = match ctx.select2(ctx.dequeue_event("inbox"), &mut told).await {
                Either2::First(_) => {
                    ctx.set_kv_value("received", "1");
                    told.await?
                }
                Either2::Second(said) => said?,
            };
            let came = ctx.select2(ctx.dequeue_event("inbox"), ctx.schedule_timer(60 * SECOND)).await;
            let came = ctx.get_kv_value("received").is_some() || matches!(came, Either2::First(_));
            Ok(if came.to_string() == said { "agreed".to_owned() } else { format!("{came}, not {said}") })
        })
    };
    only(&[Kind::Delay], "agreed", bench);
}

/// Right code, and nobody who restarts a node that gets no further.
#[test]
fn calls_without_an_answer_show_who_never_restarts() {
    only(&[Kind::Hang], "hello", || Bench { watched: false, ..mail(surely) });
}

/// A place where one at a time may work.
#[derive(Clone, Default)]
struct Desk {
    /// The last that sat down.
    owner: Arc<AtomicU64>,
    /// Who has done something, and when.
    steps: Arc<Mutex<Vec<(u64, Instant)>>>,
    wrong: Arc<AtomicBool>,
}

impl Desk {
    /// Takes the desk, whoever has it.
    fn take(&self) -> u64 {
        self.owner.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether it is still the owner's.
    fn is_of(&self, owner: u64) -> bool {
        self.owner.load(Ordering::Relaxed) == owner
    }

    fn demand(&self, holds: bool) {
        self.wrong.fetch_or(!holds, Ordering::Relaxed);
    }

    /// Does something, which is wrong when another does something between two
    /// steps that soon follow each other.
    fn step(&self, me: u64) {
        let mut steps = self.steps.lock().expect("nobody panics");
        steps.push((me, Instant::now()));
        if let [.., (one, began), (other, _), (again, ended)] = &steps[..] {
            self.demand(one != again || one == other || ended.duration_since(*began) > 2 * SECOND);
        }
    }
}

/// The same as [`doing`], at a desk.
fn at_a_desk<A, FA>(activity: A) -> Bench
where
    A: Fn(ActivityContext, Desk) -> FA + Send + Sync + 'static,
    FA: Future<Output = ()> + Send + 'static,
{
    let desk = Desk::default();
    doing(&desk.wrong.clone(), move |ctx, _| {
        let worked = activity(ctx, desk.clone());
        async move {
            worked.await;
            Ok(String::new())
        }
    })
}

/// Thinks that a lock is its own while the storage answers and nobody has
/// cancelled it.
#[test]
fn short_locks_show_who_thinks_he_is_alone() {
    let bench = || {
        at_a_desk(|ctx, desk| async move {
            let (client, me) = (ctx.get_client(), desk.take());
            for _ in 0..5 {
                while !is_there(&client).await {}
                if ctx.is_cancelled() {
                    break;
                }
                desk.step(me);
                sleep(SECOND).await;
            }
        })
    };
    only(&[Kind::ShortLock], "done", bench);
}

/// Notes what it begins, and takes what has begun for done.
#[test]
fn crashes_show_who_takes_begun_for_done() {
    let bench = || {
        let (begun, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let ended = done.clone();
        // A stop gives activities a second.
        let bench = doing(&Arc::default(), move |_, _| {
            let (begun, done) = (begun.clone(), done.clone());
            async move {
                if !begun.swap(true, Ordering::Relaxed) {
                    sleep(SECOND * 8 / 10).await;
                    done.store(true, Ordering::Relaxed);
                }
                Ok(String::new())
            }
        });
        let look = move |_: ActivityContext, _: String| {
            let done = ended.load(Ordering::Relaxed);
            async move { Ok(done.to_string()) }
        };
        let activities = ActivityRegistry::builder_from(&bench.activities).register("Look", look);
        let orchestration = |ctx: OrchestrationContext, _: String| async move {
            ctx.schedule_timer(SECOND).await;
            ctx.schedule_activity("Do", "").await?;
            // Long after whatever goes on elsewhere.
            ctx.schedule_timer(300 * SECOND).await;
            ctx.schedule_activity("Look", "").await
        };
        let orchestrations = OrchestrationRegistry::builder().register("Work", orchestration);
        Bench { activities: activities.build(), orchestrations: orchestrations.build(), ..bench }
    };
    only(&[Kind::Crash], "true", bench);
}

#[test]
fn upgrades_show_code_that_replays_otherwise() {
    let code = |first: Duration| {
        let orchestration = move |ctx: OrchestrationContext, _: String| async move {
            if first > SECOND {
                ctx.schedule_activity("Do", "").await?;
            }
            ctx.schedule_timer(20 * SECOND).await;
            ctx.schedule_activity("Do", "").await
        };
        OrchestrationRegistry::builder().register("Work", orchestration).build()
    };
    let bench = || {
        let echo = doing(&Arc::default(), |_, _| async { Ok("done".to_owned()) });
        Bench { orchestrations: code(SECOND), next: Some(code(2 * SECOND)), ..echo }
    };
    only(&[Kind::Upgrade], "done", bench);
}

/// Asks before each step whether another has taken over; and goes on where there
/// is no answer.
#[test]
fn partitions_show_who_goes_on_when_he_cannot_ask() {
    let bench = || {
        at_a_desk(|ctx, desk| async move {
            let (client, me) = (ctx.get_client(), desk.take());
            for _ in 0..60 {
                // A call or two without an answer are none's fault.
                let asked = is_there(&client).await || is_there(&client).await || is_there(&client).await;
                if asked && !desk.is_of(me) {
                    break;
                }
                desk.demand(desk.is_of(me));
                sleep(SECOND).await;
            }
        })
    };
    only(&[Kind::Partition], "done", bench);
}

/// Asks whether another has taken over, and then does what it has to in no time;
/// or so it thinks.
#[test]
fn stalls_show_who_thinks_that_no_time_passes() {
    let bench = || {
        at_a_desk(|_, desk| async move {
            let me = desk.take();
            sleep(SECOND).await;
            if desk.is_of(me) {
                sleep(SECOND / 5).await;
                desk.demand(desk.is_of(me));
            }
        })
    };
    only(&[Kind::Stall], "done", bench);
}

/// Thinks that time only grows.
#[test]
fn wrong_clocks_show_who_subtracts_times() {
    let bench = || {
        let echo = doing(&Arc::default(), |_, _| async { Ok("done".to_owned()) });
        let orchestration = |ctx: OrchestrationContext, _: String| async move {
            let began = ctx.utc_now().await?;
            ctx.schedule_timer(10 * SECOND).await;
            let ended = ctx.utc_now().await?;
            ended.duration_since(began).map(|_| "done".to_owned()).map_err(|error| error.to_string())
        };
        Bench { orchestrations: OrchestrationRegistry::builder().register("Work", orchestration).build(), ..echo }
    };
    only(&[Kind::Skew], "done", bench);
}
