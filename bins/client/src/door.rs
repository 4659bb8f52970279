//! Who stands at the doors of groups, by name: those who ask to come in, those who were asked in, and members.

use std::collections::{BTreeMap, BTreeSet};

use client::protocol::{Application, GroupRequestEvent, GroupRequestKind, Invitation};

use crate::mention::Names;

/// Names that are kept of each kind; what comes when there are so many is not known by name.
const NAMES_MAX: usize = 10_000;

/// What completion knows of groups beside their own names, from lists and events. Nothing depends on it being whole.
#[derive(Debug, Default)]
pub(crate) struct Door {
    /// Group and user → the user's name.
    applicants: BTreeMap<(u64, u64), String>,
    invited: BTreeMap<(u64, u64), String>,
    members: BTreeMap<(u64, u64), String>,
    /// What members who spoke are called, where that is not known to be their name.
    called: BTreeMap<(u64, u64), String>,
    /// Groups all of whose members were listed; who came since was told.
    listed: BTreeSet<u64>,
    /// Groups that one was asked into → their names.
    inviting: BTreeMap<u64, String>,
    /// Groups that one asks to come into → their names.
    applied_to: BTreeMap<u64, String>,
}

impl Door {
    /// Applications as they were listed; `me` made some of them.
    pub(crate) fn hold_applications(&mut self, listed: &[Application], me: u64) {
        for application in listed {
            let group = application.groupid;
            if application.id == me {
                keep(&mut self.applied_to, group, &application.groupname);
            } else {
                keep(&mut self.applicants, (group, application.id), &application.name);
            }
        }
    }

    /// All invitations that wait for an answer.
    pub(crate) fn hold_invitations(&mut self, listed: &[Invitation]) {
        self.inviting.clear();
        for invitation in listed {
            keep(&mut self.inviting, invitation.groupid, &invitation.groupname);
        }
    }

    /// Members of a group by their names: they were listed, or came.
    pub(crate) fn hold_members<'a>(&mut self, group: u64, members: impl Iterator<Item = (u64, &'a str)>) {
        for (id, name) in members {
            keep(&mut self.members, (group, id), name);
        }
    }

    /// A member of a group spoke, and is called so.
    pub(crate) fn hold_speaker(&mut self, group: u64, id: u64, called: &str) {
        if self.members.get(&(group, id)).is_none_or(|name| name != called) {
            keep(&mut self.called, (group, id), called);
        }
    }

    /// All members of a group were listed.
    pub(crate) fn all_are_held(&mut self, group: u64) {
        self.listed.insert(group);
    }

    /// Whether all members of a group were listed.
    pub(crate) fn are_all_held(&self, group: u64) -> bool {
        self.listed.contains(&group)
    }

    /// The user is not in a group any more, and not told who is.
    pub(crate) fn forget_members(&mut self, group: u64) {
        self.listed.remove(&group);
    }

    /// Who can be mentioned in a group, as far as they are known.
    pub(crate) fn names(&self, group: u64) -> Names {
        let mut names = Names::default();
        let of = (group, 0)..=(group, u64::MAX);
        self.members.range(of.clone()).for_each(|((_, id), name)| names.name(name, *id));
        self.called.range(of).for_each(|((_, id), called)| names.nickname(called, *id));
        names
    }

    /// Something happened to an application or invitation.
    pub(crate) fn learn(&mut self, event: &GroupRequestEvent, me: u64) {
        let (group, place) = (event.groupid, (event.groupid, event.id));
        match event.event {
            GroupRequestKind::Applied if event.id == me => {
                keep(&mut self.applied_to, group, &event.groupname);
            }
            GroupRequestKind::Applied => keep(&mut self.applicants, place, &event.name),
            GroupRequestKind::Invited if event.id == me => keep(&mut self.inviting, group, &event.groupname),
            GroupRequestKind::Invited => keep(&mut self.invited, place, &event.name),
            GroupRequestKind::ApplicationWithdrawn
            | GroupRequestKind::ApplicationAccepted
            | GroupRequestKind::ApplicationRefused => {
                self.application_is_over(group, event.id, me);
            }
            GroupRequestKind::InvitationWithdrawn
            | GroupRequestKind::InvitationAccepted
            | GroupRequestKind::InvitationRefused => {
                self.invitation_is_over(group, event.id, me);
            }
            GroupRequestKind::Unknown => {}
        }
    }

    /// Somebody asked to come in, and does not any more.
    pub(crate) fn application_is_over(&mut self, group: u64, id: u64, me: u64) {
        self.applicants.remove(&(group, id));
        if id == me {
            self.applied_to.remove(&group);
        }
    }

    /// Somebody was asked in, and is not any more.
    pub(crate) fn invitation_is_over(&mut self, group: u64, id: u64, me: u64) {
        self.invited.remove(&(group, id));
        if id == me {
            self.inviting.remove(&group);
        }
    }

    /// Somebody is not in a group any more.
    pub(crate) fn member_has_gone(&mut self, group: u64, id: u64) {
        self.members.remove(&(group, id));
        self.called.remove(&(group, id));
    }

    /// The name of who asks to come into a group.
    pub(crate) fn applicant(&self, group: u64, id: u64) -> Option<&str> {
        self.applicants.get(&(group, id)).map(String::as_str)
    }

    pub(crate) fn applicants(&self, group: u64) -> Vec<&str> {
        of(&self.applicants, group)
    }

    pub(crate) fn invited(&self, group: u64) -> Vec<&str> {
        of(&self.invited, group)
    }

    pub(crate) fn members(&self, group: u64) -> Vec<&str> {
        let mut names = of(&self.members, group);
        names.extend(of(&self.called, group));
        names
    }

    /// Names of groups that one was asked into.
    pub(crate) fn inviting(&self) -> Vec<&str> {
        self.inviting.values().map(String::as_str).collect()
    }

    /// Numbers of groups that one asks to come into: one is not in them, so that their names do not serve.
    pub(crate) fn applied_to(&self) -> Vec<u64> {
        self.applied_to.keys().copied().collect()
    }
}

