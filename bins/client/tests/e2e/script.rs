//! The client without a terminal.

use std::io::{Read, Write};
use std::process::{ChildStdin, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::Value;
use testkit::{Process, Signal, eventually};

use crate::server::Server;
use crate::{LIMIT, PASSWORD};

/// Every `type` that docs/client.md names.
const TYPES: [&str; 24] = [
    "done",
    "refused",
    "failed",
    "connected",
    "disconnected",
    "signed_in",
    "synced",
    "session_ended",
    "message",
    "changed",
    "hidden",
    "typing",
    "gap",
    "friend",
    "friend_changed",
    "receipt",
    "quiet",
    "notice",
    "broadcast",
    "presence",
    "group",
    "group_request",
    "dropped",
    "remark",
];

/// A run of the client under way. Sessions are remembered in the server's folder, one for each account.
pub(crate) struct Script {
    process: Process,
    input: Option<ChildStdin>,
    output: Collected,
    errors: Collected,
}

/// What a run has left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit: i32,
    pub(crate) output: Vec<u8>,
    pub(crate) errors: String,
}

impl Script {
    /// Runs commands, with objects as output.
    pub(crate) fn start(server: &Server, commands: &[&str]) -> Script {
        // Two scripts that wait for each other start one after the other, on a machine that runs all tests at once.
        let mut arguments = vec!["--json", "--wait", "60"];
        commands.iter().for_each(|command| arguments.extend(["-c", command]));
        Script::start_with(server, &arguments)
    }

    /// Runs with these arguments. Lines of [`Script::enter`] are its standard input.
    pub(crate) fn start_with(server: &Server, arguments: &[&str]) -> Script {
        let mut process = Process::spawn(env!("CARGO_BIN_EXE_client"), |command| {
            command
                .args(["--server", server.address()])
                .args(arguments)
                .env_remove("CHAT_ACCOUNT")
                .env("CHAT_PASSWORD", PASSWORD)
                .env("XDG_STATE_HOME", server.folder())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
        });
        let child = process.child();
        let input = child.stdin.take();
        let output = Collected::from(child.stdout.take().expect("piped"));
        let errors = Collected::from(child.stderr.take().expect("piped"));
        Script { process, input, output, errors }
    }

    /// Writes a line to its standard input. A client that has ended does not mind.
    pub(crate) fn enter(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is not closed yet");
        let _ = writeln!(input, "{line}");
    }

    /// Waits until it has printed an object like this.
    pub(crate) fn waits_for(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        eventually(LIMIT, what, || {
            let bytes = self.output.so_far();
            // The last line may not be whole.
            let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            objects(&bytes[..end]).into_iter().find(&is_it)
        })
    }

    /// Waits until this command is done.
    pub(crate) fn waits_for_done(&self, command: &str) -> Value {
        self.waits_for(command, |object| object["type"] == "done" && object["command"] == command)
    }

    /// Kills it (SIGKILL), and gives what it had said: whole lines only.
    pub(crate) fn killed(mut self) -> Vec<Value> {
        self.process.signal(Signal::KILL);
        self.process.wait(LIMIT);
        let bytes = self.output.all();
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        objects(&bytes[..end])
    }

    /// How many lines it has printed so far.
    pub(crate) fn lines(&self) -> usize {
        self.output.so_far().iter().filter(|byte| **byte == b'\n').count()
    }

    /// Closes its input and waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        drop(self.input.take());
        let status = self.process.wait(LIMIT);
        let exit = status.code().unwrap_or_else(|| panic!("the client was ended by {status}"));
        let errors = String::from_utf8(self.errors.all()).expect("errors are UTF-8");
        Ended { exit, output: self.output.all(), errors }
    }
}

/// Runs commands to their end.
pub(crate) fn run(server: &Server, commands: &[&str]) -> Ended {
    Script::start(server, commands).end()
}

impl Ended {
    /// The objects, one for each line.
    pub(crate) fn objects(&self) -> Vec<Value> {
        objects(&self.output)
    }

    /// Objects of one type.
    pub(crate) fn of_type(&self, kind: &str) -> Vec<Value> {
        self.objects().into_iter().filter(|object| object["type"] == kind).collect()
    }

    /// The outcome of a command that was done.
    pub(crate) fn done(&self, command: &str) -> Value {
        let mut done = self.of_type("done").into_iter();
        done.find(|object| object["command"] == command)
            .unwrap_or_else(|| panic!("not done: {command}: {self}"))
    }

    /// Sequence number, text and arrival of every message shown.
    pub(crate) fn messages(&self) -> Vec<(u64, String, String)> {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let message = |object: &Value| {
            (object["seq"].as_u64().expect("a number"), text(&object["msg"]), text(&object["arrival"]))
        };
        self.of_type("message").iter().map(message).collect()
    }

    /// The output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.output.clone()).expect("the output is UTF-8")
    }

    /// Asserts the exit code.
    pub(crate) fn exits_with(self, exit: i32) -> Ended {
        assert_eq!(self.exit, exit, "{self}");
        self
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let output = String::from_utf8_lossy(&self.output);
        write!(f, "exit code {}, errors {:?}, output:\n{output}", self.exit, self.errors)
    }
}

/// Every line must be one object of a documented type.
fn objects(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).expect("the output is UTF-8");
    let object = |line: &str| {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        let known = object["type"].as_str().is_some_and(|kind| TYPES.contains(&kind));
        assert!(known, "of no documented type: {line}");
        object
    };
    text.split_terminator('\n').map(object).collect()
}

/// A pipe that is read to its end, so that nobody waits for its reader.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Collected {
    fn from(mut pipe: impl Read + Send + 'static) -> Collected {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let collected = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(len @ 1..) = pipe.read(&mut chunk) {
                collected.lock().expect("not poisoned").extend_from_slice(&chunk[..len]);
            }
        });
        Collected { bytes, reader }
    }

    fn so_far(&self) -> Vec<u8> {
        self.bytes.lock().expect("not poisoned").clone()
    }

    fn all(self) -> Vec<u8> {
        self.reader.join().expect("the reader does not panic");
        std::mem::take(&mut self.bytes.lock().expect("not poisoned"))
    }
}
