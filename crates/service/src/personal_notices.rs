//! What concerned one user: pushed when it happens, and found in the store by each of their devices once.

use domain::{DELETED_USER, NamedNotice, NoticePlace, NoticeSeq, PersonalNotice, PersonalNoticeKind};
use protocol::{AckNotices, Nothing, NoticeKind, NoticesPage, Page, Push, Role};

use crate::caller::Me;
use crate::hub::Audience;
use crate::page::Slice;
use crate::refuse::Stop;
use crate::service::Service;

/// Pushes a notice that was stored to all devices of its user, with the names that it is shown with: of who did it, and of
/// the group concerned, or nothing.
pub(crate) fn push(service: &Service, notice: &PersonalNotice, by_name: &str, group_name: &str) {
    let push = Push::Notice(shown(notice, by_name.to_owned(), group_name.to_owned()));
    service.ports.hub.push(Audience::Users(&[notice.user]), &push);
}

/// NOTICES.
pub(crate) fn page(service: &Service, me: Me<'_>, page: &Page) -> Result<NoticesPage, Stop> {
    let store = &service.ports.store;
    // Before the page: whatever is stored between the two comes with it, or with the next.
    let NoticePlace { last, .. } = store.notice_place(me.user(), me.principal.session)?;
    let slice = Slice::asked(page.after, page.limit, service.config.page_max);
    let part = slice.read(
        |named: &NamedNotice| named.notice.seq.0,
        |after, limit| store.notices(me.user(), NoticeSeq(after), limit),
    )?;
    let newest = part.entries.last().map_or(last, |named| named.notice.seq.max(last));
    let notices = part.entries.into_iter().map(|named| shown(&named.notice, named.by_name, named.group_name));
    Ok(NoticesPage { notices: notices.collect(), next: part.next, last: newest.0 })
}

/// ACK_NOTICES. What was acknowledged before writes nothing.
pub(crate) fn acknowledge(service: &Service, me: Me<'_>, ack: &AckNotices) -> Result<Nothing, Stop> {
    let (store, session) = (&service.ports.store, me.principal.session);
    let place = store.notice_place(me.user(), session)?;
    let seq = NoticeSeq(ack.seq).min(place.last);
    if seq > place.acked {
        store.ack_notices(me.user(), session, seq)?;
    }
    Ok(Nothing {})
}

fn shown(notice: &PersonalNotice, by_name: String, group_name: String) -> protocol::Notice {
    // Who deleted the account meanwhile has no name any more.
    let by_name = if by_name.is_empty() { DELETED_USER.to_owned() } else { by_name };
    let detail = |kind| (notice.kind == kind).then_some(notice.detail);
    protocol::Notice {
        seq: notice.seq.0,
        time: notice.at.0,
        kind: kind(notice.kind),
        by: notice.by.0,
        name: by_name,
        groupid: notice.group.map(|group| group.0),
        groupname: notice.group.map(|_| group_name),
        role: detail(PersonalNoticeKind::Role).map(role),
        until: detail(PersonalNoticeKind::Muted),
    }
}

/// The role of a number, as stores keep it.
fn role(number: u64) -> Role {
    match number {
        1 => Role::Owner,
        2 => Role::Admin,
        _ => Role::Member,
    }
}

fn kind(kind: PersonalNoticeKind) -> NoticeKind {
    match kind {
        PersonalNoticeKind::FriendAccepted => NoticeKind::FriendAccepted,
        PersonalNoticeKind::FriendRefused => NoticeKind::FriendRefused,
        PersonalNoticeKind::FriendDeleted => NoticeKind::FriendDeleted,
        PersonalNoticeKind::ApplicationAccepted => NoticeKind::ApplicationAccepted,
        PersonalNoticeKind::ApplicationRefused => NoticeKind::ApplicationRefused,
        PersonalNoticeKind::InvitationAccepted => NoticeKind::InvitationAccepted,
        PersonalNoticeKind::InvitationRefused => NoticeKind::InvitationRefused,
        PersonalNoticeKind::Removed => NoticeKind::Removed,
        PersonalNoticeKind::Role => NoticeKind::Role,
        PersonalNoticeKind::Muted => NoticeKind::Muted,
        PersonalNoticeKind::FriendAccountDeleted => NoticeKind::FriendAccountDeleted,
    }
}
