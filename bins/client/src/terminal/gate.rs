//! When arrivals may be printed.

use std::sync::{Condvar, Mutex, PoisonError};

/// Open while a line is being typed, and shut between two lines: what arrives then waits for the next prompt, so that it
/// neither falls into a command's output nor overtakes what the editor has not printed yet. The main thread opens and
/// shuts it; the printer's thread passes through.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    pub(crate) fn open(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.opened.notify_all();
    }

    pub(crate) fn close(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// Waits until it is open.
    pub(crate) fn pass(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.opened.wait_while(open, |open| !*open).unwrap_or_else(PoisonError::into_inner));
    }
}
