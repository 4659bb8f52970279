//! Names: what users may call themselves, their groups and their devices.
//!
//! A user's name is shown to others and typed by others, so it must not be able to look like another one, hide, or
//! turn the text around it. It is kept in Unicode's compatibility form (NFKC, UAX #15), with single spaces inside and
//! none around. A name of digits only is refused: where an account is asked for by id or name, such a name would be
//! read as an id. So is what everybody calls those whose account is deleted.

use domain::DELETED_USER;
use protocol::Refusal;
use protocol::invisible::is_invisible;
use protocol::limits::{
    DEVICE_CHARS_MAX, GROUP_NAME_CHARS_MAX, LABEL_CHARS_MAX, NAME_CHARS_MAX, NICKNAME_CHARS_MAX,
    QUERY_CHARS_MAX, REMARK_CHARS_MAX,
};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::refuse::bad_field;

const _: () = assert!(NICKNAME_CHARS_MAX == NAME_CHARS_MAX, "a nickname is read as a name is");

/// Characters of a name before it is normalised: work is bounded before it is done.
const RAW_NAME_CHARS_MAX: usize = 4 * NAME_CHARS_MAX;

/// A name that a user may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserName {
    /// As it is shown.
    pub(crate) shown: String,
    /// The unique form: two names with the same key are the same name.
    pub(crate) key: String,
}

impl UserName {
    /// Reads a name that somebody wants to have, or to log in with.
    pub(crate) fn parse(raw: &str) -> Result<UserName, Refusal> {
        UserName::field("name", raw)
    }

    /// Reads a nickname: like a name, but there need not be one.
    pub(crate) fn nickname(raw: &str) -> Result<UserName, Refusal> {
        match raw.trim() {
            "" => Ok(UserName { shown: String::new(), key: String::new() }),
            _ => UserName::field("nickname", raw),
        }
    }

    fn field(field: &str, raw: &str) -> Result<UserName, Refusal> {
        if raw.chars().nth(RAW_NAME_CHARS_MAX).is_some() {
            return Err(too_long(field, NAME_CHARS_MAX));
        }
        let normal: String = raw.nfkc().collect();
        let trimmed = normal.trim();
        if trimmed.is_empty() {
            return Err(bad_field(field, "a name cannot be empty"));
        }
        if trimmed.chars().any(|c| is_unsafe(c) || is_invisible(c)) {
            return Err(bad_field(
                field,
                "a name cannot hold control, invisible, private or text-direction characters",
            ));
        }
        // It would sit on whatever is shown before the name; alone it shows nothing of its own.
        if trimmed.chars().next().is_some_and(is_combining_mark) {
            return Err(bad_field(field, "a name cannot begin with a combining mark"));
        }
        let shown = trimmed.split_whitespace().collect::<Vec<_>>().join(" ");
        if shown.chars().count() > NAME_CHARS_MAX {
            return Err(too_long(field, NAME_CHARS_MAX));
        }
        if shown.chars().all(char::is_numeric) {
            return Err(bad_field(field, "a name cannot be digits only: it would look like an id"));
        }
        let key = key(&shown);
        if key == DELETED_USER {
            return Err(bad_field(field, "users who are gone are called so"));
        }
        Ok(UserName { shown, key })
    }
}

/// What somebody typed to find users: the beginning of a name or nickname, or an id, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamePrefix {
    /// Folded as names are.
    pub(crate) key: String,
    /// The least text above all that begin so; `None` if it is too short for names.
    pub(crate) below: Option<String>,
    /// If it can be an id.
    pub(crate) id: Option<u64>,
}

impl NamePrefix {
    /// Reads a query.
    pub(crate) fn parse(raw: &str) -> Result<NamePrefix, Refusal> {
        if raw.chars().nth(4 * QUERY_CHARS_MAX).is_some() {
            return Err(too_long("query", QUERY_CHARS_MAX));
        }
        let normal: String = raw.nfkc().collect();
        if normal.chars().any(|c| is_unsafe(c) || is_invisible(c)) {
            return Err(bad_field(
                "query",
                "no name holds control, invisible, private or text-direction characters",
            ));
        }
        let key = key(&normal.split_whitespace().collect::<Vec<_>>().join(" "));
        let chars = key.chars().count();
        if normal.chars().count() > QUERY_CHARS_MAX {
            return Err(too_long("query", QUERY_CHARS_MAX));
        }
        // More digits than any id has are no id.
        let id = if key.bytes().all(|byte| byte.is_ascii_digit()) { key.parse().ok() } else { None };
        let long_enough = chars >= 2 || key.chars().any(is_word_by_itself);
        if !long_enough && id.is_none() {
            return Err(bad_field("query", "type at least 2 characters"));
        }
        let below = if long_enough { above(&key) } else { None };
        Ok(NamePrefix { key, below, id })
    }
}

