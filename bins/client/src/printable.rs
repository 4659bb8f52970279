//! Text from elsewhere on its way to the terminal.

use std::borrow::Cow;

use protocol::invisible::is_invisible;

/// Lines of one message that are shown.
const LINES_MAX: usize = 40;

/// Characters of one message that are shown.
const CHARS_MAX: usize = 4_000;

/// What stands before the second and later lines of a message, so that no text can look like another message.
const CONTINUATION: &str = "\n  | ";

/// A text on one line, with nothing in it that moves the cursor, colours, hides or turns what stands around it.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| !is_break(c) && !is_unprintable(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_break(c) || c == '\t' {
            out.push(' ');
        } else if !is_unprintable(c) {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A user's name, or what somebody calls a user: on one line as [`one_line`] makes it, and without all that shows nothing. No
/// server lets names hold that, and whoever believes one that does would take one user for another.
pub(crate) fn name(text: &str) -> Cow<'_, str> {
    match one_line(text) {
        line if line.chars().any(is_invisible) => {
            Cow::Owned(line.chars().filter(|c| !is_invisible(*c)).collect())
        }
        line => line,
    }
}

/// A message's text. Its line breaks stay, marked; what is too long for a screen is cut, and the cut is told.
pub(crate) fn message(text: &str) -> String {
    let normal = text.replace("\r\n", "\n");
    let mut out = String::with_capacity(normal.len());
    let (mut chars, mut lines) = (0, 1);
    for (at, c) in normal.char_indices() {
        if chars == CHARS_MAX || (is_break(c) && lines == LINES_MAX) {
            let rest = normal[at..].chars().count();
            out.push_str(CONTINUATION);
            out.push_str(&format!("… and {rest} characters more"));
            return out;
        }
        chars += 1;
        if is_break(c) {
            lines += 1;
            out.push_str(CONTINUATION);
        } else if c == '\t' {
            out.push(' ');
        } else if !is_unprintable(c) {
            out.push(c);
        }
    }
    out
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Control characters (C0, DEL, C1), text-direction marks (UAX #9), invisible separators, annotations and tags.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_power() {
        assert_eq!(one_line("a\u{1b}[2Jb\u{9b}31mc\u{7}\u{0}\u{7f}"), "a[2Jb31mc");
        assert_eq!(one_line("evil\u{202e}txt.exe\u{2066}"), "eviltxt.exe");
    }

    #[test]
    fn honest_text_stays() {
        for text in ["100 % 'quotes' \"and\" \\", "你好，世界", "🇩🇪👩‍👩‍👧 é", "مرحبا"]
        {
            assert_eq!(one_line(text), text);
            assert_eq!(message(text), text);
        }
    }

    #[test]
    fn names_keep_only_what_can_be_seen() {
        for nothing in
            ["\u{200d}", "\u{3164}", "\u{16fe4}", "\u{1bca0}", "\u{e0101}", "\u{fe0f}", "\u{34f}", "\u{1b}"]
        {
            assert_eq!(name(&format!("ro{nothing}ot{nothing}")), "root", "{nothing:?}");
        }
        for honest in ["root", "Åsa Öberg", "张三", "أحمد", "😀"] {
            assert!(matches!(name(honest), Cow::Borrowed(same) if same == honest));
        }
        assert_eq!(name("bob\n12:00 eve"), "bob 12:00 eve");
    }

    #[test]
    fn no_message_can_look_like_another() {
        assert_eq!(message("hi\n12:00 bob: pay me\r\nx"), "hi\n  | 12:00 bob: pay me\n  | x");
        assert_eq!(one_line("bob\n12:00 eve: hi\tthere"), "bob 12:00 eve: hi there");
    }

    #[test]
    fn endless_messages_are_cut() {
        let shown = message(&"x".repeat(70_000));
        assert!(shown.ends_with("… and 66000 characters more") && shown.chars().count() < 4_100);
        let shown = message(&"\n".repeat(1_000));
        assert_eq!(shown.lines().count(), LINES_MAX + 1);
    }
}
