//! How lists look.

use client::protocol::State;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::printable::one_line;

/// Three columns, the first two as wide as needed.
pub(super) fn table(rows: impl Iterator<Item = [String; 3]>) -> Vec<String> {
    let rows: Vec<[String; 3]> = rows.collect();
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let line = |[a, b, c]: &[String; 3]| {
        let (left, right) = (first - a.width(), second - b.width());
        format!("  {:left$}{a}  {b}{:right$}  {c}", "", "").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

pub(super) fn presence(state: State) -> &'static str {
    match state {
        State::Online => "there",
        State::Offline => "away",
        State::Unknown => "perhaps there",
    }
}

/// `1 friend`, `2 friends`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// What somebody says behind what is said of them, after a colon.
pub(super) fn with_words(about: String, words: &str) -> String {
    match one_line(words) {
        words if words.trim().is_empty() => about,
        words => format!("{about}: {words}"),
    }
}

/// `, 3 unread`, or nothing.
pub(super) fn unread(number: u64) -> String {
    if number == 0 { String::new() } else { format!(", {number} unread") }
}

/// Columns of the terminal that outcomes are printed on; none where there is no terminal.
pub(crate) fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// A text in at most so many columns, cut between two characters as people see them.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    // A terminal that does not join what belongs together (an emoji's family, a flag) needs more columns: as many are left.
    let needed = |text: &str| text.chars().filter_map(UnicodeWidthChar::width).sum::<usize>();
    if needed(text) <= columns {
        return text.to_owned();
    }
    let (mut fitting, mut used) = (String::new(), 0);
    for character in text.graphemes(true) {
        used += needed(character);
        if used >= columns {
            break;
        }
        fitting.push_str(character);
    }
    fitting.push('…');
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_cut_in_the_middle_of_a_character() {
        assert_eq!(fit("hello", 5), "hello");
        assert_eq!(fit("hello!", 5), "hell…");
        assert_eq!(fit("你好世界", 7), "你好世…");
        assert_eq!(fit("你好世界", 6), "你好…");
        assert_eq!(fit("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 13), "👩‍👩‍👧👩‍👩‍👧…");
        assert_eq!(fit("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(fit("🇩🇪🇫🇷", 3), "🇩🇪…");
    }
}
