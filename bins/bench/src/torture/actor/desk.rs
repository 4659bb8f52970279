//! Where an actor lays down what it saw, and the director looks.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};

use protocol::{Friend, State};

use crate::torture::{
    clock,
    evidence::{Gap, NOTES_MAX, Pushed, Record, Send, Shown},
};

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
    signed_in: bool,
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
        let inner = Inner { record, have: BTreeMap::new(), signed_in: false, open_sends: 0, gone: false };
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
        Glance { signed_in: inner.signed_in, open_sends: inner.open_sends, gone: inner.gone }
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
        inner.signed_in &= has_session;
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

    pub(super) fn show(&self, shown: Shown) {
        let mut inner = self.lock();
        inner.have.insert(shown.conv, shown.seq);
        inner.record.shown.push(shown);
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

    pub(super) fn keep_sends(&self, sends: Vec<Send>) {
        self.lock().record.sends = sends;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
