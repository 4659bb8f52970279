//! G1, G2, G3, G5, G7: groups.

use std::collections::HashSet;

use protocol::{Code, GroupEventKind, Push, Role, State, SystemEventKind};

use crate::support::{Options, Server, Store, group_chat, log_in, on_each_store, register, user};

on_each_store! {
    g1_the_creator_is_the_owner,
    g2_anybody_joins_an_open_group,
    g3_members_leave_and_the_owner_stays,
    g5_members_are_looked_at_in_pages,
    g5_limits_on_groups_and_members,
    g7_a_message_is_one_row_however_many_members,
    g7_a_member_reads_from_joining_on,
    g7_outsiders_neither_speak_nor_read,
}

fn g1_the_creator_is_the_owner(store: Store) {
    let mut server = Server::on(store);
    let mut alice = user(&server, "alice");
    let mut phone = log_in(&server, "alice", "phone");
    let joined = alice.create_group("Kletterer 🧗", "Dienstags; 100% \"sicher\"").expect("opened");
    assert_eq!((joined.group.role, joined.group.members), (Role::Owner, 1));
    assert_eq!((joined.conv.conv, joined.conv.first, joined.conv.last), (joined.group.id, 1, 0));
    let event = phone.group_event();
    assert_eq!((event.event, event.groupid, event.id), (GroupEventKind::Joined, joined.group.id, alice.id));
    // The same name again is another group.
    let other = alice.create_group("Kletterer 🧗", "").expect("opened").group.id;
    assert_ne!(other, joined.group.id);
    server.terminate();
    server.restart();
    let groups = log_in(&server, "alice", "").groups(0, 0).expect("a page").groups;
    let shown: Vec<_> = groups.iter().map(|g| (g.id, g.groupname.as_str(), g.groupdesc.as_str())).collect();
    assert_eq!(
        shown,
        [(joined.group.id, "Kletterer 🧗", "Dienstags; 100% \"sicher\""), (other, "Kletterer 🧗", "")]
    );
}

fn g2_anybody_joins_an_open_group(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let mut phone = log_in(&server, "bob", "phone");
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    let joined = bob.join_group(group).expect("joined");
    assert_eq!((joined.group.role, joined.group.members), (Role::Member, 2));
    assert_eq!((joined.conv.first, joined.conv.last), (1, 1), "that he came is the first to read");
    let event = phone.group_event();
    assert_eq!((event.event, event.id, event.members), (GroupEventKind::Joined, bob.id, 2));
    assert_eq!((event.name.as_str(), event.groupname.as_str()), ("bob", "climbers"));
    for peer in [&mut alice, &mut phone, &mut bob] {
        let (told, event) = peer.told();
        assert_eq!((told.conv, told.seq, told.from), (group, 1, event.by));
        assert_eq!(
            (event.what, event.by, event.by_name.as_str()),
            (SystemEventKind::Joined, event.by, "bob")
        );
        assert_eq!((told.msg.as_str(), told.client_msg_id.as_str()), ("bob joined the group", ""));
    }
    assert_eq!(bob.pushes_so_far(), [], "once");
    assert_eq!(bob.join_group(group).unwrap_err().code, Code::ALREADY_MEMBER);
    for nothing in [0, 999_999, u64::MAX] {
        assert_eq!(bob.join_group(nothing).unwrap_err().code, Code::NOT_FOUND);
    }
    let sent = bob.say_in(group, "here I am");
    assert_eq!((sent.conv, sent.seq), (group, 2));
    for peer in [&mut alice, &mut phone] {
        let message = peer.message();
        assert_eq!((message.conv, message.seq, message.name.as_str()), (group, 2, "bob"));
    }
}

fn g3_members_leave_and_the_owner_stays(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    alice.told();
    assert_eq!(alice.leave_group(group).unwrap_err().code, Code::OWNER_STAYS);
    bob.leave_group(group).expect("left");
    let (_, event) = alice.told();
    assert_eq!((event.what, event.by), (SystemEventKind::Left, bob.id));

    // Out is out, at once.
    assert_eq!(bob.group_chat(group, "one more thing", "b-1").unwrap_err().code, Code::NOT_MEMBER);
    assert_eq!(bob.leave_group(group).unwrap_err().code, Code::NOT_MEMBER);
    alice.say_in(group, "he is gone");
    assert_eq!(bob.pushes_so_far(), []);
    assert_eq!(bob.groups(0, 0).expect("a page").groups, []);

    // The last one closes it.
    alice.leave_group(group).expect("left");
    assert_eq!(bob.join_group(group).unwrap_err().code, Code::NOT_FOUND);
    assert_eq!(alice.group_chat(group, "anybody?", "a-1").unwrap_err().code, Code::NOT_MEMBER);
}

fn g5_members_are_looked_at_in_pages(store: Store) {
    let server = Server::on(store);
    let mut alice = user(&server, "alice");
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    let mut ids = vec![alice.id];
    let mut members: Vec<_> = (0..6).map(|n| user(&server, &format!("member {n}"))).collect();
    for member in &mut members {
        member.join_group(group).expect("joined");
        ids.push(member.id);
    }
    drop(members.pop());
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let page = members[0].group_members(group, after, 3).expect("a page");
        assert!(page.users.len() <= 3);
        found.extend(page.users);
        after = page.next;
        if after == 0 {
            break;
        }
    }
    assert_eq!(found.iter().map(|member| member.id).collect::<Vec<_>>(), ids);
    assert_eq!((found[0].role, found[1].role), (Role::Owner, Role::Member));
    assert_eq!((found[0].name.as_str(), found[1].name.as_str()), ("alice", "member 0"));
    assert_eq!(found[1].state, State::Online);
}

