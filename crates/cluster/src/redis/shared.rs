//! What all threads of one node share.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Weak};

use domain::{BusReceiver, Clock, PresenceWatcher, SharedReceiver, SharedWatcher, Timestamp, UserId};
use parking_lot::{Mutex, RwLock};

use super::config::Settings;
use super::metrics::{BusNumbers, PresenceNumbers};
use super::peers::{Peers, with_margin};

/// What all threads of one node share. No lock of it is held while a receiver or watcher is called.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) peers: Mutex<Peers>,
    pub(super) bus: BusNumbers,
    pub(super) presence: PresenceNumbers,
    /// The first epoch of this process; 0 before it registered. Nothing is published before.
    boot: AtomicU64,
    /// Weak: a receiver usually owns the bus.
    receiver: RwLock<Option<Weak<dyn BusReceiver>>>,
    watcher: RwLock<Watcher>,
}

#[derive(Default)]
struct Watcher {
    watcher: Option<Weak<dyn PresenceWatcher>>,
    /// Why this node may not go on. Kept for a watcher that comes later.
    expelled: Option<String>,
}

impl Shared {
    pub(super) fn new(settings: Settings, clock: Arc<dyn Clock>) -> Shared {
        Shared {
            settings,
            clock,
            peers: Mutex::default(),
            bus: BusNumbers::default(),
            presence: PresenceNumbers::default(),
            boot: AtomicU64::new(0),
            receiver: RwLock::new(None),
            watcher: RwLock::default(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The first epoch of this process, if it ever registered.
    pub(super) fn boot(&self) -> Option<u64> {
        Some(self.boot.load(SeqCst)).filter(|boot| *boot != 0)
    }

    pub(super) fn set_boot(&self, boot: u64) {
        self.boot.store(boot, SeqCst);
    }

    pub(super) fn receive_with(&self, receiver: &SharedReceiver) {
        *self.receiver.write() = Some(Arc::downgrade(receiver));
    }

    pub(super) fn receiver(&self) -> Option<SharedReceiver> {
        self.receiver.read().as_ref().and_then(Weak::upgrade)
    }

    /// Tells the receiver to read the log. What is told begins earlier than `since`, by the margin for clocks.
    pub(super) fn tell_missed(&self, since: Timestamp) {
        self.bus.missed.add(1);
        if let Some(receiver) = self.receiver() {
            receiver.missed(with_margin(since));
        }
    }

    pub(super) fn watch_with(&self, watcher: &SharedWatcher) {
        let mut kept = self.watcher.write();
        kept.watcher = Some(Arc::downgrade(watcher));
        let expelled = kept.expelled.clone();
        drop(kept);
        if let Some(why) = expelled {
            watcher.expelled(why);
        }
    }

    pub(super) fn tell_changed(&self, users: Vec<UserId>) {
        if let Some(watcher) = self.watcher()
            && !users.is_empty()
        {
            watcher.changed(users);
        }
    }

    pub(super) fn tell_review(&self) {
        self.presence.reviews.add(1);
        if let Some(watcher) = self.watcher() {
            watcher.review();
        }
    }

    /// Tells that this node may not go on. Once: the first reason stands.
    pub(super) fn tell_expelled(&self, why: String) {
        log::error!("node {}: {why}", self.settings.node);
        let mut kept = self.watcher.write();
        if kept.expelled.is_some() {
            return;
        }
        kept.expelled = Some(why.clone());
        let watcher = kept.watcher.as_ref().and_then(Weak::upgrade);
        drop(kept);
        if let Some(watcher) = watcher {
            watcher.expelled(why);
        }
    }

    /// Whether somebody would be told.
    pub(super) fn has_watcher(&self) -> bool {
        self.watcher().is_some()
    }

    fn watcher(&self) -> Option<SharedWatcher> {
        self.watcher.read().watcher.as_ref().and_then(Weak::upgrade)
    }
}
