//! G2: coming into groups by approval and by invitation.

use protocol::{
    Code, EditGroup, GroupEventKind, GroupRequestKind, JoinOutcome, Joining, Login, Rank, Role,
    SystemEventKind, Verdict,
};

use crate::support::{Options, PASSWORD, Peer, Server, Store, befriend, hello, log_in, on_each_store, user};

on_each_store! {
    g2_owner_and_admins_decide_who_applied,
    g2_an_application_is_withdrawn_or_refused,
    g2_friends_are_asked_in,
    g2_invitations_are_refused_and_taken_back,
    g2_an_application_and_an_invitation_meet,
    g2_who_may_decide_and_ask_in,
    g2_what_waits_is_limited_and_paged,
    g2_the_login_counts_what_waits,
    g2_bad_fields_change_nothing,
}

/// A group that one comes into in this way.
pub(crate) fn group_with(owner: &mut Peer, joining: Joining) -> u64 {
    let groupid = owner.create_group("climbers", "").expect("opened").group.id;
    let edit = EditGroup { groupid, joining: Some(joining), ..EditGroup::default() };
    owner.edit_group(edit).expect("edited");
    groupid
}

/// Comes into a group by being decided on.
fn let_in(owner: &mut Peer, groupid: u64, newcomer: &mut Peer) {
    assert_eq!(newcomer.ask_in(groupid, "").expect("applied").outcome, JoinOutcome::Applied);
    owner.decide(groupid, newcomer.id, Verdict::Accept).expect("let in");
    assert_eq!(newcomer.group_event().event, GroupEventKind::Joined);
    assert_eq!(newcomer.group_request_event().event, GroupRequestKind::ApplicationAccepted);
}

fn g2_owner_and_admins_decide_who_applied(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, mut bob, mut carol) =
        (user(&server, "alice"), user(&server, "bob"), user(&server, "carol"));
    let mut phone = log_in(&server, "carol", "phone");
    let group = group_with(&mut alice, Joining::Approval);
    let_in(&mut alice, group, &mut bob);
    alice.set_role(group, bob.id, Rank::Admin).expect("admin");
    for peer in [&mut alice, &mut bob] {
        peer.forget_pushes();
    }
    let answer = carol.ask_in(group, "bob sent me 🧗").expect("applied");
    assert_eq!((answer.outcome, answer.group, answer.conv), (JoinOutcome::Applied, None, None));
    assert_eq!(carol.ask_in(group, "again").unwrap_err().code, Code::ALREADY_REQUESTED);
    for peer in [&mut alice, &mut bob, &mut phone] {
        let event = peer.group_request_event();
        assert_eq!((event.event, event.groupid, event.id), (GroupRequestKind::Applied, group, carol.id));
        assert_eq!((event.groupname.as_str(), event.greeting.as_str()), ("climbers", "bob sent me 🧗"));
    }
    assert_eq!(carol.group_chat(group, "am I in?", "c-1").unwrap_err().code, Code::NOT_MEMBER);
    // What waits outlives the server.
    server.terminate();
    server.restart();
    let (mut bob, mut carol) = (log_in(&server, "bob", ""), log_in(&server, "carol", ""));
    let waits = bob.applications(group, 0, 0, 0).expect("a page").applications;
    let shown: Vec<_> = waits.iter().map(|a| (a.id, a.name.as_str(), a.greeting.as_str())).collect();
    assert_eq!(shown, [(carol.id, "carol", "bob sent me 🧗")]);
    assert_eq!(carol.applications(0, 0, 0, 0).expect("a page").applications, waits, "her own");
    bob.decide(group, carol.id, Verdict::Accept).expect("let in");
    let event = carol.group_event();
    assert_eq!((event.event, event.groupid, event.members), (GroupEventKind::Joined, group, 3));
    let (told, event) = carol.told();
    assert_eq!((event.what, event.by, event.id), (SystemEventKind::Joined, bob.id, carol.id));
    assert_eq!(told.msg, "bob let carol into the group");
    let page =
        carol.history(protocol::History { conv: group, after: None, before: None, at: None, limit: 0 });
    assert_eq!(page.expect("hers").first, told.seq, "she reads from there on");
    carol.say_in(group, "hello");
    assert_eq!(bob.decide(group, carol.id, Verdict::Refuse).unwrap_err().code, Code::NOT_FOUND);
    assert_eq!(bob.applications(group, 0, 0, 0).expect("a page").applications, []);
}

