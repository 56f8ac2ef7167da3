//! [`Worker`]: this program, started once more to serve seeds.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Order};
use super::place::Place;
use super::{Problem, Report};

/// Says to a program that it is a worker. The rest it is told on its standard
/// input, which is one end of a pair of sockets.
pub(super) const VARIABLE: &str = "DUROXIDE_SIM_WORKER";

/// What a worker is told first.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Role {
    /// The test.
    pub name: String,
    /// What its explorations before this one came to: it goes past those.
    pub earlier: Vec<Result<Report, Problem>>,
    /// After how long a seed's process has failed.
    pub patience: Duration,
}

/// How long a worker may take until it comes to the exploration.
const START: Duration = Duration::from_secs(60);

/// A process that serves seeds.
pub(super) struct Worker {
    process: Child,
    orders: UnixStream,
    answers: BufReader<UnixStream>,
    printed: Arc<Mutex<Tail>>,
}

/// The last of what was printed.
#[derive(Debug, Default)]
struct Tail(Vec<u8>);

impl Tail {
    const MOST: usize = 2_000;

    fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        self.0.drain(..self.0.len().saturating_sub(Tail::MOST));
    }
}

impl Worker {
    /// Starts one, and waits until it has come to this exploration.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub fn start(place: &Place, role: &Role) -> Result<Worker, String> {
        let told = |error: std::io::Error| format!("A process to run seeds in could not be started: {error}.");
        let (orders, theirs) = UnixStream::pair().map_err(told)?;
        let (output, writer) = std::io::pipe().map_err(told)?;
        // This very program, even where it has been built anew meanwhile.
        let process = Command::new("/proc/self/exe")
            .arg0(std::env::current_exe().map_err(told)?)
            .args(&place.arguments)
            .env(VARIABLE, "1")
            // To look up a backtrace's names takes longer than most seeds.
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(writer.try_clone().map_err(told)?)
            .stderr(writer)
            .spawn()
            .map_err(told)?;
        let printed = Arc::new(Mutex::new(Tail::default()));
        let tail = printed.clone();
        std::thread::Builder::new()
            .name("duroxide-sim output".to_owned())
            .spawn(move || drain(output, &tail))
            .map_err(told)?;
        let answers = BufReader::new(orders.try_clone().map_err(told)?);
        let mut worker = Worker { process, orders, answers, printed };
        worker.orders.set_read_timeout(Some(START)).map_err(told)?;
        worker.say(role)?;
        let greeting: String = worker.hear().map_err(|why| {
            format!(
                "A process that was to run seeds did not come to the exploration. {why} (Its arguments were {:?}.)",
                place.arguments
            )
        })?;
        if greeting != place.name {
            return Err(format!("The process that was to run seeds of {} came to {greeting}.", place.name));
        }
        // It bounds every seed itself.
        let patience = role.patience.saturating_mul(2).saturating_add(START);
        worker.orders.set_read_timeout(Some(patience)).map_err(told)?;
        Ok(worker)
    }

    /// Gives it orders.
    pub fn order(&mut self, orders: &[Order]) -> Result<(), String> {
        orders.iter().try_for_each(|order| self.say(order))
    }

    /// The answer to the first order that is not answered yet.
    pub fn answer(&mut self) -> Result<Answer, String> {
        self.hear().map_err(|why| format!("A process that ran seeds is gone. {why}"))
    }

    fn say(&mut self, what: &impl Serialize) -> Result<(), String> {
        let line = serde_json::to_string(what).map_err(|error| format!("An order has no JSON form: {error}."))? + "\n";
        self.orders.write_all(line.as_bytes()).map_err(|error| self.last_words(&error.to_string()))
    }

    fn hear<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(_) if line.ends_with('\n') => {
                serde_json::from_str(&line).map_err(|error| format!("Its answer cannot be read: {error}."))
            }
            Ok(_) => Err(self.last_words("it ended")),
            Err(error) => Err(self.last_words(&error.to_string())),
        }
    }

    fn last_words(&mut self, why: &str) -> String {
        let _ = self.process.kill();
        let status = self.process.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        let printed = String::from_utf8_lossy(&self.printed.lock().0).trim().to_owned();
        format!("Why: {why} ({status}). The last of what it printed:\n{printed}\n")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It ends when it has nobody to serve.
        let _ = self.orders.shutdown(std::net::Shutdown::Both);
        let _ = self.process.wait();
    }
}

fn drain(mut output: impl Read, tail: &Mutex<Tail>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = output.read(&mut buffer) {
        tail.lock().push(&buffer[..read]);
    }
}
