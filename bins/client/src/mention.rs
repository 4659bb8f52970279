//! Mentions in a text: `@bob`, `@"carol the 2nd"`, and `@all` of those who lead a group.
//!
//! A name ends where its word does, so neither an address of e-mail nor the beginning of a longer name is a mention. Of several
//! names that fit, the longest is meant.

use std::collections::HashMap;
use std::ops::Range;

use client::protocol::limits::NAME_CHARS_MAX;

/// Words that mention everybody in a group.
pub(crate) const EVERYBODY: [&str; 2] = ["all", "everyone"];

/// Who can be mentioned, by what they are called in lower case; 0 is everybody.
#[derive(Debug, Default)]
pub(crate) struct Names {
    names: HashMap<String, u64>,
    /// Nothing: several call themselves so, and none of them is meant.
    nicknames: HashMap<String, Option<u64>>,
}

impl Names {
    /// A name, which is one user's alone.
    pub(crate) fn name(&mut self, name: &str, user: u64) {
        self.names.insert(name.to_lowercase(), user);
    }

    /// What somebody calls themselves. Names go before it.
    pub(crate) fn nickname(&mut self, nickname: &str, user: u64) {
        let whom = self.nicknames.entry(nickname.to_lowercase()).or_insert(Some(user));
        if *whom != Some(user) {
            *whom = None;
        }
    }

    /// Everybody can be mentioned.
    pub(crate) fn everybody(&mut self) {
        EVERYBODY.iter().for_each(|word| self.name(word, 0));
    }

    fn whom(&self, called: &str) -> Option<u64> {
        let called = called.to_lowercase();
        self.names.get(&called).copied().or_else(|| self.nicknames.get(&called).copied().flatten())
    }
}

/// A mention in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    /// Where it stands, the `@` included.
    pub(crate) at: Range<usize>,
    /// Whom it means; nothing: nobody of this name is known.
    pub(crate) whom: Option<u64>,
}

/// Everything in a text that mentions somebody, or would if somebody were called so.
pub(crate) fn find(text: &str, names: &Names) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let is_within = found.last().is_some_and(|last| last.at.contains(&at));
        if !is_within && begins_a_word(&text[..at]) {
            found.extend(read(text, at, names));
        }
    }
    found
}

/// Whom a text mentions, each once.
pub(crate) fn mentioned(text: &str, names: &Names) -> Vec<u64> {
    let mut users = Vec::new();
    for user in find(text, names).into_iter().filter_map(|mention| mention.whom) {
        if !users.contains(&user) {
            users.push(user);
        }
    }
    users
}

/// The mention that is being typed at the end of a line: where its `@` stands.
pub(crate) fn begun(line: &str) -> Option<usize> {
    let at = line.rfind('@')?;
    let typed = &line[at + 1..];
    let is_open = match typed.strip_prefix('"') {
        Some(quoted) => !quoted.contains('"'),
        None => !typed.contains(char::is_whitespace),
    };
    (is_open && begins_a_word(&line[..at])).then_some(at)
}

/// The mention that begins at this `@`.
fn read(text: &str, at: usize, names: &Names) -> Option<Mention> {
    let rest = &text[at + 1..];
    if let Some(quoted) = rest.strip_prefix('"') {
        let end = quoted.find('"').filter(|end| *end > 0)?;
        let whom = names.whom(&quoted[..end]);
        return Some(Mention { at: at..at + end + 3, whom });
    }
    let first = rest.chars().next().filter(|first| first.is_alphanumeric())?;
    // The longest first.
    let ends: Vec<usize> =
        rest.char_indices().take(NAME_CHARS_MAX).map(|(at, c)| at + c.len_utf8()).collect();
    for end in ends.iter().rev().copied().filter(|end| ends_a_word(&rest[*end..])) {
        if let Some(whom) = names.whom(&rest[..end]) {
            return Some(Mention { at: at..at + 1 + end, whom: Some(whom) });
        }
    }
    Some(Mention { at: at..at + 1 + first.len_utf8(), whom: None })
}

