//! Where an actor lays down what it saw, and the director looks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};

use client::Reading;
use protocol::{Broadcast, Changed, ChatMessage, Friend, Hidden, State};

use super::afterthoughts::Deeds;
use crate::torture::{
    clock,
    evidence::{Digest, Gap, Held, NOTES_MAX, Pushed, QuietHeld, Record, Send, Shown, Told},
};

/// Messages of a conversation that a person looks back at.
const IN_SIGHT_MAX: usize = 12;

/// What the director wants of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// What its script says.
    Play,
    /// Log out and stay away.
    LogOut,
    /// Close the connection and stay away.
    Close,
    /// Lose the connection from one moment to the next, and stay away.
    Die,
    /// Fall silent without a word to the server, and stay away.
    Vanish,
}

/// One device's. The actor writes, the director reads at any time.
pub(crate) struct Desk {
    inner: Mutex<Inner>,
    order: AtomicU8,
}

struct Inner {
    record: Record,
    /// Conversation → seq of the message that was shown last.
    have: BTreeMap<u64, u64>,
    /// Conversation → position of the change that was shown last.
    positions: BTreeMap<u64, u64>,
    /// Conversation and seq of what the user hid.
    hidden: BTreeSet<(u64, u64)>,
    /// It heard how everything stood when it signed in.
    signed_in: bool,
    /// Its sign-in was answered; that may be a moment later.
    has_session: bool,
    open_sends: usize,
    gone: bool,
}

/// What the director sees at a glance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance {
    pub(crate) signed_in: bool,
    pub(crate) open_sends: usize,
    pub(crate) gone: bool,
}

impl Desk {
    pub(crate) fn new(record: Record) -> Desk {
        let inner = Inner {
            record,
            have: BTreeMap::new(),
            positions: BTreeMap::new(),
            hidden: BTreeSet::new(),
            signed_in: false,
            has_session: false,
            open_sends: 0,
            gone: false,
        };
        Desk { inner: Mutex::new(inner), order: AtomicU8::new(0) }
    }

    pub(crate) fn order(&self) -> Order {
        match self.order.load(Ordering::SeqCst) {
            0 => Order::Play,
            1 => Order::LogOut,
            2 => Order::Close,
            3 => Order::Die,
            _ => Order::Vanish,
        }
    }

    pub(crate) fn give(&self, order: Order) {
        let number = match order {
            Order::Play => 0,
            Order::LogOut => 1,
            Order::Close => 2,
            Order::Die => 3,
            Order::Vanish => 4,
        };
        self.order.store(number, Ordering::SeqCst);
    }

    pub(crate) fn glance(&self) -> Glance {
        let inner = self.lock();
        Glance {
            signed_in: inner.signed_in && inner.has_session,
            open_sends: inner.open_sends,
            gone: inner.gone,
        }
    }

    /// Conversation → seq of the message that was shown last.
    pub(crate) fn have(&self) -> BTreeMap<u64, u64> {
        self.lock().have.clone()
    }

    pub(crate) fn friends(&self) -> BTreeMap<u64, State> {
        self.lock().record.view.clone()
    }

    pub(crate) fn record(&self) -> Record {
        self.lock().record.clone()
    }

    pub(crate) fn shown_count(&self) -> usize {
        self.lock().record.shown.len()
    }

    pub(super) fn report(&self, has_session: bool, open_sends: usize) {
        let mut inner = self.lock();
        inner.has_session = has_session;
        inner.open_sends = open_sends;
    }

    /// The device is off for good.
    pub(super) fn gone(&self) {
        let mut inner = self.lock();
        inner.gone = true;
        inner.signed_in = false;
    }

    pub(super) fn signed_in(&self, friends: &[Friend]) {
        let mut inner = self.lock();
        inner.signed_in = true;
        inner.record.sign_ins += 1;
        inner.record.view = friends.iter().map(|friend| (friend.id, friend.state)).collect();
    }

    pub(super) fn disconnected(&self) {
        self.lock().signed_in = false;
    }

    /// Writes down what happened to the connection or session.
    pub(super) fn note(&self, what: &str) {
        let mut inner = self.lock();
        if inner.record.notes.len() >= NOTES_MAX {
            inner.record.notes.pop_front();
        }
        inner.record.notes.push_back((clock::now_ms(), what.to_owned()));
    }

    /// The last notes but those of other friends than this one, a line each.
    pub(crate) fn last_notes(&self, friend: u64, count: usize) -> Vec<String> {
        let this_one = format!("user {friend} ");
        let notes = &self.lock().record.notes;
        let fits = |note: &&(u64, String)| !note.1.starts_with("user ") || note.1.starts_with(&this_one);
        let mut lines: Vec<String> = notes
            .iter()
            .rev()
            .filter(fits)
            .take(count)
            .map(|(at_ms, what)| format!("{at_ms}: {what}"))
            .collect();
        lines.reverse();
        lines
    }

