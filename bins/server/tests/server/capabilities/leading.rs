//! G1, G3, G4, G5, G6: groups that are led.

use protocol::{
    Code, EditGroup, GroupRef, GroupState, Joining, MessageKind, Push, Rank, Request, Role, SystemEventKind,
};

use crate::support::{Peer, Server, Store, log_in, on_each_store, user};

on_each_store! {
    g1_a_dissolved_group_is_read_and_left,
    g3_who_is_removed_is_out_at_once,
    g4_the_owner_appoints_dismisses_and_hands_over,
    g5_a_profile_is_edited_and_looked_at,
    g6_muted_members_are_silent_until_then,
    every_field_at_its_limit_and_past_it,
}

/// Alice's group with bob and carol in it, and nothing left to hear.
fn led(server: &Server) -> (u64, Peer, Peer, Peer) {
    let (mut alice, mut bob, mut carol) = (user(server, "alice"), user(server, "bob"), user(server, "carol"));
    let group = alice.create_group("climbers", "on Tuesdays").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    carol.join_group(group).expect("joined");
    for peer in [&mut alice, &mut bob, &mut carol] {
        peer.told_so_far();
        peer.forget_pushes();
    }
    (group, alice, bob, carol)
}

fn next(peers: [&mut Peer; 3]) -> SystemEventKind {
    let told = peers.map(Peer::told);
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    assert_eq!((told[0].0.kind, told[0].0.msg.clone()), (MessageKind::System, told[0].1.sentence()));
    told[0].1.what
}

fn g1_a_dissolved_group_is_read_and_left(store: Store) {
    let server = Server::on(store);
    let (group, mut alice, mut bob, mut carol) = led(&server);
    bob.say_in(group, "before");
    assert_eq!(bob.dissolve_group(group).unwrap_err().code, Code::NOT_ALLOWED);
    alice.dissolve_group(group).expect("dissolved");
    assert_eq!(next([&mut alice, &mut bob, &mut carol]), SystemEventKind::Dissolved);
    for peer in [&mut alice, &mut bob] {
        assert_eq!(peer.group_chat(group, "after", "a").unwrap_err().code, Code::DISSOLVED);
    }
    assert_eq!(alice.dissolve_group(group).unwrap_err().code, Code::DISSOLVED);
    assert_eq!(alice.remove_member(group, bob.id).unwrap_err().code, Code::DISSOLVED);
    let mut dave = user(&server, "dave");
    assert_eq!(dave.join_group(group).unwrap_err().code, Code::DISSOLVED);
    assert_eq!(dave.dissolve_group(group).unwrap_err().code, Code::NOT_MEMBER);
    // It is there to be read, until one leaves; the owner too.
    assert_eq!(bob.read_all(group, 0).len(), 1);
    let shown = bob.groups(0, 0).expect("a page").groups;
    assert_eq!((shown.len(), shown[0].state), (1, GroupState::Dissolved));
    assert_eq!(alice.group_profile(group).expect("shown").group.state, GroupState::Dissolved);
    for peer in [&mut bob, &mut alice] {
        peer.leave_group(group).expect("left");
        assert_eq!(peer.groups(0, 0).expect("a page").groups, []);
        assert_eq!(peer.leave_group(group).unwrap_err().code, Code::NOT_MEMBER);
    }
    assert_eq!(carol.told_so_far(), [], "nothing is said any more");
    assert_eq!(carol.read_all(group, 0).len(), 1);
}

fn g3_who_is_removed_is_out_at_once(store: Store) {
    let server = Server::on(store);
    let (group, mut alice, mut bob, mut carol) = led(&server);
    let mut phone = log_in(&server, "bob", "phone");
    assert_eq!(carol.remove_member(group, bob.id).unwrap_err().code, Code::NOT_ALLOWED);
    assert_eq!(bob.remove_member(group, alice.id).unwrap_err().code, Code::NOT_ALLOWED);
    alice.remove_member(group, bob.id).expect("removed");
    let told = [alice.told().1, carol.told().1];
    for event in told {
        assert_eq!((event.what, event.by, event.id), (SystemEventKind::Removed, alice.id, bob.id));
        assert_eq!((event.by_name.as_str(), event.name.as_str()), ("alice", "bob"));
    }
    for peer in [&mut bob, &mut phone] {
        assert_eq!(peer.group_chat(group, "still here?", "b").unwrap_err().code, Code::NOT_MEMBER);
        assert_eq!(peer.told_so_far(), []);
    }
    alice.say_in(group, "he is out");
    assert_eq!(carol.message().msg, "he is out");
    assert!(!bob.pushes_so_far().iter().any(|push| matches!(push, Push::Message(_))));
    assert_eq!(bob.groups(0, 0).expect("a page").groups, []);
    for nobody in [bob.id, 0, 999_999, u64::MAX] {
        assert_eq!(alice.remove_member(group, nobody).unwrap_err().code, Code::NOT_FOUND, "{nobody}");
    }
    let first = bob.join_group(group).expect("he may come again").conv.first;
    assert_eq!(bob.read_all(group, 0), [], "from {first} on");
}

