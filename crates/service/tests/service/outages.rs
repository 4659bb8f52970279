//! A store that is away: BUSY, nothing changed, nobody told.

use domain::StoreError;
use protocol::{
    Ack, AckBroadcasts, AckNotices, AddFriend, AnswerInvitation, Applications, ChangePassword, Changes, Code,
    CreateGroup, DecideApplication, DeleteAccount, EditFriend, EditGroup, EditMessage, EditProfile,
    FriendRef, GroupChat, GroupMembers, GroupRef, Hide, History, Login, MemberRef, MessageRef, MuteGroup,
    MuteMember, Nothing, OneChat, OwnedGroups, Page, PasswordProof, ProfileOf, Push, Rank, Read, Receipts,
    Recover, Reg, RenameLabel, Request, Resume, SearchMessages, SearchUsers, Secret, SessionRef, SetQuiet,
    SetRole, State, Typing, UserRef, Verdict,
};
use service::testing::{Harness, PASSWORD};

use crate::refused;

fn down() -> StoreError {
    StoreError::unavailable("test", "the database is away: secret-host:3306")
}

#[test]
fn every_request_is_busy_while_the_store_is_away() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let conv = harness.befriend(&alice, &bob);
    let group = harness.group(&[&bob]);
    let own = harness.group(&[&alice]);
    carol.ask(Request::AddFriend(AddFriend { friendid: alice.user().0, greeting: String::new() })).unwrap();
    alice.pushes();
    let friend = |device: &service::testing::Device<'_>| FriendRef { friendid: device.user().0 };
    let text = || ("x".to_owned(), "1".to_owned());
    let ((msg, client_msg_id), (msg2, client_msg_id2)) = (text(), text());

    let guest = [
        Request::Reg(Reg { name: "dave".into(), password: Secret::new(PASSWORD) }),
        Request::Recover(Recover {
            id: None,
            name: Some("alice".into()),
            code: Secret::new("0000-0000-0000-0000"),
            new_password: Secret::new(PASSWORD),
        }),
        Request::Login(Login {
            name: Some("alice".into()),
            password: Secret::new(PASSWORD),
            ..Login::default()
        }),
        Request::Resume(Resume { token: alice.token.clone(), ..Resume::default() }),
    ];
    let user = [
        Request::LogOut(Nothing {}),
        Request::Refresh(protocol::Refresh::default()),
        Request::Sessions(Nothing {}),
        Request::EndSession(SessionRef { session: 1_234 }),
        Request::Profile(ProfileOf { id: Some(carol.user().0) }),
        Request::SearchUsers(SearchUsers { query: "al".into(), after: 0, limit: 0 }),
        Request::EditProfile(EditProfile { nickname: Some("Al".into()), ..EditProfile::default() }),
        Request::EditFriend(EditFriend { friendid: bob.user().0, remark: Some("B".into()), label: None }),
        Request::RenameLabel(RenameLabel { label: "a".into(), to: "b".into() }),
        Request::AddFriend(AddFriend { friendid: carol.user().0, greeting: String::new() }),
        Request::AcceptFriend(friend(&carol)),
        Request::RefuseFriend(friend(&carol)),
        Request::WithdrawFriend(friend(&carol)),
        Request::DeleteFriend(friend(&bob)),
        Request::Friends(Page::default()),
        Request::FriendRequests(Page::default()),
        Request::Block(UserRef { userid: carol.user().0 }),
        Request::Unblock(UserRef { userid: carol.user().0 }),
        Request::Blocked(Page::default()),
        Request::CreateGroup(CreateGroup { groupname: "g".into(), groupdesc: String::new() }),
        Request::JoinGroup(protocol::JoinGroup::of(group)),
        Request::LeaveGroup(GroupRef { groupid: own }),
        Request::Groups(Page::default()),
        Request::GroupMembers(GroupMembers { groupid: own, after: 0, limit: 0 }),
        Request::RemoveMember(MemberRef { groupid: own, id: 1 }),
        Request::SetRole(SetRole { groupid: own, id: 1, role: Rank::Admin }),
        Request::HandOver(MemberRef { groupid: own, id: 1 }),
        Request::DissolveGroup(GroupRef { groupid: own }),
        Request::EditGroup(EditGroup { groupid: own, ..EditGroup::default() }),
        Request::GroupProfile(GroupRef { groupid: own }),
        Request::MuteMember(MuteMember { groupid: own, id: 1, until: 1 }),
        Request::MuteGroup(MuteGroup { groupid: own, until: 1 }),
        Request::Applications(Applications::default()),
        Request::DecideApplication(DecideApplication { groupid: own, id: 1, decision: Verdict::Accept }),
        Request::WithdrawApplication(GroupRef { groupid: group }),
        Request::Invite(MemberRef { groupid: own, id: carol.user().0 }),
        Request::Invitations(Page::default()),
        Request::AnswerInvitation(AnswerInvitation { groupid: group, decision: Verdict::Accept }),
        Request::WithdrawInvitation(MemberRef { groupid: own, id: carol.user().0 }),
        Request::OneChat(OneChat { to: carol.user().0, msg, client_msg_id, ..OneChat::default() }),
        Request::GroupChat(GroupChat {
            groupid: group,
            msg: msg2,
            client_msg_id: client_msg_id2,
            ..GroupChat::default()
        }),
        Request::History(History { conv, after: None, before: None, at: None, limit: 0 }),
        Request::Conversations(Page::default()),
        Request::Ack(Ack { conv, seq: 1 }),
        Request::Read(Read { conv, seq: 1 }),
        Request::Receipts(Receipts { conv, seqs: vec![] }),
        Request::Quiet(Nothing {}),
        Request::SetQuiet(SetQuiet { conv, until: Some(1), ..SetQuiet::default() }),
        Request::Recall(MessageRef { conv, seq: 1 }),
        Request::EditMessage(EditMessage { conv, seq: 1, msg: "x".into(), mentions: Vec::new() }),
        Request::Hide(Hide { conv, seqs: vec![1] }),
        Request::Hidden(Page::default()),
        Request::Typing(Typing { conv }),
        Request::Changes(Changes { conv, after: 0, limit: 0 }),
        Request::SearchMessages(SearchMessages { query: "x".into(), ..SearchMessages::default() }),
        Request::ChangePassword(ChangePassword {
            password: Secret::new(PASSWORD),
            new_password: Secret::new(PASSWORD),
        }),
        Request::NewRecoveryCodes(PasswordProof { password: Secret::new(PASSWORD) }),
        Request::DeleteAccount(DeleteAccount {
            password: Secret::new(PASSWORD),
            owned: OwnedGroups::HandOver,
        }),
        Request::Notices(Page::default()),
        Request::AckNotices(AckNotices { seq: 1 }),
        Request::Broadcasts(Page::default()),
        Request::AckBroadcasts(AckBroadcasts { id: 1 }),
    ];
    let before = alice.resume().unwrap().bundle;
    let alice = alice.resume().unwrap();
    bob.pushes();
    carol.pushes();

    let mut asked = Vec::new();
    for (principal, requests) in [(None, guest.to_vec()), (Some(&alice.principal), user.to_vec())] {
        for request in requests {
            asked.push(request.msgid());
            let conn = if principal.is_some() { alice.conn } else { harness.connect() };
            harness.service.forget();
            harness.store.fail_next(down(), 50);
            let refusal = refused(harness.ask(conn, principal, request.clone()), Code::BUSY);
            assert_eq!(refusal.body.retry_after_ms, Some(1_000), "{request:?}");
            assert!(!refusal.body.errmsg.contains("secret-host"), "the cause is the operator's: {refusal:?}");
            assert_eq!(harness.store.forget_faults(), 49, "one query told enough: {request:?}");
        }
    }
    let connection_only = [protocol::MsgId::Hello, protocol::MsgId::Ping];
    for msgid in Request::MSGIDS.iter().filter(|msgid| !connection_only.contains(msgid)) {
        assert!(asked.contains(msgid), "{msgid:?} was not tried");
    }

    let mut after = alice.resume().unwrap().bundle;
    after.session = before.session;
    assert_eq!(after, before);
    assert_eq!((bob.pushes(), carol.pushes()), (vec![], vec![]));
}