/// The least text that is greater than all that begin with this one, as bytes of UTF-8 and as characters alike.
fn above(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // The range of characters has a hole, which counting on steps over.
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// Characters of which one says something: of Chinese, Japanese and Korean.
fn is_word_by_itself(c: char) -> bool {
    matches!(c,
        '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// The unique form of a normalised name: case-folded. Upper before lower case joins what only differs by case in one
/// direction (ß and SS, σ and ς). At most twice as many characters as the name.
fn key(name: &str) -> String {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

/// Reads what a user wants to call a friend: possibly nothing.
pub(crate) fn remark(raw: &str) -> Result<String, Refusal> {
    own_word("remark", raw, REMARK_CHARS_MAX)
}

/// Reads a label that friends are put under: possibly none. Labels are the same if they are the same in this form.
pub(crate) fn label(field: &str, raw: &str) -> Result<String, Refusal> {
    own_word(field, raw, LABEL_CHARS_MAX)
}

/// What only its writer reads: in the form of names, but emoji sequences and digits may stay. If there is something, it can
/// be seen.
fn own_word(field: &str, raw: &str, chars_max: usize) -> Result<String, Refusal> {
    if raw.chars().nth(4 * chars_max).is_some() {
        return Err(too_long(field, chars_max));
    }
    let normal: String = raw.nfkc().collect();
    let trimmed = normal.trim();
    if trimmed.chars().any(is_unsafe) {
        return Err(bad_field(field, format!("{field} cannot hold control or text-direction characters")));
    }
    let shown = trimmed.split_whitespace().collect::<Vec<_>>().join(" ");
    if shown.chars().nth(chars_max).is_some() {
        return Err(too_long(field, chars_max));
    }
    let seen = |c: char| !is_invisible(c) && !is_combining_mark(c);
    if shown.chars().next().is_some_and(is_combining_mark) || !(shown.is_empty() || shown.chars().any(seen)) {
        return Err(bad_field(field, format!("{field} must begin with something that can be seen")));
    }
    Ok(shown)
}

/// Reads a group's name. Not unique, so emoji sequences and other invisible joins may stay.
pub(crate) fn group_name(raw: &str) -> Result<String, Refusal> {
    let name = raw.trim();
    if name.is_empty() {
        return Err(bad_field("groupname", "a group's name cannot be empty"));
    }
    if name.chars().nth(GROUP_NAME_CHARS_MAX).is_some() {
        return Err(too_long("groupname", GROUP_NAME_CHARS_MAX));
    }
    if name.chars().any(is_unsafe) {
        return Err(bad_field(
            "groupname",
            "a group's name cannot hold control or text-direction characters",
        ));
    }
    if name.chars().all(is_invisible) {
        return Err(bad_field("groupname", "a group's name must hold something that can be seen"));
    }
    Ok(name.to_owned())
}

/// A device's name as far as it can be shown: the gateway refused nothing of it but its length.
pub(crate) fn device(raw: &str) -> String {
    let name: String = raw.chars().filter(|c| !is_unsafe(*c)).take(DEVICE_CHARS_MAX).collect();
    name.trim().to_owned()
}

fn too_long(field: &str, chars_max: usize) -> Refusal {
    bad_field(field, format!("{field} is longer than {chars_max} characters"))
}

/// Characters that change how the text around them is shown: controls, line and paragraph separators, and those that
/// turn the writing direction (UAX #9).
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(raw: &str) -> Option<String> {
        UserName::parse(raw).ok().map(|name| name.shown)
    }

    fn same(one: &str, other: &str) -> bool {
        UserName::parse(one).unwrap().key == UserName::parse(other).unwrap().key
    }

    #[test]
    fn a_name_is_shown_as_its_owner_wrote_it() {
        for name in
            ["alice", "Åsa Öberg", "张三", "أحمد", "r2-d2", "Robert'); DROP TABLE", "100%", "😀", "\"q\""]
        {
            assert_eq!(shown(name).as_deref(), Some(name));
        }
        assert_eq!(shown("  bob \u{3000} \u{a0} x  ").as_deref(), Some("bob x"));
        assert_eq!(shown("\u{ff21}lice").as_deref(), Some("Alice"));
    }

    #[test]
    fn names_that_differ_by_case_or_form_only_are_the_same() {
        assert!(same("Alice", "aLICE"));
        assert!(same("Stra\u{df}e", "STRASSE"));
        assert!(same("\u{39f}\u{394}\u{39f}\u{3a3}", "\u{3bf}\u{3b4}\u{3bf}\u{3c2}"));
        assert!(same("\u{e9}a", "e\u{301}a"));
        assert!(same("\u{ff21}lice", "alice"));
        assert!(!same("alice", "alicia"));
    }

    #[test]
    fn names_that_hide_or_mislead_are_refused() {
        let bad = [
            "",
            "   ",
            "12345",
            "\u{661}\u{662}",
            "a\0b",
            "a\nb",
            "a\u{200b}b",
            "a\u{202e}b",
            "a\u{feff}b",
            "\u{e000}",
            "\u{f0000}",
            "a\u{fe0f}",
            "\u{3164}",
            "\u{ad}a",
            "a\u{1fffe}",
            "a\u{2028}b",
            "deleted user",
            "Deleted \u{3000}USER",
        ];
        for name in bad {
            let refusal = UserName::parse(name).expect_err(&format!("{name:?} was taken"));
            assert_eq!(refusal.code, protocol::Code::BAD_FIELD, "{name:?}");
            assert_eq!(refusal.body.field.as_deref(), Some("name"), "{name:?}");
        }
    }

    #[test]
    fn nobody_is_called_like_another_but_for_what_shows_nothing() {
        let nothing = [
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{17b5}',
            '\u{180b}',
            '\u{180e}',
            '\u{180f}',
            '\u{200b}',
            '\u{2060}',
            '\u{206a}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe00}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{13430}',
            '\u{13440}',
            '\u{13455}',
            '\u{1345f}',
            '\u{16fe4}',
            '\u{1bca0}',
            '\u{1bca3}',
            '\u{1d159}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0100}',
            '\u{e01ef}',
            '\u{e0fff}',
        ];
        for c in nothing {
            for name in [format!("root{c}"), format!("ro{c}ot"), format!("{c}root")] {
                assert_eq!(shown(&name), None, "{name:?}");
                assert!(NamePrefix::parse(&name).is_err(), "{name:?}");
            }
        }
        assert!(UserName::nickname("deleted user").is_err());
        assert!(shown("deleted users").is_some() && shown("deleted").is_some());
    }

    #[test]
    fn length_is_counted_in_characters_after_normalising() {
        assert!(shown(&"é".repeat(32)).is_some());
        assert!(shown(&"e\u{301}".repeat(32)).is_some());
        assert!(shown(&"é".repeat(33)).is_none());
        // One character that becomes eighteen.
        assert!(shown(&"\u{fdfa}".repeat(2)).is_none());
        assert!(shown(&"a".repeat(100_000)).is_none());
    }

    #[test]
    fn a_key_is_at_most_twice_as_long() {
        let letters = (0..=char::MAX as u32).filter_map(char::from_u32).filter(|c| c.is_alphabetic());
        for c in letters {
            if let Ok(name) = UserName::parse(&format!("x{c}")) {
                assert!(name.key.chars().count() <= 2 * name.shown.chars().count(), "{c:?}: {name:?}");
            }
        }
    }

    #[test]
    fn a_name_begins_with_something_that_can_be_seen() {
        for bad in
            ["\u{301}", "\u{301}bob", " \u{338}x", "\u{b4}", "\u{a8}\u{a8}", "\u{20dd}", "\u{93e}\u{915}"]
        {
            assert_eq!(shown(bad), None, "{bad:?}");
        }
        for good in ["e\u{301}a", "क\u{93e}", "ก\u{e49}", "x \u{301}"] {
            assert!(shown(good).is_some(), "{good:?}");
        }
    }

    #[test]
    fn a_query_is_the_beginning_of_a_name_or_an_id() {
        let parse = |raw: &str| NamePrefix::parse(raw).map(|prefix| (prefix.key, prefix.below, prefix.id));
        let names = |key: &str, below: &str| Ok((key.to_owned(), Some(below.to_owned()), None));
        assert_eq!(parse("Al"), names("al", "am"));
        assert_eq!(parse("  ÅS\u{3000} ö "), names("ås ö", "ås ÷"));
        assert_eq!(parse("张"), names("张", "弡"));
        assert_eq!(parse("\u{d7a3}"), names("\u{d7a3}", "\u{d7a4}"));
        assert_eq!(parse("x\u{d7ff}"), names("x\u{d7ff}", "x\u{e000}"));
        assert_eq!(parse("100%"), names("100%", "100&"));
        assert_eq!(parse("7"), Ok(("7".into(), None, Some(7))));
        assert_eq!(parse("42"), Ok(("42".into(), Some("43".into()), Some(42))));
        assert_eq!(parse("\u{ff14}2"), Ok(("42".into(), Some("43".into()), Some(42))));
        let digits = "9".repeat(32);
        assert_eq!(parse(&digits), Ok((digits.clone(), Some(format!("{}:", "9".repeat(31))), None)));
        for wrong in [
            "",
            " ",
            "a",
            "É",
            "%",
            "_",
            "'",
            "a\0b",
            "ab\u{202e}",
            "ab\u{200b}",
            "\u{10ffff}\u{10ffff}",
            &"a".repeat(33),
            &"a".repeat(100_000),
        ] {
            let refusal = parse(wrong).expect_err(wrong);
            assert_eq!(refusal.body.field.as_deref(), Some("query"), "{wrong:?}");
        }
    }

    #[test]
    fn remarks_and_labels_keep_what_can_be_seen() {
        for (raw, kept) in [
            ("", ""),
            (" \u{3000} ", ""),
            ("  Bob \u{3000} from work ", "Bob from work"),
            ("\u{ff21}nn", "Ann"),
            ("007", "007"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            ("👨\u{200d}👩\u{200d}👧", "👨\u{200d}👩\u{200d}👧"),
            ("x'); DROP TABLE friend_notes;--", "x'); DROP TABLE friend_notes;--"),
        ] {
            assert_eq!(remark(raw).as_deref(), Ok(kept), "{raw:?}");
            assert_eq!(label("to", raw).as_deref(), Ok(kept), "{raw:?}");
        }
        let longest = "é".repeat(REMARK_CHARS_MAX);
        assert_eq!(remark(&"e\u{301}".repeat(REMARK_CHARS_MAX)), Ok(longest.clone()));
        for bad in [
            &format!("{longest}e"),
            "a\0b",
            "a\nb",
            "\u{202e}evil",
            "a\u{2066}b",
            "\u{301}bob",
            "\u{3164}",
            "\u{200b}\u{200d}",
            &"a".repeat(100_000),
        ] {
            for (field, read) in
                [("remark", remark(bad)), ("label", label("label", bad)), ("to", label("to", bad))]
            {
                let refusal = read.expect_err(bad);
                assert_eq!(refusal.body.field.as_deref(), Some(field), "{bad:?}");
            }
        }
    }

    #[test]
    fn group_names_keep_emoji_and_lose_controls() {
        assert_eq!(group_name(" 👨\u{200d}👩\u{200d}👧 ").unwrap(), "👨\u{200d}👩\u{200d}👧");
        for bad in ["", " ", "\u{3164}\u{200d}", "a\u{7}b", "a\u{202e}b", &"x".repeat(51)] {
            assert_eq!(group_name(bad).unwrap_err().body.field.as_deref(), Some("groupname"));
        }
    }

    #[test]
    fn a_device_name_is_made_showable() {
        assert_eq!(device(" my\u{1b}[31m phone\n "), "my[31m phone");
        assert_eq!(device(&"x".repeat(1_000)).len(), DEVICE_CHARS_MAX);
    }
}
