//! Groups and memberships of the fake.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::{FakeStore, State, messages};
use crate::{
    Appended, ChangePlace, ChangeRefused, Created, Group, GroupChange, GroupChanged, GroupEffect, GroupFacts,
    GroupId, GroupLimits, GroupProfile, GroupRoster, GroupState, GroupStore, GroupsVersion, Member,
    Membership, Mentions, MessageKind, NewGroup, NewMessage, Novelty, OwnGroup, Role, RosterEntry,
    RosterVersion, StoreError, StoreResult, Timestamp, Told, UserId,
};

/// A group that has members.
pub(super) struct Row {
    pub(super) profile: GroupProfile,
    state: GroupState,
    pub(super) members: BTreeMap<UserId, Membership>,
    /// Changes of what lists show of it.
    version: u64,
}

impl Row {
    fn shown(&self, id: GroupId) -> Group {
        let (name, description) = (self.profile.name.clone(), self.profile.description.clone());
        Group { id, name, description, members: self.members.len() as u32, state: self.state }
    }
}

impl State {
    pub(super) fn group_count(&self, user: UserId) -> usize {
        self.groups.values().filter(|group| group.members.contains_key(&user)).count()
    }

    pub(super) fn group_name(&self, group: GroupId) -> Option<String> {
        self.groups.get(&group).map(|row| row.profile.name.clone())
    }

    fn roster_changed(&mut self, group: GroupId) {
        if let Some(log) = self.conversations.get_mut(&group.conversation()) {
            log.roster.0 += 1;
        }
    }

    fn change_group(&mut self, change: &GroupChange) -> StoreResult<Result<GroupChanged, ChangeRefused>> {
        let first = self.find(&(change.actor, change.change_id.clone()));
        if first.is_some_and(|first| first.conversation != change.group.conversation()) {
            return Err(StoreError::failed("change a group", "its id stands for something else"));
        }
        Ok(self.decide_and_apply(change, first))
    }

    fn decide_and_apply(
        &mut self,
        change: &GroupChange,
        first: Option<Appended>,
    ) -> Result<GroupChanged, ChangeRefused> {
        let (group, conversation) = (change.group, change.group.conversation());
        let no_such = change.deed.no_such_group();
        // Gone a moment ago: a request of theirs was still under way.
        if change.deed.limits().is_some() && !self.is_there(change.actor) {
            return Err(no_such);
        }
        let mut before = self.before_the_group(change);
        let last = self.last_seq(conversation);
        let row = self.groups.get(&group).ok_or(no_such)?;
        before.inviter = before.waiting.invitation.and_then(|invited| row.members.get(&invited.by).copied());
        let place = |user: UserId| row.members.get(&user).copied();
        if let Some(first) = first {
            let (seq, time, novelty) = (first.seq, first.time, Novelty::Repeat);
            return Ok(GroupChanged {
                place: Some(ChangePlace { seq, time, novelty }),
                members: row.members.len() as u32,
                roster: first.roster,
                effects: Vec::new(),
                actor: place(change.actor),
                profile: row.profile.clone(),
                notice: None,
            });
        }
        let facts = GroupFacts {
            last,
            members: row.members.len() as u32,
            state: row.state,
            profile: row.profile.clone(),
            actor: place(change.actor),
            target: change.deed.target().and_then(place),
            ..before
        };
        let decision = change.decide(&facts)?;
        let mut told = None;
        if decision.told == Told::InConversation {
            let message = NewMessage {
                conversation,
                sender: change.actor,
                client_msg_id: change.change_id.clone(),
                time: change.at,
                kind: MessageKind::System,
                body: change.event.clone(),
                reply_to: None,
                mentions: Mentions::default(),
            };
            told = self.append(&message).ok();
        }
        if decision.effects.iter().any(|effect| effect.concerns_roster(&facts.profile)) {
            self.roster_changed(group);
        }
        if let Some(row) = self.groups.get_mut(&group)
            && !decision.effects.is_empty()
        {
            row.version += 1;
        }
        for effect in &decision.effects {
            self.apply(group, effect);
            self.apply_to_requests(change, effect);
        }
        let notice = decision.notice.map(|notice| self.add_notice(notice));
        let row = self.groups.get(&group);
        Ok(GroupChanged {
            notice,
            place: told.map(|told| ChangePlace { seq: told.seq, time: told.time, novelty: Novelty::New }),
            members: row.map_or(0, |row| row.members.len() as u32),
            roster: self.conversations.get(&conversation).map_or(RosterVersion(0), |log| log.roster),
            actor: row.and_then(|row| row.members.get(&change.actor).copied()),
            profile: row.map_or(facts.profile, |row| row.profile.clone()),
            effects: decision.effects,
        })
    }

