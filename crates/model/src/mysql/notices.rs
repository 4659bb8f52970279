//! Personal notices.

use domain::{
    GroupId, NOTICES_KEPT_MAX, NamedNotice, NewPersonalNotice, NoticePlace, NoticeSeq, NoticeStore,
    PersonalNotice, PersonalNoticeKind, SessionId, StoreResult, Timestamp, UserId,
};

use super::MySqlStore;
use super::connection::Connection;
use super::fault::Fault;

/// Seq, time, kind, who, group, detail, and the two names.
type Row = (u64, u64, u8, u64, u64, u64, Option<String>, Option<String>);

impl NoticeStore for MySqlStore {
    fn notices(&self, user: UserId, after: NoticeSeq, limit: u32) -> StoreResult<Vec<NamedNotice>> {
        self.read("list notices", |connection| {
            let rows: Vec<Row> = connection.rows(
                "SELECT n.seq, n.at, n.kind, n.by_id, n.group_id, n.detail, u.name, g.name FROM notices n \
                 LEFT JOIN users u ON u.id = n.by_id LEFT JOIN chat_groups g ON g.id = n.group_id \
                 WHERE n.user_id = ? AND n.seq > ? ORDER BY n.seq LIMIT ?",
                (user.0, after.0, limit),
            )?;
            Ok(rows.into_iter().filter_map(|row| named(row, user)).collect())
        })
    }

    fn notice_place(&self, user: UserId, session: SessionId) -> StoreResult<NoticePlace> {
        self.read("find a place in the notices", |connection| {
            let row: Option<(u64, u64)> = connection.row(
                "SELECT COALESCE((SELECT last_seq FROM notice_heads WHERE user_id = ?), 0), \
                 COALESCE((SELECT notices_acked FROM sessions WHERE id = ? AND user_id = ?), 0)",
                (user.0, session.0, user.0),
            )?;
            let (last, acked) = row.unwrap_or_default();
            Ok(NoticePlace { last: NoticeSeq(last), acked: NoticeSeq(acked) })
        })
    }

    fn ack_notices(&self, user: UserId, session: SessionId, seq: NoticeSeq) -> StoreResult<()> {
        self.transact("acknowledge notices", |tx| {
            let sql = "SELECT last_seq FROM notice_heads WHERE user_id = ? FOR UPDATE";
            let Some(last) = tx.row::<u64>(sql, (user.0,))? else { return Ok(()) };
            let sql = "SELECT id FROM sessions WHERE id = ? AND user_id = ? FOR UPDATE";
            if tx.row::<u64>(sql, (session.0, user.0))?.is_none() {
                return Ok(());
            }
            let seq = seq.0.min(last);
            tx.execute(
                "UPDATE sessions SET notices_acked = GREATEST(notices_acked, ?) WHERE id = ?",
                (seq, session.0),
            )?;
            tx.execute(
                "UPDATE notice_heads SET acked = GREATEST(acked, ?) WHERE user_id = ?",
                (seq, user.0),
            )?;
            Ok(())
        })
    }

    fn expire_notices(&self, before: Timestamp, limit: u32) -> StoreResult<u32> {
        self.transact("expire notices", |tx| {
            let expired =
                tx.execute("DELETE FROM notices WHERE at < ? ORDER BY at LIMIT ?", (before.0, limit))?;
            // At most `limit`, which is a u32.
            Ok(u32::try_from(expired).unwrap_or(limit))
        })
    }
}

/// Adds a notice in the transaction of the change that it tells of, and removes what is too many. Locks the head of the
/// user's notices: who adds several does it by rising user.
pub(super) fn add_notice(tx: &mut Connection, new: NewPersonalNotice) -> Result<PersonalNotice, Fault> {
    tx.execute(
        "INSERT INTO notice_heads (user_id, last_seq, acked) VALUES (?, 1, 0) \
         ON DUPLICATE KEY UPDATE last_seq = last_seq + 1",
        (new.user.0,),
    )?;
    let seq: Option<u64> = tx.row("SELECT last_seq FROM notice_heads WHERE user_id = ?", (new.user.0,))?;
    let seq = seq.ok_or_else(|| Fault::failed("the head of the notices is gone"))?;
    tx.execute(
        "INSERT INTO notices (user_id, seq, at, kind, by_id, group_id, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (new.user.0, seq, new.at.0, new.kind.number(), new.by.0, new.group.unwrap_or_default().0, new.detail),
    )?;
    if let Some(oldest) = seq.checked_sub(NOTICES_KEPT_MAX) {
        tx.execute("DELETE FROM notices WHERE user_id = ? AND seq <= ?", (new.user.0, oldest))?;
    }
    Ok(new.stored(NoticeSeq(seq)))
}

/// The notice of a row; `None` if its kind is unknown here.
fn named((seq, at, kind, by, group, detail, by_name, group_name): Row, user: UserId) -> Option<NamedNotice> {
    let notice = PersonalNotice {
        user,
        seq: NoticeSeq(seq),
        kind: PersonalNoticeKind::from_number(kind)?,
        by: UserId(by),
        group: (group != 0).then_some(GroupId(group)),
        detail,
        at: Timestamp(at),
    };
    let (by_name, group_name) = (by_name.unwrap_or_default(), group_name.unwrap_or_default());
    Some(NamedNotice { notice, by_name, group_name })
}
