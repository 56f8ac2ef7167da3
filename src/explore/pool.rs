//! [`Worker`]: this program, started once more to serve seeds.

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

/// Says to a program that it is a worker, and at which address it is told the
/// rest: a socket without a file. What it reads and prints is no part of that:
/// tests read and print too.
pub(super) const VARIABLE: &str = "DUROXIDE_SIM_WORKER";

/// What a worker is told first.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Role {
    /// The test.
    pub name: String,
    /// What its explorations before this one came to: it goes past those.
    pub earlier: Vec<Result<ExplorationReport, Problem>>,
    /// After how long a seed's process has failed.
    pub patience: Duration,
    /// The process that it works for.
    pub parent: u32,
}

/// How long a worker may take until it comes to the exploration.
const START: Duration = Duration::from_secs(60);

/// A process that serves seeds.
pub(super) struct Worker {
    process: Child,
    orders: UnixStream,
    answers: BufReader<UnixStream>,
    printed: Printed,
}

impl Worker {
    /// Starts one, and waits until it has come to this exploration.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub fn start(place: &Place, role: &Role) -> Result<Worker, String> {
        let told = |error: std::io::Error| format!("A process to run seeds in could not be started: {error}.");
        let (listener, address) = listen().map_err(told)?;
        let output = clock::memory_file().map_err(told)?;
        // This very program, even where it has been built anew meanwhile.
        let mut process = Command::new("/proc/self/exe")
            .arg0(std::env::current_exe().map_err(told)?)
            .args(&place.arguments)
            .env(VARIABLE, address)
            // To look up a backtrace's names takes longer than most seeds.
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(told)?)
            .stderr(output.try_clone().map_err(told)?)
            // Ctrl-C in a terminal is for the test, which ends its workers.
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
                "The process that was to run seeds of {here} with the body {} came to an exploration of {there} with \
                 the body {}. {}",
                Quoted(&place.body),
                Quoted(&body),
                place.hint()
            ));
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
        match self.hear::<Told<IgnoredAny, Answer>>() {
            Ok(Told::Answer(answer)) => Ok(answer),
            Ok(Told::Plan(_)) => {
                Err("A process that ran seeds said a part of a plan in place of its answer.".to_owned())
            }
            Err(why) => Err(format!("A process that ran seeds is gone. {why}")),
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
                serde_json::from_str(&line).map_err(|error| format!("Its answer cannot be read: {error}."))
            }
            Ok(_) => Err(self.last_words("it ended")),
            Err(error) => Err(self.last_words(&error.to_string())),
        }
    }

    fn last_words(&mut self, why: &str) -> String {
        last_words(&mut self.process, &self.printed, why)
    }
}

/// That a worker did not come, with what it printed.
fn lost(place: &Place, words: &str) -> String {
    let (arguments, hint) = (&place.arguments, place.hint());
    format!(
        "A process that was to run seeds did not come to the exploration. {hint} (The process was this program with \
         the arguments {arguments:?}.) {words}"
    )
}

/// Ends a process, and says what it printed.
fn last_words(process: &mut Child, printed: &Printed, why: &str) -> String {
    let _ = process.kill();
    let status = process.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
    format!("Why: {why} ({status}). The last of what it printed:\n{}\n", printed.lines().join("\n"))
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It ends when it has nobody to serve.
        let _ = self.orders.shutdown(std::net::Shutdown::Both);
        let _ = self.process.wait();
    }
}

/// A place where a worker finds this process, and its address.
fn listen() -> std::io::Result<(UnixListener, String)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let address = format!("duroxide-sim {} {number}", std::process::id());
        match UnixListener::bind_addr(&SocketAddr::from_abstract_name(&address)?) {
            Ok(listener) => return Ok((listener, address)),
            // Somebody with the same number, from elsewhere.
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
}

/// Goes where a worker is told the rest.
pub(super) fn connect(address: &str) -> std::io::Result<UnixStream> {
    let stream = UnixStream::connect_addr(&SocketAddr::from_abstract_name(address)?)?;
    // A copy is none of the numbers 0 to 2, which a test may have closed.
    stream.try_clone()
}

/// Waits until a worker comes.
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
