//! Words of a message's text, and what a search for some of them means.
//!
//! Chinese, Japanese and Korean are written without spaces, or are searched for by parts of what stands between them. So a
//! run of their characters is indexed by each character and each two that follow each other; everything else by words. A
//! query of three and more such characters is asked of the index by its pairs, and what that finds is compared with the
//! text. The text always decides: the index only says where to look.

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Different words of one message that are indexed, from its beginning. What comes after so many is not found.
pub const INDEXED_WORDS_MAX: usize = 1_000;

/// Characters of one message that are indexed, and compared with a query, from its beginning: as they are written, and again once
/// they are normalised, which makes up to 18 of one. What comes after so many is not found.
pub const INDEXED_CHARS_MAX: usize = 16_384;

/// Characters of a word that are indexed. A longer one is found by its first, and compared whole.
pub const WORD_CHARS_MAX: usize = 32;

/// Words of a query that the index is asked for, the longest. The text is compared with all of them.
pub const ASKED_WORDS_MAX: usize = 8;

/// The words by which a text is found: lower case, in compatibility composition (NFKC), each once. A message is taken out of
/// the index by the same words as it was taken in: should they ever become others, the index is to be built anew.
///
/// Goes through a text once, and no further than its limits, so that what it costs does not follow the text.
pub fn words(text: &str) -> BTreeSet<String> {
    let mut cut = Cut::default();
    let end = each_indexed(text, &mut |character| cut.take(character));
    // A word that the limit cuts in two is none, unless as much of it is here as is ever indexed.
    if end == End::Text || cut.length == WORD_CHARS_MAX {
        cut.end_word();
    }
    cut.words.into_set()
}

/// Cuts a text into the words by which it is found.
#[derive(Default)]
struct Cut {
    words: Different,
    /// The beginning of the word that is not over, and how many characters that is.
    word: String,
    length: usize,
    /// The character before, if it is Chinese, Japanese or Korean.
    before: Option<char>,
}

impl Cut {
    /// Goes on with the next character, normalised; breaks when there are enough words.
    fn take(&mut self, character: char) -> ControlFlow<()> {
        if is_of_characters(character) {
            self.end_word();
            let mut bytes = [0; 8];
            self.words.add(character.encode_utf8(&mut bytes));
            if let Some(before) = self.before.replace(character) {
                let middle = before.encode_utf8(&mut bytes).len();
                let end = middle + character.encode_utf8(&mut bytes[middle..]).len();
                // Two characters, one after the other.
                self.words.add(std::str::from_utf8(&bytes[..end]).unwrap_or_default());
            }
        } else {
            self.before = None;
            // A mark belongs to the letter before it.
            if character.is_alphanumeric() || self.length > 0 && is_combining_mark(character) {
                if self.length < WORD_CHARS_MAX {
                    self.word.push(character);
                    self.length += 1;
                }
            } else {
                self.end_word();
            }
        }
        if self.words.are_enough() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn end_word(&mut self) {
        if self.length > 0 {
            self.words.add(&self.word);
            self.word.clear();
            self.length = 0;
        }
    }
}

/// Different words, up to the limit.
enum Different {
    /// So few that it does not matter how often each is here: all are sorted at once in the end, which costs less than looking for
    /// each.
    Some(Vec<String>),
    Many(HashSet<String>),
}

impl Default for Different {
    fn default() -> Different {
        Different::Some(Vec::new())
    }
}

impl Different {
    fn add(&mut self, word: &str) {
        match self {
            Different::Some(words) => {
                words.push(word.to_owned());
                if words.len() == INDEXED_WORDS_MAX {
                    *self = Different::Many(words.drain(..).collect());
                }
            }
            Different::Many(words) if words.len() == INDEXED_WORDS_MAX || words.contains(word) => {}
            Different::Many(words) => _ = words.insert(word.to_owned()),
        }
    }

    fn are_enough(&self) -> bool {
        matches!(self, Different::Many(words) if words.len() == INDEXED_WORDS_MAX)
    }

    fn into_set(self) -> BTreeSet<String> {
        match self {
            Different::Some(words) => words.into_iter().collect(),
            Different::Many(words) => words.into_iter().collect(),
        }
    }
}

/// What somebody searches for: every part of it must be in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordQuery {
    runs: BTreeSet<Run>,
    asked: Vec<String>,
}

