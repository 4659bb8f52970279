//! Whether the file takes changes.

use domain::{ChangeProbe, StoreResult};

use super::SqliteStore;

impl ChangeProbe for SqliteStore {
    /// SQLite writes the row's page, and waits for the disk, although it holds the same as before.
    fn probe_change(&self) -> StoreResult<()> {
        self.write("probe a change", |connection| {
            connection.execute("UPDATE log_identity SET renewals = renewals WHERE id = 1", [])?;
            Ok(())
        })
    }
}