/// A request that fails after its n-th query leaves the user as they were, whatever n is.
#[test]
fn a_resume_that_fails_half_way_leaves_no_connection_behind() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    bob.disconnect();
    alice.pushes();
    let mut queries = 0;
    loop {
        let conn = harness.connect();
        let request = Request::Resume(Resume { token: bob.token.clone(), ..Resume::default() });
        harness.store.spare_next(queries);
        harness.store.fail_next(down(), 1);
        match harness.ask(conn, None, request) {
            Err(refusal) => {
                assert_eq!(refusal.code, Code::BUSY);
                assert_eq!(harness.store.forget_faults(), 0);
                assert_eq!(harness.hub.principal(conn), None, "after {queries} queries");
                assert_eq!(harness.presence_of(&bob), State::Offline, "after {queries} queries");
            }
            Ok(_) => break assert_eq!(harness.store.forget_faults(), 1),
        }
        queries += 1;
    }
    assert_eq!(queries, 6, "the session, what it is told of, and four lists: no more, and no friend_ids");
    let online = alice.pushes().into_iter().rev().find_map(|push| match push {
        Push::Presence(presence) => Some(presence.state),
        _ => None,
    });
    assert_eq!(online, Some(State::Online));
}

#[test]
fn an_unknown_outcome_says_so() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    harness.store.lose_next_answers(1);
    let create = CreateGroup { groupname: "g".into(), groupdesc: String::new() };
    let refusal = refused(alice.ask(Request::CreateGroup(create)), Code::BUSY);
    assert!(refusal.body.errmsg.contains("look before"), "{refusal:?}");
}