impl WordQuery {
    /// The query that a text stands for; `None` if there is nothing in it that could be searched for, such as in one of
    /// punctuation only.
    pub fn parse(text: &str) -> Option<WordQuery> {
        let mut runs = BTreeSet::new();
        each_run(text, &mut |run| {
            runs.insert(run);
            ControlFlow::Continue(())
        });
        if runs.is_empty() {
            return None;
        }
        let mut asked = BTreeSet::new();
        for run in &runs {
            run.ask(&mut |word| {
                asked.insert(word);
            });
        }
        // The longest are the rarest, mostly.
        let mut asked: Vec<String> = asked.into_iter().collect();
        asked.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
        asked.truncate(ASKED_WORDS_MAX);
        Some(WordQuery { runs, asked })
    }

    /// The words that the index is asked for, the longest first: every text that fits has all of them. One at least.
    pub fn asked(&self) -> &[String] {
        &self.asked
    }

    /// Whether a text has all that is searched for, in what is indexed of it. Goes no further than to where all was found.
    pub fn fits(&self, text: &str) -> bool {
        let (mut words, mut characters) = (BTreeSet::new(), Vec::new());
        for run in &self.runs {
            match run {
                Run::Word(word) => _ = words.insert(word.as_str()),
                Run::Characters(run) => characters.push(run.as_str()),
            }
        }
        each_run(text, &mut |run| {
            match run {
                Run::Word(word) => _ = words.remove(word.as_str()),
                Run::Characters(run) => characters.retain(|wanted| !run.contains(wanted)),
            }
            if words.is_empty() && characters.is_empty() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        words.is_empty() && characters.is_empty()
    }
}

/// A part of a text between what is neither letter nor digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Run {
    /// Letters and digits: found whole.
    Word(String),
    /// Chinese, Japanese or Korean: every part of it is found.
    Characters(String),
}

impl Run {
    /// Calls `take` with everything by which texts are found that have this part of a query.
    fn ask(&self, take: &mut dyn FnMut(String)) {
        match self {
            Run::Word(word) => take(beginning(word).to_owned()),
            Run::Characters(run) if run.chars().nth(1).is_none() => take(run.clone()),
            Run::Characters(run) => pairs(run).for_each(take),
        }
    }
}

/// The part of a word that is indexed.
fn beginning(word: &str) -> &str {
    if word.len() <= WORD_CHARS_MAX {
        return word;
    }
    word.char_indices().nth(WORD_CHARS_MAX).map_or(word, |(end, _)| &word[..end])
}

/// Each two characters that follow each other.
fn pairs(run: &str) -> impl Iterator<Item = String> {
    run.char_indices().zip(run.char_indices().skip(1)).map(|((begin, _), (middle, next))| {
        let end = middle + next.len_utf8();
        run[begin..end].to_owned()
    })
}

/// Calls `take` with the parts of what is indexed of a text, in its order, until it breaks.
fn each_run(text: &str, take: &mut dyn FnMut(Run) -> ControlFlow<()>) {
    let mut last: Option<Run> = None;
    let end = each_indexed(text, &mut |character| {
        let next = match (&mut last, is_of_characters(character)) {
            (Some(Run::Characters(run)), true) => {
                run.push(character);
                return ControlFlow::Continue(());
            }
            (_, true) => Some(Run::Characters(begun(character))),
            // A mark belongs to the letter before it.
            (Some(Run::Word(word)), false) if character.is_alphanumeric() || is_combining_mark(character) => {
                word.push(character);
                return ControlFlow::Continue(());
            }
            (_, false) => character.is_alphanumeric().then(|| Run::Word(begun(character))),
        };
        std::mem::replace(&mut last, next).map_or(ControlFlow::Continue(()), &mut *take)
    });
    // A word that the limit cuts in two is none.
    let is_part = |run: &Run| match end {
        End::Text => true,
        End::Limit => matches!(run, Run::Characters(_)),
        End::Broken => false,
    };
    _ = last.filter(is_part).map(take);
}

/// How going through a text ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// At its end.
    Text,
    /// Where what is indexed ends.
    Limit,
    /// Where it was broken off.
    Broken,
}

/// Calls `take` with the characters of what is indexed of a text, normalised, until it breaks.
fn each_indexed(text: &str, take: &mut dyn FnMut(char) -> ControlFlow<()>) -> End {
    let written = text.char_indices().nth(INDEXED_CHARS_MAX).map_or(text.len(), |(end, _)| end);
    let (mut left, mut end) = (INDEXED_CHARS_MAX, End::Broken);
    let passed = normal(&text[..written], &mut |character| {
        if left == 0 {
            end = End::Limit;
            return ControlFlow::Break(());
        }
        left -= 1;
        take(character)
    });
    match passed {
        ControlFlow::Break(()) => end,
        ControlFlow::Continue(()) if written == text.len() => End::Text,
        ControlFlow::Continue(()) => End::Limit,
    }
}

