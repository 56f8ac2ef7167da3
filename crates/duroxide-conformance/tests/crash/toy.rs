//! [`Toys`]: storages that are a log of calls in a file, and what breaks them.
//!
//! A storage is opened by making all calls of its log over again. Whatever
//! changes something is written down before it is answered, unless that is the
//! fault.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use duroxide::provider_validation::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_conformance::{Storage, TimeSource};
use duroxide_sim::call::{Answering, Call, Handler, Reply};
use duroxide_sim::clock::{self, Time};
use duroxide_sim::provider::Port;
use duroxide_sim::store::{Choice, Pick, Store};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::faults::Fault;

/// Longer than anything lasts.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// How long an ack in two writes takes between them, in turns of a loop.
const BETWEEN: u32 = 20_000;

/// A line of the log.
#[derive(Debug, Serialize, Deserialize)]
enum Line {
    /// The storage was opened.
    Opened,
    /// A call was made.
    Made(Time, Call),
    /// Part of the one in the next line was done.
    Half(Time, Call),
}

/// A storage that is open.
struct Toy {
    fault: Option<Fault>,
    state: Mutex<State>,
}

struct State {
    log: File,
    store: Store,
    /// How often the storage was opened before, and how many calls were made
    /// since: no two locks have one token.
    opened: usize,
    made: usize,
    /// What is still to be written.
    kept_back: Option<Line>,
    /// How often what is in a fetch was fetched since the storage was opened.
    fetched: BTreeMap<String, u32>,
}

impl State {
    /// What the log in `file` comes to.
    fn read(path: &Path, fault: Option<Fault>) -> std::io::Result<State> {
        let mut log = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut text = String::new();
        log.read_to_string(&mut text)?;
        let lines: Vec<Line> = text.split_inclusive('\n').map_while(|line| serde_json::from_str(line).ok()).collect();
        // A line that was not written to its end was never answered for.
        let whole: usize = text.split_inclusive('\n').take(lines.len()).map(str::len).sum();
        log.set_len(whole as u64)?;
        log.seek(SeekFrom::End(0))?;
        let mut state =
            State { log, store: Store::new(), opened: 0, made: 0, kept_back: None, fetched: BTreeMap::new() };
        state.replay(&lines, fault);
        state.write(&Line::Opened)?;
        (state.opened, state.made) = (state.opened + 1, 0);
        Ok(state)
    }

    fn replay(&mut self, lines: &[Line], fault: Option<Fault>) {
        let (mut tokens, mut last) = (Vec::new(), Time(0));
        for (number, line) in lines.iter().enumerate() {
            match line {
                Line::Opened => (self.opened, self.made) = (self.opened + 1, 0),
                // The whole has it, if that came to be.
                Line::Half(..) if matches!(lines.get(number + 1), Some(Line::Made(..))) => {}
                Line::Made(at, call) | Line::Half(at, call) => {
                    last = *at;
                    match self.apply(*at, call) {
                        Reply::Turn(Some(turn)) => tokens.push(turn.token),
                        Reply::Job(Some(job)) => tokens.push(job.token),
                        _ => {}
                    }
                }
            }
        }
        if fault == Some(Fault::LocksForGood) {
            let extend_for = FOREVER;
            for token in tokens {
                self.store.apply(
                    last,
                    &Call::RenewOrchestrationItemLock { token: token.clone(), extend_for },
                    &Choice::new("", Pick::Nothing),
                );
                self.store.apply(last, &Call::RenewWorkItemLock { token, extend_for }, &Choice::new("", Pick::Nothing));
            }
        }
    }

    fn apply(&mut self, now: Time, call: &Call) -> Reply {
        // Those that are in the log, so that they have the same tokens again.
        self.made += usize::from(!call.is_read());
        let token = format!("lock-{}-{}", self.opened, self.made);
        self.store.apply(now, call, &Choice::new(token, Pick::Oldest))
    }

    fn write(&mut self, line: &Line) -> std::io::Result<()> {
        let text = serde_json::to_string(line)?;
        self.log.write_all(format!("{text}\n").as_bytes())
    }

