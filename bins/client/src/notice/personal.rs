//! Notices: what concerned the user in person, in words.

use client::protocol::{Notice, NoticeKind, Role};

use crate::moment;
use crate::printable::{self, one_line};

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

#[cfg(test)]
mod tests {
    use super::super::sample::notice;
    use super::*;

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
}
