//! Whoever asks too fast is told to wait, is counted, and holds up nobody else.

use protocol::{Code, EditProfile, Login, Refusal, Request, Secret};
use testkit::eventually;

use crate::support::{
    DEADLINE, Options, PASSWORD, Peer, Server, Store, ask, befriend, chat, guest_from, log_in, on_each_store,
    user,
};

on_each_store! {
    a_flood_of_messages_is_bounded_and_goes_on_later,
}

/// Two at once, and then one a minute: nothing comes back while a test runs.
fn strict(kind: &str) -> Options {
    let flag = |what: &str| format!("{kind}-{what}");
    Options::on(Store::Sqlite)
        .with(&flag("burst"), 2)
        .with(&flag("per-minute"), 1)
        .with("proxy-trusted", "127.0.0.0/8")
        .with("admin", "127.0.0.1:0")
}

fn waits<T: std::fmt::Debug>(answer: Result<T, Refusal>) {
    let refusal = answer.expect_err("too fast");
    assert_eq!(refusal.code, Code::TOO_MANY);
    let wait = refusal.body.retry_after_ms.expect("a wait");
    assert!((1..=60_000).contains(&wait), "{wait}");
}

fn member(server: &Server, host: u8, name: &str) -> Peer {
    let mut peer = guest_from(server.address(), host);
    peer.reg(name, PASSWORD).expect("registered");
    let login = Login { name: Some(name.into()), password: Secret::new(PASSWORD), ..Login::default() };
    peer.id = peer.login(login).expect("in").id;
    peer
}

fn counted(server: &Server, kind: &str) -> u64 {
    let (status, page) = ask(server.admin_address(), "/metrics");
    assert_eq!(status, 200);
    let sample = format!("chat_limits_refused_total{{kind=\"{kind}\"}} ");
    let line = page.lines().find_map(|line| line.strip_prefix(&sample));
    line.expect("the kind").parse().expect("a number")
}

fn a_flood_of_messages_is_bounded_and_goes_on_later(store: Store) {
    let server = Server::start(Options::on(store).with("sends-burst", 5).with("sends-per-minute", 300));
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let conv = befriend(&mut alice, &mut bob);
    let flood: Vec<Request> = (0..35).map(|n| chat(bob.id, "x", &format!("flood-{n}"))).collect();
    let rids = alice.send_all(&flood);
    let answers: Vec<_> = rids.into_iter().map(|rid| alice.reply(rid)).collect();
    let stored = answers.iter().filter(|answer| answer.is_ok()).count();
    // Some came back while the flood was read.
    assert!((5..35).contains(&stored), "{stored}");
    assert!(
        answers
            .iter()
            .filter_map(|answer| answer.as_ref().err())
            .all(|refusal| refusal.code == Code::TOO_MANY)
    );
    // Neither her other device nor he himself is in her way.
    let mut phone = log_in(&server, "alice", "phone");
    phone.friends(0, 0).expect("asking goes on");
    bob.say(alice.id, "slowly");
    // Whoever waits as told gets everything through, once.
    for (request, answer) in flood.iter().zip(answers) {
        let mut answer = answer;
        eventually(DEADLINE, "room for one more", || {
            if let Err(refusal) = &answer {
                assert_eq!(refusal.code, Code::TOO_MANY);
                answer = alice.ask(request);
            }
            answer.is_ok().then_some(())
        });
    }
    let messages = bob.read_all(conv, 0);
    assert_eq!(messages.iter().filter(|message| message.from == alice.id).count(), 35);
}

