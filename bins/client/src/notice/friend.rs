//! What happened between friends, in words.

use client::protocol::{FriendChanged, FriendEvent, FriendEventKind};

use crate::printable::{self, one_line};
use crate::roster::Roster;

/// Somebody asked for friendship, accepted, refused or ended it; if this version knows it.
pub(super) fn friend_line(event: &FriendEvent, roster: &Roster) -> Option<String> {
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
pub(super) fn change_line(change: &FriendChanged, roster: &Roster) -> Option<String> {
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
