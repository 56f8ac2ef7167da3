//! [`Worker`]: a second process of this program that runs seeds.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Order, Told};
use super::place::Place;
use super::printed::Printed;
use super::{ExplorationReport, Problem};
use crate::clock::{self, Stopwatch};
use crate::text::Quoted;

/// The environment variable that makes a process a worker. Its value is the address of an abstract
/// socket over which the worker gets everything else; standard input and output are left to the
/// test.
pub(super) const VARIABLE: &str = "DUROXIDE_SIM_WORKER";

/// The first message to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Role {
    /// The test.
    pub name: String,
    /// The results of the test's explorations before this one, which the worker skips.
    pub earlier: Vec<Result<ExplorationReport, Problem>>,
    /// The time limit for the process of one seed.
    pub patience: Duration,
    /// The process id of the exploring test.
    pub parent: u32,
}

/// The time limit for a worker to reach the exploration.
const START: Duration = Duration::from_secs(60);

/// A process that runs seeds.
pub(super) struct Worker {
    process: Child,
    orders: UnixStream,
    answers: BufReader<UnixStream>,
    printed: Printed,
}

impl Worker {
    /// Starts a worker and waits until it has reached this exploration.
    ///
    /// # Errors
    ///
    /// A sentence that says why the worker could not be started.
    pub fn start(place: &Place, role: &Role) -> Result<Worker, String> {
        let told = |error: std::io::Error| format!("A worker process could not be started: {error}.");
        let (listener, address) = listen().map_err(told)?;
        let output = clock::memory_file().map_err(told)?;
        // This very executable, even if its file has been rebuilt since.
        let mut process = Command::new("/proc/self/exe")
            .arg0(std::env::current_exe().map_err(told)?)
            .args(&place.arguments)
            .env(VARIABLE, address)
            // Resolving the symbols of a backtrace takes longer than most seeds.
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(told)?)
            .stderr(output.try_clone().map_err(told)?)
            // Ctrl-C in a terminal is for the test process, which ends its workers.
            .process_group(0)
            .spawn()
            .map_err(told)?;
        let printed = Printed::of(output);
        let orders = match accept(&listener, &mut process) {
            Ok(orders) => orders,
            Err(why) => return Err(lost(place, &last_words(&mut process, &printed, &why))),
        };
        let answers = BufReader::new(orders.try_clone().map_err(told)?);
        let mut worker = Worker { process, orders, answers, printed };
        worker.orders.set_read_timeout(Some(START)).map_err(told)?;
        let greeting = worker.say(role).and_then(|()| worker.hear::<(String, String)>());
        let (name, body) = greeting.map_err(|why| lost(place, &why))?;
        if (&name, &body) != (&place.name, &place.body) {
            let (here, there) = (Quoted(&place.name), Quoted(&name));
            return Err(format!(
                "A worker process for the exploration of {here} with the body {} reached an exploration of {there} \
                 with the body {}. {}",
                Quoted(&place.body),
                Quoted(&body),
                place.hint()
            ));
        }
        // The worker enforces the limit of each seed itself.
        let patience = role.patience.saturating_mul(2).saturating_add(START);
        worker.orders.set_read_timeout(Some(patience)).map_err(told)?;
        Ok(worker)
    }

    /// Sends orders to the worker.
    pub fn order(&mut self, orders: &[Order]) -> Result<(), String> {
        orders.iter().try_for_each(|order| self.say(order))
    }

    /// Waits for the answer to the oldest unanswered order.
    pub fn answer(&mut self) -> Result<Answer, String> {
        match self.hear::<Told<IgnoredAny, Answer>>() {
            Ok(Told::Answer(answer)) => Ok(answer),
            Ok(Told::Plan(_)) => Err("A worker process sent part of a plan instead of its answer.".to_owned()),
            Err(why) => Err(format!("A worker process ended unexpectedly. {why}")),
        }
    }

    fn say(&mut self, what: &impl Serialize) -> Result<(), String> {
        let line = serde_json::to_string(what).map_err(|error| format!("An order has no JSON form: {error}."))? + "\n";
        self.orders.write_all(line.as_bytes()).map_err(|error| self.last_words(&error.to_string()))
    }

    fn hear<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(_) if line.ends_with('\n') => {
                serde_json::from_str(&line).map_err(|error| format!("The worker's answer cannot be read: {error}."))
            }
            Ok(_) => Err(self.last_words("it ended")),
            Err(error) => Err(self.last_words(&error.to_string())),
        }
    }

    fn last_words(&mut self, why: &str) -> String {
        last_words(&mut self.process, &self.printed, why)
    }
}

/// The error for a worker that did not reach the exploration, with what it printed.
fn lost(place: &Place, words: &str) -> String {
    let (arguments, hint) = (&place.arguments, place.hint());
    format!(
        "A worker process did not reach the exploration. {hint} (The process was this program with the arguments \
         {arguments:?}.) {words}"
    )
}

/// Ends a process, and returns why and what it last printed.
fn last_words(process: &mut Child, printed: &Printed, why: &str) -> String {
    let _ = process.kill();
    let status = process.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
    format!("Reason: {why} ({status}). Its last output:\n{}\n", printed.lines().join("\n"))
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The worker exits when its connection is closed.
        let _ = self.orders.shutdown(std::net::Shutdown::Both);
        let _ = self.process.wait();
    }
}

/// Opens a socket for a worker to connect to, and returns it with its address.
fn listen() -> std::io::Result<(UnixListener, String)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let address = format!("duroxide-sim {} {number}", std::process::id());
        match UnixListener::bind_addr(&SocketAddr::from_abstract_name(&address)?) {
            Ok(listener) => return Ok((listener, address)),
            // A process with the same id in another PID namespace uses this address.
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
}

/// Connects a worker to the process that started it.
pub(super) fn connect(address: &str) -> std::io::Result<UnixStream> {
    let stream = UnixStream::connect_addr(&SocketAddr::from_abstract_name(address)?)?;
    // Duplicated, so that the file descriptor is none of 0 to 2, which a test may have closed.
    stream.try_clone()
}

/// Waits until the worker connects.
fn accept(listener: &UnixListener, process: &mut Child) -> Result<UnixStream, String> {
    let (watch, told) = (Stopwatch::start(), |error: std::io::Error| error.to_string());
    listener.set_nonblocking(true).map_err(told)?;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).map_err(told)?;
                return Ok(stream);
            }
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(told(error)),
            Err(_) if process.try_wait().is_ok_and(|ended| ended.is_some()) => return Err("it ended".to_owned()),
            Err(_) if watch.elapsed() >= START => return Err(format!("it took longer than {START:?}")),
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}