#[test]
fn each_kind_has_its_limit_and_its_count() {
    let server = Server::start(strict("registrations"));
    for name in ["alice", "bob"] {
        guest_from(server.address(), 1).reg(name, PASSWORD).expect("registered");
    }
    waits(guest_from(server.address(), 1).reg("carol", PASSWORD));
    guest_from(server.address(), 2).reg("carol", PASSWORD).expect("another address");
    assert_eq!(counted(&server, "registrations"), 1);

    let server = Server::start(strict("failed-logins"));
    let mut alice = member(&server, 1, "alice");
    let login = |password: &str| Login {
        name: Some("alice".into()),
        password: Secret::new(password),
        ..Login::default()
    };
    for _ in 0..2 {
        let refusal = guest_from(server.address(), 9).login(login("wrong password")).unwrap_err();
        assert_eq!(refusal.code, Code::BAD_CREDENTIALS);
    }
    waits(guest_from(server.address(), 9).login(login(PASSWORD)));
    guest_from(server.address(), 1).login(login(PASSWORD)).expect("from elsewhere");
    alice.new_recovery_codes(PASSWORD).expect("from elsewhere");
    assert_eq!(counted(&server, "failed_logins"), 1);

    let server = Server::start(strict("friend-requests"));
    let mut alice = member(&server, 1, "alice");
    let others = ["bob", "carol", "dave"].map(|name| member(&server, 1, name));
    for other in &others[..2] {
        alice.add_friend(other.id, "").expect("asked");
    }
    waits(alice.add_friend(others[2].id, ""));
    assert_eq!(counted(&server, "friend_requests"), 1);

    let server = Server::start(strict("joins"));
    let mut alice = member(&server, 1, "alice");
    let mut bob = member(&server, 1, "bob");
    let groups = ["one", "two", "three"].map(|name| bob.create_group(name, "").expect("opened").group.id);
    alice.join_group(groups[0]).expect("joined");
    alice.join_group(groups[1]).expect("joined");
    waits(alice.join_group(groups[2]));
    assert_eq!(counted(&server, "joins"), 1);

    let server = Server::start(strict("changes"));
    let mut alice = member(&server, 1, "alice");
    let mut bob = member(&server, 1, "bob");
    let group = alice.create_group("one", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    alice.mute_member(group, bob.id, 1).expect("muted");
    waits(alice.mute_member(group, bob.id, 0));
    waits(alice.create_group("two", ""));
    waits(alice.edit_profile(EditProfile { nickname: Some("al".into()), ..EditProfile::default() }));
    // Who may not is told so; nobody else is in the way, and everybody may go.
    assert_eq!(bob.mute_member(group, alice.id, 0).unwrap_err().code, Code::NOT_ALLOWED);
    bob.edit_profile(EditProfile { nickname: Some("b".into()), ..EditProfile::default() }).expect("edited");
    bob.leave_group(group).expect("gone");
    assert_eq!(bob.notices(0, 0).expect("a page").notices.len(), 1);
    assert_eq!(counted(&server, "changes"), 3);

    let server = Server::start(strict("recoveries"));
    let mut alice = guest_from(server.address(), 1);
    let codes = alice.reg("alice", PASSWORD).expect("registered").recovery_codes;
    let recover = |code: &Secret| protocol::Recover {
        id: None,
        name: Some("alice".into()),
        code: code.clone(),
        new_password: Secret::new(PASSWORD),
    };
    for code in &codes[..2] {
        alice.recover(recover(code)).expect("recovered");
    }
    waits(alice.recover(recover(&codes[2])));
    guest_from(server.address(), 2).recover(recover(&codes[2])).expect("from elsewhere");
    assert_eq!(counted(&server, "recoveries"), 1);
}

#[test]
fn one_household_is_one_address() {
    let server = Server::start(strict("registrations"));
    let guest = |address: &str| {
        let mut peer = Peer::connect(server.address());
        peer.send_bytes(format!("PROXY TCP6 {address} ::1 54321 7000\r\n").as_bytes());
        peer.hello(crate::support::hello("")).expect("HELLO");
        peer
    };
    guest("2001:db8:1:2::1").reg("alice", PASSWORD).expect("registered");
    guest("2001:db8:1:2:ffff:ffff:ffff:ffff").reg("bob", PASSWORD).expect("registered");
    waits(guest("2001:db8:1:2:3::").reg("carol", PASSWORD));
    guest("2001:db8:1:3::1").reg("carol", PASSWORD).expect("the neighbours");
}