#[test]
fn a_broken_store_is_the_servers_fault() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    harness.store.fail_next(StoreError::failed("test", "disk full at /var/lib"), 1);
    let refusal = refused(alice.ask(Request::Sessions(Nothing {})), Code::INTERNAL);
    assert!(!refusal.body.errmsg.contains("disk"), "{refusal:?}");
    assert_eq!(refusal.body.retry_after_ms, None);
}

#[test]
fn a_membership_of_unknown_outcome_is_not_remembered_wrongly() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let group = harness.group(&[&alice]);
    alice.say_in(group, "1", "alone").unwrap();
    // The group, its profile, the membership and the name are read, the joining is done and its answer lost.
    let join = Request::JoinGroup(protocol::JoinGroup::of(group));
    harness.store.spare_next(4);
    harness.store.lose_next_answers(1);
    refused(bob.ask(join), Code::BUSY);
    // He is in, and everybody knows.
    bob.say_in(group, "1", "am I?").unwrap();
    alice.say_in(group, "2", "you are").unwrap();
    assert_eq!(crate::messages(bob.pushes()), [(4, "you are".into())]);
}

#[test]
fn whether_changes_are_taken_is_found_out_by_trying_one() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    assert!(harness.service.takes_changes());
    // One request that failed says nothing about the next.
    harness.store.fail_next(down(), 1);
    refused(alice.ask(Request::Sessions(Nothing {})), Code::BUSY);
    assert!(harness.service.takes_changes());
    harness.service.tick();
    assert!(harness.service.takes_changes());
    // A message that is not stored, and the change that is tried after it.
    harness.store.fail_next(down(), 2);
    refused(alice.say(&bob, "1", "text"), Code::BUSY);
    harness.service.tick();
    assert!(!harness.service.takes_changes());
    harness.store.fail_next(down(), 1);
    harness.service.tick();
    assert!(!harness.service.takes_changes());
    harness.service.tick();
    assert!(harness.service.takes_changes());
    assert_eq!(harness.store.forget_faults(), 0);
    let operations = harness.store.operations();
    harness.service.tick();
    let quiet = harness.store.operations() - operations;
    harness.service.tick();
    assert_eq!(harness.store.operations() - operations, 2 * quiet, "who is trusted is not tried");
}
