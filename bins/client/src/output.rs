//! Where lines go.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::mpsc::SyncSender;

use client::Event;
use serde_json::Value;

use crate::notice::{self, Narrator};
use crate::notify::{self, Notify};
use crate::outcome::{Failure, Outcome, columns};
use crate::printable::one_line;
use crate::roster::Roster;
use crate::style::Style;
use crate::wrap::wrapped;

/// The two voices of this program: events, from their own thread, and outcomes of commands.
#[derive(Debug)]
pub(crate) struct Output {
    form: Form,
    server: String,
    narrator: Mutex<Narrator>,
    notify: Notify,
    /// The terminal's title as it was set last.
    title: Mutex<String>,
}

/// Whether the bell rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ring {
    Bell,
    Silent,
}

/// For whom.
#[derive(Debug)]
pub(crate) enum Form {
    /// A pipe or file, read by people.
    Text,
    /// A program: one JSON object a line.
    Json,
    /// A terminal with a line being typed: events go through the printer's thread, outcomes come between two lines.
    Terminal { printer: SyncSender<String>, style: Style },
}

impl Output {
    pub(crate) fn new(form: Form, server: &str, notify: Notify) -> Output {
        let output = Output {
            form,
            server: server.to_owned(),
            narrator: Mutex::new(Narrator::default()),
            notify,
            title: Mutex::default(),
        };
        output.to_terminal(notify::KEEP_TITLE);
        output
    }

    /// What draws attention to a line, to be printed with it: the bell, and a title that is another one now.
    pub(crate) fn attention(&self, ring: Ring, roster: &Roster) -> String {
        if !self.may_notify() {
            return String::new();
        }
        let mut attention = self.new_title(roster).unwrap_or_default();
        if ring == Ring::Bell {
            attention.push_str(notify::BELL);
        }
        attention
    }

    /// Sets the title if it is another one now. Between two lines being typed, by the thread of commands.
    pub(crate) fn retitle(&self, roster: &Roster) {
        if self.may_notify()
            && let Some(title) = self.new_title(roster)
        {
            self.to_terminal(&title);
        }
    }

    /// Sets a title that [`Output::attention`] gave, while a line is typed. The thread of events, with nothing locked: a title
    /// moves no cursor, and one write of it is not torn by what the editor writes.
    pub(crate) fn set_title(&self, title: &str) {
        if !title.is_empty() {
            self.to_terminal(title);
        }
    }

    /// Gives the terminal its own title back, at the end.
    pub(crate) fn return_title(&self) {
        self.to_terminal(notify::RETURN_TITLE);
    }

    fn new_title(&self, roster: &Roster) -> Option<String> {
        let title = notify::title(roster);
        let mut last = self.title.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        (*last != title).then(|| last.clone_from(&title)).map(|()| title)
    }

    fn may_notify(&self) -> bool {
        self.notify == Notify::On && matches!(self.form, Form::Terminal { .. })
    }

    fn to_terminal(&self, sequence: &str) {
        if self.may_notify() {
            let mut out = io::stdout().lock();
            let _ = out.write_all(sequence.as_bytes());
            let _ = out.flush();
        }
    }

    /// Whether somebody sits there.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self.form, Form::Terminal { .. })
    }

    /// Whether a program reads it.
    pub(crate) fn is_for_programs(&self) -> bool {
        matches!(self.form, Form::Json)
    }

    pub(crate) fn style(&self) -> Style {
        match self.form {
            Form::Terminal { style, .. } => style,
            Form::Text | Form::Json => Style::Plain,
        }
    }

    /// The line that tells an event, if it is to be told. The roster must not have learned of the event yet.
    pub(crate) fn render(&self, event: &Event, roster: &Roster) -> Option<String> {
        match self.form {
            Form::Json => Some(notice::object(event, roster).to_string()),
            Form::Text | Form::Terminal { .. } => {
                let mut narrator = self.narrator.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                narrator.text(event, roster, &self.server, self.style())
            }
        }
    }

    /// Prints a line of an event. Waits while the printer is too far behind.
    pub(crate) fn event(&self, line: String) {
        match &self.form {
            Form::Text | Form::Json => print(&[line]),
            // The printer ends last.
            Form::Terminal { printer, .. } => drop(printer.send(laid(&line))),
        }
    }

    /// Prints a line between two lines being typed. The thread of commands.
    pub(crate) fn note(&self, line: &str) {
        print(&[line.to_owned()]);
    }

    /// Tells something that is neither event nor outcome.
    pub(crate) fn remark(&self, text: &str) {
        match &self.form {
            Form::Text => print(&[format!("* {text}")]),
            Form::Json => print(&[serde_json::json!({ "type": "remark", "message": text }).to_string()]),
            Form::Terminal { printer, style } => {
                drop(printer.send(laid(&style.wrong(&format!("* {text}")))));
            }
        }
    }

    pub(crate) fn outcome(&self, command: &str, outcome: &Outcome, roster: &Roster) {
        match self.form {
            Form::Json => print(&[outcome.object(command, roster).to_string()]),
            Form::Text => print(&outcome.lines(roster, self.style())),
            Form::Terminal { .. } => {
                let lines = outcome.lines(roster, self.style());
                print(&lines.iter().map(|line| laid(line)).collect::<Vec<_>>());
            }
        }
    }

    pub(crate) fn failure(&self, command: &str, failure: &Failure) {
        let line = |object: Value| print(&[object.to_string()]);
        match self.form {
            Form::Json => line(failure.object(command)),
            Form::Text | Form::Terminal { .. } => {
                let line = self.style().wrong(&format!("! {}", one_line(&failure.to_string())));
                print(&[if self.is_terminal() { laid(&line) } else { line }]);
            }
        }
    }
}

/// A line as it stands on the terminal, however long it is.
fn laid(line: &str) -> String {
    match columns() {
        Some(columns) => wrapped(line, columns).into_owned(),
        None => line.to_owned(),
    }
}

/// The exit code of a program that SIGPIPE ended, as shells show it.
const READER_GONE: i32 = 128 + 13;

/// Writes lines at once. When their reader has gone it ends the program there and then: nothing more can be shown, and what
/// was not shown must not be taken for it.
fn print(lines: &[String]) {
    let mut out = io::stdout().lock();
    let written = lines.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    if written.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        std::process::exit(READER_GONE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_objects_of_the_documentation_look_as_they_are_printed() {
        let docs = include_str!("../../../docs/client.md");
        let examples = docs.rsplit_once("```json\n").expect("examples").1;
        let lines: Vec<&str> = examples.lines().take_while(|line| *line != "```").collect();
        assert_eq!(lines.len(), 4);
        for line in lines {
            let object: Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(object.to_string(), line);
        }
    }
}
