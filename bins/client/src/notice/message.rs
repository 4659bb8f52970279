//! Messages in words.

use client::protocol::{Changed, ChatMessage, MessageKind, Recalled};

use crate::mention::{EVERYBODY, Names, find};
use crate::moment;
use crate::outcome::{columns, fit};
use crate::printable::{self, one_line};
use crate::roster::{Roster, Talk};
use crate::style::Style;

/// A message, below what it answers if it does.
pub(crate) fn message_lines(message: &ChatMessage, roster: &Roster, style: Style) -> String {
    let line = message_line(message, roster, style);
    match quote_line(message, roster) {
        Some(quote) => format!("{}\n{line}", style.faint(&quote)),
        None => line,
    }
}

/// `  > bob: see you at…`: how the message begins that this one answers, on one line of the terminal.
pub(crate) fn quote_line(message: &ChatMessage, roster: &Roster) -> Option<String> {
    if message.reply_to == 0 || message.recalled.is_some() {
        return None;
    }
    let quoted = match &message.quote {
        Some(quote) if quote.from == roster.my_id() => format!("you: {}", one_line(&quote.msg)),
        Some(quote) => format!("{}: {}", printable::name(&quote.name), one_line(&quote.msg)),
        None => format!("message {}", message.reply_to),
    };
    let line = format!("  > {quoted}");
    // The last column stays free: some terminals would wrap.
    Some(columns().map_or(line.clone(), |columns| fit(&line, columns.saturating_sub(1))))
}

/// A text with the places marked where it mentions the reader. Colour only: where no such place stands in the text, words say
/// it.
fn marked(text: &str, message: &ChatMessage, roster: &Roster, style: Style) -> String {
    let Some(me) = roster.me.as_ref().filter(|me| me.id != message.from) else { return text.to_owned() };
    let mut names = Names::default();
    let mut named = |user, words: &[&str]| {
        let is_mentioned = message.mentions.contains(&user);
        words.iter().filter(|_| is_mentioned).for_each(|word| names.name(word, user));
        is_mentioned
    };
    let (mentioned, everybody) = (named(me.id, &[&me.name]), named(0, &EVERYBODY));
    if !mentioned && !everybody {
        return text.to_owned();
    }
    let (mut out, mut from) = (String::with_capacity(text.len() + 16), 0);
    for place in find(text, &names).into_iter().filter(|place| place.whom.is_some()) {
        out.push_str(&text[from..place.at.start]);
        out.push_str(&style.mention(&text[place.at.clone()]));
        from = place.at.end;
    }
    out.push_str(&text[from..]);
    match from {
        0 if mentioned => format!("{out} {}", style.mention("(mentions you)")),
        0 => format!("{out} {}", style.mention("(mentions everybody)")),
        _ => out,
    }
}

/// `12:03 bob: hello`, `12:03 #readers bob: hello`, and `you` for oneself.
pub(crate) fn message_line(message: &ChatMessage, roster: &Roster, style: Style) -> String {
    let own = roster.me.as_ref().is_some_and(|me| me.id == message.from);
    let talk = roster.talk_of(message.conv);
    let sender = match own {
        true => style.own("you"),
        false => style.name(&printable::name(&message.name)),
    };
    let place = match talk {
        Some(Talk::Friend(_)) if !own => sender,
        Some(talk @ Talk::Friend(_)) => format!("{sender} → {}", style.name(&roster.talk_name(talk))),
        Some(talk @ Talk::Group(_)) => format!("{} {sender}", style.name(&roster.talk_name(talk))),
        None if own => format!("{sender} (conversation {})", message.conv),
        None => sender,
    };
    if message.kind == MessageKind::System {
        let place = talk.map_or_else(String::new, |talk| format!("{} ", style.name(&roster.talk_name(talk))));
        let line = style.faint(&format!("* {}", one_line(&message.msg)));
        return format!("{} {place}{line}", style.faint(&moment::short(message.time)));
    }
    let text = || marked(&printable::message(&message.msg), message, roster, style);
    let text = match (message.kind, &message.recalled) {
        (_, Some(recalled)) => style.faint(&recalled_text(recalled, message.from, roster)),
        (MessageKind::Text | MessageKind::System, None) if message.edited > 0 => {
            format!("{} {}", text(), style.faint("(edited)"))
        }
        (MessageKind::Text | MessageKind::System, None) => text(),
        (MessageKind::Unknown, None) => "(something that this client cannot show)".to_owned(),
    };
    format!("{} {place}: {text}", style.faint(&moment::short(message.time)))
}

/// `(recalled)` of who took back what they said themselves, and else by whom.
fn recalled_text(recalled: &Recalled, from: u64, roster: &Roster) -> String {
    match roster.me.as_ref().is_some_and(|me| me.id == recalled.by) {
        _ if recalled.by == from => "(recalled)".to_owned(),
        true => "(recalled by you)".to_owned(),
        false => format!("(recalled by {})", printable::name(&recalled.name)),
    }
}

