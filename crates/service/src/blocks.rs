//! BLOCK, UNBLOCK and BLOCKED: whom a user does not want to hear of.
//!
//! To whoever is blocked, the other is like an id that does not exist; see [`domain::policy`]. What a block ends is told as if
//! it had ended in another way, and of a block between strangers nobody hears.

use domain::policy::{PairAct, between};
use domain::{Blocked, Parted, User, UserId};
use protocol::{BlockedPage, Code, FriendEventKind, Nothing, Page, UserRef};

use crate::caller::Me;
use crate::friends::{self, Event, Other};
use crate::notice::Notice;
use crate::page::Slice;
use crate::refuse::Stop;
use crate::service::Service;
use crate::wire;

/// BLOCK. What the other said and is stored stays; nothing more is stored once this is answered.
pub(crate) fn block(service: &Service, me: Me<'_>, request: &UserRef) -> Result<Nothing, Stop> {
    let user = UserId(request.userid);
    between(PairAct::Block, friends::relation_now(service, me.user(), user)?)?;
    let other = Other::find(service, me, user.0)?;
    let ports = &service.ports;
    let blocked = ports.store.block(me.user(), user, ports.clock.now(), service.config.blocked_max);
    // Whatever came of it: nobody may go on with what was true before.
    changed(service, me.user(), user);
    let event = match &blocked? {
        Blocked::Refused(why) => return Err((*why).into()),
        Blocked::Full => return Err(Stop::refused(Code::FULL)),
        Blocked::Parted(Parted::Nothing) => return Ok(Nothing {}),
        Blocked::Parted(Parted::OwnRequest) => {
            return Ok(friends::tell(service, me, &other, Event::of(FriendEventKind::Withdrawn)));
        }
        Blocked::Parted(Parted::Friendship(notice)) => (FriendEventKind::Deleted, *notice),
        Blocked::Parted(Parted::TheirRequest(notice)) => (FriendEventKind::Refused, *notice),
    };
    let (kind, notice) = event;
    Ok(friends::tell(service, me, &other, Event::noticed(kind, &notice)))
}

/// UNBLOCK.
pub(crate) fn unblock(service: &Service, me: Me<'_>, request: &UserRef) -> Result<Nothing, Stop> {
    let user = UserId(request.userid);
    between(PairAct::Unblock, friends::relation_now(service, me.user(), user)?)?;
    let unblocked = service.ports.store.unblock(me.user(), user);
    changed(service, me.user(), user);
    match unblocked? {
        true => Ok(Nothing {}),
        false => Err(Stop::refused(Code::NOT_FOUND)),
    }
}

/// BLOCKED.
pub(crate) fn page(service: &Service, me: Me<'_>, page: &Page) -> Result<BlockedPage, Stop> {
    let slice = Slice::asked(page.after, page.limit, service.config.page_max);
    let part = slice.read(
        |user: &User| user.id.0,
        |after, limit| service.ports.store.blocked(me.user(), UserId(after), limit),
    )?;
    Ok(BlockedPage { blocked: part.entries.into_iter().map(wire::found_user).collect(), next: part.next })
}

fn changed(service: &Service, user: UserId, other: UserId) {
    friends::changed(service, user, other);
    service.ports.hub.tell_nodes(Notice::FriendshipChanged { one: user, other });
}
