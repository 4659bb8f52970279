//! What the operator tells every user: stored once, pushed by each node to all who are connected to it, and found in the
//! store by each device of those who are not.
//!
//! Other nodes are told that there is something new, and look for themselves, as each does now and then: what they push is
//! what they read, whatever the bus brought or lost.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{
    Broadcast, BroadcastAck, BroadcastAdded, BroadcastId, BroadcastPlace, NewBroadcast, SessionId, Store,
    StoreResult, UserId,
};
use parking_lot::Mutex;
use protocol::encode::json_len;
use protocol::limits::{BROADCAST_BYTES_MAX, HISTORY_PAGE_BYTES_MAX};
use protocol::{AckBroadcasts, BroadcastsPage, Nothing, Page, Push, Refusal};

use crate::caller::Me;
use crate::fields;
use crate::hub::Audience;
use crate::names;
use crate::notice::Notice;
use crate::page::{Part, Slice};
use crate::refuse::{Stop, bad_field};
use crate::service::Service;
use crate::write_behind::{Mark, WriteBehind};

/// Between two looks for broadcasts that no other node told of.
const LOOK_EVERY_MS: u64 = 2_000;

/// Broadcasts read at once for those who are connected.
const READ_AT_ONCE: u32 = 32;

/// Acknowledgements that wait to be stored: after a broadcast everybody who is connected sends one within a second.
const ACKS_WAITING_MAX: usize = 65_536;

/// Acknowledgements stored in one transaction.
const ACKS_AT_ONCE: usize = 1_000;

/// Bytes of a key.
const KEY_BYTES_MAX: usize = 64;

/// Characters of an operator's name.
const OPERATOR_CHARS_MAX: usize = 64;

/// What an operator orders.
#[derive(Clone, Copy, Debug)]
pub struct BroadcastOrder<'a> {
    /// What makes a repeat harmless: printable ASCII, up to 64.
    pub key: &'a str,
    /// Who orders it.
    pub operator: &'a str,
    /// What everybody is to be told.
    pub text: &'a str,
}

/// A broadcast that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BroadcastDone {
    /// Its place among all.
    pub id: BroadcastId,
    /// Whether this order stored it, or one before with the same key.
    pub is_repeat: bool,
}

/// What broadcasts did on this node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BroadcastSnapshot {
    /// Broadcasts ordered at this node and stored.
    pub stored: u64,
    /// Broadcasts that this node pushed to those who were connected to it.
    pub told: u64,
    /// Acknowledgements that wait to be stored.
    pub acks_waiting: u64,
}

/// How far this node's users were told, and what they acknowledged.
pub(crate) struct Broadcasts {
    /// Up to here everybody who is connected was told; what is newer than this when somebody signs in stands in their bundle.
    /// `None`: nobody is connected yet. Locked while they are told, so that each is told once and in order.
    told: Mutex<Option<BroadcastId>>,
    /// The newest that this node knows of.
    known: AtomicU64,
    /// When the last look was.
    looked: AtomicU64,
    acks: WriteBehind<(UserId, SessionId), BroadcastId>,
    stored: AtomicU64,
    pushed: AtomicU64,
}

impl Mark for BroadcastId {
    fn and(self, other: BroadcastId) -> BroadcastId {
        self.max(other)
    }
}

impl Broadcasts {
    pub(crate) fn new() -> Broadcasts {
        Broadcasts {
            told: Mutex::new(None),
            known: AtomicU64::new(0),
            looked: AtomicU64::new(0),
            acks: WriteBehind::new("acknowledgements of broadcasts", ACKS_WAITING_MAX),
            stored: AtomicU64::new(0),
            pushed: AtomicU64::new(0),
        }
    }

    pub(crate) fn snapshot(&self) -> BroadcastSnapshot {
        BroadcastSnapshot {
            stored: self.stored.load(Ordering::Relaxed),
            told: self.pushed.load(Ordering::Relaxed),
            acks_waiting: self.acks.len() as u64,
        }
    }

    /// Stores what was acknowledged.
    pub(crate) fn flush(&self, store: &dyn Store) -> StoreResult<()> {
        self.acks.flush(|acks| acknowledge_all(store, acks))
    }

