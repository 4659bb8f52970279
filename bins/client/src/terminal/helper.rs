//! What the line editor asks of us: completion, a coloured prompt, and word that the prompt stands.

use std::borrow::Cow;
use std::sync::Arc;

use rustyline::Context;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use unicode_width::UnicodeWidthStr;

use super::completion::complete;
use super::gate::Gate;
use super::typing::Typing;
use crate::shared::Shared;

/// The editor's helper. The main thread's.
pub(crate) struct Helper {
    shared: Arc<Shared>,
    gate: Arc<Gate>,
    pub(crate) hiding: Hiding,
    /// Nothing if its user does not want others to be told.
    pub(super) typing: Option<Typing>,
}

/// Whether what is typed is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hiding {
    /// As stars: it is a password.
    On,
    Off,
}

impl Helper {
    pub(crate) fn new(shared: Arc<Shared>, gate: Arc<Gate>) -> Helper {
        Helper { shared, gate, hiding: Hiding::Off, typing: None }
    }
}

impl Completer for Helper {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        if self.hiding == Hiding::On {
            return Ok((pos, Vec::new()));
        }
        let (start, words) = complete(line.get(..pos).unwrap_or(line), &self.shared.lock().roster);
        let pair = |word: String| Pair { display: word.trim_end().to_owned(), replacement: word };
        Ok((start, words.into_iter().map(pair).collect()))
    }
}

impl Hinter for Helper {
    type Hint = String;

    fn hint(&self, line: &str, _: usize, _: &Context<'_>) -> Option<String> {
        // The editor asks whenever it draws the line: from the first time on, arrivals may be printed above it.
        self.gate.drawn();
        if let Some(typing) = &self.typing
            && self.hiding == Hiding::Off
        {
            typing.drawn(line, &self.shared);
        }
        None
    }
}

impl Highlighter for Helper {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        match self.hiding {
            Hiding::On => Cow::Owned("*".repeat(line.width())),
            Hiding::Off => Cow::Borrowed(line),
        }
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        self.hiding == Hiding::On && kind != CmdKind::MoveCursor
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        match self.hiding {
            Hiding::On => Cow::Borrowed(prompt),
            Hiding::Off => Cow::Owned(format!("\x1b[1m{prompt}\x1b[0m")),
        }
    }
}

impl Validator for Helper {
    /// Every line is right; but it is accepted now, while the editor still owns the terminal.
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        self.gate.shut();
        Ok(ValidationResult::Valid(None))
    }
}

impl rustyline::Helper for Helper {}
