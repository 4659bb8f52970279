//! Which log this is.

use domain::{Epoch, LogIdentity, StoreResult};

use super::SqliteStore;

impl LogIdentity for SqliteStore {
    fn epoch(&self) -> StoreResult<Epoch> {
        self.read("read the epoch", |connection| {
            connection
                .query_row("SELECT epoch FROM log_identity WHERE id = 1", [], |row| Ok(Epoch(row.get(0)?)))
        })
    }

    fn renew_epoch(&self, epoch: Epoch) -> StoreResult<()> {
        self.write("renew the epoch", |connection| {
            connection.execute(
                "UPDATE conversations SET restored_seq =
                     CASE (SELECT renewals FROM log_identity WHERE id = 1)
                     WHEN 0 THEN last_seq ELSE min(restored_seq, last_seq) END",
                [],
            )?;
            connection.execute(
                "UPDATE log_identity SET epoch = ?1, renewals = renewals + 1 WHERE id = 1",
                [epoch.0],
            )?;
            Ok(())
        })
    }
}
