//! What users keep quiet.

use domain::{
    ConversationId, Quiet, QuietHours, QuietList, QuietMentions, QuietSet, QuietStore, StoreResult,
    Timestamp, UserId,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::number::{number, sql};

const COLUMNS: &str = "conversation_id, until_time, from_minute, to_minute, zone, mentions";

impl QuietStore for SqliteStore {
    fn quiet(&self, user: UserId) -> StoreResult<QuietList> {
        self.read("list what is quiet", |connection| {
            // One statement sees one state. A user without any has one row without a conversation.
            let mut statement = connection.prepare_cached(&format!(
                "SELECT u.quiet_version, {COLUMNS} FROM users u LEFT JOIN quiet q ON q.user_id = u.id
                 WHERE u.id = ?1 ORDER BY q.conversation_id"
            ))?;
            let mut rows = statement.query([sql(user.0)])?;
            let mut list = QuietList::default();
            while let Some(row) = rows.next()? {
                list.version = number(row, 0)?;
                if row.get::<_, Option<i64>>(1)?.is_some() {
                    list.entries.push(quiet(row, 1)?);
                }
            }
            Ok(list)
        })
    }

    fn set_quiet(&self, user: UserId, wanted: &Quiet, max: u32) -> StoreResult<QuietSet> {
        self.write("set what is quiet", |connection| {
            let version = connection
                .prepare_cached("SELECT quiet_version FROM users WHERE id = ?1")?
                .query_row([sql(user.0)], |row| number(row, 0))
                .optional()?;
            let Some(version) = version else { return Ok(QuietSet::Unchanged(0)) };
            let before = find(connection, user, wanted.conversation)?;
            let after = Some(wanted).filter(|wanted| !wanted.is_nothing());
            if before.as_ref() == after {
                return Ok(QuietSet::Unchanged(version));
            }
            match after {
                Some(wanted) => {
                    if before.is_none() && count(connection, user)? >= u64::from(max) {
                        return Ok(QuietSet::Full);
                    }
                    put(connection, user, wanted)?;
                }
                None => {
                    connection
                        .prepare_cached("DELETE FROM quiet WHERE user_id = ?1 AND conversation_id = ?2")?
                        .execute([sql(user.0), sql(wanted.conversation.0)])?;
                }
            }
            connection
                .prepare_cached("UPDATE users SET quiet_version = quiet_version + 1 WHERE id = ?1")?
                .execute([sql(user.0)])?;
            Ok(QuietSet::Changed(version + 1))
        })
    }
}

fn find(
    connection: &Connection,
    user: UserId,
    conversation: ConversationId,
) -> rusqlite::Result<Option<Quiet>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM quiet WHERE user_id = ?1 AND conversation_id = ?2"))?
        .query_row([sql(user.0), sql(conversation.0)], |row| quiet(row, 0))
        .optional()
}

fn count(connection: &Connection, user: UserId) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT count(*) FROM quiet WHERE user_id = ?1")?
        .query_row([sql(user.0)], |row| number(row, 0))
}

fn put(connection: &Connection, user: UserId, wanted: &Quiet) -> rusqlite::Result<()> {
    let (from, to, zone) = match &wanted.hours {
        Some(hours) => (hours.from, hours.to, hours.zone.as_str()),
        None => (0, 0, ""),
    };
    connection
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO quiet (user_id, {COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        ))?
        .execute(params![
            sql(user.0),
            sql(wanted.conversation.0),
            sql(wanted.until.0),
            from,
            to,
            zone,
            wanted.mentions == QuietMentions::BreakThrough,
        ])?;
    Ok(())
}

/// What stands in a row from this column on.
fn quiet(row: &Row<'_>, first: usize) -> rusqlite::Result<Quiet> {
    let zone: String = row.get(first + 4)?;
    let hours = match zone.is_empty() {
        true => None,
        false => Some(QuietHours { from: row.get(first + 2)?, to: row.get(first + 3)?, zone }),
    };
    Ok(Quiet {
        conversation: ConversationId(number(row, first)?),
        until: Timestamp(number(row, first + 1)?),
        hours,
        mentions: match row.get(first + 5)? {
            true => QuietMentions::BreakThrough,
            false => QuietMentions::AreQuiet,
        },
    })
}
