//! The client in a pseudo-terminal, and what its user sees.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rexpect::process::PtyProcess;
use rexpect::process::WaitStatus;

pub(crate) const ROWS: u16 = 24;
pub(crate) const COLUMNS: u16 = 80;
const LIMIT: Duration = Duration::from_secs(20);

/// A terminal of 80 columns and 24 rows with the client in it.
pub(crate) struct Screen {
    process: PtyProcess,
    keyboard: File,
    terminal: Arc<Mutex<vt100::Parser>>,
    /// Every byte that was ever shown.
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Screen {
    /// Starts the client.
    pub(crate) fn start(arguments: &[&str]) -> Screen {
        // The client must find the size when it starts; only a program inside the terminal can set it before.
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("stty rows {ROWS} cols {COLUMNS} && exec \"$0\" \"$@\"")])
            .arg(env!("CARGO_BIN_EXE_client"))
            .args(arguments)
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .env_remove("CHAT_PASSWORD")
            .env_remove("CHAT_ACCOUNT");
        let mut process = PtyProcess::new(command).expect("a pseudo-terminal");
        process.set_kill_timeout(Some(2_000));
        let keyboard = process.get_file_handle().expect("a descriptor");
        let mut output = process.get_file_handle().expect("a descriptor");
        let terminal = Arc::new(Mutex::new(vt100::Parser::new(
            ROWS.try_into().expect("not 0"),
            COLUMNS.try_into().expect("not 0"),
            0,
        )));
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (drawn, kept) = (Arc::clone(&terminal), Arc::clone(&shown));
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(len @ 1..) = output.read(&mut chunk) {
                kept.lock().expect("not poisoned").extend_from_slice(&chunk[..len]);
                drawn.lock().expect("not poisoned").process(&chunk[..len]);
            }
        });
        Screen { process, keyboard, terminal, shown }
    }

    /// Presses keys.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Types a line.
    pub(crate) fn line(&mut self, line: &str) {
        self.keys(line);
        self.keys("\r");
    }

    /// The rows that are not empty, without the spaces at their ends.
    pub(crate) fn rows(&self) -> Vec<String> {
        let terminal = self.terminal.lock().expect("not poisoned");
        let rows = terminal.screen().rows(0, COLUMNS).map(|row| row.trim_end().to_owned());
        rows.filter(|row| !row.is_empty()).collect()
    }

    /// Row and column.
    pub(crate) fn cursor(&self) -> (u16, u16) {
        self.terminal.lock().expect("not poisoned").screen().cursor_position()
    }

    /// Waits until the rows are as wanted.
    pub(crate) fn wait(&self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let rows = self.rows();
            if wanted(&rows) {
                return rows;
            }
            assert!(Instant::now() < deadline, "never saw {what}:\n{}", rows.join("\n"));
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the last row is this.
    pub(crate) fn wait_last(&self, row: &str) -> Vec<String> {
        self.wait(row, |rows| rows.last().is_some_and(|last| last == row))
    }

    /// Waits until some row ends like this.
    pub(crate) fn wait_row(&self, end: &str) -> Vec<String> {
        self.wait(end, |rows| rows.iter().any(|row| row.ends_with(end)))
    }

    /// Whether a text was ever on the screen.
    pub(crate) fn ever_showed(&self, text: &str) -> bool {
        let shown = self.shown.lock().expect("not poisoned");
        shown.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// Waits for the end of the client, and gives its exit code.
    pub(crate) fn exit(&self) -> i32 {
        let deadline = Instant::now() + LIMIT;
        loop {
            match self.process.status() {
                Some(WaitStatus::Exited(_, code)) => return code,
                _ => {
                    assert!(Instant::now() < deadline, "the client does not end:\n{}", self.rows().join("\n"))
                }
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}
