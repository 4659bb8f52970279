//! What users keep quiet.

use domain::{
    ConversationId, Quiet, QuietHours, QuietList, QuietMentions, QuietSet, QuietStore, StoreResult,
    Timestamp, UserId,
};

use super::MySqlStore;
use super::connection::Connection;
use super::fault::Fault;

const COLUMNS: &str = "conversation_id, until_time, from_minute, to_minute, zone, mentions";

/// What stands in these columns.
type Row = (u64, u64, u16, u16, String, u8);

impl QuietStore for MySqlStore {
    fn quiet(&self, user: UserId) -> StoreResult<QuietList> {
        self.read("list what is quiet", |connection| {
            // One statement sees one state. A user without any has one row without a conversation.
            type Joined =
                (u64, Option<u64>, Option<u64>, Option<u16>, Option<u16>, Option<String>, Option<u8>);
            let sql = format!(
                "SELECT u.quiet_version, {COLUMNS} FROM users u LEFT JOIN quiet q ON q.user_id = u.id \
                 WHERE u.id = ? ORDER BY q.conversation_id"
            );
            let rows: Vec<Joined> = connection.rows(&sql, (user.0,))?;
            let version = rows.first().map_or(0, |row| row.0);
            let entry = |(_, id, until, from, to, zone, mentions): Joined| {
                Some(quiet((id?, until?, from?, to?, zone?, mentions?)))
            };
            Ok(QuietList { version, entries: rows.into_iter().filter_map(entry).collect() })
        })
    }

    fn set_quiet(&self, user: UserId, wanted: &Quiet, max: u32) -> StoreResult<QuietSet> {
        self.transact("set what is quiet", |tx| {
            // The user's row gives the changes one order: whoever holds it reads what is committed.
            let sql = "SELECT quiet_version FROM users WHERE id = ? FOR UPDATE";
            let Some(version) = tx.row::<u64>(sql, (user.0,))? else { return Ok(QuietSet::Unchanged(0)) };
            let before = find(tx, user, wanted.conversation)?;
            let after = Some(wanted).filter(|wanted| !wanted.is_nothing());
            if before.as_ref() == after {
                return Ok(QuietSet::Unchanged(version));
            }
            match after {
                Some(wanted) => {
                    if before.is_none() && count(tx, user)? >= u64::from(max) {
                        return Ok(QuietSet::Full);
                    }
                    put(tx, user, wanted)?;
                }
                None => {
                    tx.execute(
                        "DELETE FROM quiet WHERE user_id = ? AND conversation_id = ?",
                        (user.0, wanted.conversation.0),
                    )?;
                }
            }
            tx.execute("UPDATE users SET quiet_version = quiet_version + 1 WHERE id = ?", (user.0,))?;
            Ok(QuietSet::Changed(version + 1))
        })
    }
}

fn find(tx: &mut Connection, user: UserId, conversation: ConversationId) -> Result<Option<Quiet>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM quiet WHERE user_id = ? AND conversation_id = ? FOR UPDATE");
    Ok(tx.row::<Row>(&sql, (user.0, conversation.0))?.map(quiet))
}

/// With a lock, since a plain read would see the state of the transaction's beginning.
fn count(tx: &mut Connection, user: UserId) -> Result<u64, Fault> {
    let rows: Vec<u64> =
        tx.rows("SELECT conversation_id FROM quiet WHERE user_id = ? FOR UPDATE", (user.0,))?;
    Ok(rows.len() as u64)
}

fn put(tx: &mut Connection, user: UserId, wanted: &Quiet) -> Result<(), Fault> {
    let (from, to, zone) = match &wanted.hours {
        Some(hours) => (hours.from, hours.to, hours.zone.as_str()),
        None => (0, 0, ""),
    };
    let sql = format!("REPLACE INTO quiet (user_id, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)");
    let mentions = u8::from(wanted.mentions == QuietMentions::BreakThrough);
    tx.execute(&sql, (user.0, wanted.conversation.0, wanted.until.0, from, to, zone, mentions))?;
    Ok(())
}

fn quiet((conversation, until, from, to, zone, mentions): Row) -> Quiet {
    Quiet {
        conversation: ConversationId(conversation),
        until: Timestamp(until),
        hours: (!zone.is_empty()).then_some(QuietHours { from, to, zone }),
        mentions: if mentions == 0 { QuietMentions::AreQuiet } else { QuietMentions::BreakThrough },
    }
}
