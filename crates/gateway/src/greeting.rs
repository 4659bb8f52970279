//! What is pushed to a connection before it has the answer to its sign-in, or to its REFRESH.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use reactor::ConnId;

use crate::post::Post;

/// Pushes that wait for the answer. Beyond it, the connection is better off beginning anew.
const EARLY_MAX: usize = 1_024;

/// A connection hears of changes as soon as it is attached, so that none falls between the reading of its bundle and the
/// answer that carries it. Whatever it hears by then tells of something newer than the bundle, and so must follow it: it
/// waits here.
#[derive(Default)]
pub(crate) struct Greeting {
    said: AtomicBool,
    early: Mutex<Vec<Bytes>>,
}

/// What to do with a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Early {
    /// Send it.
    Not,
    /// It waits for the answer.
    Kept,
    /// Too many wait: close the connection.
    TooMany,
}

impl Greeting {
    /// The connection is about to be attached, or a bundle to be read anew: from now on pushes wait. Any thread, before the seat
    /// is taken; then the worker that runs the lane.
    pub(crate) fn await_answer(&self) {
        let mut early = self.early.lock();
        early.clear();
        self.said.store(false, Ordering::Release);
    }

    /// Keeps a push for later, if it is too early for it. Any thread.
    pub(crate) fn keep(&self, frame: &Bytes) -> Early {
        if self.said.load(Ordering::Acquire) {
            return Early::Not;
        }
        let mut early = self.early.lock();
        if self.said.load(Ordering::Acquire) {
            return Early::Not;
        }
        if early.len() >= EARLY_MAX {
            return Early::TooMany;
        }
        early.push(frame.clone());
        Early::Kept
    }

    /// The answer is in `post`, or was posted: hands it over, and behind it whatever waited. The worker that runs the lane
    /// only.
    pub(crate) fn answered(&self, conn: ConnId, post: &mut Post) {
        let mut early = self.early.lock();
        for frame in std::mem::take(&mut *early) {
            post.send(conn, frame);
        }
        // Within the lock: whoever finds it said sends after this.
        post.flush();
        self.said.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_early_is_kept_up_to_a_limit_and_forgotten_when_it_begins_anew() {
        let greeting = Greeting::default();
        let frame = Bytes::from_static(b"push");
        for _ in 0..EARLY_MAX {
            assert_eq!(greeting.keep(&frame), Early::Kept);
        }
        assert_eq!(greeting.keep(&frame), Early::TooMany);
        greeting.await_answer();
        assert_eq!(greeting.keep(&frame), Early::Kept);
        assert_eq!(greeting.early.lock().len(), 1);
    }
}
