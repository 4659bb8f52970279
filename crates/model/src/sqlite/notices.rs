//! Personal notices.

use domain::{
    GroupId, NOTICES_KEPT_MAX, NamedNotice, NewPersonalNotice, NoticePlace, NoticeSeq, NoticeStore,
    PersonalNotice, PersonalNoticeKind, SessionId, StoreResult, Timestamp, UserId,
};
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::number::{number, sql};

impl NoticeStore for SqliteStore {
    fn notices(&self, user: UserId, after: NoticeSeq, limit: u32) -> StoreResult<Vec<NamedNotice>> {
        self.read("list notices", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT n.seq, n.at, n.kind, n.by_id, n.group_id, n.detail, u.name, g.name
                 FROM notices n LEFT JOIN users u ON u.id = n.by_id LEFT JOIN chat_groups g ON g.id = n.group_id
                 WHERE n.user_id = ?1 AND n.seq > ?2 ORDER BY n.seq LIMIT ?3",
            )?;
            let rows = statement
                .query_map(params![sql(user.0), sql(after.0), limit], |row| named(row, user))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(rows.into_iter().flatten().collect())
        })
    }

    fn notice_place(&self, user: UserId, session: SessionId) -> StoreResult<NoticePlace> {
        self.read("find a place in the notices", |connection| {
            connection
                .prepare_cached(
                    "SELECT coalesce((SELECT last_seq FROM notice_heads WHERE user_id = ?1), 0),
                            coalesce((SELECT notices_acked FROM sessions WHERE id = ?2 AND user_id = ?1), 0)",
                )?
                .query_row([sql(user.0), sql(session.0)], |row| {
                    Ok(NoticePlace { last: NoticeSeq(number(row, 0)?), acked: NoticeSeq(number(row, 1)?) })
                })
        })
    }

    fn ack_notices(&self, user: UserId, session: SessionId, seq: NoticeSeq) -> StoreResult<()> {
        self.write("acknowledge notices", |connection| {
            let moved = connection
                .prepare_cached(
                    "UPDATE sessions SET notices_acked = max(notices_acked, min(?3, last_seq))
                     FROM notice_heads h WHERE h.user_id = ?1 AND sessions.id = ?2 AND sessions.user_id = ?1",
                )?
                .execute(params![sql(user.0), sql(session.0), sql(seq.0)])?;
            if moved > 0 {
                connection
                    .prepare_cached(
                        "UPDATE notice_heads SET acked = max(acked, min(?2, last_seq)) WHERE user_id = ?1",
                    )?
                    .execute([sql(user.0), sql(seq.0)])?;
            }
            Ok(())
        })
    }

    fn expire_notices(&self, before: Timestamp, limit: u32) -> StoreResult<u32> {
        self.write("expire notices", |connection| {
            let expired = connection
                .prepare_cached(
                    "DELETE FROM notices WHERE (user_id, seq) IN
                     (SELECT user_id, seq FROM notices WHERE at < ?1 LIMIT ?2)",
                )?
                .execute(params![sql(before.0), limit])?;
            Ok(expired as u32)
        })
    }
}

/// Adds a notice in the transaction of the change that it tells of, and removes what is too many.
pub(super) fn add_notice(
    connection: &Connection,
    new: NewPersonalNotice,
) -> rusqlite::Result<PersonalNotice> {
    let seq = connection
        .prepare_cached(
            "INSERT INTO notice_heads (user_id, last_seq, acked) VALUES (?1, 1, 0)
             ON CONFLICT (user_id) DO UPDATE SET last_seq = last_seq + 1 RETURNING last_seq",
        )?
        .query_row([sql(new.user.0)], |row| Ok(NoticeSeq(number(row, 0)?)))?;
    connection
        .prepare_cached(
            "INSERT INTO notices (user_id, seq, at, kind, by_id, group_id, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            sql(new.user.0),
            sql(seq.0),
            sql(new.at.0),
            new.kind.number(),
            sql(new.by.0),
            sql(new.group.unwrap_or_default().0),
            sql(new.detail),
        ])?;
    if let Some(oldest) = seq.0.checked_sub(NOTICES_KEPT_MAX) {
        connection
            .prepare_cached("DELETE FROM notices WHERE user_id = ?1 AND seq <= ?2")?
            .execute([sql(new.user.0), sql(oldest)])?;
    }
    Ok(new.stored(seq))
}

/// The notice of a row; `None` if its kind is unknown here.
fn named(row: &Row<'_>, user: UserId) -> rusqlite::Result<Option<NamedNotice>> {
    let Some(kind) = PersonalNoticeKind::from_number(row.get(2)?) else { return Ok(None) };
    let group = GroupId(number(row, 4)?);
    let notice = PersonalNotice {
        user,
        seq: NoticeSeq(number(row, 0)?),
        kind,
        by: UserId(number(row, 3)?),
        group: (group != GroupId(0)).then_some(group),
        detail: number(row, 5)?,
        at: Timestamp(number(row, 1)?),
    };
    let name = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(column)?.unwrap_or_default());
    Ok(Some(NamedNotice { notice, by_name: name(6)?, group_name: name(7)? }))
}
