//! Profiles of the fake.

use super::{FakeStore, State};
use crate::{Edited, Profile, ProfileEdit, ProfileStore, Shows, StoreResult, UserId};

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

impl ProfileStore for FakeStore {
    fn profile(&self, user: UserId) -> StoreResult<Option<Profile>> {
        self.run("read a profile", |state| Some(state.users.get(&user)?.profile.clone()))
    }

    fn edit_profile(&self, user: UserId, edit: &ProfileEdit<'_>) -> StoreResult<Option<Edited>> {
        self.run("edit a profile", |state| {
            let row = state.users.get_mut(&user)?;
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
}
