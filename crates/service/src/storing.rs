//! Whether the store takes changes.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use crate::service::Service;

/// What is believed of the store. Any thread doubts; the one that ticks finds out.
#[derive(Debug, Default)]
pub(crate) struct Storing(AtomicU8);

/// Nothing failed since the last look.
const TRUSTED: u8 = 0;
/// Something failed, which may be anything: the next tick looks.
const DOUBTED: u8 = 1;
/// A change was tried, and not taken.
const REFUSING: u8 = 2;

impl Storing {
    /// The store did not do its part.
    pub(crate) fn doubt(&self) {
        let _ = self.0.compare_exchange(TRUSTED, DOUBTED, Relaxed, Relaxed);
    }

    /// Whether changes are taken, as far as is known.
    pub(crate) fn is_going_on(&self) -> bool {
        self.0.load(Relaxed) != REFUSING
    }
}

/// Tries a change if there was trouble since the last time: at each tick while the store takes none, so that its return is
/// noticed although nobody is sent here meanwhile.
pub(crate) fn look(service: &Service) {
    let state = &service.storing.0;
    if state.load(Relaxed) == TRUSTED {
        return;
    }
    match service.ports.store.probe_change() {
        Ok(()) => {
            if state.swap(TRUSTED, Relaxed) == REFUSING {
                log::info!("the store takes changes again");
            }
        }
        Err(error) => {
            if state.swap(REFUSING, Relaxed) != REFUSING {
                log::warn!("the store takes no changes: {error}");
            }
        }
    }
}
