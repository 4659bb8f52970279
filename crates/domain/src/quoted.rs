//! What is quoted of a message.

use crate::{ConversationId, MessageKind, Seq, UserId};

/// Characters of a message's text that are quoted at most.
pub const QUOTED_CHARS_MAX: usize = 100;

/// How a message begins that another one answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Where it was said.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: Seq,
    /// Who said it.
    pub sender: UserId,
    /// What it is.
    pub kind: MessageKind,
    /// The first [`QUOTED_CHARS_MAX`] characters of a text; all of what is to be read as a whole.
    pub begin: String,
}

impl Quoted {
    /// What is quoted of a message's body.
    pub fn begin_of(kind: MessageKind, body: &str) -> &str {
        match kind {
            MessageKind::Text => match body.char_indices().nth(QUOTED_CHARS_MAX) {
                Some((end, _)) => &body[..end],
                None => body,
            },
            MessageKind::System => body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        for (text, chars) in [("", 0), ("a", 1), ("国", 99), ("🦀", 100), ("é", 101), ("\0", 200)] {
            let body = text.repeat(chars);
            let begin = Quoted::begin_of(MessageKind::Text, &body);
            assert_eq!(begin, text.repeat(chars.min(QUOTED_CHARS_MAX)));
            assert_eq!(Quoted::begin_of(MessageKind::System, &body), body);
        }
    }
}
