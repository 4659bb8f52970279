//! Cutting texts into words, for the index and for queries.
//!
//! Languages that put spaces between words are cut there. Those that do not (Chinese, Japanese, Korean, Thai and their
//! neighbours) are cut into pairs of characters, each overlapping the next, so that any part of a run is found: as the
//! pairs it consists of, one behind the other. A single character is found as the beginning of a pair; for that a run's
//! last character stands alone.

use std::fmt::Write;

use unicode_normalization::UnicodeNormalization;

/// What the index holds of a text: tokens with spaces between them.
pub(super) fn of_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for run in runs(text) {
        match run {
            Run::Word(word) => push(&mut out, &word),
            Run::Dense(characters) => {
                for pair in characters.windows(2) {
                    push(&mut out, &pair.iter().collect::<String>());
                }
                if let Some(last) = characters.last() {
                    push(&mut out, last.encode_utf8(&mut [0; 4]));
                }
            }
        }
    }
    out
}

/// The query for what somebody looks for; none if there is nothing to look for in it. All of its words must be there, the
/// beginning of a word is enough.
pub(super) fn of_query(query: &str) -> Option<String> {
    let mut out = String::new();
    for run in runs(query).take(QUERY_RUNS_MAX) {
        let separator = if out.is_empty() { "" } else { " AND " };
        // Runs are letters and digits only: nothing in them means anything to the index. Writing into a String cannot fail.
        let _ = match run {
            Run::Word(word) => write!(out, "{separator}\"{word}\"*"),
            Run::Dense(characters) => match characters.as_slice() {
                [only] => write!(out, "{separator}\"{only}\"*"),
                many => {
                    let pairs: Vec<String> = many.windows(2).map(|pair| pair.iter().collect()).collect();
                    write!(out, "{separator}\"{}\"", pairs.join(" "))
                }
            },
        };
    }
    (!out.is_empty()).then_some(out)
}

/// Words of one query; what comes after them is not looked for.
const QUERY_RUNS_MAX: usize = 32;

/// Characters that belong together.
enum Run {
    Word(String),
    /// Of a language without spaces.
    Dense(Vec<char>),
}

fn runs(text: &str) -> impl Iterator<Item = Run> {
    let characters: Vec<char> = text.nfkc().flat_map(char::to_lowercase).collect();
    let mut at = 0;
    std::iter::from_fn(move || {
        at += characters[at..].iter().take_while(|c| !is_part(**c)).count();
        let first = *characters.get(at)?;
        let dense = is_dense(first);
        let len = characters[at..].iter().take_while(|c| is_part(**c) && is_dense(**c) == dense).count();
        let run = &characters[at..at + len];
        at += len;
        Some(if dense { Run::Dense(run.to_vec()) } else { Run::Word(run.iter().collect()) })
    })
}

fn push(out: &mut String, token: &str) {
    if !out.is_empty() {
        out.push(' ');
    }
    out.push_str(token);
}

/// Whether a character is part of words, here and for the index alike.
fn is_part(c: char) -> bool {
    c.is_alphanumeric()
}

/// Whether a character belongs to a script that is written without spaces.
fn is_dense(c: char) -> bool {
    matches!(u32::from(c),
        0x0e00..=0x0eff        // Thai, Lao
        | 0x1000..=0x109f      // Burmese
        | 0x1100..=0x11ff      // Hangul, in parts
        | 0x1780..=0x17ff      // Khmer
        | 0x2e80..=0x31ff      // radicals, kana, bopomofo
        | 0x3400..=0x4dbf      // ideographs
        | 0x4e00..=0x9fff
        | 0xa960..=0xa97f
        | 0xac00..=0xd7ff      // Hangul
        | 0xf900..=0xfaff
        | 0x2_0000..=0x3_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_pairs() {
        assert_eq!(of_text("Hello, wide WORLD!"), "hello wide world");
        assert_eq!(of_text("我爱中国"), "我爱 爱中 中国 国");
        assert_eq!(of_text("去Berlin吧"), "去 berlin 吧");
        assert_eq!(of_text("ＡＢＣ！？"), "abc");
        assert_eq!(of_text("😀 — …"), "");
    }

    #[test]
    fn queries_are_words_and_nothing_else() {
        assert_eq!(of_query("hel wor").as_deref(), Some("\"hel\"* AND \"wor\"*"));
        assert_eq!(of_query("爱中国").as_deref(), Some("\"爱中 中国\""));
        assert_eq!(of_query("国").as_deref(), Some("\"国\"*"));
        assert_eq!(of_query("\" OR * NEAR(").as_deref(), Some("\"or\"* AND \"near\"*"));
        assert_eq!(of_query("%%% ***"), None);
    }
}
