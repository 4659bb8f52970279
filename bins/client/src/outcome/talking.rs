//! What came of saying and reading.

use client::protocol::{Changed, ChatMessage, Hidden, MessageKind, ReceiptsList, Sent};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::Outcome;
use super::layout::{columns, fit};
use crate::conversations::Newest;
use crate::moment;
use crate::notice::{message_line, message_object, quote_line};
use crate::printable::{self, one_line};
use crate::roster::{Roster, Talk};
use crate::style::Style;

/// Of saying and reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TalkingOutcome {
    Talking(Option<Talk>),
    Conversations(Vec<ConversationRow>),
    Sent(Sent),
    /// Recalled or edited.
    Changed(Box<Changed>),
    /// Deleted for this user only.
    Hidden(Vec<Hidden>),
    /// Typed on the terminal, and no answer yet.
    Waiting {
        text: String,
    },
    History {
        messages: Vec<ChatMessage>,
        begins: bool,
        /// What became of the own ones, where that is told.
        receipts: Option<ReceiptsList>,
    },
    /// In the own copy, the newest first.
    Found {
        messages: Vec<ChatMessage>,
        more: bool,
    },
    /// On the server, the newest first.
    FoundAll {
        messages: Vec<ChatMessage>,
        more: bool,
    },
}

/// A conversation in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConversationRow {
    pub(crate) talk: Talk,
    pub(crate) name: String,
    pub(crate) unread: u64,
    pub(crate) newest: Option<Newest>,
    /// It does not ring now, but where it is mentioned perhaps.
    pub(crate) quiet: bool,
}

