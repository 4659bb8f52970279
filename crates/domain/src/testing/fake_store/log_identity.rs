//! Which log the fake is.

use super::FakeStore;
use crate::{Epoch, LogIdentity, StoreResult};

/// The log's epoch, and how often it was given another one.
#[derive(Default)]
pub(super) struct Identity {
    epoch: Epoch,
    renewals: u64,
}

impl LogIdentity for FakeStore {
    fn epoch(&self) -> StoreResult<Epoch> {
        self.run("read the epoch", |state| state.identity.epoch)
    }

    fn renew_epoch(&self, epoch: Epoch) -> StoreResult<()> {
        self.run("renew the epoch", |state| {
            for log in state.conversations.values_mut() {
                let end = log.last();
                log.restored = if state.identity.renewals == 0 { end } else { end.min(log.restored) };
            }
            state.identity = Identity { epoch, renewals: state.identity.renewals + 1 };
        })
    }
}
