//! Sessions.

use domain::{
    BroadcastId, BroadcastPlace, FoundSession, GroupsVersion, HiddenPosition, NewSession, NoticePlace,
    NoticeSeq, Session, SessionId, SessionStore, Standing, StoreResult, Timestamp, TokenHash, UserId,
    WAITING_COUNTED_MAX, WaitingCounts,
};
use rusqlite::{OptionalExtension, Row, params};

use super::SqliteStore;
use super::group_requests::MEMBER;
use super::number::{count, number, sql};
use super::secrets::has_password;
use super::users::user;

impl SessionStore for SqliteStore {
    fn create_session(
        &self,
        session: &NewSession<'_>,
        keep: u32,
    ) -> StoreResult<Option<(SessionId, Vec<SessionId>)>> {
        self.write("create a session", |connection| {
            if !has_password(connection, session.user, session.password_hash)? {
                return Ok(None);
            }
            connection
                .prepare_cached(
                    "INSERT INTO sessions (user_id, token_hash, device, since, seen, notices_acked, broadcasts_acked)
                     VALUES (?1, ?2, ?3, ?4, ?4, coalesce(
                         (SELECT CASE WHEN ?5 IS NULL THEN acked ELSE min(last_seq, ?5) END
                          FROM notice_heads WHERE user_id = ?1), 0),
                         (SELECT CASE WHEN ?6 IS NULL THEN u.broadcasts_acked ELSE min(last_id, ?6) END
                          FROM users u, broadcast_head b WHERE u.id = ?1 AND b.id = 1))",
                )?
                .execute(params![
                    sql(session.user.0),
                    session.token.0,
                    session.device,
                    sql(session.at.0),
                    session.notices.map(|held| sql(held.0)),
                    session.broadcasts.map(|held| sql(held.0)),
                ])?;
            let id = connection.last_insert_rowid();
            // The new one stays, even if the clock went back since the others were seen.
            let kept = i64::from(keep.saturating_sub(1));
            let ended: Vec<SessionId> = connection
                .prepare_cached(
                    "SELECT id FROM sessions WHERE user_id = ?1 AND id <> ?2
                     ORDER BY seen DESC, id DESC LIMIT -1 OFFSET ?3",
                )?
                .query_map(params![sql(session.user.0), id, kept], |row| Ok(SessionId(number(row, 0)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let mut end = connection.prepare_cached("DELETE FROM sessions WHERE id = ?1")?;
            for id in &ended {
                end.execute([sql(id.0)])?;
            }
            let mut ended = ended;
            ended.sort_unstable();
            Ok(Some((SessionId(id as u64), ended)))
        })
    }

    fn standing(&self, user: UserId, session: SessionId) -> StoreResult<Standing> {
        self.read("read a standing", |connection| {
            let standing = connection
                .prepare_cached(
                    "SELECT u.friends_version, u.groups_version,
                        (SELECT coalesce(sum(g.version), 0)
                         FROM group_members m JOIN chat_groups g ON g.id = m.group_id WHERE m.user_id = ?1),
                        coalesce((SELECT last_seq FROM notice_heads WHERE user_id = ?1), 0),
                        coalesce((SELECT notices_acked FROM sessions WHERE id = ?2 AND user_id = ?1), 0),
                        (SELECT count(*) FROM (
                             SELECT 1 FROM group_members m
                             JOIN group_applications a ON a.group_id = m.group_id
                             WHERE m.user_id = ?1 AND m.role < ?3 LIMIT ?4)),
                        (SELECT count(*) FROM (
                             SELECT 1 FROM group_invitations WHERE user_id = ?1 LIMIT ?4)),
                        u.quiet_version,
                        (SELECT last_id FROM broadcast_head WHERE id = 1),
                        coalesce((SELECT broadcasts_acked FROM sessions WHERE id = ?2 AND user_id = ?1), 0),
                        u.hidden_last
                     FROM users u WHERE u.id = ?1",
                )?
                .query_row(params![sql(user.0), sql(session.0), MEMBER, WAITING_COUNTED_MAX], |row| {
                    Ok(Standing {
                        friends: number(row, 0)?,
                        groups: GroupsVersion { memberships: number(row, 1)?, groups: number(row, 2)? },
                        notices: NoticePlace {
                            last: NoticeSeq(number(row, 3)?),
                            acked: NoticeSeq(number(row, 4)?),
                        },
                        waiting: WaitingCounts { applications: count(row, 5)?, invitations: count(row, 6)? },
                        quiet: number(row, 7)?,
                        broadcasts: BroadcastPlace {
                            last: BroadcastId(number(row, 8)?),
                            acked: BroadcastId(number(row, 9)?),
                        },
                        hidden: HiddenPosition(number(row, 10)?),
                    })
                })
                .optional()?;
            Ok(standing.unwrap_or_default())
        })
    }

    fn session_by_token(&self, token: TokenHash) -> StoreResult<Option<FoundSession>> {
        self.read("find a session", |connection| {
            connection
                .prepare_cached(
                    "SELECT s.id, s.device, s.since, s.seen, u.id, u.name, u.nickname, u.avatar
                     FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = ?1",
                )?
                .query_row([token.0], |row| Ok(FoundSession { session: shown(row)?, user: user(row, 4)? }))
                .optional()
        })
    }

    fn touch_sessions(&self, seen: &[(SessionId, Timestamp)]) -> StoreResult<()> {
        if seen.is_empty() {
            return Ok(());
        }
        self.write("touch sessions", |connection| {
            let mut touch =
                connection.prepare_cached("UPDATE sessions SET seen = ?2 WHERE id = ?1 AND seen < ?2")?;
            for (id, at) in seen {
                touch.execute([sql(id.0), sql(at.0)])?;
            }
            Ok(())
        })
    }

    fn sessions(&self, user: UserId) -> StoreResult<Vec<Session>> {
        self.read("list sessions", |connection| {
            connection
                .prepare_cached(
                    "SELECT id, device, since, seen FROM sessions WHERE user_id = ?1 ORDER BY id",
                )?
                .query_map([sql(user.0)], shown)?
                .collect()
        })
    }

    fn end_session(&self, user: UserId, session: SessionId) -> StoreResult<bool> {
        self.write("end a session", |connection| {
            let ended = connection
                .prepare_cached("DELETE FROM sessions WHERE id = ?1 AND user_id = ?2")?
                .execute([sql(session.0), sql(user.0)])?;
            Ok(ended > 0)
        })
    }

    fn living_sessions(&self, sessions: &[SessionId]) -> StoreResult<Vec<SessionId>> {
        let mut ids = sessions.to_vec();
        ids.sort_unstable();
        ids.dedup();
        self.read("find living sessions", |connection| {
            let mut statement = connection.prepare_cached("SELECT 1 FROM sessions WHERE id = ?1")?;
            let mut living = Vec::with_capacity(ids.len());
            for id in ids {
                if statement.exists([sql(id.0)])? {
                    living.push(id);
                }
            }
            Ok(living)
        })
    }

    fn expire_sessions(&self, before: Timestamp, limit: u32) -> StoreResult<u32> {
        self.write("expire sessions", |connection| {
            let ended = connection
                .prepare_cached(
                    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE seen < ?1 LIMIT ?2)",
                )?
                .execute(params![sql(before.0), limit])?;
            Ok(ended as u32)
        })
    }
}

/// The session in the first four columns.
fn shown(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: SessionId(number(row, 0)?),
        device: row.get(1)?,
        since: Timestamp(number(row, 2)?),
        seen: Timestamp(number(row, 3)?),
    })
}
