//! SEARCH_USERS.

use domain::policy::{PairAct, between};
use domain::{NUMBER_MAX, Profile, StoreResult, UserId, UserSearch};
use protocol::{FoundUser, FoundUsers, SearchUsers};

use crate::caller::Me;
use crate::friends;
use crate::names::NamePrefix;
use crate::page::Slice;
use crate::refuse::Stop;
use crate::service::Service;
use crate::wire;

/// SEARCH_USERS: by id, then by name, then by nickname.
pub(crate) fn users(service: &Service, me: Me<'_>, request: &SearchUsers) -> Result<FoundUsers, Stop> {
    let prefix = NamePrefix::parse(&request.query)?;
    service.limits.searches.take(me.user(), service.ports.clock.now())?;
    let limit = Slice::asked(0, request.limit, service.config.page_max).limit as usize;
    let mut found: Vec<FoundUser> = Vec::new();
    if request.after == 0
        && let Some(id) = prefix.id
    {
        found.extend(by_id(service, me, UserId(id))?);
    }
    if let Some(below) = &prefix.below {
        // Whoever was found by the id is no place in the order of names: what follows is the first page of names.
        let after = Some(UserId(request.after)).filter(|after| after.0 != 0 && Some(after.0) != prefix.id);
        let search = UserSearch { prefix: &prefix.key, below, after };
        // Two more than are shown: one may be there by id, and one tells that there are more.
        let users = service.ports.store.search_users(me.user(), &search, limit as u32 + 2)?;
        found.extend(users.into_iter().filter(|user| Some(user.id.0) != prefix.id).map(wire::found_user));
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next = if more { found.last().map_or(0, |last| last.id) } else { 0 };
    Ok(FoundUsers { found, next })
}

/// The user with this id, if they want to be found. Who does not, who blocked me and who does not exist take the same look-ups.
fn by_id(service: &Service, me: Me<'_>, id: UserId) -> StoreResult<Option<FoundUser>> {
    if id.0 > NUMBER_MAX {
        return Ok(None);
    }
    let relation = friends::relation_now(service, me.user(), id)?;
    let profile = service.ports.store.profile(id)?;
    let found =
        profile.filter(|profile: &Profile| profile.searchable && between(PairAct::LookUp, relation).is_ok());
    Ok(found.map(|profile| wire::found_user(profile.user)))
}
