//! Somebody types.

mod completion;
mod gate;
mod helper;
mod printer;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use client::protocol::Secret;
use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, Config, Editor, ExternalPrinter};
use unicode_width::UnicodeWidthStr;

use crate::chat::Chat;
use crate::command::{self, Command};
use crate::exit::Exit;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::printable::one_line;
use crate::shared::Shared;
use gate::Gate;
use helper::{Helper, Hiding};
pub(crate) use printer::Printer;

/// Lines that are kept for the arrow keys.
const HISTORY_LINES_MAX: usize = 1_000;

/// How long the first prompt waits for the connection.
const FIRST_NEWS: Duration = Duration::from_secs(1);

/// The line editor and what belongs to it. The main thread's.
pub(crate) struct Terminal {
    editor: Editor<Helper, FileHistory>,
    gate: Arc<Gate>,
    history_file: Option<PathBuf>,
}

impl Terminal {
    /// Takes the terminal, and gives what prints above the line being typed.
    pub(crate) fn new(
        shared: Arc<Shared>,
        history_file: Option<PathBuf>,
    ) -> rustyline::Result<(Terminal, Printer<impl ExternalPrinter + use<>>)> {
        let config = Config::builder()
            .max_history_size(HISTORY_LINES_MAX)?
            .history_ignore_space(true)
            .completion_type(rustyline::CompletionType::List)
            .auto_add_history(false)
            .build();
        let gate = Arc::new(Gate::default());
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Helper::new(shared, Arc::clone(&gate))));
        if let Some(file) = &history_file {
            // The first time there is none.
            let _ = editor.load_history(file);
        }
        let printer = Printer::new(editor.create_external_printer()?, Arc::clone(&gate));
        Ok((Terminal { editor, gate, history_file }, printer))
    }

    /// Reads and runs commands until the user leaves.
    pub(crate) fn run(&mut self, chat: &mut Chat, output: &Output, session_expected: bool) -> Exit {
        output.note("/help lists the commands, /quit leaves");
        chat.wait_for_first_news(FIRST_NEWS, session_expected);
        loop {
            let prompt = {
                let known = chat.shared.lock();
                output.retitle(&known.roster);
                known.roster.prompt()
            };
            self.gate.arm();
            let read = self.editor.readline(&prompt);
            self.gate.shut();
            match read {
                Ok(line) => {
                    if self.obey(chat, output, &prompt, &line) == Outcome::Quit {
                        return Exit::Done;
                    }
                }
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => return Exit::Done,
                Err(error) => {
                    output.note(&format!("the terminal cannot be read: {error}"));
                    return Exit::Done;
                }
            }
        }
    }

    /// Nothing is typed any more: what waits may be printed.
    pub(crate) fn let_the_rest_through(&self) {
        self.gate.open();
    }

    /// Runs one line and shows what came of it.
    fn obey(&mut self, chat: &mut Chat, output: &Output, prompt: &str, line: &str) -> Outcome {
        let command = match command::parse(line) {
            Ok(None) => return Outcome::Waited,
            Ok(Some(command)) => command,
            Err(error) => {
                // Whoever mistypes /login may have typed a password: it is not kept.
                output.failure(line, &Failure::Usage(error));
                return Outcome::Waited;
            }
        };
        self.remember(line);
        let said = match &command {
            Command::Say(text) => Some(text.clone()),
            _ => None,
        };
        if said.is_some() && chat.shared.lock().roster.current.is_some() {
            self.erase(prompt, line);
        }
        let result = chat.run(command, &mut |name| self.ask_secret(name));
        match result {
            Ok(outcome) => {
                output.outcome(line, &outcome, &chat.shared.lock().roster);
                outcome
            }
            Err(failure) => {
                if let Some(text) = said {
                    output.note(&output.style().faint(&format!("(not sent) {}", one_line(&text))));
                }
                output.failure(line, &failure);
                Outcome::Waited
            }
        }
    }

    /// Takes a typed message off the screen: it comes again, as everybody sees it, in its place among the others. Only
    /// if it stands on one row, so that nothing else can be hit.
    fn erase(&mut self, prompt: &str, line: &str) {
        let columns = self.editor.dimensions().map_or(0, |(columns, _)| usize::from(columns));
        if prompt.width() + line.width() < columns {
            let mut out = io::stdout().lock();
            let _ = write!(out, "\x1b[1A\r\x1b[J");
            let _ = out.flush();
        }
    }

    /// Asks for a secret. Nothing if the user thinks better of it (Ctrl-C, Ctrl-D). By the same editor, which may hold
    /// the secret already: it was typed ahead, and must not be taken for something to say.
    fn ask_secret(&mut self, name: &str) -> Option<Secret> {
        let colours = self.editor.config_mut().color_mode();
        // What hides the text is highlighting, which must be on for people without colours too.
        self.editor.set_color_mode(ColorMode::Forced);
        self.hide(Hiding::On);
        self.gate.arm();
        let secret = self.editor.readline(&format!("{name}: "));
        self.gate.shut();
        self.hide(Hiding::Off);
        self.editor.set_color_mode(colours);
        secret.ok().map(Secret::new)
    }

    fn hide(&mut self, hiding: Hiding) {
        if let Some(helper) = self.editor.helper_mut() {
            helper.hiding = hiding;
        }
    }

    /// Keeps a line for the arrow keys, without the password in it.
    fn remember(&mut self, line: &str) {
        let _ = self.editor.add_history_entry(command::shown(line));
        if let Some(file) = &self.history_file
            && let Err(error) = self.editor.append_history(file)
        {
            log::warn!("{}: {error}", file.display());
        }
    }
}