fn g4_the_owner_appoints_dismisses_and_hands_over(store: Store) {
    let server = Server::on(store);
    let (group, mut alice, mut bob, mut carol) = led(&server);
    let role = |peer: &mut Peer| peer.groups(0, 0).expect("a page").groups[0].role;
    assert_eq!(bob.set_role(group, bob.id, Rank::Admin).unwrap_err().code, Code::NOT_ALLOWED);
    alice.set_role(group, bob.id, Rank::Admin).expect("appointed");
    assert_eq!(next([&mut alice, &mut bob, &mut carol]), SystemEventKind::Role);
    assert_eq!(role(&mut bob), Role::Admin);
    alice.set_role(group, bob.id, Rank::Admin).expect("it is so already");
    assert_eq!(alice.told_so_far(), [], "and is not told again");
    assert_eq!(bob.set_role(group, carol.id, Rank::Admin).unwrap_err().code, Code::NOT_ALLOWED);
    assert_eq!(bob.hand_over(group, carol.id).unwrap_err().code, Code::NOT_ALLOWED);
    assert_eq!(alice.leave_group(group).unwrap_err().code, Code::OWNER_STAYS);
    alice.hand_over(group, bob.id).expect("handed over");
    assert_eq!(next([&mut alice, &mut bob, &mut carol]), SystemEventKind::HandedOver);
    assert_eq!(
        [role(&mut alice), role(&mut bob), role(&mut carol)],
        [Role::Admin, Role::Owner, Role::Member]
    );
    assert_eq!(alice.dissolve_group(group).unwrap_err().code, Code::NOT_ALLOWED);
    bob.set_role(group, alice.id, Rank::Member).expect("dismissed");
    assert_eq!(alice.remove_member(group, carol.id).unwrap_err().code, Code::NOT_ALLOWED);
    alice.leave_group(group).expect("she may go now");
}

fn g5_a_profile_is_edited_and_looked_at(store: Store) {
    let mut server = Server::on(store);
    let (group, mut alice, mut bob, mut carol) = led(&server);
    let edit = EditGroup {
        groupid: group,
        groupname: Some("Kletterer 🧗".into()),
        announcement: Some("'; DROP TABLE chat_groups; --".into()),
        avatar: Some("https://example.com/wall.png".into()),
        joining: Some(Joining::Invitation),
        ..EditGroup::default()
    };
    assert_eq!(bob.edit_group(edit.clone()).unwrap_err().code, Code::NOT_ALLOWED);
    alice.edit_group(edit.clone()).expect("edited");
    let event = bob.told().1;
    assert_eq!((event.what, &event.groupname), (SystemEventKind::Edited, &edit.groupname));
    assert_eq!((&event.announcement, &event.groupdesc), (&edit.announcement, &None));
    server.terminate();
    server.restart();
    let mut bob = log_in(&server, "bob", "");
    let profile = bob.group_profile(group).expect("shown");
    assert_eq!(
        (profile.group.groupname.as_str(), profile.group.groupdesc.as_str()),
        ("Kletterer 🧗", "on Tuesdays")
    );
    assert_eq!((Some(profile.announcement), Some(profile.avatar)), (edit.announcement, edit.avatar));
    assert_eq!(
        (profile.joining, profile.group.role, profile.group.members),
        (Joining::Invitation, Role::Member, 3)
    );
    drop((alice, carol.try_ping()));
    let mut dave = user(&server, "dave");
    assert_eq!(dave.group_profile(group).unwrap_err().code, Code::NOT_MEMBER);
    assert_eq!(dave.join_group(group).unwrap_err().code, Code::NOT_ALLOWED, "nobody comes in unasked");
}