impl TalkingOutcome {
    /// The lines for people.
    pub(super) fn lines(&self, roster: &Roster, style: Style) -> Vec<String> {
        match self {
            // The prompt or the conversation shows it.
            Self::Talking(_) | Self::Sent(_) | Self::Changed(_) => vec![],
            Self::Conversations(rows) if rows.is_empty() => {
                vec!["nobody to talk to yet; /add ID asks somebody, /join ID joins a group".to_owned()]
            }
            Self::Conversations(rows) => conversation_lines(rows, roster, style),
            Self::Hidden(hidden) => {
                let what = match hidden.as_slice() {
                    [one] => format!("message {}", one.seq),
                    all => format!("these {} messages", all.len()),
                };
                vec![style.faint(&format!("* you do not see {what} any more; others still do"))]
            }
            Self::Waiting { text } => {
                vec![style.faint(&format!("… {} (waits for the server)", printable::message(text)))]
            }
            Self::History { messages, begins, receipts } => {
                let mut lines: Vec<String> = vec![];
                if *begins {
                    lines.push(style.faint("* this is the beginning"));
                }
                let width = messages.last().map_or(1, |newest| newest.seq.to_string().len());
                for message in messages.iter().filter(|message| !message.hidden) {
                    lines.extend(quote_line(message, roster).map(|quote| style.faint(&quote)));
                    // The number is how /reply, /recall, /correct and /hide know it.
                    let seq = style.faint(&format!("{:>width$}", message.seq));
                    let line = message_line(message, roster, style);
                    let mark = receipts.as_ref().and_then(|receipts| mark(message, receipts, roster));
                    let mark = mark.map_or_else(String::new, |mark| format!(" {}", style.faint(&mark)));
                    lines.push(format!("{seq} {line}{mark}"));
                }
                if !begins {
                    lines.push(style.faint("* /history shows what was before"));
                }
                lines
            }
            Self::Found { messages, .. } | Self::FoundAll { messages, more: false }
                if messages.is_empty() =>
            {
                vec!["nothing found".to_owned()]
            }
            Self::Found { messages, more } | Self::FoundAll { messages, more } => {
                let mut lines: Vec<String> =
                    messages.iter().map(|message| message_line(message, roster, style)).collect();
                if *more {
                    let command = if matches!(self, Self::Found { .. }) { "/find" } else { "/find-all" };
                    lines.push(style.faint(&format!("* {command} shows the next ones")));
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
            Self::Conversations(rows) => {
                json!({ "conversations": rows.iter().map(|row| conversation_object(row, roster)).collect::<Vec<_>>() })
            }
            Self::Sent(sent) => json!({ "conv": sent.conv, "seq": sent.seq, "time": sent.time }),
            Self::Changed(changed) => {
                json!({ "position": changed.position, "message": message_object(&changed.message, roster) })
            }
            Self::Hidden(hidden) => json!({ "hidden": hidden }),
            Self::History { messages, begins, receipts } => {
                let messages: Vec<Value> =
                    messages.iter().map(|message| message_object(message, roster)).collect();
                let mut object = json!({ "messages": messages, "begins": begins });
                if let Some(receipts) = receipts {
                    object["receipts"] = json!(receipts);
                }
                object
            }
            Self::Found { messages, more } | Self::FoundAll { messages, more } => {
                let messages: Vec<Value> =
                    messages.iter().map(|message| message_object(message, roster)).collect();
                json!({ "messages": messages, "more": more })
            }
        }
    }
}

/// What became of an own message: ✓ stored, ✓✓ arrived at all others, and who read it.
fn mark(message: &ChatMessage, receipts: &ReceiptsList, roster: &Roster) -> Option<String> {
    let own = roster.me.as_ref().is_some_and(|me| me.id == message.from);
    if !own || message.event.is_some() {
        return None;
    }
    let count = receipts.counts.iter().find(|count| count.seq == message.seq);
    Some(match count {
        Some(count) if count.read > 0 => format!("✓✓ read by {} of {}", count.read, count.of),
        Some(count) if count.delivered >= count.of && count.of > 0 => "✓✓".to_owned(),
        Some(_) => "✓".to_owned(),
        None if message.seq <= receipts.read => "✓✓ read".to_owned(),
        None if message.seq <= receipts.delivered => "✓✓".to_owned(),
        None => "✓".to_owned(),
    })
}

impl From<TalkingOutcome> for Outcome {
    fn from(outcome: TalkingOutcome) -> Outcome {
        Outcome::Talking(outcome)
    }
}

/// Columns of a name; a longer one is cut.
const NAME_COLUMNS_MAX: usize = 20;

/// Behind the name of what does not ring.
const QUIET_MARK: &str = "(quiet)";

/// Columns for the newest message that are never undercut, however narrow the terminal.
const PREVIEW_COLUMNS_MIN: usize = 10;

/// What is unread, with whom, when, and what was said last: one row each, cut to the terminal.
fn conversation_lines(rows: &[ConversationRow], roster: &Roster, style: Style) -> Vec<String> {
    let unread: Vec<String> =
        rows.iter().map(|row| if row.unread == 0 { String::new() } else { row.unread.to_string() }).collect();
    let name = |row: &ConversationRow| match fit(&row.name, NAME_COLUMNS_MAX) {
        name if row.quiet => format!("{name} {QUIET_MARK}"),
        name => name,
    };
    let names: Vec<String> = rows.iter().map(name).collect();
    let times: Vec<String> = rows
        .iter()
        .map(|row| row.newest.as_ref().map_or_else(String::new, |newest| moment::brief(newest.time)))
        .collect();
    let width = |texts: &[String]| texts.iter().map(|text| text.width()).max().unwrap_or(0);
    let (unread_width, name_width, time_width) = (width(&unread), width(&names), width(&times));
    let before_preview = 2 + unread_width + 2 + name_width + 2 + time_width + 2;
    let line = |(at, row): (usize, &ConversationRow)| {
        let preview = row.newest.as_ref().map_or_else(String::new, |newest| {
            let text = one_line(&newest.text);
            let by_me = newest.from == roster.my_id();
            match row.talk {
                _ if newest.kind == MessageKind::System => format!("* {text}"),
                _ if by_me => format!("you: {text}"),
                Talk::Group(_) if !newest.name.is_empty() => {
                    format!("{}: {text}", printable::name(&newest.name))
                }
                Talk::Group(_) | Talk::Friend(_) => text.into_owned(),
            }
        });
        let preview = match columns() {
            // The last column stays free: some terminals would wrap.
            Some(columns) => {
                fit(&preview, columns.saturating_sub(before_preview + 1).max(PREVIEW_COLUMNS_MIN))
            }
            None => preview,
        };
        let name = match row.unread {
            0 => names[at].clone(),
            _ => style.name(&names[at]),
        };
        format!(
            "  {}{}  {name}{}  {}{}  {preview}",
            blank(unread_width - unread[at].width()),
            unread[at],
            blank(name_width - names[at].width()),
            times[at],
            blank(time_width - times[at].width()),
        )
        .trim_end()
        .to_owned()
    };
    rows.iter().enumerate().map(line).collect()
}

fn blank(columns: usize) -> String {
    " ".repeat(columns)
}

fn conversation_object(row: &ConversationRow, roster: &Roster) -> Value {
    let mut object = match row.talk {
        Talk::Friend(id) => json!({ "friend": id }),
        Talk::Group(id) => json!({ "group": id }),
    };
    object["unread"] = row.unread.into();
    if row.quiet {
        object["quiet"] = true.into();
    }
    if let Some(conv) = roster.conv_of(row.talk) {
        object["conv"] = conv.into();
    }
    if let Some(newest) = &row.newest {
        object["newest"] = json!({
            "seq": newest.seq,
            "from": newest.from,
            "name": newest.name,
            "time": newest.time,
            "msg": newest.text,
        });
    }
    object
}
