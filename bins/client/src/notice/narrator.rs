//! Events in words, one line each.

use std::collections::HashMap;

use client::protocol::{ChatMessage, Receipt, State};
use client::{Event, Next, SessionEnd, SignInKind};

use super::broadcast::broadcast_line;
use super::friend::{change_line, friend_line};
use super::group::{group_line, group_request_line};
use super::message::{changed_line, message_lines};
use super::personal::notice_line;
use crate::outcome::count;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use client::protocol::{FriendEvent, FriendEventKind, GroupEvent, GroupEventKind, Notice, NoticeKind};

    use super::super::sample::{notice, roster};
    use super::*;

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
    fn a_lost_connection_is_told_once() {
        let mut narrator = Narrator::default();
        let mut told = |event: &Event| narrator.text(event, &roster(), "h:1", Style::Plain);
        let lost = Event::Disconnected { why: "cut".into(), next: Next::RetryIn(Duration::from_secs(2)) };
        assert_eq!(told(&lost).as_deref(), Some("* no connection: cut; trying again in 2 s"));
        assert_eq!(told(&lost), None);
        assert_eq!(told(&Event::Synced { missed: 3 }).as_deref(), Some("* connected again, 3 new messages"));
    }
}
