//! When arrivals may be printed.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a shut gate waits for what is just being printed. That takes microseconds, or it waits for the next line
/// inside the editor, where it does no harm.
const SETTLE: Duration = Duration::from_millis(20);

/// Open while a line is being typed, and shut between two lines: what arrives then waits for the next prompt, so that it
/// neither falls into a command's output nor overtakes what the editor has not printed yet. The main thread opens and
/// shuts it; the printer's thread passes through.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// The printer has passed and not come back.
    printing: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Between two lines.
    #[default]
    Shut,
    /// A line is about to be read; it opens when the editor has drawn it.
    Armed,
    /// A line is being typed.
    Open,
}

impl Gate {
    /// A line is about to be read.
    pub(crate) fn arm(&self) {
        self.lock().phase = Phase::Armed;
    }

    /// The line was drawn. Once it is accepted this does nothing until the next one.
    pub(crate) fn drawn(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Armed {
            state.phase = Phase::Open;
            self.changed.notify_all();
        }
    }

    /// Nothing is typed any more: everything may be printed.
    pub(crate) fn open(&self) {
        self.lock().phase = Phase::Open;
        self.changed.notify_all();
    }

    /// The line is accepted. Called while the editor still owns the terminal: what has passed goes through the editor,
    /// and nothing is printed behind its back until the next line is drawn.
    pub(crate) fn shut(&self) {
        let mut state = self.lock();
        state.phase = Phase::Shut;
        let settled = self.changed.wait_timeout_while(state, SETTLE, |state| state.printing);
        drop(settled.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until it is open, and prints.
    pub(crate) fn pass(&self, print: impl FnOnce()) {
        let state = self.lock();
        let mut state = self
            .changed
            .wait_while(state, |state| state.phase != Phase::Open)
            .unwrap_or_else(PoisonError::into_inner);
        state.printing = true;
        drop(state);
        print();
        self.lock().printing = false;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
