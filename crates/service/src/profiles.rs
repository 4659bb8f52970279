//! PROFILE and EDIT_PROFILE: what users tell of themselves.
//!
//! A change is told to all friends, and to all devices of the user but the one that made it.

use std::sync::Arc;

use domain::policy::{PairAct, between};
use domain::{NUMBER_MAX, ProfileEdit, Reach, Shows, StoreResult, UserId};
use protocol::{Code, EditProfile, FriendChanged, Profile, ProfileOf, Push};

use crate::caller::Me;
use crate::fields;
use crate::friends;
use crate::hub::Audience;
use crate::names::UserName;
use crate::notice::Notice;
use crate::refuse::Stop;
use crate::service::Service;
use crate::versioned_cache::VersionedCache;
use crate::wire;

/// Profiles as everybody may see them: nothing private is kept.
pub(crate) type Profiles = VersionedCache<UserId, Arc<Profile>>;

/// PROFILE.
pub(crate) fn look(service: &Service, me: Me<'_>, request: &ProfileOf) -> Result<Profile, Stop> {
    let not_found = || Stop::refused(Code::NOT_FOUND);
    let user = request.id.map_or(me.user(), UserId);
    between(PairAct::LookUp, friends::relation(service, me.user(), user)?)?;
    if user == me.user() {
        let own = service.ports.store.profile(user)?;
        return own.map(wire::own_profile).ok_or_else(not_found);
    }
    let profile = public(service, user)?.ok_or_else(not_found)?;
    Ok(Profile::clone(&profile))
}

/// EDIT_PROFILE.
pub(crate) fn edit(service: &Service, me: Me<'_>, request: &EditProfile) -> Result<Profile, Stop> {
    let user = me.user();
    let nickname = request.nickname.as_deref().map(UserName::nickname).transpose()?;
    let signature = request.signature.as_deref().map(fields::signature).transpose()?;
    let avatar = request.avatar.as_deref();
    avatar.map(fields::avatar).transpose()?;
    let phone = request.phone.as_ref().map(fields::phone).transpose()?;
    let edit = ProfileEdit {
        nickname: nickname.as_ref().map(|name| (name.shown.as_str(), name.key.as_str())),
        signature: signature.as_deref(),
        avatar,
        phone: phone.as_ref().map(|phone| phone.expose()),
        searchable: request.searchable,
    };
    service.limits.changes.take(user, service.ports.clock.now())?;
    let edited = service.ports.store.edit_profile(user, &edit);
    // Whatever came of it: nobody may go on with what was true before.
    forget(service, user);
    let shows = match &edited {
        Ok(Some(edited)) => edited.shows,
        Ok(None) => Shows::TheSame,
        // Perhaps.
        Err(_) => Shows::Another,
    };
    service.ports.hub.tell_nodes(Notice::ProfileChanged { user, shows });
    let edited = edited?.ok_or_else(|| Stop::refused(Code::NOT_FOUND))?;
    if edited.shows == Shows::Another {
        tell_here(service, user);
        if let Some(push) = push(service, user) {
            service.ports.hub.push(Audience::OthersOf(user, me.conn), &push);
        }
    }
    Ok(wire::own_profile(edited.profile))
}

/// Another node told that a profile changed, or may have.
pub(crate) fn changed_elsewhere(service: &Service, user: UserId, shows: Shows) {
    forget(service, user);
    if shows == Shows::Another && service.ports.hub.reach() != Reach::Alone {
        tell_here(service, user);
    }
}

/// A profile as everybody may see it.
fn public(service: &Service, user: UserId) -> StoreResult<Option<Arc<Profile>>> {
    if user.0 > NUMBER_MAX {
        return Ok(None);
    }
    service.profiles.get_or_load(&user, || {
        let profile = service.ports.store.profile(user)?;
        Ok(profile.map(|profile| Arc::new(wire::public_profile(profile))))
    })
}

/// Forgets how a user is shown. To be called on every node.
pub(crate) fn forget(service: &Service, user: UserId) {
    service.directory.changed(user);
    service.profiles.invalidate(&user);
}

/// Tells friends who are connected here. They are read from the store: no other node's word is taken for who they are.
fn tell_here(service: &Service, user: UserId) {
    let friends = match service.ports.store.friend_ids(user) {
        Ok(friends) => service.ports.hub.here(&friends),
        Err(error) => {
            // They see it when they next look.
            return service.trouble.note(service.ports.clock.now(), &error);
        }
    };
    if friends.is_empty() {
        return;
    }
    // Every change is followed by what is true then, one at a time: the last one that friends hear is the truth.
    let _door = service.doors.threshold(user);
    if let Some(push) = push(service, user) {
        service.ports.hub.push(Audience::Here(&friends), &push);
    }
}

/// What lists show of a user now.
fn push(service: &Service, user: UserId) -> Option<Push> {
    let face = service.directory.face(&*service.ports.store, user).unwrap_or_else(|error| {
        service.trouble.note(service.ports.clock.now(), &error);
        None
    });
    face.map(|face| {
        let (nickname, avatar) = (Some(face.nickname.clone()), Some(face.avatar.clone()));
        Push::FriendChanged(FriendChanged { id: user.0, nickname, avatar, ..FriendChanged::default() })
    })
}