    /// Before a user's session begins where any device of theirs got to: what waits of them is stored.
    pub(crate) fn settle(&self, store: &dyn Store, user: UserId) -> StoreResult<()> {
        match self.acks.waiting_in((user, SessionId(0))..=(user, SessionId(u64::MAX))).is_empty() {
            true => Ok(()),
            false => self.flush(store),
        }
    }

    /// After which broadcast a device goes on: what it says it has, or else what its session acknowledged, stored or waiting
    /// to be.
    pub(crate) fn place(
        &self,
        stored: BroadcastPlace,
        user: UserId,
        session: SessionId,
        held: Option<u64>,
    ) -> BroadcastPlace {
        let acked = held.map_or_else(
            || stored.acked.max(self.acks.waiting((user, session)).unwrap_or_default()),
            BroadcastId,
        );
        BroadcastPlace { acked: acked.min(stored.last), ..stored }
    }

    fn knows(&self, id: BroadcastId) {
        self.known.fetch_max(id.0, Ordering::Relaxed);
    }
}

impl Service {
    /// Tells every user something, in the name of whoever operates this server. Durable when it returns; who is connected,
    /// to this node or another, is told now, the others when they sign in. Blocks. May be repeated with the same key.
    ///
    /// # Errors
    /// A refusal that says what is wrong with the order, or that the store is away.
    pub fn broadcast(&self, order: BroadcastOrder<'_>) -> Result<BroadcastDone, Refusal> {
        add(self, order).map_err(|stop| self.refusal(stop))
    }

    /// What broadcasts did on this node.
    pub fn broadcast_snapshot(&self) -> BroadcastSnapshot {
        self.broadcasts.snapshot()
    }
}

fn add(service: &Service, order: BroadcastOrder<'_>) -> Result<BroadcastDone, Stop> {
    let BroadcastOrder { key, operator, text } = order;
    check(order)?;
    let at = service.ports.clock.now();
    service.limits.broadcasts.take((), at)?;
    let added = service.ports.store.add_broadcast(&NewBroadcast { key, operator, text, at });
    if !matches!(added, Ok(BroadcastAdded::Stored(_))) {
        service.limits.broadcasts.give_back(());
    }
    let done = match added? {
        BroadcastAdded::Stored(id) => BroadcastDone { id, is_repeat: false },
        BroadcastAdded::Repeated(id) => BroadcastDone { id, is_repeat: true },
        BroadcastAdded::KeyTaken => {
            return Err(bad_field("key", "another text was broadcast with this key").into());
        }
    };
    if !done.is_repeat {
        service.broadcasts.stored.fetch_add(1, Ordering::Relaxed);
        log::info!("broadcast {} by {operator:?}: {} characters", done.id, text.chars().count());
    }
    // A repeat too: whoever repeats it may have got no answer because this node's word was lost.
    service.ports.hub.tell_nodes(Notice::Broadcast { id: done.id });
    heard(service, done.id);
    Ok(done)
}

fn check(order: BroadcastOrder<'_>) -> Result<(), Refusal> {
    let printable = order.key.bytes().all(|byte| byte.is_ascii_graphic());
    if order.key.is_empty() || order.key.len() > KEY_BYTES_MAX || !printable {
        let sentence = format!("a key is 1 to {KEY_BYTES_MAX} printable ASCII characters without spaces");
        return Err(bad_field("key", sentence));
    }
    let unsafe_name = order.operator.chars().any(names::is_unsafe);
    let fits = order.operator.chars().nth(OPERATOR_CHARS_MAX).is_none();
    if order.operator.trim().is_empty() || !fits || unsafe_name {
        let sentence =
            format!("an operator's name is 1 to {OPERATOR_CHARS_MAX} characters without control characters");
        return Err(bad_field("operator", sentence));
    }
    fields::broadcast(order.text, BROADCAST_BYTES_MAX)
}

/// There is something up to this broadcast. A store that is away is asked again at the next look.
pub(crate) fn heard(service: &Service, id: BroadcastId) {
    if service.broadcasts.told.lock().is_none_or(|told| told >= id) {
        return;
    }
    if let Err(error) = look(service) {
        service.trouble.note(service.ports.clock.now(), &error);
    }
}

