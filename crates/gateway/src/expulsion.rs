//! The end of a node that may not go on.

use std::time::Duration;

use parking_lot::Mutex;
use reactor::Stopper;

/// How long clients have to go elsewhere.
const DRAIN: Duration = Duration::from_secs(2);

/// Whether this node must stop, because another process took its name or the other nodes run another version. It can
/// happen before the node serves.
#[derive(Default)]
pub(crate) struct Expulsion(Mutex<State>);

#[derive(Default)]
struct State {
    why: Option<String>,
    stopper: Option<Stopper>,
}

impl Expulsion {
    /// The node must stop; the first sentence counts. Any thread.
    pub(crate) fn happen(&self, why: String) {
        log::error!("this node must stop: {why}");
        let mut state = self.0.lock();
        state.why.get_or_insert(why);
        if let Some(stopper) = &state.stopper {
            stopper.stop(DRAIN);
        }
    }

    /// The node serves from now on: this is how to stop it.
    pub(crate) fn stop_by(&self, stopper: Stopper) {
        let mut state = self.0.lock();
        if state.why.is_some() {
            stopper.stop(DRAIN);
        }
        state.stopper = Some(stopper);
    }

    /// Why the node stopped, if it had to.
    pub(crate) fn why(&self) -> Option<String> {
        self.0.lock().why.clone()
    }
}
