//! What wakes a thread that sleeps until its next duty.

use std::time::Instant;

use parking_lot::{Condvar, Mutex};

/// Any thread rings, one thread waits. A ring before the wait is not lost.
#[derive(Default)]
pub(super) struct Alarm {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default)]
struct State {
    rung: bool,
    end: Option<Ending>,
}

/// How a node's threads end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With a goodbye.
    Leave,
    /// Without a word, as if the process had died.
    Vanish,
}

impl Alarm {
    /// There is something to do.
    pub(super) fn ring(&self) {
        self.state.lock().rung = true;
        self.bell.notify_one();
    }

    /// It is time to end.
    pub(super) fn end(&self, ending: Ending) {
        self.state.lock().end = Some(ending);
        self.bell.notify_one();
    }

    /// Waits until `deadline`, a ring or the end.
    pub(super) fn wait(&self, deadline: Instant) -> Option<Ending> {
        let mut state = self.state.lock();
        while !state.rung && state.end.is_none() {
            if self.bell.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        state.rung = false;
        state.end
    }
}