/// A part of a text that begins with this character, with room for what mostly follows.
fn begun(character: char) -> String {
    let mut run = String::with_capacity(24);
    run.push(character);
    run
}

/// Calls `take` with a text's characters in NFKC and lower case, until it breaks.
///
/// What most texts consist of is so already, or nearly, and has nothing to do with what stands before it: that is passed on
/// as it is, and only what is left is normalised, with the character before it, which may take a mark.
fn normal(text: &str, take: &mut dyn FnMut(char) -> ControlFlow<()>) -> ControlFlow<()> {
    let mut rest = text;
    while !rest.is_empty() {
        let plain = rest.find(|character| as_plain(character).is_none()).unwrap_or(rest.len());
        let before = rest[..plain].char_indices().next_back().map_or(0, |(place, _)| place);
        let passed = if plain == rest.len() { plain } else { before };
        rest[..passed].chars().filter_map(as_plain).try_for_each(&mut *take)?;
        if passed == rest.len() {
            break;
        }
        let odd = &rest[plain..];
        let end = plain + odd.find(|character| as_plain(character).is_some()).unwrap_or(odd.len());
        rest[passed..end].nfkc().flat_map(char::to_lowercase).try_for_each(&mut *take)?;
        rest = &rest[end..];
    }
    ControlFlow::Continue(())
}

/// What becomes of a character in NFKC and lower case that is one character then and never joins the one before it; `None` if
/// that is not known here.
fn as_plain(character: char) -> Option<char> {
    match character {
        '\0'..='\u{7F}' => Some(character.to_ascii_lowercase()),
        '\u{3001}'..='\u{3002}'      // comma and full stop
        | '\u{3041}'..='\u{3096}'    // Hiragana
        | '\u{30A1}'..='\u{30FA}'    // Katakana
        | '\u{30FC}'
        | '\u{4E00}'..='\u{9FFF}'    // Han
        | '\u{AC00}'..='\u{D7A3}'    // Hangul syllables
        => Some(character),
        // The full width forms of ASCII.
        '\u{FF01}'..='\u{FF5E}' => {
            char::from_u32(u32::from(character) - 0xFEE0).map(|character| character.to_ascii_lowercase())
        }
        _ => None,
    }
}

