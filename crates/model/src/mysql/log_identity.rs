//! Which log this is.

use domain::{Epoch, LogIdentity, StoreResult};

use super::MySqlStore;
use super::fault::Fault;

/// Conversations noted in one transaction.
const NOTED_AT_ONCE: u64 = 5_000;

impl LogIdentity for MySqlStore {
    fn epoch(&self) -> StoreResult<Epoch> {
        self.read("read the epoch", |connection| {
            let row: Option<(Vec<u8>,)> =
                connection.row("SELECT epoch FROM log_identity WHERE id = 1", ())?;
            let epoch = row.and_then(|(epoch,)| <[u8; 16]>::try_from(epoch).ok());
            epoch.map(Epoch).ok_or_else(|| Fault::failed("log_identity has no epoch of 16 bytes".to_owned()))
        })
    }

    /// In parts, each of which may be done again: a statement over all conversations would take longer than statements may. The
    /// epoch comes last.
    fn renew_epoch(&self, epoch: Epoch) -> StoreResult<()> {
        let mut after = 0;
        loop {
            let last: Option<u64> = self.read("renew the epoch", |connection| {
                connection.row("SELECT MAX(id) FROM (SELECT id FROM conversations WHERE id > ? ORDER BY id LIMIT ?) some", (after, NOTED_AT_ONCE))
                    .map(|row: Option<(Option<u64>,)>| row.and_then(|(last,)| last))
            })?;
            let Some(last) = last else { break };
            self.transact("renew the epoch", |tx| {
                tx.execute(
                    "UPDATE conversations SET restored_seq = \
                     IF((SELECT renewals FROM log_identity WHERE id = 1) = 0, last_seq, \
                     LEAST(restored_seq, last_seq)) WHERE id > ? AND id <= ?",
                    (after, last),
                )
            })?;
            after = last;
        }
        self.transact("renew the epoch", |tx| {
            tx.execute(
                "UPDATE log_identity SET epoch = ?, renewals = renewals + 1 WHERE id = 1",
                (&epoch.0[..],),
            )
        })?;
        Ok(())
    }
}
