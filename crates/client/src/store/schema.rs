//! Versions of the tables.

use rusqlite::{Connection, TransactionBehavior};

/// One step from each version to the next; the first makes everything.
const STEPS: [&str; 2] = [include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// The version that this program writes.
pub(super) const NEWEST: i64 = STEPS.len() as i64;

/// The version of a file.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Takes the steps that are missing, each whole or not at all.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let done = usize::try_from(version(connection)?).unwrap_or(0);
    for (from, step) in STEPS.iter().enumerate().skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", from as i64 + 1)?;
        transaction.commit()?;
        log::info!("the store is of version {} now", from + 1);
    }
    Ok(())
}
