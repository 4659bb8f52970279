//! Groups, and what happens in them.

use proptest::option;
use proptest::prelude::*;
use protocol::*;

use super::basics::*;
use super::messages::*;

pub(super) fn group() -> impl Strategy<Value = Group> {
    fields!(Group {
        id: n(),
        groupname: text(),
        groupdesc: text(),
        role: word(Role::TABLE),
        members: any::<u32>(),
        state: word(GroupState::TABLE)
    })
}

pub(super) fn system_event() -> impl Strategy<Value = SystemEvent> {
    let texts = (option::of(text()), option::of(text()), option::of(text()), option::of(text()));
    let who = (n(), text(), n(), text());
    let rest = (option::of(word(Role::TABLE)), option::of(n()), option::of(word(Joining::TABLE)));
    (word(SystemEventKind::TABLE), who, texts, rest).prop_map(|(what, who, texts, rest)| {
        let (by, by_name, id, name) = who;
        let (groupname, groupdesc, announcement, avatar) = texts;
        let (role, until, joining) = rest;
        SystemEvent {
            what,
            by,
            by_name,
            id,
            name,
            role,
            until,
            groupname,
            groupdesc,
            announcement,
            avatar,
            joining,
        }
    })
}

pub(super) fn member_ref() -> impl Strategy<Value = MemberRef> {
    fields!(MemberRef { groupid: n(), id: n() })
}

pub(super) fn joined() -> impl Strategy<Value = Joined> {
    fields!(Joined { group: group(), conv: conversation() })
}

pub(super) fn join_answer() -> impl Strategy<Value = JoinAnswer> {
    let outcome = word(JoinOutcome::TABLE);
    fields!(JoinAnswer { outcome: outcome, group: option::of(group()), conv: option::of(conversation()) })
}

pub(super) fn application() -> impl Strategy<Value = Application> {
    fields!(Application {
        groupid: n(),
        groupname: text(),
        id: n(),
        name: text(),
        greeting: text(),
        time: n()
    })
}

pub(super) fn invitation() -> impl Strategy<Value = Invitation> {
    fields!(Invitation { groupid: n(), groupname: text(), by: n(), by_name: text(), time: n() })
}

pub(super) fn group_ref() -> impl Strategy<Value = GroupRef> {
    n().prop_map(|groupid| GroupRef { groupid })
}
