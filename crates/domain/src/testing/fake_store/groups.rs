//! Groups and memberships of the fake.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::{FakeStore, State, messages};
use crate::{
    Created, Group, GroupId, GroupLimits, GroupRoster, GroupStore, Joined, Left, Member, Membership,
    NewGroup, OwnGroup, Role, RosterEntry, RosterVersion, StoreResult, Timestamp, UserId,
};

/// A group that is open.
pub(super) struct Row {
    name: String,
    description: String,
    pub(super) members: BTreeMap<UserId, Membership>,
}

impl Row {
    fn shown(&self, id: GroupId) -> Group {
        let (name, description) = (self.name.clone(), self.description.clone());
        Group { id, name, description, members: self.members.len() as u32 }
    }
}

impl State {
    fn group_count(&self, user: UserId) -> usize {
        self.groups.values().filter(|group| group.members.contains_key(&user)).count()
    }

    pub(super) fn group_name(&self, group: GroupId) -> Option<String> {
        self.groups.get(&group).map(|row| row.name.clone())
    }

    fn roster_changed(&mut self, group: GroupId) {
        if let Some(log) = self.conversations.get_mut(&group.conversation()) {
            log.roster.0 += 1;
        }
    }
}

impl GroupStore for FakeStore {
    fn create_group(&self, group: &NewGroup<'_>, limits: GroupLimits) -> StoreResult<Created> {
        self.run("create a group", |state| {
            if state.group_count(group.owner) >= limits.groups as usize {
                return Created::Full;
            }
            let conversation = state.open_conversation(messages::Kind::Group);
            let id = conversation.group();
            let owner = Membership { role: Role::Owner, since: state.last_seq(conversation) };
            let row = Row {
                name: group.name.to_owned(),
                description: group.description.to_owned(),
                members: BTreeMap::from([(group.owner, owner)]),
            };
            state.groups.insert(id, row);
            state.roster_changed(id);
            Created::Group(id)
        })
    }

    fn group(&self, group: GroupId) -> StoreResult<Option<Group>> {
        self.run("find a group", |state| Some(state.groups.get(&group)?.shown(group)))
    }

    fn join_group(
        &self,
        group: GroupId,
        user: UserId,
        _at: Timestamp,
        limits: GroupLimits,
    ) -> StoreResult<Joined> {
        self.run("join a group", |state| {
            let groups = state.group_count(user);
            let since = state.last_seq(group.conversation());
            let Some(row) = state.groups.get_mut(&group) else { return Joined::NoSuchGroup };
            if row.members.contains_key(&user) {
                return Joined::AlreadyMember;
            }
            if row.members.len() >= limits.members as usize || groups >= limits.groups as usize {
                return Joined::Full;
            }
            row.members.insert(user, Membership { role: Role::Member, since });
            let members = row.members.len() as u32;
            state.roster_changed(group);
            Joined::Member { since, members }
        })
    }

    fn leave_group(&self, group: GroupId, user: UserId) -> StoreResult<Left> {
        self.run("leave a group", |state| {
            let Some(row) = state.groups.get_mut(&group) else { return Left::NotMember };
            let Some(membership) = row.members.get(&user) else { return Left::NotMember };
            if membership.role == Role::Owner && row.members.len() > 1 {
                return Left::OwnerStays;
            }
            row.members.remove(&user);
            let members = row.members.len() as u32;
            if members == 0 {
                state.groups.remove(&group);
            }
            state.roster_changed(group);
            Left::Left { members }
        })
    }

    fn membership(&self, group: GroupId, user: UserId) -> StoreResult<Option<Membership>> {
        self.run("find a membership", |state| state.groups.get(&group)?.members.get(&user).copied())
    }

    fn groups(&self, user: UserId, after: GroupId, limit: u32) -> StoreResult<Vec<OwnGroup>> {
        self.run("list groups", |state| {
            state
                .groups
                .range((Bound::Excluded(after), Bound::Unbounded))
                .filter_map(|(&id, row)| {
                    let role = row.members.get(&user)?.role;
                    Some(OwnGroup { group: row.shown(id), role })
                })
                .take(limit as usize)
                .collect()
        })
    }

    fn members(&self, group: GroupId, after: UserId, limit: u32) -> StoreResult<Vec<Member>> {
        self.run("list members", |state| {
            let Some(row) = state.groups.get(&group) else { return Vec::new() };
            row.members
                .range((Bound::Excluded(after), Bound::Unbounded))
                .filter_map(|(&id, membership)| Some(Member { user: state.user(id)?, role: membership.role }))
                .take(limit as usize)
                .collect()
        })
    }

    fn group_ids(&self, user: UserId) -> StoreResult<Vec<GroupId>> {
        self.run("list group ids", |state| {
            let theirs = state.groups.iter().filter(|(_, row)| row.members.contains_key(&user));
            theirs.map(|(id, _)| *id).collect()
        })
    }

    fn roster(&self, group: GroupId) -> StoreResult<GroupRoster> {
        self.run("read a roster", |state| {
            let log = state.conversations.get(&group.conversation());
            let version = log.map_or(RosterVersion(0), |log| log.roster);
            let members = state.groups.get(&group).into_iter().flat_map(|row| &row.members);
            let entry =
                |(&user, membership): (&UserId, &Membership)| RosterEntry { user, since: membership.since };
            GroupRoster { version, members: members.map(entry).collect() }
        })
    }
}
