//! Characters that show nothing: no user's name holds one, so that no two names look the same but for them.
//!
//! What Unicode says is not to be shown ([`Default_Ignorable_Code_Point`], UAX #44), what only changes how other text is shown
//! (general category `Cf`), and what is shown as nothing in spite of both. A test holds the table against Unicode's own.
//!
//! [`Default_Ignorable_Code_Point`]: https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point

/// Whether a character shows nothing, or nothing that means the same to everybody: ignorable and format characters, fillers,
/// variation selectors, tags, private use, and what is no character at all.
///
/// ```
/// use protocol::invisible::is_invisible;
///
/// assert!("\u{200d}\u{3164}\u{fe0f}\u{e0061}".chars().all(is_invisible));
/// assert!(!"é张 أ😀\u{301}".chars().any(is_invisible));
/// ```
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        // Ignorable, and format characters.
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}'
        | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{110bd}' | '\u{110cd}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        // Blank in Braille, in Khitan and in music, and the layout of hieroglyphs.
        | '\u{2800}' | '\u{16fe4}' | '\u{1d159}' | '\u{13430}'..='\u{1345f}'
        // Private use, specials, tags, and what is no character.
        | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{fffd}' | '\u{e0000}'..='\u{10ffff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
    use icu_properties::{CodePointMapData, CodePointSetData};

    use super::*;

    #[test]
    fn all_that_unicode_calls_ignorable_or_format_is_invisible() {
        for set in [
            CodePointSetData::new::<DefaultIgnorableCodePoint>().iter_ranges().collect::<Vec<_>>(),
            CodePointMapData::<GeneralCategory>::new()
                .iter_ranges_for_value(GeneralCategory::Format)
                .collect::<Vec<_>>(),
        ] {
            assert!(set.len() > 10, "a table: {set:?}");
            for c in set.into_iter().flatten().filter_map(char::from_u32) {
                assert!(is_invisible(c), "{c:?}");
            }
        }
    }

    #[test]
    fn no_letter_digit_or_punctuation_is_invisible_but_the_fillers() {
        let categories = CodePointMapData::<GeneralCategory>::new();
        let fillers = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}'];
        for c in ('\0'..=char::MAX).filter(|c| is_invisible(*c) && !fillers.contains(c)) {
            let shown = matches!(
                categories.get(c),
                GeneralCategory::UppercaseLetter
                    | GeneralCategory::LowercaseLetter
                    | GeneralCategory::TitlecaseLetter
                    | GeneralCategory::ModifierLetter
                    | GeneralCategory::DecimalNumber
                    | GeneralCategory::LetterNumber
                    | GeneralCategory::DashPunctuation
                    | GeneralCategory::OtherPunctuation
            );
            let layout_of_hieroglyphs = ('\u{13430}'..='\u{1345f}').contains(&c);
            assert!(!shown || layout_of_hieroglyphs, "{c:?}");
        }
    }
}
