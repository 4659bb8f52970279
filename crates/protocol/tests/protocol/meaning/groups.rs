//! Groups, their members, and coming into them.

use protocol::*;

use super::cast::*;
use super::{Meaning, push, reply, request};

pub(super) fn groups() -> Vec<(&'static str, Meaning)> {
    vec![
        (
            "create_group/request",
            request(
                20,
                Request::CreateGroup(CreateGroup {
                    groupname: "climbers".into(),
                    groupdesc: "Tuesdays at seven".into(),
                }),
            ),
        ),
        (
            "create_group/reply",
            reply(
                20,
                Reply::CreateGroup(Joined { group: climbers(Role::Owner, 1), conv: of_group(1, 0, 0) }),
            ),
        ),
        (
            "add_group/request",
            request(21, Request::JoinGroup(JoinGroup { groupid: 11, greeting: "bob sent me".into() })),
        ),
        ("add_group/reply", reply(21, Reply::JoinGroup(came()))),
        ("add_group/reply-applied", reply(21, Reply::JoinGroup(outcome(JoinOutcome::Applied)))),
        ("leave_group/request", request(22, Request::LeaveGroup(GroupRef { groupid: 11 }))),
        ("leave_group/reply", reply(22, Reply::LeaveGroup(Nothing {}))),
        ("groups/request", request(23, Request::Groups(Page { after: 0, limit: 50 }))),
        (
            "groups/reply",
            reply(23, Reply::Groups(GroupsPage { groups: vec![climbers(Role::Owner, 1)], next: 11 })),
        ),
        (
            "group_members/request",
            request(24, Request::GroupMembers(GroupMembers { groupid: 11, after: 1, limit: 100 })),
        ),
        (
            "group_members/reply",
            reply(
                24,
                Reply::GroupMembers(MembersPage {
                    users: vec![Member {
                        id: 2,
                        name: "bob".into(),
                        nickname: String::new(),
                        avatar: String::new(),
                        state: State::Online,
                        role: Role::Member,
                    }],
                    next: 2,
                }),
            ),
        ),
        ("remove_member/request", request(60, Request::RemoveMember(MemberRef { groupid: 11, id: 3 }))),
        ("remove_member/reply", reply(60, Reply::RemoveMember(Nothing {}))),
        (
            "set_role/request",
            request(61, Request::SetRole(SetRole { groupid: 11, id: 2, role: Rank::Admin })),
        ),
        ("set_role/reply", reply(61, Reply::SetRole(Nothing {}))),
        ("hand_over/request", request(62, Request::HandOver(MemberRef { groupid: 11, id: 2 }))),
        ("hand_over/reply", reply(62, Reply::HandOver(Nothing {}))),
        ("dissolve_group/request", request(63, Request::DissolveGroup(GroupRef { groupid: 11 }))),
        ("dissolve_group/reply", reply(63, Reply::DissolveGroup(Nothing {}))),
        (
            "edit_group/request",
            request(
                64,
                Request::EditGroup(EditGroup {
                    groupid: 11,
                    groupname: Some("climbers & friends".into()),
                    groupdesc: Some("Tuesdays at seven".into()),
                    announcement: Some("Bring a rope".into()),
                    avatar: Some("wall.png".into()),
                    joining: Some(Joining::Approval),
                }),
            ),
        ),
        ("edit_group/reply", reply(64, Reply::EditGroup(Nothing {}))),
        ("group_profile/request", request(65, Request::GroupProfile(GroupRef { groupid: 11 }))),
        (
            "group_profile/reply",
            reply(
                65,
                Reply::GroupProfile(GroupProfile {
                    group: climbers(Role::Admin, 3),
                    announcement: "Bring a rope".into(),
                    avatar: String::new(),
                    joining: Joining::Approval,
                    muted_until: 0,
                    own_muted_until: 0,
                }),
            ),
        ),
        (
            "mute_member/request",
            request(66, Request::MuteMember(MuteMember { groupid: 11, id: 2, until: TIME + 3_600_000 })),
        ),
        ("mute_member/reply", reply(66, Reply::MuteMember(Nothing {}))),
        ("mute_group/request", request(67, Request::MuteGroup(MuteGroup { groupid: 11, until: 0 }))),
        ("mute_group/reply", reply(67, Reply::MuteGroup(Nothing {}))),
        (
            "applications/request",
            request(
                120,
                Request::Applications(Applications { groupid: 11, after_groupid: 11, after: 3, limit: 1 }),
            ),
        ),
        (
            "applications/reply",
            reply(
                120,
                Reply::Applications(ApplicationsPage {
                    applications: vec![Application {
                        groupid: 11,
                        groupname: "climbers".into(),
                        id: 4,
                        name: "carol".into(),
                        greeting: "bob sent me".into(),
                        time: 1_767_225_662_500,
                    }],
                    next_groupid: 11,
                    next: 4,
                }),
            ),
        ),
        (
            "decide_application/request",
            request(
                121,
                Request::DecideApplication(DecideApplication {
                    groupid: 11,
                    id: 4,
                    decision: Verdict::Accept,
                }),
            ),
        ),
        ("decide_application/reply", reply(121, Reply::DecideApplication(Nothing {}))),
        (
            "withdraw_application/request",
            request(122, Request::WithdrawApplication(GroupRef { groupid: 11 })),
        ),
        ("withdraw_application/reply", reply(122, Reply::WithdrawApplication(Nothing {}))),
        ("invite/request", request(123, Request::Invite(MemberRef { groupid: 11, id: 5 }))),
        ("invite/reply", reply(123, Reply::Invite(outcome(JoinOutcome::Invited)))),
        ("invitations/request", request(124, Request::Invitations(Page { after: 0, limit: 1 }))),
        (
            "invitations/reply",
            reply(
                124,
                Reply::Invitations(InvitationsPage {
                    invitations: vec![Invitation {
                        groupid: 11,
                        groupname: "climbers".into(),
                        by: 1,
                        by_name: "alice".into(),
                        time: 1_767_225_662_500,
                    }],
                    next: 11,
                }),
            ),
        ),
        (
            "answer_invitation/request",
            request(
                125,
                Request::AnswerInvitation(AnswerInvitation { groupid: 11, decision: Verdict::Accept }),
            ),
        ),
        ("answer_invitation/reply", reply(125, Reply::AnswerInvitation(came()))),
        (
            "withdraw_invitation/request",
            request(126, Request::WithdrawInvitation(MemberRef { groupid: 11, id: 5 })),
        ),
        ("withdraw_invitation/reply", reply(126, Reply::WithdrawInvitation(Nothing {}))),
        (
            "group_request_event/push",
            push(Push::GroupRequestEvent(GroupRequestEvent {
                event: GroupRequestKind::Applied,
                groupid: 11,
                groupname: "climbers".into(),
                id: 4,
                name: "carol".into(),
                by: 4,
                by_name: "carol".into(),
                greeting: "bob sent me".into(),
            })),
        ),
        (
            "group_event/push",
            push(Push::GroupEvent(GroupEvent {
                event: GroupEventKind::Joined,
                groupid: 11,
                groupname: "climbers".into(),
                id: 2,
                name: "bob".into(),
                members: 2,
                notice: 0,
            })),
        ),
        (
            "group_event/push-removed",
            push(Push::GroupEvent(GroupEvent {
                event: GroupEventKind::Left,
                groupid: 11,
                groupname: "climbers".into(),
                id: 2,
                name: "bob".into(),
                members: 1,
                notice: 9,
            })),
        ),
    ]
}

fn outcome(outcome: JoinOutcome) -> JoinAnswer {
    JoinAnswer { outcome, group: None, conv: None }
}

/// Carol came into the climbers.
fn came() -> JoinAnswer {
    let (group, conv) = (climbers(Role::Member, 2), of_group(8, 7, 0));
    JoinAnswer { outcome: JoinOutcome::Joined, group: Some(group), conv: Some(conv) }
}
