//! How much of the screen a line that was typed takes.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Rows of a prompt and the line behind it on so many columns. Nothing if that depends on whether the terminal joins what
/// belongs together (an emoji's family, a flag), which nobody can ask it.
pub(super) fn rows(prompt: &str, line: &str, columns: usize) -> Option<usize> {
    let text = format!("{prompt}{line}");
    let joined = rows_by(&text, columns, |character| character.width());
    let apart = rows_by(&text, columns, |character| {
        character.chars().filter_map(UnicodeWidthChar::width).sum::<usize>()
    });
    (joined == apart && columns > 0).then_some(joined)
}

/// As a terminal wraps: a character that does not fit stands on the next row as a whole, and behind a full row the cursor is
/// on the next.
fn rows_by(text: &str, columns: usize, width: impl Fn(&str) -> usize) -> usize {
    let (mut row, mut column) = (0, 0);
    for character in text.graphemes(true) {
        if character == "\n" {
            (row, column) = (row + 1, 0);
            continue;
        }
        let width = width(character);
        column += width;
        if column > columns {
            (row, column) = (row + 1, width);
        }
    }
    if column == columns {
        row += 1;
    }
    row + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_as_a_terminal_wraps() {
        assert_eq!(rows("> ", "", 10), Some(1));
        assert_eq!(rows("> ", "1234567", 10), Some(1));
        assert_eq!(rows("> ", "12345678", 10), Some(2), "the cursor stands on the next row");
        assert_eq!(rows("> ", "123456789", 10), Some(2));
        assert_eq!(rows("> ", "你好世界", 10), Some(2));
        assert_eq!(rows("> ", "1你好世界", 10), Some(2), "a wide character is not cut");
        assert_eq!(rows("> ", "one\ntwo\n", 10), Some(3));
        assert_eq!(rows("> ", "👩‍👩‍👧", 20), Some(1), "as many rows either way");
        assert_eq!(rows("> ", "👩‍👩‍👧👩‍👩‍👧", 10), None);
    }
}