    pub(super) fn show(&self, message: &ChatMessage) {
        let (conv, seq) = (message.conv, message.seq);
        let shown = Shown {
            conv,
            seq,
            from: message.from,
            id: Digest::of(&message.client_msg_id),
            text: Digest::of(&message.msg),
            hidden: message.hidden,
            at_ms: clock::now_ms(),
        };
        let mut inner = self.lock();
        inner.have.insert(conv, seq);
        let held = inner.held(message);
        inner.record.held.insert((conv, seq), held);
        inner.record.shown.push(shown);
    }

    /// A message is otherwise now. One that was never shown stays so.
    pub(super) fn change(&self, changed: &Changed) {
        let mut inner = self.lock();
        inner.positions.insert(changed.conv, changed.position);
        let now = inner.held(&changed.message);
        if let Some(held) = inner.record.held.get_mut(&(changed.conv, changed.message.seq)) {
            *held = now;
        }
    }

    /// The user hid a message, here or on another device: its text goes.
    pub(super) fn hide(&self, hidden: Hidden) {
        let mut inner = self.lock();
        inner.hidden.insert((hidden.conv, hidden.seq));
        inner.record.hidden.push(hidden);
        if let Some(held) = inner.record.held.get_mut(&(hidden.conv, hidden.seq)) {
            *held = held.without_text();
        }
    }

    /// Up to where this device followed what the user hid.
    pub(super) fn hidden(&self) -> u64 {
        self.lock().record.hidden.last().map_or(0, |hidden| hidden.position)
    }

    /// Messages of a conversation that were shown and are not hidden, the newest first.
    pub(super) fn in_sight(&self, conv: u64) -> Vec<u64> {
        let inner = self.lock();
        let held = inner.record.held.range((conv, 0)..(conv + 1, 0)).rev();
        held.filter(|(_, held)| !held.hidden).map(|((_, seq), _)| *seq).take(IN_SIGHT_MAX).collect()
    }

    /// The operator says something.
    pub(super) fn tell(&self, broadcast: &Broadcast) {
        let told = Told { id: broadcast.id, text: Digest::of(&broadcast.msg), at_ms: clock::now_ms() };
        self.lock().record.broadcasts.push(told);
    }

    /// The broadcast that was shown last.
    pub(crate) fn told(&self) -> u64 {
        self.lock().record.broadcasts.last().map_or(0, |told| told.id)
    }

    /// Conversation → position of the change that was shown last.
    pub(super) fn positions(&self) -> BTreeMap<u64, u64> {
        self.lock().positions.clone()
    }

    /// Somebody looks at everything of a conversation up to `seq`.
    pub(super) fn read(&self, conv: u64, seq: u64) {
        let record = &mut self.lock().record;
        record.reads_asked += 1;
        let read = record.reads.entry(conv).or_default();
        *read = (*read).max(seq);
    }

    /// Conversation → up to where somebody looked at it here.
    pub(super) fn reads(&self) -> BTreeMap<u64, u64> {
        self.lock().record.reads.clone()
    }

    pub(super) fn readings(&self, readings: BTreeMap<u64, Reading>) {
        self.lock().record.readings = readings;
    }

    pub(super) fn quiet(&self, quiet: QuietHeld) {
        self.lock().record.quiet = quiet;
    }

    pub(super) fn pushed(&self, pushed: Pushed) {
        self.lock().record.pushed.push(pushed);
    }

    pub(super) fn gap(&self, gap: Gap) {
        self.lock().record.gaps.push(gap);
    }

    pub(super) fn view(&self, friend: u64, state: State) {
        self.note(&format!("user {friend} is {state:?}"));
        self.lock().record.view.insert(friend, state);
    }

    /// For answers, which are not in order with pushes.
    pub(super) fn view_unless_known(&self, friend: u64, state: State) {
        self.lock().record.view.entry(friend).or_insert(state);
    }

    pub(super) fn keep_deeds(&self, sends: Vec<Send>, deeds: Deeds) {
        let record = &mut self.lock().record;
        let Deeds { changes, quiets, hides } = deeds;
        (record.sends, record.changes, record.quiets, record.hides) = (sends, changes, quiets, hides);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// A message as this device has it: what the user hid stays without its text, whatever is said of it.
    fn held(&self, message: &ChatMessage) -> Held {
        let held = Held::of(message);
        match self.hidden.contains(&(message.conv, message.seq)) {
            true => held.without_text(),
            false => held,
        }
    }
}
