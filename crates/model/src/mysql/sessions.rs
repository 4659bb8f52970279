//! Sessions.

use ::mysql::Value;
use domain::{
    BroadcastId, BroadcastPlace, FoundSession, GroupsVersion, HiddenPosition, NewSession, NoticePlace,
    NoticeSeq, Session, SessionId, SessionStore, Standing, StoreResult, Timestamp, TokenHash, UserId,
    WAITING_COUNTED_MAX, WaitingCounts,
};

use super::MySqlStore;
use super::group_requests::MEMBER;
use super::list::{padded, repeated};
use super::users::{latest, user};

/// Sessions that one statement touches.
const TOUCHED_AT_ONCE: usize = 256;

type Row = (u64, String, u64, u64);

/// A session's columns, then those that lists show of its user.
type FoundRow = (u64, String, u64, u64, u64, String, String, String);

fn session((id, device, since, seen): Row) -> Session {
    Session { id: SessionId(id), device, since: Timestamp(since), seen: Timestamp(seen) }
}

/// Versions of friends, memberships and groups; the newest notice and the acknowledged one; applications and invitations that
/// wait; the version of what is quiet; the newest broadcast and the acknowledged one; what was hidden last.
type StandingRow = (u64, u64, u64, u64, u64, u32, u32, u64, u64, u64, u64);

impl SessionStore for MySqlStore {
    fn create_session(
        &self,
        new: &NewSession<'_>,
        keep: u32,
    ) -> StoreResult<Option<(SessionId, Vec<SessionId>)>> {
        self.transact("create a session", |tx| {
            // Locks the user's row, then the password's, which must be the one that was checked: as whoever changes it.
            let inserted = tx.execute(
                "INSERT INTO sessions (user_id, token_hash, device, since, seen, notices_acked, broadcasts_acked) \
                 SELECT STRAIGHT_JOIN u.id, CAST(? AS BINARY(32)), ?, ?, ?, \
                 COALESCE((SELECT LEAST(h.last_seq, COALESCE(?, h.acked)) \
                 FROM notice_heads h WHERE h.user_id = u.id), 0), \
                 COALESCE((SELECT LEAST(b.last_id, ?) FROM broadcast_head b WHERE b.id = 1), u.broadcasts_acked) \
                 FROM users u JOIN credentials c ON c.user_id = u.id \
                 WHERE u.id = ? AND c.password_hash = ? FOR UPDATE",
                (
                    &new.token.0[..],
                    new.device,
                    new.at.0,
                    new.at.0,
                    new.notices.map(|held| held.0),
                    new.broadcasts.map(|held| held.0),
                    new.user.0,
                    new.password_hash,
                ),
            )?;
            if inserted == 0 {
                return Ok(None);
            }
            let id = tx.last_inserted();
            // The others, those seen last first. They are few: the limit held before this one came.
            let mut others: Vec<u64> = tx.rows(
                "SELECT id FROM sessions WHERE user_id = ? AND id <> ? ORDER BY seen DESC, id DESC",
                (new.user.0, id),
            )?;
            let kept = (keep as usize).saturating_sub(1).min(others.len());
            let mut ended = others.split_off(kept);
            ended.sort_unstable();
            if !ended.is_empty() {
                let mut params = Vec::new();
                let length = padded(&ended, &mut params, |id, params| params.push(Value::UInt(*id)));
                tx.execute(&format!("DELETE FROM sessions WHERE id IN ({})", repeated("?", length)), params)?;
            }
            Ok(Some((SessionId(id), ended.into_iter().map(SessionId).collect())))
        })
    }

