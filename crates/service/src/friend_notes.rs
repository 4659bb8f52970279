//! EDIT_FRIEND and RENAME_LABEL: what a user keeps of friends for themselves.
//!
//! A change is told to the user's own devices, on all nodes, and to nobody else.

use domain::policy::{PairAct, between};
use domain::{FriendNote, FriendNoteEdit, Noted, Reach, Shows, StoreError, Timestamp, UserId};
use protocol::limits::LABELS_MAX;
use protocol::{Code, EditFriend, Friend, FriendChanged, LabelRenamed, Push, RenameLabel};

use crate::caller::{ConnKey, Me};
use crate::friends;
use crate::hub::Audience;
use crate::names;
use crate::notice::Notice;
use crate::presence;
use crate::refuse::{Stop, bad_field};
use crate::service::Service;
use crate::wire;

/// Friends whose notes are read at once.
const READ_AT_ONCE: usize = 1_000;

/// EDIT_FRIEND.
pub(crate) fn edit(service: &Service, me: Me<'_>, request: &EditFriend) -> Result<Friend, Stop> {
    let remark = request.remark.as_deref().map(names::remark).transpose()?;
    let label = request.label.as_deref().map(|label| names::label("label", label)).transpose()?;
    let (user, friend) = (me.user(), UserId(request.friendid));
    between(PairAct::Keep, friends::relation(service, user, friend)?)?;
    let store = &*service.ports.store;
    let face = service.directory.face(store, friend)?.ok_or_else(|| Stop::refused(Code::NOT_FRIENDS))?;
    let edit = FriendNoteEdit { remark: remark.as_deref(), label: label.as_deref() };
    let noted = store.note_friend(user, friend, edit, LABELS_MAX);
    match &noted {
        // Or perhaps.
        Ok(Noted::Note { shows: Shows::Another, .. }) | Err(StoreError::OutcomeUnknown { .. }) => {
            tell(service, me, &[friend]);
        }
        Ok(_) | Err(_) => {}
    }
    match noted? {
        Noted::Note { note, conversation, .. } => {
            // The next list says when they were last there.
            let last_seen = Timestamp(0);
            let friend = domain::Friend { user: face.as_ref().clone(), conversation, last_seen, note };
            let state = presence::state(service, friend.user.id);
            Ok(wire::friend(friend, state))
        }
        Noted::Refused(why) => Err(why.into()),
        Noted::Full => Err(Stop::refused(Code::FULL)),
    }
}

/// RENAME_LABEL.
pub(crate) fn rename_label(
    service: &Service,
    me: Me<'_>,
    request: &RenameLabel,
) -> Result<LabelRenamed, Stop> {
    let label = names::label("label", &request.label)?;
    let to = names::label("to", &request.to)?;
    if label.is_empty() {
        return Err(bad_field("label", "a label cannot be empty").into());
    }
    // Where nobody knows whether it was done, devices see it when they next look.
    let changed = service.ports.store.rename_label(me.user(), &label, &to)?;
    if !changed.is_empty() {
        tell(service, me, &changed);
    }
    Ok(LabelRenamed { changed: u32::try_from(changed.len()).unwrap_or(u32::MAX) })
}

/// What the user keeps of another; nothing if the store does not say: the next list shows it.
pub(crate) fn of(service: &Service, user: UserId, other: UserId) -> FriendNote {
    let notes = service.ports.store.friend_notes(user, &[other]).unwrap_or_else(|error| {
        service.trouble.note(service.ports.clock.now(), &error);
        Vec::new()
    });
    notes.into_iter().next().map(|(_, note)| note).unwrap_or_default()
}

/// Another node told that notes changed, or may have.
pub(crate) fn changed_elsewhere(service: &Service, user: UserId, friends: &[UserId]) {
    if service.ports.hub.reach() != Reach::Alone {
        tell_here(service, user, friends, None);
    }
}

fn tell(service: &Service, me: Me<'_>, friends: &[UserId]) {
    service.ports.hub.tell_nodes(Notice::FriendsNoted { user: me.user(), friends: friends.to_vec() });
    tell_here(service, me.user(), friends, Some(me.conn));
}

/// Tells the user's devices that are connected here, but the one that knows. What is kept is read from the store: no other
/// node's word is taken for it.
fn tell_here(service: &Service, user: UserId, friends: &[UserId], knows: Option<ConnKey>) {
    if service.ports.hub.here(&[user]).is_empty() {
        return;
    }
    // Every change is followed by what is true then, one at a time: the last one that devices hear is the truth.
    let _door = service.doors.threshold(user);
    for some in friends.chunks(READ_AT_ONCE) {
        match service.ports.store.friend_notes(user, some) {
            Ok(notes) => {
                notes.into_iter().for_each(|(friend, note)| push(service, user, friend, note, knows))
            }
            // They see it when they next look.
            Err(error) => return service.trouble.note(service.ports.clock.now(), &error),
        }
    }
}

fn push(service: &Service, user: UserId, friend: UserId, note: FriendNote, knows: Option<ConnKey>) {
    let (remark, label) = (Some(note.remark), Some(note.label));
    let push = Push::FriendChanged(FriendChanged { id: friend.0, remark, label, ..FriendChanged::default() });
    match knows {
        Some(conn) => service.ports.hub.push(Audience::OthersHere(user, conn), &push),
        None => service.ports.hub.push(Audience::Here(&[user]), &push),
    }
}
