//! The manual page, made of what the command line and the table of commands say.

use clap::{Arg, ArgAction, CommandFactory};

use crate::args::Args;
use crate::command::SECTIONS;

/// Exit codes, as [`Exit`](crate::exit::Exit) has them, and what ends a program that nobody reads.
const EXITS: &[(&str, &str)] = &[
    ("0", "Everything was done."),
    ("1", "A command was refused, by the server or because it made no sense; the others ran."),
    ("2", "A flag or command that nobody can understand; on the command line nothing ran."),
    ("3", "No connection, or no answer in time; the rest did not run."),
    ("4", "What was waited for did not come; the rest did not run."),
    ("5", "Another client that is running uses the saved session; the rest did not run."),
    ("141", "Nobody reads the output any more."),
];

const KEYS: &[(&str, &str)] = &[
    ("Tab", "Completes commands and their arguments."),
    ("Alt-Enter", "Begins another line of the same message. What is pasted is one message too."),
    ("PageUp", "Shows what was said before in the open conversation, page by page."),
    ("Up, Down, Ctrl-R", "The lines typed before."),
    ("Ctrl-C", "Clears the line, or gives up a command that waits for the server."),
    ("Ctrl-D", "Leaves, on an empty line."),
];

/// Variables that no flag names.
const VARIABLES: &[(&str, &str)] = &[
    ("CHAT_PASSWORD", "The password for commands that need one."),
    ("NO_COLOR", "No colours."),
    ("XDG_STATE_HOME", "Where files are kept; ~/.local/state by default."),
];

const FILES: &[(&str, &str)] = &[
    (
        "$XDG_STATE_HOME/chat/SERVER-ACCOUNT.db",
        "An account's own copy of messages, its session and its cursors. Readable by its owner only.",
    ),
    ("$XDG_STATE_HOME/chat/history", "The lines typed, without passwords."),
];

/// The page, for man(1).
pub(crate) fn page() -> String {
    let mut page = Page(String::new());
    page.raw(&format!(".TH CLIENT 1 \"\" \"chat {}\" \"User Commands\"", env!("CARGO_PKG_VERSION")));
    page.section("NAME");
    page.text("client - chat on a terminal, or from a script");
    page.section("SYNOPSIS");
    page.raw(".B client\n.RI [ OPTION ]...");
    page.section("DESCRIPTION");
    page.text(
        "Talks to people and groups on a chat server. On a terminal, plain text goes to whom /chat chose, and lines that \
         begin with a slash are commands. Without a terminal, and with --command, it carries out commands in order.",
    );
    page.section("OPTIONS");
    for argument in Args::command().get_arguments().filter(|argument| !argument.is_hide_set()) {
        page.entry(&flag(argument), &about(argument));
    }
    page.entry("-h, --help", "Print help.");
    page.entry("-V, --version", "Print the version.");
    page.section("COMMANDS");
    for section in SECTIONS {
        page.raw(&format!(".SS {}", escaped(section.title)));
        for spec in section.commands {
            page.entry(&format!("{} {}", spec.name, spec.arguments), spec.help);
        }
    }
    page.entries("KEYS", KEYS);
    page.entries("EXIT STATUS", EXITS);
    page.entries("ENVIRONMENT", VARIABLES);
    page.entries("FILES", FILES);
    page.section("SEE ALSO");
    page.text(
        "docs/client.md in the project's sources: scripts, objects of --json, and an example of a bot.",
    );
    page.0
}

struct Page(String);

impl Page {
    fn raw(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn section(&mut self, title: &str) {
        self.raw(&format!(".SH {title}"));
    }

    fn text(&mut self, text: &str) {
        self.raw(&escaped(text));
    }

    fn entry(&mut self, term: &str, text: &str) {
        self.raw(&format!(".TP\n.B {}", escaped(term.trim_end())));
        self.text(text);
    }

    fn entries(&mut self, title: &str, entries: &[(&str, &str)]) {
        self.section(title);
        for (term, text) in entries {
            self.entry(term, text);
        }
    }
}

/// `-c, --command COMMAND`.
fn flag(argument: &Arg) -> String {
    let short = argument.get_short().map(|short| format!("-{short}"));
    let long = argument.get_long().map(|long| format!("--{long}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    let value = argument.get_value_names().filter(|_| takes_value).and_then(|names| names.first());
    match value {
        Some(value) => format!("{} {value}", names.join(", ")),
        None => names.join(", "),
    }
}

/// What help says, the variable and the default.
fn about(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut about = format!("{}.", help.trim_end_matches('.'));
    if let Some(variable) = argument.get_env() {
        about.push_str(&format!(" Variable: {}.", variable.to_string_lossy()));
    }
    let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    if let Some(default) = argument.get_default_values().first().filter(|_| takes_value) {
        about.push_str(&format!(" Default: {}.", default.to_string_lossy()));
    }
    about
}

/// As roff wants text: no backslash means anything, hyphens stay hyphens, and no line begins with a dot or a quote.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\n', " ");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_the_sources_is_this_one() {
        let kept = include_str!("../../../docs/client.1");
        assert!(kept == page(), "docs/client.1 is old: client --manual > docs/client.1");
    }

    #[test]
    fn every_exit_code_is_explained() {
        use crate::exit::Exit;
        for exit in [Exit::Done, Exit::Refused, Exit::Usage, Exit::NoConnection, Exit::WaitedInVain] {
            let code = (exit as u8).to_string();
            assert!(EXITS.iter().any(|(known, _)| *known == code), "{code}");
        }
    }

    #[test]
    fn nothing_in_a_text_is_taken_for_roff() {
        assert_eq!(escaped(".TH \\fB--x\\n"), "\\&.TH \\efB\\-\\-x\\en");
    }
}