/// Whether a character is of Chinese, Japanese or Korean writing: Han, Kana, Bopomofo and Hangul with their marks.
fn is_of_characters(character: char) -> bool {
    !character.is_ascii()
        && matches!(character,
            '\u{1100}'..='\u{11FF}'      // Hangul Jamo
            | '\u{3005}'..='\u{3007}'    // iteration mark, closing mark, zero
            | '\u{3021}'..='\u{3029}'    // Hangzhou numerals
            | '\u{3041}'..='\u{3096}'    // Hiragana
            | '\u{3099}'..='\u{309A}'    // sound marks
            | '\u{309D}'..='\u{309F}'
            | '\u{30A1}'..='\u{30FA}'    // Katakana, without the middle dot
            | '\u{30FC}'..='\u{30FF}'
            | '\u{3105}'..='\u{312F}'    // Bopomofo
            | '\u{3131}'..='\u{318E}'    // Hangul compatibility Jamo
            | '\u{31A0}'..='\u{31BF}'    // Bopomofo extended
            | '\u{31F0}'..='\u{31FF}'    // Katakana extensions
            | '\u{3400}'..='\u{4DBF}'    // Han, extension A
            | '\u{4E00}'..='\u{9FFF}'    // Han
            | '\u{A960}'..='\u{A97C}'    // Hangul Jamo extended A
            | '\u{AC00}'..='\u{D7A3}'    // Hangul syllables
            | '\u{D7B0}'..='\u{D7FB}'    // Hangul Jamo extended B
            | '\u{F900}'..='\u{FAFF}'    // Han, compatibility
            | '\u{1AFF0}'..='\u{1B16F}'  // Kana extensions
            | '\u{20000}'..='\u{3FFFF}'  // Han, the supplementary planes
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indexed(text: &str) -> Vec<String> {
        words(text).into_iter().collect()
    }

    fn query(text: &str) -> WordQuery {
        WordQuery::parse(text).unwrap_or_else(|| panic!("nothing to search for in {text:?}"))
    }

    #[test]
    fn words_and_characters() {
        assert_eq!(indexed("Hello, WORLD! hello"), ["hello", "world"]);
        assert_eq!(indexed("我爱你"), ["你", "我", "我爱", "爱", "爱你"]);
        assert_eq!(indexed("用iPhone15拍"), ["iphone15", "拍", "用"]);
        assert_eq!(indexed("东京、大阪"), ["东", "东京", "京", "大", "大阪", "阪"]);
        assert_eq!(indexed("ｆｕｌｌ ﾃﾞﾝﾜ"), ["full", "デ", "デン", "ワ", "ン", "ンワ"]);
        assert_eq!(indexed("안녕"), ["녕", "안", "안녕"]);
        assert_eq!(indexed("नमस्ते"), ["नमस्ते"], "marks belong to their letters");
        assert_eq!(indexed("cafe\u{301} CAFÉ"), ["café"]);
        assert_eq!(indexed("😀 … — ※ %_*"), [""; 0]);
    }

    /// All characters that are passed on and some of the others, and every four of a choice.
    #[test]
    fn what_is_passed_on_as_it_is_would_not_be_changed() {
        let whole = |text: &str| text.nfkc().flat_map(char::to_lowercase).collect::<String>();
        let short = |text: &str| {
            let mut out = String::new();
            let all = normal(text, &mut |character| {
                out.push(character);
                ControlFlow::Continue(())
            });
            assert!(all.is_continue());
            out
        };
        let looked_at =
            |character: &char| as_plain(*character).is_some() || u32::from(*character).is_multiple_of(97);
        for character in ('\0'..=char::MAX).filter(looked_at) {
            for text in [character.to_string(), format!("a{character}漢"), format!("カ{character}\u{301}")]
            {
                assert_eq!(short(&text), whole(&text), "{text:?}");
            }
        }
        let some: Vec<char> =
            "aZ9 -é\u{301}\u{3099}\u{309A}か゛ガｶﾞﾊﾟ漢。、，Ａｅ\u{327}\u{1100}\u{1161}\u{11A8}가각ﬁ①ſ\u{130}Σ\u{345}"
                .chars()
                .collect();
        for one in &some {
            for two in &some {
                for three in &some {
                    for four in &some {
                        let text: String = [one, two, three, four].into_iter().collect();
                        assert_eq!(short(&text), whole(&text), "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_indexed_of_one_message_is_limited() {
        let long: String = (0..3 * INDEXED_WORDS_MAX).map(|n| format!("w{n} ")).collect();
        assert_eq!(words(&long).len(), INDEXED_WORDS_MAX);
        let word = "x".repeat(10_000);
        assert_eq!(indexed(&word), ["x".repeat(WORD_CHARS_MAX)]);
        assert!(query(&word).fits(&word));
        assert!(!query(&"x".repeat(9_999)).fits(&word), "compared whole");
    }

    /// Whatever is written, and however it is made longer, what is gone through is limited.
    #[test]
    fn what_is_gone_through_of_one_message_is_limited() {
        let at = |words: usize, what: &str, end: &str| indexed(&format!("{}{end}", what.repeat(words)));
        let few = INDEXED_CHARS_MAX / 2 - 2;
        assert_eq!(at(few, "a ", "end"), ["a", "end"], "what fits");
        assert_eq!(at(few, "a ", "zebra"), ["a"], "a word that is cut in two");
        assert_eq!(at(few + 2, "a ", "end"), ["a"], "what comes later");
        assert_eq!(at(few + 2, "。 ", "end"), [""; 0], "whether there is a word before it or not");
        assert_eq!(at(INDEXED_CHARS_MAX - 1, "长", "短"), ["短", "长", "长短", "长长"]);
        assert_eq!(at(INDEXED_CHARS_MAX, "长", "短"), ["长", "长长"]);
        // Longer in compatibility composition.
        let (ligature, words) = ("\u{fdfa} ", ["الله", "صلى", "عليه", "وسلم"]);
        let whole = INDEXED_CHARS_MAX / 19;
        assert_eq!(at(whole, ligature, "a"), [&["a"], &words[..]].concat());
        assert_eq!(at(whole + 1, ligature, "a"), words);
        // Shorter.
        assert_eq!(at(INDEXED_CHARS_MAX / 2, "\u{1100}\u{1161}", "a"), ["가", "가가"]);
        // Longer than a word may be, though not over.
        let word = "x".repeat(WORD_CHARS_MAX);
        assert_eq!(at(INDEXED_CHARS_MAX * 3, "x", ""), [word.as_str()]);
        assert_eq!(at(few, "a ", &word), ["a"]);
        assert_eq!(indexed(&format!("a\u{301}{}", "\u{327}".repeat(30_000))).len(), 1);
    }

    /// The text of a message is compared as far as it is indexed, and no further.
    #[test]
    fn what_is_compared_of_one_message_is_limited() {
        let few = INDEXED_CHARS_MAX / 2 - 2;
        for (wanted, count, what, end, fits) in [
            ("a", INDEXED_CHARS_MAX, "a ", "", true),
            ("end a", few, "a ", "end", true),
            ("zebra", few, "a ", "zebra", false),
            ("zeb", few, "a ", "zebra", false),
            ("end", few + 2, "a ", "end", false),
            ("长短", INDEXED_CHARS_MAX - 1, "长", "短", true),
            ("长短", INDEXED_CHARS_MAX, "长", "短", false),
            ("长 长长长", INDEXED_CHARS_MAX * 2, "长", "", true),
            ("وسلم الله", INDEXED_CHARS_MAX, "\u{fdfa} ", "", true),
            ("a", INDEXED_CHARS_MAX / 19 + 1, "\u{fdfa} ", "a", false),
        ] {
            let text = format!("{}{end}", what.repeat(count));
            assert_eq!(query(wanted).fits(&text), fits, "{wanted:?} in {count} times {what:?} and {end:?}");
            let indexed = words(&text);
            let is_asked = query(wanted).asked().iter().all(|word| indexed.contains(word));
            assert_eq!(is_asked, fits, "{wanted:?} in {count} times {what:?} and {end:?}, by the index");
        }
    }

    /// Of whatever begins a text somebody can find it, as long as that is within the limits.
    #[test]
    fn what_comes_first_is_found() {
        let long: String = ('\u{4E00}'..'\u{9FFF}').collect();
        let found = words(&long);
        assert_eq!(found.len(), INDEXED_WORDS_MAX);
        let beginning: String = long.chars().take(INDEXED_WORDS_MAX / 2).collect();
        assert!(query(&beginning).fits(&long));
        assert!(query(&beginning).asked().iter().all(|word| found.contains(word)));
        let repeated = format!("{}{long}", "的".repeat(INDEXED_WORDS_MAX));
        let found = words(&repeated);
        assert_eq!(found.len(), INDEXED_WORDS_MAX, "each counts once");
        assert!(["的", "的的", "的一", "一", "一丁"].iter().all(|word| found.contains(*word)));
    }

    #[test]
    fn a_query_asks_for_words_that_every_fitting_text_has() {
        assert_eq!(query("你").asked(), ["你"]);
        assert_eq!(query("你好").asked(), ["你好"]);
        assert_eq!(query("中华人民").asked(), ["中华", "人民", "华人"]);
        assert_eq!(query("a longer 词").asked(), ["longer", "a", "词"]);
        let long: String = ('一'..).take(100).collect();
        assert_eq!(query(&long).asked().len(), ASKED_WORDS_MAX);
    }

    #[test]
    fn every_part_of_a_query_must_be_in_the_text() {
        for (wanted, text, fits) in [
            ("hello", "Say HELLO!", true),
            ("hell", "hello", false),
            ("hello world", "world, hello", true),
            ("hello world", "hello", false),
            ("民主", "人民主权", true),
            ("人民 主权", "人民主权", true),
            ("人民权", "人民主权", false),
            ("ABAB", "ab abab", true),
            ("中国中", "中国 国中", false),
            ("안녕", "안녕하세요", true),
            ("ラーメン", "塩ﾗｰﾒﾝを食べた", true),
            ("café", "CAFE\u{301}", true),
            ("100%", "100 per cent", true),
        ] {
            assert_eq!(query(wanted).fits(text), fits, "{wanted:?} in {text:?}");
            if fits {
                let indexed = words(text);
                assert!(
                    query(wanted).asked().iter().all(|word| indexed.contains(word)),
                    "{wanted:?} in {text:?}"
                );
            }
        }
    }

    #[test]
    fn what_has_no_word_is_no_query() {
        for nothing in
            ["", " ", "*", "%", "%%__**??", "。！？", "😀", "\0\u{1b}[2J…".trim_end_matches("2J…"), "\u{301}"]
        {
            assert_eq!(WordQuery::parse(nothing), None, "{nothing:?}");
        }
    }
}
