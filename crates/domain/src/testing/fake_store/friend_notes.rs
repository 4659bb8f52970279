//! What users of the fake keep of their friends.

use std::collections::BTreeSet;

use super::{FakeStore, State};
use crate::policy::{PairAct, Relation, between};
use crate::{FriendNote, FriendNoteEdit, FriendNoteStore, Noted, Shows, StoreResult, UserId};

impl State {
    /// What a user keeps of another.
    pub(super) fn friend_note(&self, user: UserId, other: UserId) -> FriendNote {
        self.friend_notes.get(&(user, other)).cloned().unwrap_or_default()
    }

    fn friends_of(&self, user: UserId) -> Vec<UserId> {
        self.friends.get(&user).into_iter().flat_map(|friends| friends.keys().copied()).collect()
    }
}

impl FriendNoteStore for FakeStore {
    fn note_friend(
        &self,
        user: UserId,
        friend: UserId,
        edit: FriendNoteEdit<'_>,
        labels_max: u32,
    ) -> StoreResult<Noted> {
        self.run("note a friend", |state| {
            let conversation = state.friendship(user, friend);
            let relation = match conversation {
                _ if user == friend => Relation::Myself,
                Some(_) => Relation::Friend,
                None => Relation::Stranger,
            };
            let conversation = match (between(PairAct::Keep, relation), conversation) {
                (Ok(()), Some(conversation)) => conversation,
                (Err(why), _) => return Noted::Refused(why),
                (Ok(()), None) => return Noted::Refused(crate::policy::Why::NotFriends),
            };
            let before = state.friend_note(user, friend);
            let note = before.edited(edit);
            if note == before {
                return Noted::Note { note, conversation, shows: Shows::TheSame };
            }
            let mut labels: BTreeSet<String> = BTreeSet::new();
            for other in state.friends_of(user).into_iter().filter(|other| *other != friend) {
                labels.insert(state.friend_note(user, other).label);
            }
            labels.remove("");
            let new = !note.label.is_empty() && note.label != before.label && !labels.contains(&note.label);
            if new && labels.len() >= labels_max as usize {
                return Noted::Full;
            }
            state.friend_notes.insert((user, friend), note.clone());
            state.friends_changed(user);
            Noted::Note { note, conversation, shows: Shows::Another }
        })
    }

    fn rename_label(&self, user: UserId, label: &str, to: &str) -> StoreResult<Vec<UserId>> {
        self.run("rename a label", |state| {
            if label == to || label.is_empty() {
                return Vec::new();
            }
            let mut changed = state.friends_of(user);
            changed.retain(|friend| state.friend_note(user, *friend).label == label);
            for friend in &changed {
                state.friend_notes.entry((user, *friend)).or_default().label = to.to_owned();
            }
            if !changed.is_empty() {
                state.friends_changed(user);
            }
            changed
        })
    }

    fn friend_notes(&self, user: UserId, others: &[UserId]) -> StoreResult<Vec<(UserId, FriendNote)>> {
        let others: BTreeSet<UserId> = others.iter().copied().collect();
        self.run("read notes of friends", |state| {
            let note = |other| Some((other, state.friend_notes.get(&(user, other))?.clone()));
            others.into_iter().filter_map(note).collect()
        })
    }
}
