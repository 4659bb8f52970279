//! Typing what nobody may see.

use std::borrow::Cow;

use client::protocol::Secret;
use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{ColorMode, Config, Editor, Helper};

/// Asks for a password. Nothing if the user thinks better of it (Ctrl-C, Ctrl-D).
pub(crate) fn ask() -> Option<Secret> {
    // What hides the text is highlighting, which must be on for people without colours too.
    let config = Config::builder().color_mode(ColorMode::Forced).auto_add_history(false).build();
    let mut editor: Editor<Stars, MemHistory> = Editor::with_history(config, MemHistory::new()).ok()?;
    editor.set_helper(Some(Stars));
    editor.readline("password: ").ok().map(Secret::new)
}

/// Shows a star for each character.
struct Stars;

impl Highlighter for Stars {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned("*".repeat(unicode_width::UnicodeWidthStr::width(line)))
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        kind != CmdKind::MoveCursor
    }
}

impl Completer for Stars {
    type Candidate = String;
}

impl Hinter for Stars {
    type Hint = String;
}

impl Validator for Stars {}

impl Helper for Stars {}
