//! What came of saying and reading.

use client::protocol::{ChatMessage, Sent};
use serde_json::{Value, json};

use super::Outcome;
use crate::notice::{message_line, message_object};
use crate::printable;
use crate::roster::{Roster, Talk};
use crate::style::Style;

/// Of saying and reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TalkingOutcome {
    Talking(Option<Talk>),
    Sent(Sent),
    /// Typed on the terminal, and no answer yet.
    Waiting {
        text: String,
    },
    History {
        messages: Vec<ChatMessage>,
        begins: bool,
    },
    /// In the own copy, the newest first.
    Found {
        messages: Vec<ChatMessage>,
        more: bool,
    },
}

impl TalkingOutcome {
    /// The lines for people.
    pub(super) fn lines(&self, roster: &Roster, style: Style) -> Vec<String> {
        match self {
            // The prompt or the conversation shows it.
            Self::Talking(_) | Self::Sent(_) => vec![],
            Self::Waiting { text } => {
                vec![style.faint(&format!("… {} (waits for the server)", printable::message(text)))]
            }
            Self::History { messages, begins } => {
                let mut lines: Vec<String> = vec![];
                if *begins {
                    lines.push(style.faint("* this is the beginning"));
                }
                lines.extend(messages.iter().map(|message| message_line(message, roster, style)));
                if !begins {
                    lines.push(style.faint("* /history shows what was before"));
                }
                lines
            }
            Self::Found { messages, .. } if messages.is_empty() => vec!["nothing found".to_owned()],
            Self::Found { messages, more } => {
                let mut lines: Vec<String> =
                    messages.iter().map(|message| message_line(message, roster, style)).collect();
                if *more {
                    lines.push(style.faint("* /find shows the next ones"));
                }
                lines
            }
        }
    }

    /// What an object for programs says of it.
    pub(super) fn object(&self, roster: &Roster) -> Value {
        match self {
            Self::Talking(None) | Self::Waiting { .. } => json!({}),
            Self::Talking(Some(Talk::Friend(id))) => json!({ "friend": id }),
            Self::Talking(Some(Talk::Group(id))) => json!({ "group": id }),
            Self::Sent(sent) => json!({ "conv": sent.conv, "seq": sent.seq, "time": sent.time }),
            Self::History { messages, begins } => {
                let messages: Vec<Value> =
                    messages.iter().map(|message| message_object(message, roster)).collect();
                json!({ "messages": messages, "begins": begins })
            }
            Self::Found { messages, more } => {
                let messages: Vec<Value> =
                    messages.iter().map(|message| message_object(message, roster)).collect();
                json!({ "messages": messages, "more": more })
            }
        }
    }
}

impl From<TalkingOutcome> for Outcome {
    fn from(outcome: TalkingOutcome) -> Outcome {
        Outcome::Talking(outcome)
    }
}
