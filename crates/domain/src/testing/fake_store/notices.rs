//! Personal notices of the fake.

use std::collections::VecDeque;

use super::{FakeStore, State};
use crate::{
    NOTICES_KEPT_MAX, NamedNotice, NewPersonalNotice, NewSession, NoticePlace, NoticeSeq, NoticeStore,
    PersonalNotice, SessionId, StoreResult, Timestamp, UserId,
};

/// The notices of one user.
#[derive(Default)]
pub(super) struct Notices {
    kept: VecDeque<PersonalNotice>,
    last: NoticeSeq,
    /// The highest that any session acknowledged.
    acked: NoticeSeq,
}

impl State {
    /// Adds a notice; every change that is told of calls this.
    pub(super) fn add_notice(&mut self, new: NewPersonalNotice) -> PersonalNotice {
        let notices = self.notices.entry(new.user).or_default();
        notices.last.0 += 1;
        let notice = new.stored(notices.last);
        notices.kept.push_back(notice);
        let oldest = notices.last.0.saturating_sub(NOTICES_KEPT_MAX);
        notices.kept.retain(|kept| kept.seq.0 > oldest);
        notice
    }

    /// How far the user's notices go, and where this session of theirs is.
    pub(super) fn notice_place(&self, user: UserId, session: SessionId) -> NoticePlace {
        let row = self.sessions.get(&session).filter(|row| row.user == user);
        NoticePlace {
            last: self.notices.get(&user).map(|notices| notices.last).unwrap_or_default(),
            acked: row.map(|row| row.notices).unwrap_or_default(),
        }
    }

    /// Where a new session begins.
    pub(super) fn notices_begin(&self, session: &NewSession<'_>) -> NoticeSeq {
        let (last, acked) =
            self.notices.get(&session.user).map(|user| (user.last, user.acked)).unwrap_or_default();
        session.notices.map_or(acked, |held| held.min(last))
    }
}

impl NoticeStore for FakeStore {
    fn notices(&self, user: UserId, after: NoticeSeq, limit: u32) -> StoreResult<Vec<NamedNotice>> {
        self.run("list notices", |state| {
            let Some(notices) = state.notices.get(&user) else { return Vec::new() };
            let named = |notice: &PersonalNotice| NamedNotice {
                notice: *notice,
                by_name: state.user(notice.by).map(|user| user.name).unwrap_or_default(),
                group_name: notice.group.and_then(|group| state.group_name(group)).unwrap_or_default(),
            };
            notices.kept.iter().filter(|notice| notice.seq > after).take(limit as usize).map(named).collect()
        })
    }

    fn notice_place(&self, user: UserId, session: SessionId) -> StoreResult<NoticePlace> {
        self.run("find a place in the notices", |state| state.notice_place(user, session))
    }

    fn ack_notices(&self, user: UserId, session: SessionId, seq: NoticeSeq) -> StoreResult<()> {
        self.run("acknowledge notices", |state| {
            let Some(notices) = state.notices.get_mut(&user) else { return };
            let Some(row) = state.sessions.get_mut(&session).filter(|row| row.user == user) else { return };
            let seq = seq.min(notices.last);
            row.notices = row.notices.max(seq);
            notices.acked = notices.acked.max(seq);
        })
    }

    fn expire_notices(&self, before: Timestamp, limit: u32) -> StoreResult<u32> {
        self.run("expire notices", |state| {
            let mut expired = 0;
            for notices in state.notices.values_mut() {
                notices.kept.retain(|notice| {
                    let goes = notice.at < before && expired < limit;
                    expired += u32::from(goes);
                    !goes
                });
            }
            expired
        })
    }
}
