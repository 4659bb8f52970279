//! Friend requests and friendships.
//!
//! Every change is told to all devices of both users but the one that asked, which has its answer. A decision of one is a
//! notice for the other, stored with it: the event says what to change in lists, and names the notice, which is to be
//! shown.

use std::sync::Arc;

use domain::policy::{PairAct, Relation, Why, between};
use domain::{
    Accepted, Befriended, ConversationId, NUMBER_MAX, PersonalNotice, PresenceState, Requested, StoreResult,
    Timestamp, User, UserId,
};
use protocol::{
    AddFriend, Code, Friend, FriendAnswer, FriendEvent, FriendEventKind, FriendOutcome, FriendRef,
    FriendRequest, FriendRequestsPage, FriendsPage, Nothing, Page, Push,
};

use crate::caller::Me;
use crate::fields;
use crate::friend_notes;
use crate::hub::Audience;
use crate::notice::Notice;
use crate::page::{Part, Slice};
use crate::personal_notices;
use crate::presence;
use crate::refuse::Stop;
use crate::service::Service;
use crate::versioned_cache::VersionedCache;
use crate::wire;

/// How users stand to others, by the user and the other. Not kept of who does not exist, since somebody may get that number;
/// nor of who blocked one: the time of an answer must not tell the two apart.
pub(crate) type Relations = VersionedCache<(UserId, UserId), Relation>;

/// How a user stands to another. Another node's word for a change may be a moment away: what must hold, the store asks
/// again.
pub(crate) fn relation(service: &Service, user: UserId, other: UserId) -> StoreResult<Relation> {
    if user == other {
        return Ok(Relation::Myself);
    }
    if other.0 > NUMBER_MAX {
        return Ok(Relation::Nobody);
    }
    let mut found = Relation::Nobody;
    let kept = service.relations.get_or_load(&(user, other), || {
        let relation = service.ports.store.relation(user, other)?;
        found = relation;
        Ok((!matches!(relation, Relation::Nobody | Relation::BlockedByThem)).then_some(relation))
    })?;
    Ok(kept.unwrap_or(found))
}

/// How a user stands to another, as the store says now: for what is rare, and follows what another device just did.
pub(crate) fn relation_now(service: &Service, user: UserId, other: UserId) -> StoreResult<Relation> {
    if other.0 > NUMBER_MAX {
        return Ok(Relation::Nobody);
    }
    service.ports.store.relation(user, other)
}

/// Forgets what was known of two users: what is between them changed, or may have. To be called on every node.
pub(crate) fn changed(service: &Service, one: UserId, other: UserId) {
    service.friendships.invalidate(&pair(one, other));
    service.relations.invalidate(&(one, other));
    service.relations.invalidate(&(other, one));
}

/// The conversations of friends, by the pair with the smaller id first.
pub(crate) type Friendships = VersionedCache<(UserId, UserId), ConversationId>;

/// The conversation of two friends; `None` if they are not friends.
pub(crate) fn conversation(
    service: &Service,
    user: UserId,
    other: UserId,
) -> StoreResult<Option<ConversationId>> {
    if other.0 > NUMBER_MAX {
        return Ok(None);
    }
    service.friendships.get_or_load(&pair(user, other), || service.ports.store.friendship(user, other))
}

/// ADD_FRIEND.
pub(crate) fn request(service: &Service, me: Me<'_>, request: &AddFriend) -> Result<FriendAnswer, Stop> {
    fields::greeting(&request.greeting)?;
    let ports = &service.ports;
    service.limits.friend_requests.take(me.user(), ports.clock.now())?;
    let asked = UserId(request.friendid);
    between(PairAct::Befriend, relation_now(service, me.user(), asked)?)?;
    let other = Other::find(service, me, asked.0)?;
    let outcome = ports.store.request_friend(
        me.user(),
        other.id,
        &request.greeting,
        ports.clock.now(),
        service.config.friends,
    )?;
    match outcome {
        Requested::Waiting => {
            let event = Event { greeting: &request.greeting, ..Event::of(FriendEventKind::Requested) };
            tell(service, me, &other, event);
            Ok(FriendAnswer { outcome: FriendOutcome::Requested, friend: None })
        }
        Requested::Friends(new) => Ok(befriended(service, me, &other, &new)),
        Requested::AlreadyRequested => Err(Stop::refused(Code::ALREADY_REQUESTED)),
        Requested::AlreadyFriends => Err(Stop::refused(Code::ALREADY_FRIENDS)),
        Requested::Refused(why) => Err(why.into()),
        Requested::NoSuchUser => Err(Stop::refused(Code::NOT_FOUND)),
        Requested::Full => Err(Stop::refused(Code::FULL)),
    }
}

