//! Tells friends what the presence port found out by itself.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use service::domain::UserId;

use crate::shared::Shared;

/// Users who wait to be told of. Beyond it their friends here go on believing what they were told, until the next change
/// or login.
const USERS_MAX: usize = 200_000;

/// Users told of at once; then a review has its turn.
const USERS_AT_ONCE: usize = 100;

/// What is to be told. Presence adds, the watch takes.
pub(crate) struct PresenceWork {
    inner: Mutex<Inner>,
    work: Condvar,
}

#[derive(Default)]
struct Inner {
    changed: HashSet<UserId>,
    review: bool,
    stopped: bool,
}

enum Task {
    Tell(Vec<UserId>),
    Review,
}

impl PresenceWork {
    pub(crate) fn new() -> PresenceWork {
        PresenceWork { inner: Mutex::default(), work: Condvar::new() }
    }

    /// These users may have come or gone. Any thread; never waits.
    pub(crate) fn changed(&self, users: Vec<UserId>) {
        let mut inner = self.inner.lock();
        for user in users {
            if inner.changed.len() >= USERS_MAX {
                log::warn!("too many users came or went at once: friends of some are not told");
                break;
            }
            inner.changed.insert(user);
        }
        self.work.notify_one();
    }

    /// Whatever was told may be wrong. Any thread; never waits.
    pub(crate) fn review(&self) {
        self.inner.lock().review = true;
        self.work.notify_one();
    }

    /// Users who wait to be told of.
    pub(crate) fn len(&self) -> usize {
        self.inner.lock().changed.len()
    }

    /// Lets the watch go, whatever waits.
    pub(crate) fn stop(&self) {
        self.inner.lock().stopped = true;
        self.work.notify_all();
    }

    fn take(&self) -> Option<Task> {
        let mut inner = self.inner.lock();
        loop {
            if inner.stopped {
                return None;
            }
            if std::mem::take(&mut inner.review) {
                return Some(Task::Review);
            }
            if !inner.changed.is_empty() {
                let some: Vec<UserId> = inner.changed.iter().copied().take(USERS_AT_ONCE).collect();
                some.iter().for_each(|user| {
                    inner.changed.remove(user);
                });
                return Some(Task::Tell(some));
            }
            self.work.wait(&mut inner);
        }
    }
}

/// The watch's thread: telling many friends takes many reads, and nothing else may wait for that.
pub(crate) fn run(shared: &Arc<Shared>) {
    while let Some(task) = shared.hub.presence().take() {
        match task {
            Task::Tell(users) => shared.service.presence_changed(&users),
            Task::Review => shared.service.review_presence(),
        }
    }
}