    /// Writes down that a call is made.
    fn note(&mut self, now: Time, call: &Call, fault: Option<Fault>) -> std::io::Result<()> {
        let line = Line::Made(now, call.clone());
        match fault {
            Some(Fault::AnsweredTooSoon) => match self.kept_back.replace(line) {
                Some(before) => self.write(&before),
                None => Ok(()),
            },
            Some(Fault::AckInTwoWrites) => {
                if let Some(half) = self.half(now, call) {
                    self.write(&Line::Half(now, half))?;
                    (0..BETWEEN).for_each(|_| std::hint::spin_loop());
                }
                self.write(&line)
            }
            _ => self.write(&line),
        }
    }

    /// The part of an ack that is about its events.
    fn half(&self, now: Time, call: &Call) -> Option<Call> {
        let Call::AckOrchestrationItem(ack) = call else { return None };
        let instance = ack.history.first()?.instance_id.clone();
        let is_done = self.store.clone().apply(now, call, &Choice::new("", Pick::Nothing)) == Reply::Done;
        let (execution, events) = (ack.execution, ack.history.clone());
        is_done.then_some(Call::AppendWithExecution { instance, execution, events })
    }

    /// The reply with the attempts that this process knows of.
    fn with_attempts_of_memory(&mut self, mut reply: Reply) -> Reply {
        let fetched = match &mut reply {
            Reply::Turn(Some(turn)) => Some((turn.instance.clone(), &mut turn.attempts)),
            Reply::Job(Some(job)) => Some((format!("{:?}", job.item), &mut job.attempts)),
            _ => None,
        };
        if let Some((about, attempts)) = fetched {
            let count = self.fetched.entry(about).or_default();
            *count += 1;
            *attempts = (*attempts).min(*count);
        }
        reply
    }
}

impl Toy {
    fn answer(&self, call: &Call) -> Reply {
        let (now, mut state) = (clock::now(), self.state.lock());
        if !call.is_read() {
            state.note(now, call, self.fault).expect("the log can be written");
        }
        let reply = state.apply(now, call);
        match self.fault {
            Some(Fault::AttemptsInMemory) => state.with_attempts_of_memory(reply),
            _ => reply,
        }
    }
}

impl Handler for Toy {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        Answering::ready(self.answer(&call))
    }

    fn describe(&self) -> String {
        "a log of calls".to_owned()
    }

    fn has_admin(&self) -> bool {
        true
    }
}

/// Makes storages, all with the same fault.
pub struct Toys {
    fault: Option<Fault>,
    label: String,
    lent: Mutex<Vec<(PathBuf, Arc<dyn Provider>)>>,
}

/// Counts files of this process, so that no two share a name.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

impl Toys {
    pub fn new(fault: Option<Fault>) -> Toys {
        let label = fault.map_or_else(|| "honest".to_owned(), |fault| format!("{fault:?}"));
        Toys { fault, label, lent: Mutex::new(Vec::new()) }
    }

    fn over(&self, path: &Path) -> std::io::Result<Arc<dyn Provider>> {
        let state = Mutex::new(State::read(path, self.fault)?);
        Ok(Arc::new(Port::over(Toy { fault: self.fault, state })))
    }
}

#[async_trait]
impl ProviderFactory for Toys {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("duroxide-sim-toy-{}-{number}", std::process::id()));
        let provider = self.over(&path).expect("a temporary file can be made");
        self.lent.lock().push((path, provider.clone()));
        provider
    }
}

#[async_trait]
impl Storage for Toys {
    fn label(&self) -> String {
        self.label.clone()
    }

    fn time(&self) -> TimeSource {
        TimeSource::Warp
    }

    fn location(&self, provider: &Arc<dyn Provider>) -> Option<String> {
        let lent = self.lent.lock();
        let (path, _) = lent.iter().find(|(_, other)| Arc::ptr_eq(other, provider))?;
        Some(path.display().to_string())
    }

    async fn open(&self, location: &str) -> Option<Arc<dyn Provider>> {
        self.over(Path::new(location)).ok()
    }

    async fn dispose(&self, provider: Arc<dyn Provider>) {
        self.lent.lock().retain(|(path, other)| {
            let is_it = Arc::ptr_eq(other, &provider);
            if is_it {
                // What cannot be removed is the system's to sweep.
                let _ = std::fs::remove_file(path);
            }
            !is_it
        });
    }
}
