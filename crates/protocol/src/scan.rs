//! Looking at a JSON text without building anything from it. Strings are told from structure; whether it is JSON at all is
//! for the parser to say.

/// Whether lists and objects in `text` stand within each other more than `max` levels deep.
pub(crate) fn is_deeper_than(text: &str, max: usize) -> bool {
    // Nearly every text ends here: what opens nothing more often than `max` cannot be deeper. The compiler makes this
    // loop one of vector instructions.
    let opened = text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    opened > max && Tokens::of(text).any(|token| token.depth > max)
}

/// The key of the outermost object's field that the byte at `offset` belongs to, as it stands in the text.
pub(crate) fn key_before(text: &str, offset: usize) -> Option<&str> {
    let mut candidate = None;
    let mut key = None;
    for token in Tokens::of(text).take_while(|token| token.start < offset).filter(|token| token.depth == 1) {
        match token.kind {
            Kind::Text { end } => candidate = text.get(token.start + 1..end),
            Kind::Colon => key = candidate,
            Kind::Open | Kind::Close => {}
        }
    }
    key
}

/// Something in a JSON text that says how it is built.
struct Token {
    kind: Kind,
    /// Where it begins.
    start: usize,
    /// How many lists and objects are open, one that opens here included.
    depth: usize,
}

enum Kind {
    Open,
    Close,
    Colon,
    /// A string; its closing quote stands at `end`.
    Text {
        end: usize,
    },
}

/// Goes from token to token.
struct Tokens<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Tokens<'a> {
    fn of(text: &'a str) -> Tokens<'a> {
        Tokens { bytes: text.as_bytes(), at: 0, depth: 0 }
    }

    /// Where the string that begins at `start` ends: at its closing quote, or with the text.
    fn end_of_text(&self, start: usize) -> usize {
        let mut at = start + 1;
        loop {
            match self.bytes.get(at) {
                Some(b'\\') => at += 2,
                Some(b'"') => return at,
                Some(_) => at += 1,
                None => return self.bytes.len(),
            }
        }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let start = self.at;
            self.at += 1;
            let kind = match self.bytes.get(start)? {
                b'{' | b'[' => Kind::Open,
                b'}' | b']' => Kind::Close,
                b':' => Kind::Colon,
                b'"' => Kind::Text { end: self.end_of_text(start) },
                _ => continue,
            };
            match kind {
                Kind::Open => self.depth += 1,
                Kind::Text { end } => self.at = end + 1,
                Kind::Close | Kind::Colon => {}
            }
            let depth = self.depth;
            if let Kind::Close = kind {
                self.depth = depth.saturating_sub(1);
            }
            return Some(Token { kind, start, depth });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_strings() {
        assert!(!is_deeper_than(r#"{"a":"[[[[{{{{\"[[["}"#, 1));
        assert!(!is_deeper_than(r#"{"a":[],"b":[],"c":{}}"#, 2));
        assert!(is_deeper_than(r#"{"a":[{}]}"#, 2));
        assert!(!is_deeper_than(r#"{"a":[{}]}"#, 3));
        assert!(!is_deeper_than("]]]]}}}}[[", 3));
        assert!(!is_deeper_than("\"[[[[", 1));
        assert!(!is_deeper_than("\"[[[[\\", 1));
    }

    #[test]
    fn a_key_is_found_by_any_byte_of_its_value() {
        let text = r#"{"to":"a:b","in":{"x":[1]},"id":7}"#;
        let key_of = |what: &str| key_before(text, text.find(what).unwrap() + 1);
        assert_eq!(key_of("a:b"), Some("to"));
        assert_eq!(key_of("1"), Some("in"));
        assert_eq!(key_of("7"), Some("id"));
        assert_eq!(key_before(text, 0), None);
        assert_eq!(key_before("", 9), None);
        assert_eq!(key_before(r#"{"to"#, 9), None);
    }
}
