//! Profiles of the fake.

use super::{FakeStore, State};
use crate::{Edited, Profile, ProfileEdit, ProfileStore, Shows, StoreResult, User, UserId, UserSearch};

impl State {
    /// What all friends of a user see in their lists changed.
    fn friends_of_changed(&mut self, user: UserId) {
        let friends: Vec<UserId> =
            self.friends.get(&user).into_iter().flat_map(|friends| friends.keys().copied()).collect();
        for friend in friends {
            self.friends_changed(friend);
        }
    }
}

impl State {
    /// Whether a search of `by` may show this user.
    fn is_found(&self, by: UserId, user: UserId) -> bool {
        self.users.get(&user).is_some_and(|row| row.profile.searchable && !row.is_deleted)
            && !self.blocks.contains(&(user, by))
    }

    /// Names, then nicknames, that fit, each in their order.
    fn fitting(&self, search: &UserSearch<'_>) -> (Vec<UserId>, Vec<UserId>) {
        let fits = |key: &str| key >= search.prefix && key < search.below;
        let mut names: Vec<_> = self.names.iter().filter(|(key, _)| fits(key)).collect();
        names.sort_unstable();
        let names: Vec<UserId> = names.into_iter().map(|(_, id)| *id).collect();
        let mut nicknames: Vec<_> = self
            .users
            .iter()
            .filter(|(id, row)| fits(&row.nickname_key) && !names.contains(id))
            .map(|(id, row)| (&row.nickname_key, *id))
            .collect();
        nicknames.sort_unstable();
        (names, nicknames.into_iter().map(|(_, id)| id).collect())
    }
}

impl ProfileStore for FakeStore {
    fn profile(&self, user: UserId) -> StoreResult<Option<Profile>> {
        self.run("read a profile", |state| {
            Some(state.users.get(&user).filter(|row| !row.is_deleted)?.profile.clone())
        })
    }

    fn edit_profile(&self, user: UserId, edit: &ProfileEdit<'_>) -> StoreResult<Option<Edited>> {
        self.run("edit a profile", |state| {
            let row = state.users.get_mut(&user).filter(|row| !row.is_deleted)?;
            let before = row.profile.user.clone();
            if let Some((nickname, key)) = edit.nickname {
                row.profile.user.nickname = nickname.to_owned();
                row.nickname_key = key.to_owned();
            }
            if let Some(avatar) = edit.avatar {
                row.profile.user.avatar = avatar.to_owned();
            }
            if let Some(signature) = edit.signature {
                row.profile.signature = signature.to_owned();
            }
            if let Some(phone) = edit.phone {
                row.profile.phone = phone.to_owned();
            }
            if let Some(searchable) = edit.searchable {
                row.profile.searchable = searchable;
            }
            let profile = row.profile.clone();
            let shows = if profile.user == before { Shows::TheSame } else { Shows::Another };
            if shows == Shows::Another {
                state.friends_of_changed(user);
            }
            Some(Edited { profile, shows })
        })
    }

    fn search_users(&self, by: UserId, search: &UserSearch<'_>, limit: u32) -> StoreResult<Vec<User>> {
        self.run("search users", |state| {
            let (names, nicknames) = state.fitting(search);
            let after = search.after.filter(|after| state.is_found(by, *after));
            let at = |users: &[UserId]| users.iter().position(|user| Some(*user) == after);
            let rest: Vec<UserId> = match (search.after, at(&names), at(&nicknames)) {
                (None, ..) => [names, nicknames].concat(),
                (_, Some(at), _) => [&names[at + 1..], &nicknames].concat(),
                (_, None, Some(at)) => nicknames[at + 1..].to_vec(),
                (_, None, None) => nicknames,
            };
            let found = rest.into_iter().filter(|user| state.is_found(by, *user));
            found.filter_map(|user| state.user(user)).take(limit as usize).collect()
        })
    }
}
