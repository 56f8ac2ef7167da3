//! What a dropped call has done shows in later answers; where those are wrong in
//! a way that is known and waived, they may tell it wrongly.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::{Provider, WorkItem};
use duroxide_conformance::unstable::check_storage;
use duroxide_conformance::{Config, Storage, TimeSource, Verdict};
use duroxide_sim::Memory;
use duroxide_sim::call::{Answering, Call, Handler, Reply};
use duroxide_sim::provider::Port;

use super::scratch::Scratch;

/// A message that is too early keeps every fetch from finding anything; and a
/// message is there before its enqueuer is told.
struct Blocked {
    memory: Memory,
    early: AtomicBool,
}

impl Handler for Blocked {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        match &*call {
            Call::FetchOrchestrationItem { .. } if self.early.load(Ordering::Relaxed) => {
                Answering::ready(Reply::Turn(None))
            }
            Call::EnqueueForOrchestrator { item, .. } => {
                if matches!(**item, WorkItem::ExternalRaised { .. }) {
                    self.early.store(true, Ordering::Relaxed);
                }
                Answering::wait(async move {
                    let reply = self.memory.handle(call).await;
                    tokio::task::yield_now().await;
                    reply
                })
            }
            _ => self.memory.handle(call),
        }
    }

    fn describe(&self) -> String {
        "a provider that early messages block".to_owned()
    }

    fn has_admin(&self) -> bool {
        true
    }
}

#[async_trait]
impl ProviderFactory for Blocked {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        Arc::new(Port::over(Blocked { memory: Memory::new(), early: AtomicBool::new(false) }))
    }
}

#[async_trait]
impl Storage for Blocked {
    fn time(&self) -> TimeSource {
        TimeSource::Virtual
    }
}

const EARLY: &str = r#"{"Call":{"call":{"EnqueueForOrchestrator":{"item":{"ExternalRaised":{"instance":"i1","name":"a","data":""}},"delay":null}}}}"#;
const START: &str = r#"{"Call":{"call":{"EnqueueForOrchestrator":{"item":{"StartOrchestration":{"instance":"i2","orchestration":"a","input":"","version":null,"parent_instance":null,"parent_id":null,"execution_id":1}},"delay":null}}DROPPED}}"#;
const FETCH: &str = r#"{"Call":{"call":{"FetchOrchestrationItem":{"lock_for":{"secs":1,"nanos":0},"poll_for":{"secs":0,"nanos":0},"versions":null}}}}"#;
const DEPTHS: &str = r#"{"Call":{"call":"GetQueueDepths"}}"#;

/// Runs a script that was kept, with the block waived or not, and says what it
/// shows.
async fn shown(steps: &[&str], waived: bool) -> Verdict {
    let made = START.replace("DROPPED", "");
    let waiver = format!(
        "[[waiver]]\nrule = \"turn.other-instances-free\"\nreason = \"Early messages block.\"\nlink = \"bugs/8\"\n\
         script = '''\n{EARLY}\n{made}\n{FETCH}\n'''\n"
    );
    let (waivers, kept) = (Scratch::file(if waived { &waiver } else { "" }), Scratch::new());
    std::fs::create_dir(kept.path()).expect("a temporary folder can be made");
    let text = steps.join("\n").replace("DROPPED", ",\"dropped_after\":1") + "\n";
    std::fs::write(kept.path().join("kept.script"), text).expect("a temporary file can be written");
    let blocked = Blocked { memory: Memory::new(), early: AtomicBool::new(false) };
    let config = Config::default().quiet().calls(1).regressions(kept.path()).waivers(waivers.path());
    check_storage(&blocked, &config).await
}

/// The rules that the kept script breaks.
fn of_kept(verdict: &Verdict) -> Vec<&'static str> {
    let kept = verdict.findings.iter().filter(|finding| finding.seed.is_none());
    kept.map(|finding| finding.rule).collect()
}

/// The fetch finds nothing, as if the start had never been enqueued; the depths
/// say that it was.
#[tokio::test]
async fn an_answer_that_is_known_to_be_wrong_tells_nothing_of_a_dropped_call() {
    let verdict = shown(&[EARLY, START, FETCH, DEPTHS], true).await;
    assert!(verdict.waived.iter().all(|waived| waived.times > 0), "{verdict}");
    assert_eq!(of_kept(&verdict), Vec::<&str>::new(), "{verdict}");
    let why = "A known deviation hides whether a dropped call took effect.";
    assert_eq!(verdict.counts.inconclusive.get(why), Some(&1), "{:?}", verdict.counts.inconclusive);
}

/// Where nothing is known to be wrong, the same is a finding.
#[tokio::test]
async fn what_contradicts_a_right_answer_is_found() {
    let verdict = shown(&[EARLY, START, FETCH, DEPTHS], false).await;
    assert_eq!(of_kept(&verdict).len(), 1, "{verdict}");
}