fn g2_an_application_is_withdrawn_or_refused(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let group = group_with(&mut alice, Joining::Approval);
    bob.ask_in(group, "").expect("applied");
    assert_eq!(alice.group_request_event().event, GroupRequestKind::Applied);
    bob.withdraw_application(group).expect("withdrawn");
    assert_eq!(alice.group_request_event().event, GroupRequestKind::ApplicationWithdrawn);
    assert_eq!(bob.withdraw_application(group).unwrap_err().code, Code::NOT_FOUND);
    assert_eq!(alice.decide(group, bob.id, Verdict::Accept).unwrap_err().code, Code::NOT_FOUND);
    bob.ask_in(group, "please").expect("applied");
    alice.decide(group, bob.id, Verdict::Refuse).expect("refused");
    let event = bob.group_request_event();
    assert_eq!((event.event, event.by), (GroupRequestKind::ApplicationRefused, alice.id));
    assert_eq!(bob.groups(0, 0).expect("a page").groups, []);
    assert_eq!(bob.group_chat(group, "hm", "b-1").unwrap_err().code, Code::NOT_MEMBER);
}

fn g2_friends_are_asked_in(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, mut carol) =
        (user(&server, "alice"), user(&server, "bob"), user(&server, "carol"));
    befriend(&mut alice, &mut bob);
    let group = group_with(&mut alice, Joining::Invitation);
    assert_eq!(bob.ask_in(group, "").unwrap_err().code, Code::NOT_ALLOWED, "nobody asked him");
    assert_eq!(alice.invite(group, bob.id).expect("asked").outcome, JoinOutcome::Invited);
    assert_eq!(alice.invite(group, bob.id).unwrap_err().code, Code::ALREADY_REQUESTED);
    let event = bob.group_request_event();
    assert_eq!((event.event, event.groupid, event.by), (GroupRequestKind::Invited, group, alice.id));
    let waits = bob.invitations(0, 0).expect("a page").invitations;
    let shown: Vec<_> = waits.iter().map(|i| (i.groupid, i.groupname.as_str(), i.by_name.as_str())).collect();
    assert_eq!(shown, [(group, "climbers", "alice")]);
    let answer = bob.answer_invitation(group, Verdict::Accept).expect("came");
    assert_eq!(answer.outcome, JoinOutcome::Joined);
    assert_eq!(answer.group.expect("the group").role, Role::Member);
    assert_eq!(alice.group_request_event().event, GroupRequestKind::InvitationAccepted);
    bob.say_in(group, "hello");
    assert_eq!(bob.invitations(0, 0).expect("a page").invitations, []);
    // Who is no friend, is nobody, is oneself, is in already.
    let refusals =
        [carol.id, 999_999, u64::MAX, alice.id, bob.id].map(|id| alice.invite(group, id).unwrap_err().code);
    let expected = [Code::NOT_FRIENDS, Code::NOT_FOUND, Code::NOT_FOUND, Code::SELF, Code::ALREADY_MEMBER];
    assert_eq!(refusals, expected);
    assert_eq!(carol.pushes_so_far(), []);
}

fn g2_invitations_are_refused_and_taken_back(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, mut carol) =
        (user(&server, "alice"), user(&server, "bob"), user(&server, "carol"));
    befriend(&mut alice, &mut bob);
    befriend(&mut bob, &mut carol);
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    alice.invite(group, bob.id).expect("asked");
    let answer = bob.answer_invitation(group, Verdict::Refuse).expect("refused");
    assert_eq!((answer.outcome, answer.group), (JoinOutcome::Refused, None));
    assert_eq!(alice.group_request_event().event, GroupRequestKind::InvitationRefused);
    assert_eq!(bob.answer_invitation(group, Verdict::Accept).unwrap_err().code, Code::NOT_FOUND);
    bob.join_group(group).expect("it is open");
    // An ordinary member asks into an open group, and takes it back; so may the owner.
    for withdrawing in [true, false] {
        assert_eq!(bob.invite(group, carol.id).expect("asked").outcome, JoinOutcome::Invited);
        assert_eq!(carol.group_request_event().event, GroupRequestKind::Invited);
        let peer = if withdrawing { &mut bob } else { &mut alice };
        peer.withdraw_invitation(group, carol.id).expect("taken back");
        assert_eq!(carol.group_request_event().event, GroupRequestKind::InvitationWithdrawn);
        assert_eq!(carol.invitations(0, 0).expect("a page").invitations, []);
    }
    bob.invite(group, carol.id).expect("asked");
    assert_eq!(carol.answer_invitation(group, Verdict::Accept).expect("came").outcome, JoinOutcome::Joined);
}