fn g6_muted_members_are_silent_until_then(store: Store) {
    let server = Server::on(store);
    let (group, mut alice, mut bob, mut carol) = led(&server);
    let far = 4_000_000_000_000;
    assert_eq!(bob.mute_member(group, carol.id, far).unwrap_err().code, Code::NOT_ALLOWED);
    alice.mute_member(group, bob.id, far).expect("muted");
    assert_eq!(next([&mut alice, &mut bob, &mut carol]), SystemEventKind::Muted);
    assert_eq!(bob.group_chat(group, "mmh", "1").unwrap_err().code, Code::MUTED);
    assert_eq!(bob.group_profile(group).expect("shown").own_muted_until, far);
    carol.say_in(group, "I may");
    alice.mute_member(group, bob.id, 1).expect("until long ago");
    bob.say_in(group, "and so may I");
    alice.set_role(group, bob.id, Rank::Admin).expect("appointed");
    assert_eq!(
        alice.mute_member(group, bob.id, far).unwrap_err().code,
        Code::NOT_ALLOWED,
        "admins are not muted"
    );
    bob.mute_group(group, far).expect("all are muted");
    assert_eq!(carol.group_chat(group, "mmh", "2").unwrap_err().code, Code::MUTED);
    alice.say_in(group, "the owner speaks");
    bob.say_in(group, "and admins");
    bob.mute_group(group, 0).expect("all may speak");
    carol.say_in(group, "at last");
}

fn every_field_at_its_limit_and_past_it(store: Store) {
    let server = Server::on(store);
    let (group, mut alice, mut bob, _) = led(&server);
    let edit = || EditGroup { groupid: group, ..EditGroup::default() };
    let bad = [
        ("groupname", EditGroup { groupname: Some("x".repeat(51)), ..edit() }),
        ("groupname", EditGroup { groupname: Some(" ".into()), ..edit() }),
        ("groupname", EditGroup { groupname: Some("a\u{202e}b".into()), ..edit() }),
        ("groupdesc", EditGroup { groupdesc: Some("x".repeat(201)), ..edit() }),
        ("groupdesc", EditGroup { groupdesc: Some("a\0b".into()), ..edit() }),
        ("announcement", EditGroup { announcement: Some("é".repeat(501)), ..edit() }),
        ("announcement", EditGroup { announcement: Some("a\u{1b}[31m".into()), ..edit() }),
        ("avatar", EditGroup { avatar: Some("with space".into()), ..edit() }),
        ("avatar", EditGroup { avatar: Some("x".repeat(5_000)), ..edit() }),
    ];
    for (field, edit) in bad {
        let refusal = alice.edit_group(edit).unwrap_err();
        assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some(field)));
    }
    for refusal in [alice.mute_group(group, u64::MAX), alice.mute_member(group, bob.id, u64::MAX)] {
        let refusal = refusal.unwrap_err();
        assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some("until")));
    }
    for (body, field) in [
        (format!(r#"{{"groupid":{group},"id":{},"role":"owner"}}"#, bob.id), "role"),
        (format!(r#"{{"groupid":{group},"id":{},"role":"ADMIN'; --"}}"#, bob.id), "role"),
        (format!(r#"{{"groupid":{group},"id":"{}","role":"admin"}}"#, bob.id), "id"),
        (format!(r#"{{"groupid":-1,"id":{},"role":"admin"}}"#, bob.id), "groupid"),
    ] {
        let rid = alice.send_body(35, body.as_bytes());
        let refusal = alice.reply(rid).unwrap_err();
        assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_BODY, Some(field)), "{body}");
    }
    let rid = alice.send_body(38, format!(r#"{{"groupid":{group},"joining":"somehow"}}"#).as_bytes());
    let refusal = alice.reply(rid).unwrap_err();
    assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some("joining")));
    for nowhere in [0, 999_999, u64::MAX] {
        assert_eq!(alice.refused(&Request::DissolveGroup(GroupRef { groupid: nowhere })), Code::NOT_MEMBER);
        assert_eq!(alice.group_profile(nowhere).unwrap_err().code, Code::NOT_MEMBER);
    }
    assert_eq!(bob.told_so_far(), [], "nothing changed");
    let limits = EditGroup {
        groupname: Some("é".repeat(50)),
        groupdesc: Some("😀".repeat(200)),
        announcement: Some("語".repeat(500)),
        ..edit()
    };
    alice.edit_group(limits.clone()).expect("exactly at the limits");
    assert_eq!(bob.group_profile(group).expect("shown").announcement, limits.announcement.expect("set"));
    alice.mute_group(group, (1 << 53) - 1).expect("for ever");
}
