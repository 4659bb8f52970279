//! Events, for people and for programs.

use std::collections::HashMap;

use client::protocol::limits::NAME_CHARS_MAX;
use client::protocol::{
    Broadcast, Changed, ChatMessage, FriendChanged, FriendEvent, FriendEventKind, GroupEvent, GroupEventKind,
    GroupRequestEvent, GroupRequestKind, MessageKind, Notice, NoticeKind, Recalled, Receipt, Role, State,
};
use client::{Arrival, Event, Next, SessionEnd, SignInKind};
use serde_json::{Value, json};

use crate::mention::{EVERYBODY, Names, find};
use crate::moment;
use crate::outcome::{columns, count, fit};
use crate::printable::{self, one_line};
use crate::refusal::{sentence, without_later};
use crate::roster::{Roster, Talk};
use crate::style::Style;

/// How an event is told depends a little on what was told before.
#[derive(Debug, Default)]
pub(crate) struct Narrator {
    /// That there is no connection was said.
    down: bool,
    /// There was a session before the connection was lost.
    returning: bool,
    /// Conversation → the newest own message that its other user has not read, as far as this run saw.
    unread: HashMap<u64, u64>,
}

impl Narrator {
    /// The line for an event, if people care. `server` is the address as typed. To be called before the roster learns of
    /// the event.
    pub(crate) fn text(
        &mut self,
        event: &Event,
        roster: &Roster,
        server: &str,
        style: Style,
    ) -> Option<String> {
        let line = match event {
            // What is deleted for this user is not shown, whatever becomes of it.
            Event::Hidden(_) | Event::Typing(_) => return None,
            Event::Message { message, .. } if message.hidden => return None,
            Event::Changed(changed) if changed.message.hidden => return None,
            Event::Message { message, .. } => {
                self.said(message, roster);
                return Some(message_lines(message, roster, style));
            }
            Event::Receipt(receipt) => self.receipt_line(receipt, roster)?,
            // /quiet shows it.
            Event::Quiet(_) => return None,
            Event::Broadcast(broadcast) => return Some(broadcast_line(broadcast, style)),
            Event::Changed(changed) => return Some(changed_line(changed, roster, style)),
            Event::Connected(hello) => {
                self.down = false;
                if self.returning {
                    return None;
                }
                format!("connected to {server} ({}, {})", one_line(&hello.server), one_line(&hello.node))
            }
            Event::Disconnected { why, next } => return self.disconnected(why, *next, roster, style),
            // The session that an earlier run left; one that a command went on with is told as its outcome.
            Event::SignedIn { how: SignInKind::Resume, bundle } if !self.returning && roster.me.is_some() => {
                format!("logged in as {} (id {})", printable::name(&bundle.name), bundle.id)
            }
            // The login's own answer says it.
            Event::SignedIn { .. } => return None,
            Event::Synced { missed } => {
                let news = (*missed > 0).then(|| count(*missed as usize, "new message"));
                match (std::mem::take(&mut self.returning), news) {
                    (true, Some(news)) => format!("connected again, {news}"),
                    (true, None) => "connected again".to_owned(),
                    (false, Some(news)) => format!("{news} while you were away"),
                    (false, None) => return None,
                }
            }
            Event::SessionEnded(end) => {
                self.returning = false;
                match end {
                    SessionEnd::LoggedOut => return None,
                    SessionEnd::ByServer(why) => {
                        return Some(style.wrong(&format!("* the session ended: {}", one_line(why))));
                    }
                    SessionEnd::TokenRefused(refusal) => {
                        let why = sentence(refusal);
                        return Some(style.wrong(&format!("* not logged in: {}", one_line(&why))));
                    }
                }
            }
            Event::Gap { conv, first, last } => {
                let talk = roster
                    .talk_of(*conv)
                    .map_or_else(|| format!("conversation {conv}"), |talk| roster.talk_name(talk));
                format!("messages {first} to {last} of {talk} cannot be read")
            }
            Event::Restored => "the server was restored from a backup: what came after it is gone".to_owned(),
            Event::Rewound { conv, to } => {
                let talk = roster
                    .talk_of(*conv)
                    .map_or_else(|| format!("conversation {conv}"), |talk| roster.talk_name(talk));
                format!(
                    "{talk} was put back to message {to}: what followed comes again, as far as it is there"
                )
            }
            // Its notice says the same, on this device once.
            Event::Friend(event) if event.notice != 0 => return None,
            Event::Group(event) if event.notice != 0 => return None,
            Event::Friend(event) => friend_line(event, roster)?,
            Event::Notice(notice) => notice_line(notice)?,
            Event::Presence(presence) => {
                let name = roster.user_name(presence.id);
                match presence.state {
                    State::Online => format!("{name} is there"),
                    State::Offline => format!("{name} has gone"),
                    State::Unknown => return None,
                }
            }
            Event::FriendChanged(change) => change_line(change, roster)?,
            Event::Group(event) => group_line(event, roster)?,
            Event::GroupRequest(event) => group_request_line(event, roster)?,
            Event::Dropped { count } => {
                format!("{count} notices were too many to show; /friends and /groups show how it stands")
            }
        };
        Some(style.faint(&format!("* {line}")))
    }