fn keep<K: Ord>(names: &mut BTreeMap<K, String>, key: K, name: &str) {
    if names.len() < NAMES_MAX || names.contains_key(&key) {
        names.insert(key, name.to_owned());
    }
}

fn of(names: &BTreeMap<(u64, u64), String>, group: u64) -> Vec<&str> {
    names.range((group, 0)..=(group, u64::MAX)).map(|(_, name)| name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_been_answered_stands_there_no_more() {
        const ME: u64 = 1;
        let event = |event, id, name: &str| GroupRequestEvent {
            event,
            groupid: 9,
            groupname: "readers".into(),
            id,
            name: name.into(),
            by: 2,
            by_name: "bob".into(),
            greeting: String::new(),
        };
        let mut door = Door::default();
        for (kind, id, name) in [
            (GroupRequestKind::Applied, 5, "eve"),
            (GroupRequestKind::Applied, ME, "alice"),
            (GroupRequestKind::Invited, 6, "fay"),
            (GroupRequestKind::Invited, ME, "alice"),
        ] {
            door.learn(&event(kind, id, name), ME);
        }
        let there = |door: &Door| {
            (door.applicants(9).len(), door.applied_to(), door.invited(9).len(), door.inviting().len())
        };
        assert_eq!(there(&door), (1, vec![9], 1, 1));
        assert_eq!((door.applicants(9), door.applicants(8)), (vec!["eve"], vec![]));
        door.learn(&event(GroupRequestKind::ApplicationAccepted, 5, "eve"), ME);
        door.learn(&event(GroupRequestKind::InvitationRefused, 6, "fay"), ME);
        assert_eq!(there(&door), (0, vec![9], 0, 1));
        door.learn(&event(GroupRequestKind::ApplicationWithdrawn, ME, "alice"), ME);
        door.learn(&event(GroupRequestKind::InvitationAccepted, ME, "alice"), ME);
        assert_eq!(there(&door), (0, vec![], 0, 0));
    }

    #[test]
    fn endless_names_are_not_kept() {
        let mut door = Door::default();
        let names = vec!["x"; NAMES_MAX + 5];
        door.hold_members(9, names.iter().enumerate().map(|(id, name)| (id as u64, *name)));
        assert_eq!(door.members(9).len(), NAMES_MAX);
    }
}