/// ACCEPT_FRIEND.
pub(crate) fn accept(service: &Service, me: Me<'_>, request: &FriendRef) -> Result<FriendAnswer, Stop> {
    let other = Other::known(service, me, request.friendid)?;
    let ports = &service.ports;
    match ports.store.accept_friend(me.user(), other.id, ports.clock.now(), service.config.friends)? {
        Accepted::Friends(new) => Ok(befriended(service, me, &other, &new)),
        Accepted::NoRequest => Err(Stop::refused(Code::NOT_FOUND)),
        Accepted::Full => Err(Stop::refused(Code::FULL)),
    }
}

/// REFUSE_FRIEND.
pub(crate) fn refuse(service: &Service, me: Me<'_>, request: &FriendRef) -> Result<Nothing, Stop> {
    let other = Other::known(service, me, request.friendid)?;
    let ports = &service.ports;
    match ports.store.refuse_friend(me.user(), other.id, ports.clock.now())? {
        Some(notice) => Ok(tell(service, me, &other, Event::noticed(FriendEventKind::Refused, &notice))),
        None => Err(Stop::refused(Code::NOT_FOUND)),
    }
}

/// WITHDRAW_FRIEND.
pub(crate) fn withdraw(service: &Service, me: Me<'_>, request: &FriendRef) -> Result<Nothing, Stop> {
    let other = Other::known(service, me, request.friendid)?;
    match service.ports.store.withdraw_friend(me.user(), other.id)? {
        true => Ok(tell(service, me, &other, Event::of(FriendEventKind::Withdrawn))),
        false => Err(Stop::refused(Code::NOT_FOUND)),
    }
}

/// DELETE_FRIEND. Messages that were checked before it are still delivered; none after.
///
/// Who is no friend, who does not exist and who blocked one are the same here.
pub(crate) fn delete(service: &Service, me: Me<'_>, request: &FriendRef) -> Result<Nothing, Stop> {
    let other = match Other::known(service, me, request.friendid) {
        Ok(other) => other,
        Err(Stop::Refused(refusal)) if refusal.code == Code::NOT_FOUND => return Err(Why::NotFriends.into()),
        Err(stop) => return Err(stop),
    };
    let ports = &service.ports;
    let deleted = ports.store.delete_friend(me.user(), other.id, ports.clock.now());
    // Whatever came of it: nobody may go on with what was true before.
    changed(service, me.user(), other.id);
    service.ports.hub.tell_nodes(Notice::FriendshipChanged { one: me.user(), other: other.id });
    match deleted? {
        Some(notice) => Ok(tell(service, me, &other, Event::noticed(FriendEventKind::Deleted, &notice))),
        None => Err(Stop::refused(Code::NOT_FRIENDS)),
    }
}

/// FRIENDS.
pub(crate) fn page(service: &Service, me: Me<'_>, page: &Page) -> Result<FriendsPage, Stop> {
    let slice = Slice::asked(page.after, page.limit, service.config.page_max);
    let part = list(service, me.user(), slice)?;
    Ok(FriendsPage { friends: part.entries, next: part.next })
}

/// FRIEND_REQUESTS.
pub(crate) fn requests_page(service: &Service, me: Me<'_>, page: &Page) -> Result<FriendRequestsPage, Stop> {
    let slice = Slice::asked(page.after, page.limit, service.config.page_max);
    let part = list_requests(service, me.user(), slice)?;
    Ok(FriendRequestsPage { requests: part.entries, next: part.next })
}

/// A slice of the user's friends, with whether they are there.
pub(crate) fn list(service: &Service, user: UserId, slice: Slice) -> StoreResult<Part<Friend>> {
    let part = slice.read(
        |friend: &domain::Friend| friend.user.id.0,
        |after, limit| service.ports.store.friends(user, UserId(after), limit),
    )?;
    let friends = presence::with_states(service, part.entries, |friend| friend.user.id);
    let entries = friends
        .map(|(friend, state)| {
            presence::told(service, friend.user.id, state);
            let last_seen = service.last_seen.latest(friend.user.id, friend.last_seen);
            wire::friend(domain::Friend { last_seen, ..friend }, state)
        })
        .collect();
    Ok(Part { entries, next: part.next })
}

/// Who of all these friends of the user, by rising id, is there; `None` if that cannot be known now of any.
pub(crate) fn online(service: &Service, friends: &[UserId]) -> Option<Vec<u64>> {
    let mut online = Vec::new();
    let mut is_known = true;
    for (friend, state) in presence::with_states(service, friends.to_vec(), |friend| *friend) {
        presence::told(service, friend, state);
        match state {
            PresenceState::Online => online.push(friend.0),
            PresenceState::Offline => {}
            PresenceState::Unknown => is_known = false,
        }
    }
    is_known.then_some(online)
}

