//! Who comes into groups and leaves them, and who asks to, in words.

use client::protocol::{GroupEvent, GroupEventKind, GroupRequestEvent, GroupRequestKind};

use crate::outcome::count;
use crate::printable::{self, one_line};
use crate::roster::Roster;

/// Somebody came into a group or left it; if this version knows it.
pub(super) fn group_line(event: &GroupEvent, roster: &Roster) -> Option<String> {
    let own = roster.me.as_ref().is_some_and(|me| me.id == event.id);
    let who = if own { "you".into() } else { printable::name(&event.name) };
    let (group, members) = (one_line(&event.groupname), count(event.members as usize, "member"));
    match event.event {
        GroupEventKind::Joined => Some(format!("{who} joined #{group} ({members})")),
        GroupEventKind::Left => Some(format!("{who} left #{group} ({members})")),
        GroupEventKind::Unknown => None,
    }
}

/// An application or an invitation, if it is news for the user.
pub(super) fn group_request_line(event: &GroupRequestEvent, roster: &Roster) -> Option<String> {
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
