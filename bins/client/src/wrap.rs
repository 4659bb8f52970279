//! Long lines on a terminal, broken by this program instead of by the terminal.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands before the rows that continue a line, so that no text, by its length, can look like a line of its own.
const CONTINUATION: &str = "\n  | ";

/// Columns that it takes.
const CONTINUATION_COLUMNS: usize = 4;

/// A word that takes more is broken itself.
const WORD_COLUMNS_MAX: usize = 14;

/// On fewer columns than this nothing is broken: nobody could read it either way.
const COLUMNS_MIN: usize = 20;

/// The text with its lines broken so that each fits. Sequences that colour or set the title take no place, and are not broken.
pub(crate) fn wrapped(text: &str, columns: usize) -> Cow<'_, str> {
    // A byte is never narrower than what it shows.
    if columns < COLUMNS_MIN || text.split('\n').all(|line| line.len() <= columns) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut column = 0;
    // Behind the last space of this row: where in `out`, and at which column.
    let mut space = None;
    for part in parts(text) {
        match part {
            Part::Sequence(sequence) => out.push_str(sequence),
            Part::Break => {
                out.push('\n');
                (column, space) = (0, None);
            }
            Part::Character(character) => {
                let width = width(character);
                if column + width > columns {
                    let (at, before) = match space.take() {
                        Some((at, before)) if column - before <= WORD_COLUMNS_MAX => (at, before),
                        _ => (out.len(), column),
                    };
                    out.insert_str(at, CONTINUATION);
                    column = CONTINUATION_COLUMNS + (column - before);
                }
                out.push_str(character);
                column += width;
                if character == " " {
                    space = Some((out.len(), column));
                }
            }
        }
    }
    Cow::Owned(out)
}

/// Columns of a character: the more of those that it may take, for some terminals join what belongs together and others do not.
fn width(character: &str) -> usize {
    let apart = character.chars().filter_map(UnicodeWidthChar::width).sum();
    character.width().max(apart)
}

enum Part<'a> {
    Character(&'a str),
    Sequence(&'a str),
    Break,
}

fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let len = match first {
            '\u{1b}' => sequence_len(rest),
            _ => rest.graphemes(true).next().map_or(first.len_utf8(), str::len),
        };
        let (part, after) = rest.split_at(len);
        rest = after;
        Some(match first {
            '\u{1b}' | '\u{7}' => Part::Sequence(part),
            '\n' => Part::Break,
            _ => Part::Character(part),
        })
    })
}

/// Bytes of the escape sequence that the text begins with: this program's own, of ECMA-48 (CSI) or of a title (OSC).
fn sequence_len(text: &str) -> usize {
    let body = text.get(2..).unwrap_or_default();
    let end = match text.as_bytes().get(1) {
        Some(b'[') => body.find(|c: char| ('@'..='~').contains(&c)).map(|at| at + 3),
        Some(b']') => body.find('\u{7}').map(|at| at + 3),
        _ => None,
    };
    end.unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_as_it_is() {
        let text = "12:00 bob: 你好 👋\n  | there";
        assert!(matches!(wrapped(text, 40), Cow::Borrowed(same) if same == text));
        assert_eq!(wrapped(&"x".repeat(20), 20), "x".repeat(20));
    }

    #[test]
    fn spaces_do_not_make_a_message_of_somebody_else() {
        let forged = format!("12:00 bob: hi{}12:00 carol: pay bob", " ".repeat(47));
        let shown = wrapped(&forged, 60);
        let rows: Vec<&str> = shown.split('\n').collect();
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert_eq!(rows[1], "  | 12:00 carol: pay bob");
    }

    #[test]
    fn every_row_fits_and_nothing_is_lost() {
        let text = "你好世界".repeat(30) + &"👩‍👩‍👧".repeat(20) + &"e\u{301}".repeat(70);
        let shown = wrapped(&text, 41);
        assert!(shown.split('\n').all(|row| width(row) <= 41), "{shown}");
        assert_eq!(shown.replace(CONTINUATION, ""), text);
    }

    #[test]
    fn words_stay_whole() {
        let shown = wrapped("12:00 bob: we meet at the station at seven", 30);
        assert_eq!(shown, "12:00 bob: we meet at the \n  | station at seven");
        let shown = wrapped("see https://example.org/a/long/way/to/go", 30);
        assert_eq!(shown, "see https://example.org/a/long\n  | /way/to/go");
    }

    #[test]
    fn colours_take_no_place_and_stay_whole() {
        let text = format!("\u{1b}[1mbob\u{1b}[0m {}\u{7}\u{1b}]0;title\u{7}", "x".repeat(30));
        let shown = wrapped(&text, 34);
        assert_eq!(shown, text, "as wide as the terminal");
        let shown = wrapped(&text, 33);
        assert_eq!(shown.matches(CONTINUATION).count(), 1);
        assert_eq!(shown.replace(CONTINUATION, ""), text);
    }

    #[test]
    fn hardly_any_columns_break_nothing() {
        assert_eq!(wrapped("much too long for this", 5), "much too long for this");
    }
}
