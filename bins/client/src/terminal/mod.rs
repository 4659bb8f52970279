//! Somebody types.

mod bar;
mod completion;
mod gate;
mod helper;
mod keys;
mod mode;
mod printer;
mod rows;
mod signals;
mod typing;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use client::Client;
use client::protocol::Secret;
use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{
    Cmd, ColorMode, Config, Editor, Event, EventHandler, ExternalPrinter, KeyCode, KeyEvent, Modifiers,
};

use crate::chat::{AskSecret, Chat};
use crate::command::{self, Command};
use crate::exit::Exit;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::printable::one_line;
use crate::shared::Shared;
use gate::Gate;
use helper::{Helper, Hiding};
use keys::{OnLeaving, OnScrollBack, ScrollBack};
use mode::BetweenLines;
pub(crate) use printer::Printer;
use typing::Typing;

/// Lines that are kept for the arrow keys.
const HISTORY_LINES_MAX: usize = 1_000;

/// How long the first prompt waits for the connection.
const FIRST_NEWS: Duration = Duration::from_secs(1);

/// Whoever presses Ctrl-C so often, one after the other, is told how to leave.
const INTERRUPTS_OF_WHO_WANTS_OUT: u32 = 2;

/// The line editor and what belongs to it. The main thread's.
pub(crate) struct Terminal {
    editor: Editor<Helper, FileHistory>,
    gate: Arc<Gate>,
    history_file: Option<PathBuf>,
    scroll_back: Arc<ScrollBack>,
    /// Given back last: fields are dropped in order.
    _mode: BetweenLines,
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
        let scroll_back = Arc::new(ScrollBack::default());
        let mode = BetweenLines::begin()?;
        signals::handle(shared.interrupted(), mode.before())?;
        let mut editor = Editor::with_config(config)?;
        let key = |code, modifiers| Event::from(KeyEvent(code, modifiers));
        editor.bind_sequence(key(KeyCode::Enter, Modifiers::ALT), Cmd::Newline);
        let page_up = EventHandler::Conditional(Box::new(OnScrollBack(Arc::clone(&scroll_back))));
        editor.bind_sequence(key(KeyCode::PageUp, Modifiers::NONE), page_up);
        let leaving = EventHandler::Conditional(Box::new(OnLeaving(Arc::clone(&gate))));
        editor.bind_sequence(key(KeyCode::Char('D'), Modifiers::CTRL), leaving);
        editor.set_helper(Some(Helper::new(shared, Arc::clone(&gate))));
        if let Some(file) = &history_file {
            make_folder_of(file);
            // The first time there is none.
            let _ = editor.load_history(file);
        }
        let printer = Printer::new(editor.create_external_printer()?, Arc::clone(&gate));
        Ok((Terminal { editor, gate, history_file, scroll_back, _mode: mode }, printer))
    }

    /// From now on others are told when something is typed to them.
    pub(crate) fn tell_typing(&mut self, client: Client) {
        if let Some(helper) = self.editor.helper_mut() {
            helper.typing = Some(Typing::new(client));
        }
    }

    /// Reads and runs commands until the user leaves.
    pub(crate) fn run(&mut self, chat: &mut Chat, output: &Output, session_expected: bool) -> Exit {
        output.note("/help lists the commands, /quit leaves");
        chat.wait_for_first_news(FIRST_NEWS, session_expected);
        bar::watch(&chat.shared);
        // A line that was left for a moment, and the cursor's place in it.
        let mut left = (String::new(), 0);
        let mut interrupts = 0;
        loop {
            let prompt = {
                let known = chat.shared.lock();
                output.retitle(&known.roster);
                known.roster.prompt()
            };
            self.gate.arm();
            let (line, cursor) = std::mem::take(&mut left);
            let read = self.editor.readline_with_initial(&prompt, line.split_at(cursor));
            self.gate.shut();
            chat.shared.clear_interrupt();
            interrupts = if let Err(ReadlineError::Interrupted) = read { interrupts + 1 } else { 0 };
            match read {
                Ok(line) => {
                    if let Some(cursor) = self.scroll_back.take() {
                        self.erase(&prompt, &line);
                        show(chat, output, "/history", Command::History(None), &mut |_| None);
                        let cursor = if line.is_char_boundary(cursor) { cursor } else { line.len() };
                        left = (line, cursor);
                    } else if self.obey(chat, output, &prompt, &line) == Outcome::Quit {
                        return Exit::Done;
                    }
                }
                Err(ReadlineError::Interrupted) if interrupts == INTERRUPTS_OF_WHO_WANTS_OUT => {
                    output.note(&output.style().faint("* Ctrl-D or /quit leaves"));
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
        let logs_in = matches!(command, Command::Login { .. });
        let outcome = show(chat, output, line, command, &mut |name| self.ask_secret(name));
        if logs_in && outcome.is_some() {
            bar::watch(&chat.shared);
        }
        if outcome.is_none()
            && let Some(text) = said
        {
            output.note(&output.style().faint(&format!("(not sent) {}", one_line(&text))));
        }
        outcome.unwrap_or(Outcome::Waited)
    }

    /// Takes a typed message off the screen: it comes again, as everybody sees it, in its place among the others. Only
    /// if all of it is still there, so that nothing else can be hit.
    fn erase(&mut self, prompt: &str, line: &str) {
        let Some((columns, rows)) = self.editor.dimensions() else { return };
        if let Some(typed) = rows::rows(prompt, line, usize::from(columns))
            && typed < usize::from(rows)
        {
            let mut out = io::stdout().lock();
            let _ = write!(out, "\x1b[{typed}A\r\x1b[J");
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
        self.scroll_back.heed(hiding);
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

/// Carries out a command and shows what came of it. Nothing if it was not done.
fn show(
    chat: &mut Chat,
    output: &Output,
    line: &str,
    command: Command,
    ask: AskSecret<'_>,
) -> Option<Outcome> {
    match chat.run(command, ask) {
        Ok(outcome) => {
            output.outcome(line, &outcome, &chat.shared.lock().roster);
            Some(outcome)
        }
        Err(failure) => {
            output.failure(line, &failure);
            None
        }
    }
}

/// The folder of the file with typed lines is there before the first one is kept. Without it nothing is.
fn make_folder_of(file: &Path) {
    let Some(folder) = file.parent() else { return };
    if let Err(error) = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder) {
        log::warn!("{}: {error}", folder.display());
    }
}