/// The first who signs in here: from now on whoever is connected is told. Before the connection is known to the hub: what
/// is stored later is pushed, the rest stands in the bundle.
pub(crate) fn begin(service: &Service) -> StoreResult<()> {
    let mut told = service.broadcasts.told.lock();
    if told.is_none() {
        let last = service.ports.store.last_broadcast()?;
        service.broadcasts.knows(last);
        *told = Some(last);
    }
    Ok(())
}

/// Looks now and then, whatever the bus brought.
pub(crate) fn tick(service: &Service) -> StoreResult<()> {
    service.broadcasts.flush(&*service.ports.store)?;
    let now = service.ports.clock.now();
    let looked = &service.broadcasts.looked;
    if now.0.abs_diff(looked.load(Ordering::Relaxed)) < LOOK_EVERY_MS {
        return Ok(());
    }
    look(service)?;
    looked.store(now.0, Ordering::Relaxed);
    Ok(())
}

/// Reads what is new, and tells everybody who is connected here.
fn look(service: &Service) -> StoreResult<()> {
    let mut told = service.broadcasts.told.lock();
    let Some(told) = told.as_mut() else { return Ok(()) };
    loop {
        let news = service.ports.store.broadcasts(*told, READ_AT_ONCE)?;
        let is_all = news.len() < READ_AT_ONCE as usize;
        for broadcast in news {
            service.broadcasts.knows(broadcast.id);
            *told = broadcast.id;
            service.broadcasts.pushed.fetch_add(1, Ordering::Relaxed);
            service.ports.hub.push(Audience::EverybodyHere, &Push::Broadcast(shown(broadcast)));
        }
        if is_all {
            return Ok(());
        }
    }
}

/// BROADCASTS.
pub(crate) fn page(service: &Service, me: Me<'_>, page: &Page) -> Result<BroadcastsPage, Stop> {
    let store = &service.ports.store;
    // Before the page: whatever is stored between the two comes with it, or with the next.
    let last = store.last_broadcast()?;
    service.broadcasts.knows(last);
    let slice = Slice::asked(page.after, page.limit, service.config.page_max);
    let part = slice.read(
        |broadcast: &Broadcast| broadcast.id.0,
        |after, limit| store.broadcasts_to(me.user(), BroadcastId(after), limit),
    )?;
    let newest = part.entries.last().map_or(last, |broadcast| broadcast.id.max(last));
    let broadcasts = part.entries.into_iter().map(shown).collect();
    let part = Part { entries: broadcasts, next: part.next };
    let part = part.within(HISTORY_PAGE_BYTES_MAX, |broadcast: &protocol::Broadcast| broadcast.id, json_len);
    Ok(BroadcastsPage { broadcasts: part.entries, next: part.next, last: newest.0 })
}

/// ACK_BROADCASTS. Stored a moment later, with those of others.
pub(crate) fn acknowledge(service: &Service, me: Me<'_>, ack: &AckBroadcasts) -> Result<Nothing, Stop> {
    let broadcasts = &service.broadcasts;
    let store = &*service.ports.store;
    if ack.id > broadcasts.known.load(Ordering::Relaxed) {
        broadcasts.knows(store.last_broadcast()?);
    }
    let id = BroadcastId(ack.id.min(broadcasts.known.load(Ordering::Relaxed)));
    if id > BroadcastId(0) {
        broadcasts.acks.note((me.user(), me.principal.session), id, |acks| acknowledge_all(store, acks))?;
    }
    Ok(Nothing {})
}

fn acknowledge_all(store: &dyn Store, acks: &[((UserId, SessionId), BroadcastId)]) -> StoreResult<()> {
    for acks in acks.chunks(ACKS_AT_ONCE) {
        let acks: Vec<BroadcastAck> = acks
            .iter()
            .map(|((user, session), id)| BroadcastAck { user: *user, session: *session, id: *id })
            .collect();
        store.ack_broadcasts(&acks)?;
    }
    Ok(())
}

fn shown(broadcast: Broadcast) -> protocol::Broadcast {
    protocol::Broadcast { id: broadcast.id.0, time: broadcast.at.0, msg: broadcast.text }
}