/// Whether what stands before an `@` is no part of its word, as it is in an address.
fn begins_a_word(before: &str) -> bool {
    before.chars().next_back().is_none_or(|c| match c {
        '@' | '.' | '_' | '%' | '+' | '-' | '/' | '=' | '&' => false,
        c => is_written_without_spaces(c) || !c.is_alphanumeric(),
    })
}

/// Whether what stands behind a name is no part of it.
fn ends_a_word(after: &str) -> bool {
    let mut after = after.chars();
    after.next().is_none_or(|c| match c {
        '@' | '_' => false,
        // Of a sentence, or within a name or address.
        '.' | '-' => !after.next().is_some_and(char::is_alphanumeric),
        c => is_written_without_spaces(c) || !c.is_alphanumeric(),
    })
}

/// Han, Kana and Hangul, as far as sentences stand right beside a name there.
fn is_written_without_spaces(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let mut names = Names::default();
        for (name, user) in
            [("bob", 2), ("bobby", 3), ("carol the 2nd", 4), ("山田", 5), ("山", 6), ("j.doe", 7)]
        {
            names.name(name, user);
        }
        for (nickname, user) in [("Zoë", 8), ("twin", 9), ("twin", 10), ("Bob", 11)] {
            names.nickname(nickname, user);
        }
        names.everybody();
        names
    }

    fn whom(text: &str) -> Vec<u64> {
        mentioned(text, &names())
    }

    #[test]
    fn names_are_found_at_the_beginning_of_words() {
        for (text, users) in [
            ("@bob", &[2][..]),
            ("hi @Bob!", &[2]),
            ("(@bob, @BOBBY)", &[2, 3]),
            ("@bob. And @bob: @bob's, \"@bob\"", &[2]),
            ("two\n@bob\n@zoë?", &[2, 8]),
            ("@carol the 2nd is here", &[4]),
            ("@\"carol the 2nd\"is here", &[4]),
            ("@j.doe. Hello", &[7]),
            ("@all @everyone", &[0]),
            ("你好@山田さん、@bob你好", &[5, 2]),
            ("@山 @山田", &[6, 5]),
        ] {
            assert_eq!(whom(text), users, "{text}");
        }
    }

    #[test]
    fn words_and_addresses_are_no_mentions() {
        for text in [
            "",
            "@",
            "@ bob",
            "bob",
            "me@bob",
            "me@bob.com",
            "josé@bob",
            "a.b+c-@bob",
            "@bob.com",
            "@bob@example.org",
            "@@bob",
            "https://host/@bob",
            "@bobo",
            "@bob_",
            "@bob-by",
            "@carol the",
            "@\"bob",
            "@\"\"",
            "@twin",
            "@nobody",
        ] {
            assert_eq!(whom(text), [0; 0], "{text}");
        }
        assert_eq!(whom("me@bob.com @bob"), [2]);
    }

    #[test]
    fn unknown_names_are_told_and_the_place_of_known_ones() {
        let found = find("hi @bob and @nobody, me@x @5pm @!", &names());
        let told: Vec<_> = found.iter().map(|mention| (mention.at.clone(), mention.whom)).collect();
        assert_eq!(told, [(3..7, Some(2)), (12..14, None), (26..28, None)]);
        assert_eq!(find("@\"carol the 2nd\"!", &names())[0].at, 0..16);
    }

    #[test]
    fn what_is_being_typed_is_known_by_its_beginning() {
        for (line, at) in [
            ("@", Some(0)),
            ("hi @bo", Some(3)),
            ("hi @\"carol the", Some(3)),
            ("你好@", Some(6)),
            ("hi @bob ", None),
            ("hi @\"carol the 2nd\"", None),
            ("me@bo", None),
            ("hi", None),
        ] {
            assert_eq!(begun(line), at, "{line}");
        }
    }

    #[test]
    fn a_text_of_mentions_is_read_in_time_that_grows_with_it() {
        let text = "@nobody-of-that-name-is-here ".repeat(2_000);
        assert_eq!(find(&text, &names()).len(), 2_000);
    }
}
