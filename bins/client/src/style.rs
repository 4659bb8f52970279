//! Colours, or none.

/// How lines look. Colour only ever repeats what the words say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// For files, pipes, and terminals of people who set NO_COLOR (no-color.org).
    Plain,
    /// ANSI colours.
    Colour,
}

impl Style {
    /// For a terminal.
    pub(crate) fn for_terminal() -> Style {
        match std::env::var_os("NO_COLOR") {
            Some(value) if !value.is_empty() => Style::Plain,
            _ => Style::Colour,
        }
    }

    /// Something of lesser importance.
    pub(crate) fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// Somebody's name.
    pub(crate) fn name(self, text: &str) -> String {
        self.paint("1;36", text)
    }

    /// The reader's own.
    pub(crate) fn own(self, text: &str) -> String {
        self.paint("1;32", text)
    }

    /// The reader, where a text mentions them.
    pub(crate) fn mention(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    /// Something that went wrong.
    pub(crate) fn wrong(self, text: &str) -> String {
        self.paint("31", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Style::Plain => text.to_owned(),
            Style::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}