/// A slice of the requests that wait for the user or for others.
pub(crate) fn list_requests(
    service: &Service,
    user: UserId,
    slice: Slice,
) -> StoreResult<Part<FriendRequest>> {
    let part = slice.read(
        |request: &domain::FriendRequest| request.other.id.0,
        |after, limit| service.ports.store.friend_requests(user, UserId(after), limit),
    )?;
    let entries = part.entries.into_iter().map(wire::friend_request).collect();
    Ok(Part { entries, next: part.next })
}

/// The user that a request is about: somebody else, who exists.
pub(crate) struct Other {
    pub(crate) id: UserId,
    face: Arc<User>,
}

impl Other {
    pub(crate) fn find(service: &Service, me: Me<'_>, id: u64) -> Result<Other, Stop> {
        let id = UserId(id);
        if id == me.user() {
            return Err(Stop::refused(Code::SELF));
        }
        match service.directory.face(&*service.ports.store, id)? {
            Some(face) if !face.is_deleted() => Ok(Other { id, face }),
            Some(_) | None => Err(Stop::refused(Code::NOT_FOUND)),
        }
    }

    /// The same, of those whom I may know of. Who blocked me is refused at the same look-up as who does not exist: nothing
    /// waits between us, but to find that out takes another time.
    fn known(service: &Service, me: Me<'_>, id: u64) -> Result<Other, Stop> {
        let user = UserId(id);
        if user == me.user() {
            return Err(Stop::refused(Code::SELF));
        }
        between(PairAct::LookUp, relation_now(service, me.user(), user)?)?;
        Other::find(service, me, id)
    }
}

/// What happened, as both sides read it.
#[derive(Clone, Copy)]
pub(crate) struct Event<'a> {
    kind: FriendEventKind,
    greeting: &'a str,
    conversation: Option<ConversationId>,
    /// What was stored of it for the other side.
    notice: Option<&'a PersonalNotice>,
}

impl Event<'_> {
    pub(crate) fn of(kind: FriendEventKind) -> Event<'static> {
        Event { kind, greeting: "", conversation: None, notice: None }
    }

    pub(crate) fn noticed(kind: FriendEventKind, notice: &PersonalNotice) -> Event<'_> {
        Event { notice: Some(notice), ..Event::of(kind) }
    }

    /// The event as one side reads it, about the other side.
    fn about(
        &self,
        service: &Service,
        reader: UserId,
        user: &User,
        state: PresenceState,
        by: UserId,
    ) -> FriendEvent {
        let friend = self.conversation.map(|conversation| friend(service, reader, user, state, conversation));
        FriendEvent {
            event: self.kind,
            id: user.id.0,
            name: user.name.clone(),
            by: by.0,
            greeting: self.greeting.to_owned(),
            friend,
            notice: 0,
        }
    }
}

/// Tells both sides of a new friendship.
fn befriended(service: &Service, me: Me<'_>, other: &Other, new: &Befriended) -> FriendAnswer {
    let conversation = new.conversation;
    changed(service, me.user(), other.id);
    service.ports.hub.tell_nodes(Notice::FriendshipChanged { one: me.user(), other: other.id });
    tell(
        service,
        me,
        other,
        Event { conversation: Some(conversation), ..Event::noticed(FriendEventKind::Accepted, &new.notice) },
    );
    let state = presence::state(service, other.id);
    FriendAnswer {
        outcome: FriendOutcome::Friends,
        friend: Some(friend(service, me.user(), &other.face, state, conversation)),
    }
}

/// Tells the other's devices about me, and my other devices about the other.
pub(crate) fn tell(service: &Service, me: Me<'_>, other: &Other, event: Event<'_>) -> Nothing {
    let mine = me.principal;
    let hub = &service.ports.hub;
    let my_face = service.directory.own_face(&*service.ports.store, mine);
    let mut to_other = event.about(service, other.id, &my_face, PresenceState::Online, mine.user);
    to_other.notice = event.notice.map_or(0, |notice| notice.seq.0);
    hub.push(Audience::Users(&[other.id]), &Push::FriendEvent(to_other));
    if let Some(notice) = event.notice {
        personal_notices::push(service, notice, &mine.name, "");
    }
    let state = presence::state(service, other.id);
    let to_me = event.about(service, mine.user, &other.face, state, mine.user);
    hub.push(Audience::OthersOf(mine.user, me.conn), &Push::FriendEvent(to_me));
    Nothing {}
}

/// A friend as the reader sees them: with what the reader kept, perhaps since they were friends before.
fn friend(
    service: &Service,
    reader: UserId,
    user: &User,
    state: PresenceState,
    conversation: ConversationId,
) -> Friend {
    let note = friend_notes::of(service, reader, user.id);
    // The next list says when they were last there.
    let last_seen = Timestamp(0);
    wire::friend(domain::Friend { user: user.clone(), conversation, last_seen, note }, state)
}

fn pair(one: UserId, other: UserId) -> (UserId, UserId) {
    (one.min(other), one.max(other))
}