    fn said(&mut self, message: &ChatMessage, roster: &Roster) {
        let own = roster.me.as_ref().is_some_and(|me| me.id == message.from);
        match (own, roster.talk_of(message.conv)) {
            (true, Some(Talk::Friend(_))) => drop(self.unread.insert(message.conv, message.seq)),
            // Who answers has read.
            _ => drop(self.unread.remove(&message.conv)),
        }
    }

    /// Said of the chosen conversation, once the friend has read everything.
    fn receipt_line(&mut self, receipt: &Receipt, roster: &Roster) -> Option<String> {
        let talk = Talk::Friend(receipt.user);
        let newest = *self.unread.get(&receipt.conv)?;
        if roster.talk_of(receipt.conv) != Some(talk) || receipt.read < newest {
            return None;
        }
        self.unread.remove(&receipt.conv);
        (roster.current == Some(talk)).then(|| format!("{} has read it", roster.talk_name(talk)))
    }

    fn disconnected(&mut self, why: &str, next: Next, roster: &Roster, style: Style) -> Option<String> {
        let was_down = std::mem::replace(&mut self.down, true);
        self.returning |= roster.signed_in().is_some();
        let why = without_later(why);
        let line = match next {
            // Once is enough: the next news is the connection.
            Next::RetryIn(_) if was_down => return None,
            Next::RetryIn(wait) => format!("* no connection: {}; trying again{}", one_line(why), soon(wait)),
            Next::Rest => format!("* no connection: {}", one_line(why)),
        };
        Some(style.wrong(&line))
    }
}

fn soon(wait: std::time::Duration) -> String {
    match wait.as_secs() {
        0 => String::new(),
        seconds => format!(" in {seconds} s"),
    }
}

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
fn changed_line(changed: &Changed, roster: &Roster, style: Style) -> String {
    let line = message_line(&changed.message, roster, style);
    format!("{} {line}", style.faint(&format!("* {} now reads:", changed.message.seq)))
}

/// What stands before a broadcast in the place of a name: longer than any name, so that nobody can be called that.
const OPERATOR: &str = "*** to everybody, from the operator of this server";
const _: () = assert!(OPERATOR.is_ascii() && OPERATOR.len() > NAME_CHARS_MAX);

/// `12:03 *** to everybody, from the operator of this server: it restarts at noon`.
pub(crate) fn broadcast_line(broadcast: &Broadcast, style: Style) -> String {
    let time = style.faint(&moment::short(broadcast.time));
    format!("{time} {}: {}", style.wrong(OPERATOR), printable::message(&broadcast.msg))
}