/// The message as it is now, after a mark and its number: it stands further up as it was.
pub(super) fn changed_line(changed: &Changed, roster: &Roster, style: Style) -> String {
    let line = message_line(&changed.message, roster, style);
    format!("{} {line}", style.faint(&format!("* {} now reads:", changed.message.seq)))
}

#[cfg(test)]
mod tests {
    use client::protocol::Quote;

    use super::super::sample::{message, roster};
    use super::*;

    #[test]
    fn messages_say_who_and_where() {
        let line = |message: &ChatMessage| message_line(message, &roster(), Style::Plain);
        assert!(line(&message(2, "bob", "hi")).ends_with(" bob: hi"));
        assert!(line(&message(1, "alice", "hi")).ends_with(" you → bob: hi"));
        let evil = message(2, "bob\u{1b}[31m\n12:00 eve", "a\u{1b}]0;title\u{7}b");
        assert!(line(&evil).ends_with(" bob[31m 12:00 eve: a]0;titleb"), "{}", line(&evil));
    }

    #[test]
    fn an_answer_stands_below_what_it_answers() {
        let lines = |message: &ChatMessage| message_lines(message, &roster(), Style::Plain);
        let quote = |from, name: &str, msg: &str| Some(Quote { from, name: name.into(), msg: msg.into() });
        let answer = ChatMessage { reply_to: 7, ..message(2, "bob", "yes") };
        let quoted = |quote| lines(&ChatMessage { quote, ..answer.clone() });
        let of_alice = quoted(quote(1, "alice", "see\nyou"));
        assert!(of_alice.starts_with("  > you: see you\n") && of_alice.ends_with(" bob: yes"), "{of_alice}");
        assert!(quoted(quote(2, "bob", "so")).starts_with("  > bob: so\n"));
        assert!(quoted(None).starts_with("  > message 7\n"));
        let evil = quoted(quote(3, "eve\n12:00 bob", "a\u{1b}[31m\r12:00 bob: \u{202e}hi"));
        assert!(evil.starts_with("  > eve 12:00 bob: a[31m 12:00 bob: hi\n"), "{evil:?}");
        let recalled = Some(Recalled { by: 2, name: "bob".into(), at: 1 });
        let gone = ChatMessage { recalled, msg: String::new(), ..answer };
        assert!(!lines(&gone).contains('\n'));
        assert!(!lines(&message(2, "bob", "hi")).contains('\n'));
    }

    #[test]
    fn mentions_of_the_reader_are_marked() {
        let mentions = |mentions: &[u64], from, msg: &str| {
            let message = ChatMessage { mentions: mentions.to_vec(), ..message(from, "bob", msg) };
            let line =
                |style| message_line(&message, &roster(), style).split_once(": ").unwrap().1.to_owned();
            (line(Style::Plain), line(Style::Colour))
        };
        let marked = |word: &str| format!("\x1b[1;33m{word}\x1b[0m");
        let (plain, colour) = mentions(&[1], 2, "hi @Alice and @bob");
        assert_eq!(
            (plain.as_str(), colour),
            ("hi @Alice and @bob", format!("hi {} and @bob", marked("@Alice")))
        );
        let (plain, colour) = mentions(&[1], 2, "you too");
        assert_eq!(
            (plain.as_str(), colour),
            ("you too (mentions you)", format!("you too {}", marked("(mentions you)")))
        );
        let (plain, colour) = mentions(&[0], 2, "@all: fire");
        assert_eq!((plain.as_str(), colour), ("@all: fire", format!("{}: fire", marked("@all"))));
        assert_eq!(mentions(&[0], 2, "fire").0, "fire (mentions everybody)");
        // Who is not mentioned, or wrote it, sees text.
        for (mentioned, from) in [(&[][..], 2), (&[3], 2), (&[1], 1)] {
            let (plain, colour) = mentions(mentioned, from, "hi @alice");
            assert_eq!((plain.as_str(), colour.as_str()), ("hi @alice", "hi @alice"));
        }
    }

    #[test]
    fn what_became_of_a_group_is_one_line() {
        let event = client::protocol::SystemEvent::new(client::protocol::SystemEventKind::Left, 2, "bob");
        let told = ChatMessage {
            kind: MessageKind::System,
            event: Some(event.clone()),
            ..message(2, "bob", &event.sentence())
        };
        assert!(message_line(&told, &roster(), Style::Plain).ends_with(" bob * bob left the group"));
        let evil = ChatMessage { kind: MessageKind::System, ..message(2, "bob", "a\u{1b}[31m\nb") };
        assert!(!message_line(&evil, &roster(), Style::Plain).contains(['\u{1b}', '\n']));
    }
}