fn g2_an_application_and_an_invitation_meet(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, mut carol) =
        (user(&server, "alice"), user(&server, "bob"), user(&server, "carol"));
    befriend(&mut alice, &mut bob);
    befriend(&mut alice, &mut carol);
    let group = group_with(&mut alice, Joining::Approval);
    bob.ask_in(group, "").expect("applied");
    assert_eq!(alice.invite(group, bob.id).expect("decided").outcome, JoinOutcome::Joined);
    assert_eq!(bob.group_event().event, GroupEventKind::Joined);
    alice.invite(group, carol.id).expect("asked");
    assert_eq!(carol.ask_in(group, "").expect("came").outcome, JoinOutcome::Joined);
    assert_eq!(alice.applications(group, 0, 0, 0).expect("a page").applications, []);
    assert_eq!(carol.invitations(0, 0).expect("a page").invitations, []);
    // A group that is dissolved lets go of all.
    let other = group_with(&mut alice, Joining::Approval);
    bob.ask_in(other, "").expect("applied");
    alice.invite(other, carol.id).expect("asked");
    alice.dissolve_group(other).expect("dissolved");
    assert_eq!(bob.applications(0, 0, 0, 0).expect("a page").applications, []);
    assert_eq!(carol.invitations(0, 0).expect("a page").invitations, []);
    assert_eq!(bob.ask_in(other, "").unwrap_err().code, Code::DISSOLVED);
}

fn g2_who_may_decide_and_ask_in(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, mut carol) =
        (user(&server, "alice"), user(&server, "bob"), user(&server, "carol"));
    befriend(&mut bob, &mut carol);
    let group = group_with(&mut alice, Joining::Approval);
    let_in(&mut alice, group, &mut bob);
    carol.ask_in(group, "").expect("applied");
    let refusals = |peer: &mut Peer, carol: u64| {
        [
            peer.applications(group, 0, 0, 0).unwrap_err().code,
            peer.decide(group, carol, Verdict::Accept).unwrap_err().code,
            peer.decide(group, carol, Verdict::Refuse).unwrap_err().code,
            peer.invite(group, carol).unwrap_err().code,
        ]
    };
    let (carol_id, nothing) = (carol.id, 999_999);
    assert_eq!(refusals(&mut bob, carol_id), [Code::NOT_ALLOWED; 4], "a member decides nothing");
    assert_eq!(refusals(&mut carol, carol_id), [Code::NOT_MEMBER; 4], "nor does who applied");
    for group in [nothing, 0, u64::MAX] {
        assert_eq!(carol.ask_in(group, "").unwrap_err().code, Code::NOT_FOUND);
        assert_eq!(carol.withdraw_application(group).unwrap_err().code, Code::NOT_FOUND);
        assert_eq!(carol.answer_invitation(group, Verdict::Accept).unwrap_err().code, Code::NOT_FOUND);
        assert_eq!(carol.decide(group, bob.id, Verdict::Accept).unwrap_err().code, Code::NOT_MEMBER);
        assert_eq!(carol.withdraw_invitation(group, bob.id).unwrap_err().code, Code::NOT_MEMBER);
    }
    assert_eq!(carol.applications(0, 0, 0, 0).expect("a page").applications.len(), 1, "it waits on");
    assert_eq!(alice.group_members(group, 0, 0).expect("a page").users.len(), 2);
}

