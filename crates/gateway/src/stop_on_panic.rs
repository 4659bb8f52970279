//! What happens when a thread panics.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use reactor::Stopper;

use crate::shared::Shared;

/// A node that lost a thread would serve some and starve others: it stops, and whoever watches it starts it again. What
/// was answered is stored.
#[derive(Clone)]
pub(crate) struct StopOnPanic {
    shared: Arc<Shared>,
    stopper: Stopper,
}

impl StopOnPanic {
    pub(crate) fn new(shared: Arc<Shared>, stopper: Stopper) -> StopOnPanic {
        StopOnPanic { shared, stopper }
    }
}

impl Drop for StopOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            log::error!("this thread panicked, which is a bug; the node stops");
            let name = thread::current().name().unwrap_or_default().to_owned();
            // The first one counts.
            let _ = self.shared.dead_thread.set(name);
            self.stopper.stop(Duration::ZERO);
        }
    }
}
