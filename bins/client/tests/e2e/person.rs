//! Somebody at a terminal.

use testkit::{Terminal, TerminalSize};

use crate::server::Server;
use crate::{LIMIT, PASSWORD};

/// What most people sit at.
const SIZE: TerminalSize = TerminalSize { rows: 30, columns: 100 };

/// Somebody whose client remembers the session in a file of their own.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) terminal: Terminal,
}

/// A message as a screen shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) by: String,
    pub(crate) text: String,
}

/// `Said` by somebody.
pub(crate) fn said(by: &str, text: &str) -> Said {
    Said { by: by.to_owned(), text: text.to_owned() }
}

impl Person {
    /// Starts the client, and waits for its prompt.
    pub(crate) fn sit_down(name: &'static str, server: &Server) -> Person {
        Person::sit_down_elsewhere(name, server, name)
    }

    /// Starts the client in a terminal of this size.
    pub(crate) fn sit_down_in(name: &'static str, server: &Server, size: TerminalSize) -> Person {
        let person = Person::start(name, server, name, size);
        person.waits_for_prompt("chat>");
        person
    }

    /// Starts the client on another device: one with another memory.
    pub(crate) fn sit_down_elsewhere(name: &'static str, server: &Server, device: &str) -> Person {
        let person = Person::start(name, server, device, SIZE);
        person.waits_for_prompt("chat>");
        person
    }

    /// Starts the client with these arguments too.
    pub(crate) fn sit_down_with(name: &'static str, server: &Server, arguments: &[&str]) -> Person {
        let person = Person::start_with(name, server, name, SIZE, arguments);
        person.waits_for_prompt("chat>");
        person
    }

    /// Starts the client, where a session is remembered.
    pub(crate) fn come_back(name: &'static str, server: &Server) -> Person {
        let person = Person::start(name, server, name, SIZE);
        person.waits_for_prompt(&format!("{name}>"));
        person
    }

    fn start(name: &'static str, server: &Server, device: &str, size: TerminalSize) -> Person {
        Person::start_with(name, server, device, size, &[])
    }

    fn start_with(
        name: &'static str,
        server: &Server,
        device: &str,
        size: TerminalSize,
        arguments: &[&str],
    ) -> Person {
        let state = server.folder().join(format!("{device}.json"));
        let terminal = Terminal::start(env!("CARGO_BIN_EXE_client"), size, |command| {
            command.args(["--server", server.address()]).arg("--state").arg(state).args(arguments);
            command.env("XDG_STATE_HOME", server.folder());
            ["NO_COLOR", "CHAT_SERVER", "CHAT_ACCOUNT", "CHAT_PASSWORD"].iter().for_each(|name| {
                command.env_remove(name);
            });
        });
        Person { name, terminal }
    }