fn friend_line(event: &FriendEvent, roster: &Roster) -> Option<String> {
    let own = roster.me.as_ref().is_some_and(|me| me.id == event.by);
    let name = printable::name(&event.name);
    Some(match (event.event, own) {
        (FriendEventKind::Requested, false) => {
            let greeting = match one_line(&event.greeting) {
                greeting if greeting.is_empty() => String::new(),
                greeting => format!(", saying: {greeting}"),
            };
            format!(
                "{name} (id {}) asks to be your friend{greeting}; /accept {name} or /refuse {name}",
                event.id
            )
        }
        (FriendEventKind::Requested, true) => format!("you asked {name} to be your friend"),
        (FriendEventKind::Accepted, false) => format!("{name} is your friend now"),
        (FriendEventKind::Accepted, true) => format!("you and {name} are friends now"),
        (FriendEventKind::Refused, false) => format!("{name} refused your friend request"),
        (FriendEventKind::Refused, true) => format!("you refused {name}'s friend request"),
        (FriendEventKind::Withdrawn, false) => format!("{name} took the friend request back"),
        (FriendEventKind::Withdrawn, true) => format!("you took your friend request to {name} back"),
        (FriendEventKind::Deleted, false) => format!("{name} ended the friendship"),
        (FriendEventKind::Deleted, true) => format!("you ended the friendship with {name}"),
        (FriendEventKind::Unknown, _) => return None,
    })
}

/// What is new about a friend, if it is what people are called or where they stand.
fn change_line(change: &FriendChanged, roster: &Roster) -> Option<String> {
    let friend = roster.friends.get(&change.id)?;
    let name = printable::name(&friend.name);
    let news = |new: &Option<String>, old: &str| new.clone().filter(|new| new != old);
    if let Some(nickname) = news(&change.nickname, &friend.nickname) {
        return Some(match nickname.as_str() {
            "" => format!("{name} has no nickname any more"),
            nickname => format!("{name} is called {} now", printable::name(nickname)),
        });
    }
    let remark = news(&change.remark, &friend.remark).map(|remark| match remark.as_str() {
        "" => format!("you took your remark on {name} away"),
        remark => format!("you call {name} {} now", one_line(remark)),
    });
    let label = news(&change.label, &friend.label).map(|label| match label.as_str() {
        "" => format!("you took {name} out of {}", one_line(&friend.label)),
        label => format!("you put {name} under {}", one_line(label)),
    });
    remark.or(label)
}

/// What a notice says, if this version knows it.
pub(crate) fn notice_line(notice: &Notice) -> Option<String> {
    let name = match printable::name(&notice.name) {
        name if name.is_empty() => "a deleted user".into(),
        name => name,
    };
    let group = match (&notice.groupname, notice.groupid) {
        (Some(group), _) if !group.is_empty() => format!("#{}", one_line(group)),
        (_, id) => format!("#{}", id.unwrap_or(0)),
    };
    Some(match notice.kind {
        NoticeKind::FriendAccepted => format!("{name} is your friend now"),
        NoticeKind::FriendRefused => format!("{name} refused your friend request"),
        NoticeKind::FriendDeleted => format!("{name} ended the friendship"),
        NoticeKind::ApplicationAccepted => format!("you are in {group} now: {name} let you in"),
        NoticeKind::ApplicationRefused => format!("{name} refused your application to {group}"),
        NoticeKind::InvitationAccepted => format!("{name} accepted your invitation and is in {group} now"),
        NoticeKind::InvitationRefused => format!("{name} refused your invitation to {group}"),
        NoticeKind::Removed => format!("{name} removed you from {group}"),
        NoticeKind::Role => match notice.role {
            Some(Role::Owner) => format!("you are the owner of {group} now: {name} handed it to you"),
            Some(Role::Admin) => format!("{name} made you an admin of {group}"),
            Some(Role::Member) | None => format!("you are no admin of {group} any more: {name} decided so"),
        },
        NoticeKind::Muted => match notice.until {
            Some(until) if until > 0 => {
                format!("{name} muted you in {group} until {}", moment::full(until))
            }
            Some(_) | None => format!("you may speak in {group} again: {name} decided so"),
        },
        NoticeKind::FriendAccountDeleted => "the account of one of your friends is gone".to_owned(),
        NoticeKind::Unknown => return None,
    })
}