    fn standing(&self, user: UserId, session: SessionId) -> StoreResult<Standing> {
        self.read("read a standing", |connection| {
            let row: Option<StandingRow> = connection.row(
                "SELECT u.friends_version, u.groups_version, \
                 (SELECT CAST(COALESCE(SUM(g.version), 0) AS UNSIGNED) \
                 FROM group_members m JOIN chat_groups g ON g.id = m.group_id WHERE m.user_id = ?), \
                 COALESCE((SELECT last_seq FROM notice_heads WHERE user_id = ?), 0), \
                 COALESCE((SELECT notices_acked FROM sessions WHERE id = ? AND user_id = ?), 0), \
                 (SELECT COUNT(*) FROM (SELECT 1 FROM group_members m \
                 JOIN group_applications a ON a.group_id = m.group_id \
                 WHERE m.user_id = ? AND m.role < ? LIMIT ?) applications), \
                 (SELECT COUNT(*) FROM (SELECT 1 FROM group_invitations WHERE user_id = ? LIMIT ?) invitations), \
                 u.quiet_version, \
                 COALESCE((SELECT last_id FROM broadcast_head WHERE id = 1), 0), \
                 COALESCE((SELECT broadcasts_acked FROM sessions WHERE id = ? AND user_id = ?), 0), u.hidden_last \
                 FROM users u WHERE u.id = ?",
                (
                    user.0, user.0, session.0, user.0, user.0, MEMBER, WAITING_COUNTED_MAX, user.0, WAITING_COUNTED_MAX,
                    session.0, user.0, user.0,
                ),
            )?;
            let standing = |(friends, memberships, groups, last, acked, applications, invitations, quiet, broadcast, has, hidden)| Standing {
                friends,
                groups: GroupsVersion { memberships, groups },
                notices: NoticePlace { last: NoticeSeq(last), acked: NoticeSeq(acked) },
                broadcasts: BroadcastPlace { last: BroadcastId(broadcast), acked: BroadcastId(has) },
                waiting: WaitingCounts { applications, invitations },
                quiet,
                hidden: HiddenPosition(hidden),
            };
            Ok(row.map(standing).unwrap_or_default())
        })
    }

    fn session_by_token(&self, token: TokenHash) -> StoreResult<Option<FoundSession>> {
        self.read("find a session", |connection| {
            let row: Option<FoundRow> = connection.row(
                "SELECT s.id, s.device, s.since, s.seen, u.id, u.name, u.nickname, u.avatar \
                 FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = ?",
                (&token.0[..],),
            )?;
            Ok(row.map(|(id, device, since, seen, user_id, name, nickname, avatar)| FoundSession {
                session: session((id, device, since, seen)),
                user: user((user_id, name, nickname, avatar)),
            }))
        })
    }

    fn touch_sessions(&self, seen: &[(SessionId, Timestamp)]) -> StoreResult<()> {
        let latest = latest(seen.iter().map(|(session, at)| (session.0, at.0)));
        if latest.is_empty() {
            return Ok(());
        }
        self.transact("touch sessions", |tx| {
            for some in latest.chunks(TOUCHED_AT_ONCE) {
                let mut params = Vec::new();
                let length =
                    padded(some, &mut params, |(id, at), params| params.extend([(*id).into(), (*at).into()]));
                padded(some, &mut params, |(id, _), params| params.push((*id).into()));
                let sql = format!(
                    "UPDATE sessions SET seen = GREATEST(seen, CASE id {} END) WHERE id IN ({})",
                    "WHEN ? THEN ? ".repeat(length),
                    repeated("?", length),
                );
                tx.execute(&sql, params)?;
            }
            Ok(())
        })
    }

    fn sessions(&self, user: UserId) -> StoreResult<Vec<Session>> {
        self.read("list sessions", |connection| {
            let rows: Vec<Row> = connection.rows(
                "SELECT id, device, since, seen FROM sessions WHERE user_id = ? ORDER BY id",
                (user.0,),
            )?;
            Ok(rows.into_iter().map(session).collect())
        })
    }

    fn end_session(&self, user: UserId, session: SessionId) -> StoreResult<bool> {
        self.transact("end a session", |tx| {
            let ended =
                tx.execute("DELETE FROM sessions WHERE id = ? AND user_id = ?", (session.0, user.0))?;
            Ok(ended > 0)
        })
    }

    fn living_sessions(&self, sessions: &[SessionId]) -> StoreResult<Vec<SessionId>> {
        if sessions.is_empty() {
            return Ok(Vec::new());
        }
        self.read("find living sessions", |connection| {
            let mut params = Vec::new();
            let length = padded(sessions, &mut params, |id, params| params.push(Value::UInt(id.0)));
            let sql = format!("SELECT id FROM sessions WHERE id IN ({})", repeated("?", length));
            let living: Vec<u64> = connection.rows(&sql, params)?;
            Ok(living.into_iter().map(SessionId).collect())
        })
    }

    fn expire_sessions(&self, before: Timestamp, limit: u32) -> StoreResult<u32> {
        self.transact("expire sessions", |tx| {
            let ended =
                tx.execute("DELETE FROM sessions WHERE seen < ? ORDER BY seen LIMIT ?", (before.0, limit))?;
            // At most `limit`, which is a u32.
            Ok(u32::try_from(ended).unwrap_or(limit))
        })
    }
}
