//! The client in a pseudo-terminal, and what its user sees.

use std::time::Duration;

use testkit::{Terminal, TerminalSize};

/// How long anything may take that should come at once.
const LIMIT: Duration = Duration::from_secs(20);

/// What most tests look at.
pub(crate) const USUAL: TerminalSize = TerminalSize { rows: 24, columns: 80 };

/// As narrow as half of a small screen.
pub(crate) const NARROW: TerminalSize = TerminalSize { rows: 20, columns: 60 };

/// A large window.
pub(crate) const WIDE: TerminalSize = TerminalSize { rows: 40, columns: 120 };

/// Makes of a function that takes a size one test for each size.
macro_rules! on_each_size {
    ($($function:ident),+ $(,)?) => {
        mod narrow {
            $(#[test] fn $function() { super::$function($crate::screen::NARROW) })+
        }
        mod wide {
            $(#[test] fn $function() { super::$function($crate::screen::WIDE) })+
        }
    };
}
pub(crate) use on_each_size;

/// A terminal with the client in it.
pub(crate) struct Screen {
    pub(crate) terminal: Terminal,
}

impl Screen {
    /// Starts the client in a terminal of the usual size.
    pub(crate) fn start(arguments: &[&str]) -> Screen {
        Screen::start_in(USUAL, arguments, &[])
    }

    /// Starts the client in a terminal of some size, with more environment.
    pub(crate) fn start_in(size: TerminalSize, arguments: &[&str], environment: &[(&str, &str)]) -> Screen {
        let terminal = Terminal::start(env!("CARGO_BIN_EXE_client"), size, |command| {
            command.args(arguments);
            ["NO_COLOR", "CHAT_SERVER", "CHAT_PASSWORD", "CHAT_ACCOUNT"].iter().for_each(|name| {
                command.env_remove(name);
            });
            command.envs(environment.iter().copied());
        });
        Screen { terminal }
    }

    /// Presses keys.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.terminal.press(keys);
    }

    /// Types a line.
    pub(crate) fn line(&mut self, line: &str) {
        self.terminal.enter(line);
    }

    /// The rows that are not empty, without the spaces at their ends.
    pub(crate) fn rows(&self) -> Vec<String> {
        self.terminal.screen().into_iter().filter(|row| !row.is_empty()).collect()
    }

    /// Row and column.
    pub(crate) fn cursor(&self) -> (u16, u16) {
        self.terminal.cursor()
    }

    /// Waits until the rows are as wanted.
    pub(crate) fn wait(&self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        self.terminal.wait(LIMIT, what, |_| Some(self.rows()).filter(|rows| wanted(rows)))
    }

    /// Waits until the last row is this.
    pub(crate) fn wait_last(&self, row: &str) -> Vec<String> {
        self.wait(row, |rows| rows.last().is_some_and(|last| last == row))
    }

    /// Waits until some row ends like this.
    pub(crate) fn wait_row(&self, end: &str) -> Vec<String> {
        self.wait(end, |rows| rows.iter().any(|row| row.ends_with(end)))
    }

    /// Waits until the program has written this, escape sequences and all.
    pub(crate) fn wait_written(&self, bytes: &str) {
        self.terminal.wait(LIMIT, bytes, |_| self.ever_showed(bytes).then_some(()));
    }

    /// Whether a text was ever written to the screen.
    pub(crate) fn ever_showed(&self, text: &str) -> bool {
        self.times_written(text) > 0
    }

    /// How often it was.
    pub(crate) fn times_written(&self, text: &str) -> usize {
        let written = self.terminal.output();
        written.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
    }

    /// Waits for the end of the client, and gives its exit code.
    pub(crate) fn exit(&mut self) -> i32 {
        self.terminal.end(LIMIT).code().expect("no signal ended it")
    }
}