    /// Makes an account and logs in to it. Returns the id.
    pub(crate) fn registers_and_logs_in(&mut self) -> u64 {
        let name = self.name;
        self.terminal.enter(&format!("/register {name}"));
        self.gives_password();
        let row = self.sees(&format!("; now /login {name}"));
        let id = row.split("with id ").nth(1).and_then(|rest| rest.split(';').next());
        let id = id.and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("no id: {row}"));
        self.logs_in();
        id
    }

    /// Logs in to an account that is there.
    pub(crate) fn logs_in(&mut self) {
        let name = self.name;
        self.terminal.enter(&format!("/login {name}"));
        self.gives_password();
        self.sees_row(&format!("logged in as {name} (id "));
        self.waits_for_prompt(&format!("{name}>"));
    }

    fn gives_password(&mut self) {
        self.waits_for_prompt("password:");
        self.terminal.enter(PASSWORD);
    }

    pub(crate) fn enters(&mut self, line: &str) {
        self.terminal.enter(line);
    }

    /// Says texts to the friend whom plain text goes to, each after the one before was shown.
    pub(crate) fn says(&mut self, friend: &str, texts: &[&str]) {
        for text in texts {
            self.enters(text);
            self.sees(&format!(" you → {friend}: {text}"));
        }
    }

    pub(crate) fn presses(&mut self, keys: &str) {
        self.terminal.press(keys);
    }

    /// Chooses whom plain text goes to.
    pub(crate) fn talks_to(&mut self, talk: &str) {
        self.enters(&format!("/chat {talk}"));
        self.waits_for_prompt(&format!("{} → {talk}>", self.name));
    }

    /// Waits for a row that ends like this, on the screen or scrolled off it. Returns the row.
    pub(crate) fn sees(&self, end: &str) -> String {
        self.sees_any(end, |row| row.ends_with(end))
    }

    /// Waits for a row that begins like this, on the screen or scrolled off it. Returns the row.
    pub(crate) fn sees_row(&self, beginning: &str) -> String {
        self.sees_any(beginning, |row| row.starts_with(beginning))
    }

    /// Waits for a row with this in it, on the screen or scrolled off it. Returns the row.
    pub(crate) fn sees_part(&self, part: &str) -> String {
        self.sees_any(part, |row| row.contains(part))
    }

    fn sees_any(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let what = format!("{} sees {what:?}", self.name);
        self.terminal.wait(LIMIT, &what, |terminal| terminal.transcript().into_iter().find(|row| is_it(row)))
    }

    /// Waits until the last row, the line being typed, is this.
    pub(crate) fn waits_for_prompt(&self, line: &str) {
        let what = format!("{} types in {line:?}", self.name);
        self.terminal.wait(LIMIT, &what, |terminal| {
            terminal.screen().last().is_some_and(|last| last == line).then_some(())
        });
    }

    /// Ctrl-D. The client must end well.
    pub(crate) fn leaves(mut self) -> Vec<String> {
        self.terminal.press("\x04");
        let status = self.terminal.end(LIMIT);
        assert!(status.success(), "{}'s client ended with {status}", self.name);
        self.terminal.transcript()
    }

    /// All messages that were shown so far in a conversation: of the friend of this name, or of a `#group`.
    pub(crate) fn heard(&self, talk: &str) -> Vec<Said> {
        heard(&self.terminal.transcript(), self.name, talk)
    }
}

/// All messages in a transcript of `me` that stand in a conversation.
pub(crate) fn heard(transcript: &[String], me: &str, talk: &str) -> Vec<Said> {
    transcript.iter().filter_map(|row| message(row, me, talk)).collect()
}

/// A row such as `12:03 bob: hi`, `12:03 you → bob: hi`, `12:03 #readers you: hi`, or in /history `7 12:03 bob: hi`.
fn message(row: &str, me: &str, talk: &str) -> Option<Said> {
    let (place, text) = after_time(row)?.split_once(": ")?;
    let by = match place.strip_prefix(&format!("{talk} ")) {
        Some(by) => by,
        None if place == talk => talk,
        None if place == format!("you → {talk}") => me,
        None => return None,
    };
    Some(said(if by == "you" { me } else { by }, text))
}

/// What stands behind `12:03`, or behind `2026-01-31 12:03` in a test that runs over midnight.
fn after_time(row: &str) -> Option<&str> {
    let made_of = |word: &str, mark: char| word.chars().all(|c| c.is_ascii_digit() || c == mark);
    let (number, numbered) = row.trim_start().split_once(' ')?;
    let row = if number.bytes().all(|byte| byte.is_ascii_digit()) { numbered } else { row };
    let (first, rest) = row.split_once(' ')?;
    let (time, rest) = match first.len() == 10 && made_of(first, '-') {
        true => rest.split_once(' ')?,
        false => (first, rest),
    };
    (time.len() == 5 && made_of(time, ':')).then_some(rest)
}

/// Where a test fails, what stands on everybody's screen says why.
impl Drop for Person {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {}'s terminal:\n{}", self.name, self.terminal.transcript().join("\n"));
        }
    }
}
