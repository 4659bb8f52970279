//! What friends, groups and conversations are called, as they are typed and as they are shown.

use client::protocol::{Friend, Role};

use crate::command::{GroupName, TalkName, Who};
use crate::mention::{EVERYBODY, Names};
use crate::printable::{self, one_line};
use crate::roster::{Roster, Talk};

impl Roster {
    /// A user's number, from what was typed.
    pub(crate) fn user(&self, who: &Who) -> Result<u64, String> {
        let name = match who {
            Who::Id(id) => return Ok(*id),
            Who::Name(name) => name,
        };
        let friends = self.friends.values().map(|friend| (&friend.name, friend.id));
        let requests = self.requests.values().map(|request| (&request.name, request.id));
        let known = friends.chain(requests).find(|(other, _)| same(other, name));
        if let Some((_, id)) = known {
            return Ok(id);
        }
        // A remark or nickname is nobody's for sure, so it serves only if one friend has it.
        let other_names: [fn(&Friend) -> &str; 2] = [|friend| &friend.remark, |friend| &friend.nickname];
        for other_name in other_names.into_iter().filter(|_| !name.is_empty()) {
            let mut called = self.friends.values().filter(|friend| same(other_name(friend), name));
            match (called.next(), called.next()) {
                (Some(friend), None) => return Ok(friend.id),
                (Some(_), Some(_)) => {
                    return Err(format!("several friends are called {}; use the id", printable::name(name)));
                }
                (None, _) => {}
            }
        }
        let name = printable::name(name);
        Err(format!(
            "nobody called {name} is among your friends and requests; use the id, which /search {name} looks for"
        ))
    }

    /// A group's number, from what was typed.
    pub(crate) fn group(&self, group: &GroupName) -> Result<u64, String> {
        let name = match group {
            GroupName::Id(id) => return Ok(*id),
            GroupName::Name(name) => name,
        };
        let mut found = self.groups.values().filter(|group| same(&group.groupname, name));
        match (found.next(), found.next()) {
            (Some(group), None) => Ok(group.id),
            (None, _) => Err(format!("you are in no group called {}", one_line(name))),
            (Some(_), Some(_)) => Err(format!(
                "several of your groups are called {}; use the number, as /groups shows it",
                one_line(name)
            )),
        }
    }

    pub(crate) fn talk(&self, talk: &TalkName) -> Result<Talk, String> {
        match talk {
            TalkName::User(who) => self.user(who).map(Talk::Friend),
            TalkName::Group(group) => self.group(group).map(Talk::Group),
        }
    }

    /// A user's name, or `user 12`.
    pub(crate) fn user_name(&self, id: u64) -> String {
        let friend = self.friends.get(&id).map(|friend| &friend.name);
        let known = friend.or_else(|| self.requests.get(&id).map(|request| &request.name));
        known.map_or_else(|| format!("user {id}"), |name| printable::name(name).into_owned())
    }

    /// The name of who asks to come into a group, or `user 12`.
    pub(crate) fn applicant_name(&self, group: u64, id: u64) -> String {
        let known = self.door.applicant(group, id);
        known.map_or_else(|| self.user_name(id), |name| printable::name(name).into_owned())
    }

    /// Who can be mentioned in a conversation, as far as they are known.
    pub(crate) fn names(&self, talk: Talk) -> Names {
        match talk {
            Talk::Friend(id) => {
                let mut names = Names::default();
                if let Some(friend) = self.friends.get(&id) {
                    names.name(&friend.name, id);
                    names.nickname(&friend.nickname, id);
                }
                names
            }
            Talk::Group(id) => {
                let mut names = self.door.names(id);
                if self.groups.get(&id).is_some_and(|group| leads(group.role)) {
                    names.everybody();
                }
                names
            }
        }
    }

    /// What those are called who can be mentioned in a conversation, for completion.
    pub(crate) fn called(&self, talk: Talk) -> Vec<&str> {
        match talk {
            Talk::Friend(id) => {
                self.friends.get(&id).map(|friend| friend.name.as_str()).into_iter().collect()
            }
            Talk::Group(id) => {
                let mut called = self.door.members(id);
                if self.groups.get(&id).is_some_and(|group| leads(group.role)) {
                    called.extend(EVERYBODY);
                }
                called
            }
        }
    }

    /// `bob` or `#readers`.
    pub(crate) fn talk_name(&self, talk: Talk) -> String {
        match talk {
            Talk::Friend(id) => self.user_name(id),
            Talk::Group(id) => match self.groups.get(&id) {
                Some(group) => format!("#{}", one_line(&group.groupname)),
                None => format!("#{id}"),
            },
        }
    }

    /// What the prompt shows.
    pub(crate) fn prompt(&self) -> String {
        match (&self.me, self.current) {
            (None, _) => "chat> ".to_owned(),
            (Some(me), None) => format!("{}> ", printable::name(&me.name)),
            (Some(me), Some(talk)) => format!("{} → {}> ", printable::name(&me.name), self.talk_name(talk)),
        }
    }
}

/// `Bobby (bob)`, or the name alone for who has no nickname.
pub(crate) fn called(name: &str, nickname: &str) -> String {
    match nickname {
        "" => printable::name(name).into_owned(),
        _ => format!("{} ({})", printable::name(nickname), printable::name(name)),
    }
}

/// `Climber (bob)` for a friend with a remark, which goes before a nickname.
pub(crate) fn friend_called(friend: &Friend) -> String {
    let shown = if friend.remark.is_empty() { &friend.nickname } else { &friend.remark };
    called(&friend.name, shown)
}

/// Whether somebody of this role may mention everybody.
fn leads(role: Role) -> bool {
    matches!(role, Role::Owner | Role::Admin)
}

/// Names are unique without regard to case.
fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests {
    use client::protocol::FriendChanged;

    use super::*;

    #[test]
    fn a_name_goes_before_a_remark_and_that_before_a_nickname() {
        let mut roster = Roster::default();
        for (id, name, remark, nickname) in [
            (1, "ann", "", "Boss"),
            (2, "bob", "Ann", ""),
            (3, "cho", "Boss", ""),
            (4, "dan", "Twin", ""),
            (5, "eve", "twin", ""),
            (6, "fay", "", "Solo"),
        ] {
            roster.add_friend(Friend {
                id,
                name: name.into(),
                remark: remark.into(),
                nickname: nickname.into(),
                conv: id,
                ..Friend::default()
            });
        }
        let user = |name: &str| roster.user(&Who::Name(name.into()));
        assert_eq!((user("ANN"), user("boss"), user("solo")), (Ok(1), Ok(3), Ok(6)));
        assert_eq!(user("Twin"), Err("several friends are called Twin; use the id".into()));
        assert!(user("").is_err() && user("nobody").is_err());
        assert_eq!(friend_called(&roster.friends[&2]), "Ann (bob)");
        let change = FriendChanged {
            id: 2,
            remark: Some("".into()),
            label: Some("work".into()),
            ..Default::default()
        };
        roster.friend_changed(&change);
        assert_eq!(
            (friend_called(&roster.friends[&2]).as_str(), roster.friends[&2].label.as_str()),
            ("bob", "work")
        );
    }
}