fn group_line(event: &GroupEvent, roster: &Roster) -> Option<String> {
    let own = roster.me.as_ref().is_some_and(|me| me.id == event.id);
    let who = if own { "you".into() } else { printable::name(&event.name) };
    let (group, members) = (one_line(&event.groupname), count(event.members as usize, "member"));
    match event.event {
        GroupEventKind::Joined => Some(format!("{who} joined #{group} ({members})")),
        GroupEventKind::Left => Some(format!("{who} left #{group} ({members})")),
        GroupEventKind::Unknown => None,
    }
}

fn group_request_line(event: &GroupRequestEvent, roster: &Roster) -> Option<String> {
    let is_me = |id| roster.me.as_ref().is_some_and(|me| me.id == id);
    let who = |id, name: &str| if is_me(id) { "you".to_owned() } else { printable::name(name).into_owned() };
    let (name, by) = (who(event.id, &event.name), who(event.by, &event.by_name));
    let (group, id) = (format!("#{}", one_line(&event.groupname)), event.groupid);
    Some(match event.event {
        // A personal notice says it to who had asked.
        GroupRequestKind::ApplicationAccepted | GroupRequestKind::ApplicationRefused if is_me(event.id) => {
            return None;
        }
        GroupRequestKind::InvitationAccepted | GroupRequestKind::InvitationRefused if !is_me(event.by) => {
            return None;
        }
        GroupRequestKind::Applied if is_me(event.id) => format!("you asked to come into {group}"),
        GroupRequestKind::Applied => {
            let greeting = match one_line(&event.greeting) {
                greeting if greeting.is_empty() => String::new(),
                greeting => format!(", saying: {greeting}"),
            };
            format!(
                "{name} (id {}) asks to come into {group}{greeting}; /admit {id} {} or /reject {id} {}",
                event.id, event.id, event.id
            )
        }
        GroupRequestKind::ApplicationWithdrawn => format!("{name} took the application to {group} back"),
        GroupRequestKind::ApplicationAccepted => format!("{by} let {name} into {group}"),
        GroupRequestKind::ApplicationRefused => format!("{by} refused the application of {name} to {group}"),
        GroupRequestKind::Invited if is_me(event.id) => {
            format!("{by} asks you into {group}; /come {id} or /decline {id}")
        }
        GroupRequestKind::Invited => format!("{by} asked {name} into {group}"),
        GroupRequestKind::InvitationWithdrawn => {
            format!("{by} took the invitation of {name} into {group} back")
        }
        GroupRequestKind::InvitationAccepted => format!("{name} accepted the invitation into {group}"),
        GroupRequestKind::InvitationRefused => format!("{name} refused the invitation into {group}"),
        GroupRequestKind::Unknown => return None,
    })
}

