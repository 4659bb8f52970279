//! Whether the database takes changes.

use domain::{ChangeProbe, StoreResult};

use super::MySqlStore;

impl ChangeProbe for MySqlStore {
    /// A read-only database refuses the statement, whatever it would have changed.
    fn probe_change(&self) -> StoreResult<()> {
        self.transact("probe a change", |tx| {
            tx.execute("UPDATE log_identity SET renewals = renewals WHERE id = 1", ())
        })?;
        Ok(())
    }
}