fn g2_what_waits_is_limited_and_paged(store: Store) {
    let options = Options::on(store).with("group-requests-max", 3).with("group-requests-per-user-max", 1);
    let server = Server::start(options);
    let mut alice = user(&server, "alice");
    let (group, other) =
        (group_with(&mut alice, Joining::Approval), group_with(&mut alice, Joining::Approval));
    let mut applicants: Vec<_> = (0..4).map(|n| user(&server, &format!("applicant {n}"))).collect();
    let outcomes: Vec<_> =
        applicants.iter_mut().map(|peer| peer.ask_in(group, "").map_err(|refusal| refusal.code)).collect();
    assert!(outcomes[..3].iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(outcomes[3], Err(Code::FULL), "of the group");
    assert_eq!(applicants[0].ask_in(other, "").unwrap_err().code, Code::FULL, "of the user");
    applicants[3].ask_in(other, "").expect("room there");
    let (mut found, mut place) = (Vec::new(), (0, 0));
    loop {
        let page = alice.applications(0, place.0, place.1, 1).expect("a page");
        assert!(page.applications.len() <= 1);
        found.extend(page.applications.iter().map(|application| (application.groupid, application.id)));
        place = (page.next_groupid, page.next);
        if place == (0, 0) {
            break;
        }
    }
    let expected: Vec<_> =
        applicants[..3].iter().map(|peer| (group, peer.id)).chain([(other, applicants[3].id)]).collect();
    assert_eq!(found, expected);
}

fn g2_the_login_counts_what_waits(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    befriend(&mut alice, &mut bob);
    let (group, other) =
        (group_with(&mut alice, Joining::Approval), group_with(&mut alice, Joining::Invitation));
    bob.ask_in(group, "").expect("applied");
    alice.invite(other, bob.id).expect("asked");
    let counts = |name: &str| {
        let mut peer = Peer::connect(server.address());
        peer.hello(hello("")).expect("HELLO");
        let password = protocol::Secret::new(PASSWORD);
        let login = Login { name: Some(name.into()), password, ..Login::default() };
        let bundle = peer.login(login).expect("logged in");
        (bundle.applications, bundle.invitations)
    };
    assert_eq!((counts("alice"), counts("bob")), ((1, 0), (0, 1)));
    alice.decide(group, bob.id, Verdict::Accept).expect("let in");
    bob.answer_invitation(other, Verdict::Refuse).expect("refused");
    assert_eq!((counts("alice"), counts("bob")), ((0, 0), (0, 0)));
}

fn g2_bad_fields_change_nothing(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let group = group_with(&mut alice, Joining::Approval);
    for greeting in ["x".repeat(201), "two\nlines".into(), "\u{202e}evil".into(), "nul\0".into()] {
        let refusal = bob.ask_in(group, &greeting).unwrap_err();
        assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some("greeting")));
    }
    let body = |text: &str| text.replace("GROUP", &group.to_string()).replace("BOB", "1").into_bytes();
    for (msgid, text, field) in [
        (8, r#"{"groupid":GROUP,"greeting":1}"#, "greeting"),
        (8, r#"{"groupid":"GROUP"}"#, "groupid"),
        (72, r#"{"groupid":-1}"#, "groupid"),
        (72, r#"{"after_groupid":"1"}"#, "after_groupid"),
        (73, r#"{"groupid":GROUP,"id":BOB,"decision":"perhaps"}"#, "decision"),
        (73, r#"{"groupid":GROUP,"id":BOB,"decision":true}"#, "decision"),
        (75, r#"{"groupid":GROUP,"id":[1]}"#, "id"),
        (77, r#"{"groupid":GROUP,"decision":{"accept":null}}"#, "decision"),
        (78, r#"{"groupid":GROUP,"id":1.5}"#, "id"),
    ] {
        let rid = bob.send_body(msgid, &body(text));
        let refusal = bob.reply(rid).unwrap_err();
        assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_BODY, Some(field)), "{text}");
    }
    assert_eq!(alice.applications(group, 0, 0, 0).expect("a page").applications, []);
    // At its limit, with whatever may stand in it.
    for greeting in ["😀".repeat(200), "'; DROP TABLE group_applications; -- %_\\\"".into()] {
        assert_eq!(bob.ask_in(group, &greeting).expect("applied").outcome, JoinOutcome::Applied);
        let waits = alice.applications(group, 0, 0, 0).expect("a page").applications;
        assert_eq!(waits[0].greeting, greeting);
        bob.withdraw_application(group).expect("withdrawn");
    }
    for (after_groupid, after) in [(u64::MAX, 0), (0, u64::MAX), (u64::MAX, u64::MAX)] {
        let page = alice.applications(0, after_groupid, after, u32::MAX).expect("a page");
        assert_eq!((page.applications, page.next), (vec![], 0));
    }
    assert_eq!(bob.invitations(u64::MAX, 1).expect("a page").invitations, []);
}