/// The object for an event. The shapes are documented in docs/client.md.
pub(crate) fn object(event: &Event, roster: &Roster) -> Value {
    match event {
        Event::Connected(hello) => json!({ "type": "connected", "server": hello.server, "node": hello.node }),
        Event::Disconnected { why, next } => match next {
            Next::RetryIn(wait) => {
                json!({ "type": "disconnected", "why": why, "retry_ms": wait.as_millis() as u64 })
            }
            Next::Rest => json!({ "type": "disconnected", "why": why }),
        },
        Event::SignedIn { how, bundle } => json!({
            "type": "signed_in",
            "how": match how { SignInKind::Login => "login", SignInKind::Resume => "resume", SignInKind::Refresh => "refresh" },
            "id": bundle.id,
            "name": bundle.name,
            "session": bundle.session,
        }),
        Event::Synced { missed } => json!({ "type": "synced", "missed": missed }),
        Event::SessionEnded(end) => match end {
            SessionEnd::LoggedOut => json!({ "type": "session_ended", "why": "logged out" }),
            SessionEnd::ByServer(why) => json!({ "type": "session_ended", "why": why }),
            SessionEnd::TokenRefused(refusal) => {
                json!({ "type": "session_ended", "why": refusal.to_string() })
            }
        },
        Event::Message { message, arrival } => {
            let mut object = message_object(message, roster);
            object["type"] = "message".into();
            object["arrival"] = match arrival {
                Arrival::Live => "live",
                Arrival::Missed => "missed",
            }
            .into();
            object
        }
        Event::Changed(changed) => {
            let mut object = message_object(&changed.message, roster);
            object["type"] = "changed".into();
            object["position"] = changed.position.into();
            object
        }
        Event::Hidden(hidden) => {
            let mut object = tagged("hidden", hidden);
            place(&mut object, hidden.conv, roster);
            object
        }
        Event::Typing(typing) => {
            let mut object = tagged("typing", typing);
            place(&mut object, typing.conv, roster);
            object
        }
        Event::Gap { conv, first, last } => {
            json!({ "type": "gap", "conv": conv, "first": first, "last": last })
        }
        Event::Restored => json!({ "type": "restored" }),
        Event::Rewound { conv, to } => json!({ "type": "rewound", "conv": conv, "to": to }),
        Event::Friend(event) => tagged("friend", event),
        Event::Notice(notice) => tagged("notice", notice),
        Event::Broadcast(broadcast) => tagged("broadcast", broadcast),
        Event::Receipt(receipt) => tagged("receipt", receipt),
        Event::Quiet(quiet) => {
            let entries: Vec<_> = quiet.entries.values().collect();
            json!({ "type": "quiet", "version": quiet.version, "quiet": entries })
        }
        Event::Presence(presence) => {
            let mut object = tagged("presence", presence);
            object["name"] = roster.user_name(presence.id).into();
            object
        }
        Event::FriendChanged(change) => tagged("friend_changed", change),
        Event::Group(event) => tagged("group", event),
        Event::GroupRequest(event) => tagged("group_request", event),
        Event::Dropped { count } => json!({ "type": "dropped", "count": count }),
    }
}

/// A message as the protocol has it, with where it stands.
pub(crate) fn message_object(message: &ChatMessage, roster: &Roster) -> Value {
    let mut object = serde_json::to_value(message).unwrap_or_default();
    place(&mut object, message.conv, roster);
    object
}

/// Says with whom a conversation is.
fn place(object: &mut Value, conv: u64, roster: &Roster) {
    match roster.talk_of(conv) {
        Some(Talk::Friend(id)) => object["friend"] = id.into(),
        Some(Talk::Group(id)) => object["group"] = id.into(),
        None => {}
    }
}