fn g5_limits_on_groups_and_members(store: Store) {
    let server = Server::start(Options::on(store).with("group-members-max", 2).with("groups-max", 2));
    let (mut alice, mut bob, mut carol) =
        (user(&server, "alice"), user(&server, "bob"), user(&server, "carol"));
    let group = alice.create_group("small", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    assert_eq!(carol.join_group(group).unwrap_err().code, Code::FULL);
    alice.create_group("second", "").expect("opened");
    assert_eq!(alice.create_group("third", "").unwrap_err().code, Code::FULL);
    for name in ["", " ", &"x".repeat(51), "a\nb"] {
        assert_eq!(carol.create_group(name, "").unwrap_err().code, Code::BAD_FIELD, "{name:?}");
    }
    assert_eq!(carol.create_group("ok", &"x".repeat(201)).unwrap_err().code, Code::BAD_FIELD);
    carol.create_group(&"é".repeat(50), &"😀".repeat(200)).expect("exactly at the limits");
}

fn g7_a_message_is_one_row_however_many_members(store: Store) {
    const MEMBERS: usize = 200;
    const MESSAGES: usize = 50;
    let server = Server::on(store);
    let mut owner = user(&server, "owner");
    let group = owner.create_group("many", "").expect("opened").group.id;
    let mut members: Vec<_> = (1..MEMBERS)
        .map(|n| {
            let name = format!("member {n}");
            register(&server, &name);
            let mut member = log_in(&server, &name, "");
            member.join_group(group).expect("joined");
            member
        })
        .collect();
    let requests: Vec<_> =
        (0..MESSAGES).map(|n| group_chat(group, &format!("text {n}"), &format!("{n}"))).collect();
    let rids = owner.send_all(&requests);
    for (n, rid) in rids.into_iter().enumerate() {
        match owner.reply(rid) {
            Ok(protocol::Reply::GroupChat(sent)) => assert_eq!(sent.seq, (n + MEMBERS) as u64),
            other => panic!("{other:?}"),
        }
    }
    for member in &mut members {
        for n in 0..MESSAGES {
            let message = member.message();
            assert_eq!((message.seq, message.msg), ((n + MEMBERS) as u64, format!("text {n}")));
        }
    }
    assert_eq!(server.stored_messages(group), (MESSAGES + MEMBERS - 1) as u64, "and one for each who came");
    let messages = owner.pushes_so_far().into_iter().filter(|push| matches!(push, Push::Message(_)));
    assert_eq!(messages.count(), 0, "the sending device has its answers");
    // Everybody is a member once, and is there.
    let mut seen = HashSet::new();
    let mut after = 0;
    loop {
        let page = owner.group_members(group, after, 0).expect("a page");
        seen.extend(page.users.iter().filter(|user| user.state == State::Online).map(|user| user.id));
        after = page.next;
        if after == 0 {
            break;
        }
    }
    assert_eq!(seen.len(), MEMBERS);
}

fn g7_a_member_reads_from_joining_on(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    for n in 1..=3 {
        alice.say_in(group, &format!("before {n}"));
    }
    let joined = bob.join_group(group).expect("joined");
    assert_eq!((joined.conv.first, joined.conv.last), (4, 4));
    alice.say_in(group, "after");
    assert_eq!(bob.message().seq, 5);
    assert_eq!(bob.read_all(group, 0).iter().map(|m| m.seq).collect::<Vec<_>>(), [5]);
    let history = protocol::History { conv: group, after: None, before: Some(4), at: None, limit: 0 };
    let page = bob.history(history).expect("a page");
    assert_eq!((page.messages.len(), page.first, page.last), (0, 4, 5));
    // Away and back: what was said in between is not his to read.
    bob.leave_group(group).expect("left");
    alice.say_in(group, "about him");
    assert_eq!(bob.join_group(group).expect("joined").conv.first, 8);
    assert_eq!(bob.read_all(group, 0), []);
    alice.say_in(group, "to him");
    assert_eq!(bob.message().msg, "to him");
}

fn g7_outsiders_neither_speak_nor_read(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut eve) = (user(&server, "alice"), user(&server, "eve"));
    let group = alice.create_group("secret", "").expect("opened").group.id;
    alice.say_in(group, "the plan");
    let refusals = [
        eve.group_chat(group, "let me in", "e-1").unwrap_err(),
        eve.group_members(group, 0, 0).unwrap_err(),
        eve.leave_group(group).unwrap_err(),
    ];
    // A group that is not there answers the same: nothing is to be learnt by asking.
    let nothing = 999_999;
    let others = [
        eve.group_chat(nothing, "let me in", "e-1").unwrap_err(),
        eve.group_members(nothing, 0, 0).unwrap_err(),
        eve.leave_group(nothing).unwrap_err(),
    ];
    assert_eq!(refusals, others);
    assert!(refusals.iter().all(|refusal| refusal.code == Code::NOT_MEMBER), "{refusals:?}");
    let history = |conv| protocol::History { conv, after: None, before: None, at: None, limit: 0 };
    let refusal = eve.history(history(group)).unwrap_err();
    assert_eq!(refusal.code, Code::NOT_FOUND);
    assert_eq!(refusal, eve.history(history(nothing)).unwrap_err());
    assert_eq!(eve.ack(group, 1).unwrap_err().code, Code::NOT_FOUND);
    assert_eq!(eve.pushes_so_far(), []);
    assert_eq!(alice.pushes_so_far(), []);
}
