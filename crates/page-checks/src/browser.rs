//! [`Browser`]: one Chromium with one page, what it said, and what it asked for.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use fantoccini::actions::{
    InputSource, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction, WheelAction, WheelActions,
};
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// What the system of the reader prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Light pages.
    Light,
    /// Dark pages.
    Dark,
}

/// A Chromium with one page. End it with [`Browser::close`]; its driver ends
/// with it in any case.
pub struct Browser {
    client: Client,
    /// Killed when it is dropped.
    _driver: Child,
    folder: PathBuf,
}

/// A command that WebDriver's standard does not have, and Chromium's driver has.
#[derive(Debug)]
struct Vendor {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

/// What to say where Chromium cannot be had.
const INSTALL: &str = "Install Debian's packages chromium and chromium-driver, of the same version.";

/// The driver of a browser, on a port that was free.
async fn driver() -> (Child, u16) {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut driver = command.spawn().unwrap_or_else(|error| panic!("There is no chromedriver: {error}. {INSTALL}"));
    let mut lines = BufReader::new(driver.stdout.take().expect("the output is piped")).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let port = line.rsplit_once("on port ").map(|(_, port)| port.trim_end_matches('.').parse());
        if let (true, Some(Ok(port))) = (line.contains("successfully"), port) {
            return (driver, port);
        }
    }
    panic!("chromedriver ended without naming its port. {INSTALL}");
}

impl Browser {
    /// Starts a Chromium of this size whose pages are written to `folder`.
    ///
    /// # Panics
    ///
    /// When there is no Chromium, with a sentence that says how to get it.
    pub async fn start(folder: &str, width: u32, height: u32) -> Browser {
        let (driver, port) = driver().await;
        let mut capabilities = Capabilities::new();
        let arguments = [
            "--headless=new".to_owned(),
            // Tests run as root in containers, where Chromium's own sandbox cannot start.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            "--force-device-scale-factor=1".to_owned(),
            format!("--window-size={width},{height}"),
        ];
        capabilities.insert("goog:chromeOptions".to_owned(), json!({ "args": arguments }));
        capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL", "performance": "ALL" }));
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let client = builder.connect(&format!("http://127.0.0.1:{port}")).await;
        let client = client.unwrap_or_else(|error| panic!("Chromium does not start: {error}. {INSTALL}"));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/page-checks").join(folder);
        std::fs::create_dir_all(&folder).expect("target/ can be written to");
        Browser { client, _driver: driver, folder: folder.canonicalize().expect("the folder was just made") }
    }

    /// Opens a page, with what the system prefers.
    pub async fn open(&self, name: &str, html: &str, theme: Theme) {
        let file = self.folder.join(format!("{name}.html"));
        std::fs::write(&file, html).expect("target/ can be written to");
        let value = if theme == Theme::Dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": value }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        // What was there before is forgotten.
        self.log("browser").await;
        self.log("performance").await;
        self.client.goto(&format!("file://{}", file.display())).await.expect("a file can be opened");
    }

    /// What a script returns.
    pub async fn eval(&self, script: &str) -> Value {
        let value = self.client.execute(&format!("return ({script});"), Vec::new()).await;
        // One frame later what was asked for is drawn.
        let frame = "requestAnimationFrame(() => requestAnimationFrame(() => arguments[0]()))";
        self.client.execute_async(frame, Vec::new()).await.expect("frames are drawn");
        value.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until a script returns something true, frame by frame.
    ///
    /// # Panics
    ///
    /// When it does not within a thousand frames.
    pub async fn until(&self, script: &str) {
        for _ in 0..500 {
            if self.eval(&format!("Boolean({script})")).await == true {
                return;
            }
        }
        panic!("{script} does not become true");
    }

    /// Presses keys, one after the other.
    pub async fn keys(&self, keys: &str) {
        let mut actions = KeyActions::new("keys".to_owned());
        for key in keys.chars() {
            actions = actions.then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key });
        }
        self.client.perform_actions(actions).await.expect("keys can be pressed");
    }

    /// Clicks at a place in the window.
    pub async fn click(&self, x: f64, y: f64) {
        let mouse = self.moved(x, y).then(PointerAction::Down { button: MOUSE_BUTTON_LEFT });
        let mouse = mouse.then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        self.client.perform_actions(mouse).await.expect("the mouse can click");
    }

    /// Clicks on the first element that a CSS selector finds.
    pub async fn click_on(&self, selector: &str) {
        let element = self.client.find(fantoccini::Locator::Css(selector)).await;
        element.unwrap_or_else(|error| panic!("{selector}: {error}")).click().await.expect("it can be clicked");
    }

    /// Moves the pointer to a place in the window.
    pub async fn hover(&self, x: f64, y: f64) {
        self.client.perform_actions(self.moved(x, y)).await.expect("the mouse can move");
    }

    fn moved(&self, x: f64, y: f64) -> MouseActions {
        MouseActions::new("mouse".to_owned()).then(PointerAction::MoveTo { duration: Some(Duration::ZERO), x, y })
    }

    /// Turns the wheel at a place in the window.
    pub async fn wheel(&self, x: i64, y: i64, by: i64) {
        let wheel = WheelActions::new("wheel".to_owned()).then(WheelAction::Scroll {
            duration: Some(Duration::ZERO),
            x,
            y,
            delta_x: 0,
            delta_y: by,
        });
        self.client.perform_actions(wheel).await.expect("the wheel can turn");
    }

    /// Writes what is on the screen to the folder of the pages.
    pub async fn screenshot(&self, name: &str) {
        let png = self.client.screenshot().await.expect("a picture can be taken");
        std::fs::write(self.folder.join(format!("{name}.png")), png).expect("target/ can be written to");
    }

    /// What the page wrote to the console, errors that nobody caught included.
    pub async fn console(&self) -> Vec<String> {
        let said = self.log("browser").await;
        said.iter().map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The addresses that the page asked for, its own aside.
    pub async fn requests(&self) -> Vec<String> {
        let mut addresses = Vec::new();
        for entry in self.log("performance").await {
            let message = entry["message"].as_str().expect("an entry of the log has a message");
            let message: Value = serde_json::from_str(message).expect("the message is JSON");
            if message["message"]["method"] == "Network.requestWillBeSent" {
                let params = &message["message"]["params"];
                let url = params["request"]["url"].as_str().unwrap_or_default();
                let own = params["type"] == "Document" && url.starts_with("file:");
                if !own && !url.starts_with("data:") {
                    addresses.push(url.to_owned());
                }
            }
        }
        addresses
    }

    async fn log(&self, kind: &str) -> Vec<Value> {
        let command = Vendor { path: "se/log", body: json!({ "type": kind }) };
        let entries = self.client.issue_cmd(command).await.expect("the driver keeps logs");
        entries.as_array().cloned().unwrap_or_default()
    }

    /// A command of Chromium's own protocol.
    pub async fn devtools(&self, method: &str, params: Value) -> Value {
        let command = Vendor { path: "goog/cdp/execute", body: json!({ "cmd": method, "params": params }) };
        self.client.issue_cmd(command).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Ends it.
    pub async fn close(self) {
        self.client.close().await.expect("Chromium can be closed");
    }
}
