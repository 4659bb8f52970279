//! Deleted accounts of the fake.

use super::friends::notice;
use super::secrets::Codes;
use super::{FakeStore, State};
use crate::{
    AccountDeletion, DeletionStore, Departure, GroupId, OwnedGroups, PersonalNotice, PersonalNoticeKind,
    Profile, Role, SessionId, StoreResult, Timestamp, User, UserId,
};

impl State {
    fn mark_deleted(&mut self, user: UserId, owned: OwnedGroups) -> Option<Vec<SessionId>> {
        let row = self.users.get_mut(&user)?;
        row.profile = Profile {
            user: User { id: user, ..User::default() },
            signature: String::new(),
            phone: String::new(),
            searchable: false,
        };
        row.nickname_key.clear();
        row.password_hash.clear();
        row.recovery = Codes::new(&[]);
        row.is_deleted = true;
        self.names.retain(|_, id| *id != user);
        self.requests.retain(|(from, to), _| *from != user && *to != user);
        self.blocks.retain(|(by, other)| *by != user && *other != user);
        self.notices.remove(&user);
        self.hidden.remove(&user);
        self.applications.retain(|(_, by), _| *by != user);
        self.invitations.retain(|(_, invited), by| *invited != user && by.by != user);
        self.departures.insert(user, owned);
        Some(self.end_others(user, None))
    }
}

impl DeletionStore for FakeStore {
    fn delete_account(&self, deletion: &AccountDeletion<'_>) -> StoreResult<Option<Vec<SessionId>>> {
        self.run("delete an account", |state| {
            let row = state.users.get(&deletion.user).filter(|row| !row.is_deleted)?;
            if row.password_hash != deletion.password_hash {
                return None;
            }
            state.mark_deleted(deletion.user, deletion.owned)
        })
    }

    fn departures(&self, limit: u32) -> StoreResult<Vec<Departure>> {
        self.run("find departures", |state| {
            let departures = state.departures.iter().take(limit as usize);
            departures.map(|(user, owned)| Departure { user: *user, owned: *owned }).collect()
        })
    }

    fn part_from_friends(&self, user: UserId, at: Timestamp, limit: u32) -> StoreResult<Vec<PersonalNotice>> {
        self.run("part from friends", |state| {
            let friends = state.friends.get(&user).into_iter().flatten().map(|(friend, _)| *friend);
            let friends: Vec<UserId> = friends.take(limit as usize).collect();
            let mut told = Vec::new();
            for friend in friends {
                for (one, other) in [(user, friend), (friend, user)] {
                    if let Some(friends) = state.friends.get_mut(&one) {
                        friends.remove(&other);
                    }
                    state.friends_changed(one);
                }
                let notice = notice(friend, PersonalNoticeKind::FriendAccountDeleted, user, at);
                told.push(state.add_notice(notice));
            }
            told
        })
    }

    fn successor(&self, group: GroupId) -> StoreResult<Option<UserId>> {
        self.run("find a successor", |state| {
            let members = state.groups.get(&group)?.members.iter();
            let heirs = members.filter(|(user, place)| place.role != Role::Owner && state.is_there(**user));
            heirs
                .min_by_key(|(user, place)| (place.role == Role::Member, place.since, **user))
                .map(|(user, _)| *user)
        })
    }

    fn finish_departure(&self, user: UserId) -> StoreResult<bool> {
        self.run("finish a departure", |state| {
            let has_friends = state.friends.get(&user).is_some_and(|friends| !friends.is_empty());
            let has_groups = state.groups.values().any(|group| group.members.contains_key(&user));
            if has_friends || has_groups {
                return false;
            }
            state.departures.remove(&user);
            state.notices.remove(&user);
            state.friend_notes.retain(|(one, other), _| *one != user && *other != user);
            true
        })
    }
}
