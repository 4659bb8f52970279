//! Numbers that are larger than any that was ever given: they name nothing, and are beyond the last of anything.

use domain::NUMBER_MAX;
use protocol::{
    Ack, AddFriend, AnswerInvitation, Applications, Code, DecideApplication, FriendRef, GroupChat,
    GroupMembers, GroupRef, History, Login, MemberRef, OneChat, Page, Request, Secret, SessionRef, UserRef,
    Verdict,
};
use service::testing::{Harness, PASSWORD};

use crate::{body, refused};

#[test]
fn a_number_too_large_is_nobodys() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let own = harness.group(&[&alice, &bob]);
    for id in [NUMBER_MAX, NUMBER_MAX + 1, u64::MAX] {
        let friend = FriendRef { friendid: id };
        let group = GroupRef { groupid: id };
        let text = || ("x".to_owned(), "1".to_owned());
        let ((msg, client_msg_id), (msg2, client_msg_id2)) = (text(), text());
        let asked = [
            (Request::EndSession(SessionRef { session: id }), Code::NOT_FOUND),
            (Request::AddFriend(AddFriend { friendid: id, greeting: String::new() }), Code::NOT_FOUND),
            (Request::AcceptFriend(friend.clone()), Code::NOT_FOUND),
            (Request::RefuseFriend(friend.clone()), Code::NOT_FOUND),
            (Request::WithdrawFriend(friend.clone()), Code::NOT_FOUND),
            (Request::DeleteFriend(friend), Code::NOT_FRIENDS),
            (Request::Block(UserRef { userid: id }), Code::NOT_FOUND),
            (Request::Unblock(UserRef { userid: id }), Code::NOT_FOUND),
            (Request::JoinGroup(protocol::JoinGroup::of(group.groupid)), Code::NOT_FOUND),
            (Request::WithdrawApplication(group.clone()), Code::NOT_FOUND),
            (Request::LeaveGroup(group), Code::NOT_MEMBER),
            (
                Request::AnswerInvitation(AnswerInvitation { groupid: id, decision: Verdict::Accept }),
                Code::NOT_FOUND,
            ),
            (Request::Invite(MemberRef { groupid: id, id: 1 }), Code::NOT_MEMBER),
            (Request::Invite(MemberRef { groupid: own, id }), Code::NOT_FOUND),
            (Request::WithdrawInvitation(MemberRef { groupid: own, id }), Code::NOT_FOUND),
            (
                Request::DecideApplication(DecideApplication { groupid: own, id, decision: Verdict::Refuse }),
                Code::NOT_FOUND,
            ),
            (
                Request::Applications(Applications { groupid: id, ..Applications::default() }),
                Code::NOT_MEMBER,
            ),
            (Request::GroupMembers(GroupMembers { groupid: id, after: 0, limit: 0 }), Code::NOT_MEMBER),
            (
                Request::OneChat(OneChat { to: id, msg, client_msg_id, ..OneChat::default() }),
                Code::NOT_FRIENDS,
            ),
            (
                Request::GroupChat(GroupChat {
                    groupid: id,
                    msg: msg2,
                    client_msg_id: client_msg_id2,
                    ..GroupChat::default()
                }),
                Code::NOT_MEMBER,
            ),
            (
                Request::History(History { conv: id, after: None, before: None, at: None, limit: 0 }),
                Code::NOT_FOUND,
            ),
            (Request::Ack(Ack { conv: id, seq: 1 }), Code::NOT_FOUND),
        ];
        for (request, code) in asked {
            refused(alice.handle(request), code);
        }
        let login = Login { id: Some(id), password: Secret::new(PASSWORD), ..Login::default() };
        refused(harness.ask(harness.connect(), None, Request::Login(login)), Code::BAD_CREDENTIALS);
    }
}

#[test]
fn a_place_too_far_is_beyond_the_last() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    alice.say(&bob, "1", "x").unwrap();
    for far in [NUMBER_MAX, NUMBER_MAX + 1, u64::MAX] {
        let page = Page { after: far, limit: 0 };
        let friends = body!(Reply::Friends, alice.ask(Request::Friends(page.clone())).unwrap());
        assert_eq!((friends.friends, friends.next), (vec![], 0));
        let convs = body!(Reply::Conversations, alice.ask(Request::Conversations(page)).unwrap());
        assert_eq!((convs.convs, convs.next), (vec![], 0));
        let history = |after, before| {
            let request = Request::History(History { conv, after, before, at: None, limit: 0 });
            body!(Reply::History, alice.ask(request).unwrap()).messages.len()
        };
        assert_eq!((history(Some(far), None), history(None, Some(far))), (0, 1));
        alice.ask(Request::Ack(Ack { conv, seq: far })).unwrap();
    }
    harness.service.tick();
    assert_eq!(alice.resume().unwrap().bundle.convs, []);
}