    fn memberships_changed(&mut self, user: UserId) {
        if let Some(row) = self.users.get_mut(&user) {
            row.groups_version += 1;
        }
    }

    /// The version of the user's list of groups.
    pub(super) fn groups_version(&self, user: UserId) -> GroupsVersion {
        let own = self.groups.values().filter(|row| row.members.contains_key(&user));
        let memberships = self.users.get(&user).map_or(0, |row| row.groups_version);
        GroupsVersion { memberships, groups: own.map(|row| row.version).sum() }
    }

    fn apply(&mut self, group: GroupId, effect: &GroupEffect) {
        if let GroupEffect::Add(user, _) | GroupEffect::Place(user, _) | GroupEffect::Delete(user) = effect {
            self.memberships_changed(*user);
        }
        let Some(row) = self.groups.get_mut(&group) else { return };
        match effect {
            GroupEffect::Add(user, place) | GroupEffect::Place(user, place) => {
                row.members.insert(*user, *place);
            }
            GroupEffect::Delete(user) => drop(row.members.remove(user)),
            GroupEffect::Profile(profile) => row.profile = profile.clone(),
            // Of those who wait before it.
            GroupEffect::Apply(..)
            | GroupEffect::EndApplication(_)
            | GroupEffect::Invite(_)
            | GroupEffect::EndInvitation { .. } => {}
            GroupEffect::Close => {
                row.state = GroupState::Dissolved;
                if let Some(log) = self.conversations.get_mut(&group.conversation()) {
                    log.is_closed = true;
                }
            }
        }
        if self.groups.get(&group).is_some_and(|row| row.members.is_empty()) {
            self.groups.remove(&group);
            if let Some(log) = self.conversations.get_mut(&group.conversation()) {
                log.is_closed = true;
            }
        }
    }
}

impl GroupStore for FakeStore {
    fn create_group(&self, group: &NewGroup<'_>, limits: GroupLimits) -> StoreResult<Created> {
        self.run("create a group", |state| {
            if !state.is_there(group.owner) {
                return Err(StoreError::failed("create a group", "there is no such user"));
            }
            if state.group_count(group.owner) >= limits.groups as usize {
                return Ok(Created::Full);
            }
            let conversation = state.open_conversation(messages::Kind::Group);
            let id = conversation.group();
            let since = state.last_seq(conversation);
            let owner = Membership { role: Role::Owner, since, muted_until: Timestamp(0) };
            let (name, description) = (group.name.to_owned(), group.description.to_owned());
            let row = Row {
                profile: GroupProfile { name, description, ..GroupProfile::default() },
                state: GroupState::Open,
                members: BTreeMap::from([(group.owner, owner)]),
                version: 0,
            };
            state.groups.insert(id, row);
            state.memberships_changed(group.owner);
            state.roster_changed(id);
            Ok(Created::Group(id))
        })?
    }

    fn group(&self, group: GroupId) -> StoreResult<Option<Group>> {
        self.run("find a group", |state| Some(state.groups.get(&group)?.shown(group)))
    }

    fn group_profile(&self, group: GroupId) -> StoreResult<Option<GroupProfile>> {
        self.run("read a profile", |state| Some(state.groups.get(&group)?.profile.clone()))
    }

    fn change_group(&self, change: &GroupChange) -> StoreResult<Result<GroupChanged, ChangeRefused>> {
        self.run("change a group", |state| state.change_group(change))?
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
            let Some(row) = state.groups.get(&group) else {
                let is_closed = log.is_some_and(|log| log.is_closed);
                let state = if is_closed { GroupState::Dissolved } else { GroupState::Open };
                return GroupRoster { version, state, ..GroupRoster::default() };
            };
            let members = row.members.iter().map(|(&user, &place)| RosterEntry { user, place }).collect();
            GroupRoster { version, members, muted_until: row.profile.muted_until, state: row.state }
        })
    }
}