fn tagged(kind: &str, body: &impl serde::Serialize) -> Value {
    let mut object = serde_json::to_value(body).unwrap_or_default();
    object["type"] = kind.into();
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::protocol::{Friend, Quote, SignedIn};
    use std::time::Duration;

    fn roster() -> Roster {
        let friend = Friend { id: 2, name: "bob".into(), state: State::Online, conv: 9, ..Friend::default() };
        let bundle = SignedIn {
            id: 1,
            name: "alice".into(),
            session: 1,
            friends: vec![friend],
            ..SignedIn::default()
        };
        let mut roster = Roster::default();
        roster.sign_in(&bundle);
        roster
    }

    fn message(from: u64, name: &str, msg: &str) -> ChatMessage {
        ChatMessage {
            conv: 9,
            seq: 1,
            from,
            name: name.into(),
            client_msg_id: "x".into(),
            time: 0,
            kind: MessageKind::Text,
            msg: msg.into(),
            ..ChatMessage::default()
        }
    }

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

    fn notice(kind: NoticeKind) -> Notice {
        Notice {
            seq: 1,
            time: 0,
            kind,
            by: 2,
            name: "bob\u{1b}[31m".into(),
            groupid: Some(9),
            groupname: Some("read\ners".into()),
            role: None,
            until: None,
        }
    }

    #[test]
    fn every_notice_that_is_known_says_who_and_where() {
        for (kind, word) in NoticeKind::TABLE {
            let line = notice_line(&notice(*kind));
            assert_eq!(line.is_none(), *kind == NoticeKind::Unknown, "{word}");
            let Some(line) = line.filter(|_| *kind != NoticeKind::FriendAccountDeleted) else { continue };
            assert!(line.contains("bob[31m"), "{line}");
            assert_eq!(line.contains("#read ers"), !word.starts_with("friend_"), "{line}");
            assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
        }
        let made = Notice { role: Some(Role::Admin), ..notice(NoticeKind::Role) };
        assert_eq!(notice_line(&made).as_deref(), Some("bob[31m made you an admin of #read ers"));
        let nameless = Notice { name: String::new(), ..notice(NoticeKind::Removed) };
        assert_eq!(notice_line(&nameless).as_deref(), Some("a deleted user removed you from #read ers"));
    }

    #[test]
    fn an_event_is_told_by_its_notice() {
        let told = |event: &Event| Narrator::default().text(event, &roster(), "h:1", Style::Plain);
        let event = |notice| {
            Event::Friend(FriendEvent {
                event: FriendEventKind::Refused,
                id: 2,
                name: "bob".into(),
                by: 2,
                greeting: String::new(),
                friend: None,
                notice,
            })
        };
        assert_eq!(told(&event(1)), None);
        let refused = Notice { name: "bob".into(), ..notice(NoticeKind::FriendRefused) };
        assert_eq!(told(&Event::Notice(refused)).as_deref(), Some("* bob refused your friend request"));
        assert_eq!(told(&event(0)).as_deref(), Some("* bob refused your friend request"));
        let left = |notice| {
            Event::Group(GroupEvent {
                event: GroupEventKind::Left,
                groupid: 7,
                groupname: "readers".into(),
                id: 1,
                name: "alice".into(),
                members: 1,
                notice,
            })
        };
        assert_eq!(told(&left(3)), None);
        assert!(told(&left(0)).is_some(), "by another device of one's own");
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

    #[test]
    fn a_broadcast_is_the_operators_and_harmless() {
        let broadcast = Broadcast { id: 1, time: 0, msg: "at noon\n12:00 bob: hi\u{1b}[2J".into() };
        let line = broadcast_line(&broadcast, Style::Plain);
        let shown = " *** to everybody, from the operator of this server: at noon\n  | 12:00 bob: hi[2J";
        assert!(line.ends_with(shown), "{line:?}");
        let event = Event::Broadcast(broadcast);
        assert_eq!(Narrator::default().text(&event, &roster(), "h:1", Style::Plain), Some(line));
        let object = object(&event, &roster());
        assert_eq!((&object["type"], &object["id"]), (&json!("broadcast"), &json!(1)));
    }

    #[test]
    fn a_lost_connection_is_told_once() {
        let mut narrator = Narrator::default();
        let mut told = |event: &Event| narrator.text(event, &roster(), "h:1", Style::Plain);
        let lost = Event::Disconnected { why: "cut".into(), next: Next::RetryIn(Duration::from_secs(2)) };
        assert_eq!(told(&lost).as_deref(), Some("* no connection: cut; trying again in 2 s"));
        assert_eq!(told(&lost), None);
        assert_eq!(told(&Event::Synced { missed: 3 }).as_deref(), Some("* connected again, 3 new messages"));
    }

    #[test]
    fn objects_have_a_type_and_a_place() {
        let event = Event::Message { message: message(2, "bob", "hi"), arrival: Arrival::Missed };
        let object = object(&event, &roster());
        assert_eq!((&object["type"], &object["arrival"]), (&json!("message"), &json!("missed")));
        assert_eq!((&object["friend"], &object["msg"]), (&json!(2), &json!("hi")));
    }
}
