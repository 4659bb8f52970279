//! A1, A2, A3, A5: registering, logging in, what login tells, logging out.

use protocol::{Code, Login, Refusal, Secret, State};

use crate::support::{
    Options, PASSWORD, Peer, Server, Store, befriend, hello, log_in, on_each_store, register, user,
};

on_each_store! {
    a1_a_name_is_registered_once_whatever_its_case,
    a1_one_of_two_who_want_a_name_at_once_gets_it,
    a1_names_and_passwords_have_limits,
    a2_by_id_and_by_name,
    a2_a_wrong_password_and_a_wrong_account_look_the_same,
    a3_the_bundle_holds_what_matters_and_says_where_it_goes_on,
    a5_logging_out_ends_session_token_and_presence,
}

fn by_name(name: &str, password: &str) -> Login {
    Login { name: Some(name.into()), password: Secret::new(password), ..Login::default() }
}

fn by_id(id: u64, password: &str) -> Login {
    Login { id: Some(id), password: Secret::new(password), ..Login::default() }
}

fn guest(server: &Server) -> Peer {
    let mut peer = Peer::connect(server.address());
    peer.hello(hello("")).expect("HELLO");
    peer
}

fn a1_a_name_is_registered_once_whatever_its_case(store: Store) {
    let mut server = Server::on(store);
    let alice = register(&server, "Alice Öberg");
    let bob = register(&server, "bob");
    assert!(alice != 0 && bob != 0 && alice != bob);
    for again in ["Alice Öberg", "alice öberg", "ALICE ÖBERG", " alice  öberg "] {
        assert_eq!(guest(&server).reg(again, PASSWORD).unwrap_err().code, Code::NAME_TAKEN, "{again:?}");
    }
    server.terminate();
    server.restart();
    assert_eq!(guest(&server).reg("BOB", PASSWORD).unwrap_err().code, Code::NAME_TAKEN);
    assert!(register(&server, "carol") > bob, "a number is never given twice");
}

fn a1_one_of_two_who_want_a_name_at_once_gets_it(store: Store) {
    let server = Server::on(store);
    let mut peers: Vec<_> = (0..8).map(|_| guest(&server)).collect();
    let request =
        protocol::Request::Reg(protocol::Reg { name: "wanted".into(), password: Secret::new(PASSWORD) });
    let rids: Vec<_> = peers.iter_mut().map(|peer| peer.send(&request)).collect();
    let results: Vec<_> = peers.iter_mut().zip(rids).map(|(peer, rid)| peer.reply(rid)).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    for refusal in results.into_iter().filter_map(Result::err) {
        assert_eq!(refusal.code, Code::NAME_TAKEN);
    }
}

fn a1_names_and_passwords_have_limits(store: Store) {
    let server = Server::on(store);
    let mut peer = guest(&server);
    let mut field = |name: &str, password: &str| {
        let refusal: Refusal = peer.reg(name, password).unwrap_err();
        assert_eq!(refusal.code, Code::BAD_FIELD, "{name:?}");
        refusal.body.field.expect("a field")
    };
    for name in ["", " ", "12345", "a\0b", "a\nb", "\u{202e}evil", &"x".repeat(33)] {
        assert_eq!(field(name, PASSWORD), "name", "{name:?}");
    }
    for password in ["", "7 bytes", &"x".repeat(257)] {
        assert_eq!(field("carol", password), "password", "{} bytes", password.len());
    }
    peer.reg(&"é".repeat(32), &"\u{1f511}".repeat(64)).expect("exactly at the limits");
}

fn a2_by_id_and_by_name(store: Store) {
    let server = Server::on(store);
    let id = register(&server, "Alice");
    assert_eq!(guest(&server).login(by_id(id, PASSWORD)).expect("by id").name, "Alice");
    assert_eq!(guest(&server).login(by_name("aLiCe", PASSWORD)).expect("by name").id, id);
    let mut peer = guest(&server);
    for login in [
        Login { password: Secret::new(PASSWORD), ..Login::default() },
        Login {
            id: Some(id),
            name: Some("Alice".into()),
            password: Secret::new(PASSWORD),
            ..Login::default()
        },
    ] {
        assert_eq!(peer.login(login).unwrap_err().code, Code::BAD_FIELD, "exactly one of id and name");
    }
    let signed_in = peer.login(by_id(id, PASSWORD)).expect("the connection stayed");
    assert_eq!(signed_in.token.expect("a token").expose().len(), protocol::limits::TOKEN_CHARS);
    assert_eq!(peer.login(by_id(id, PASSWORD)).unwrap_err().code, Code::ALREADY_LOGGED_IN);
    assert_eq!(peer.reg("another", PASSWORD).unwrap_err().code, Code::ALREADY_LOGGED_IN);
}

fn a2_a_wrong_password_and_a_wrong_account_look_the_same(store: Store) {
    let server = Server::on(store);
    let id = register(&server, "alice");
    let mut peer = guest(&server);
    let answers = [
        by_name("alice", "correct horsf"),
        by_name("alice", ""),
        by_id(id, "Correct horse"),
        by_name("nobody", PASSWORD),
        by_name("no\0name", PASSWORD),
        by_name(&"x".repeat(5_000), PASSWORD),
        by_id(0, PASSWORD),
        by_id(id + 1, PASSWORD),
        by_id(u64::MAX, PASSWORD),
    ]
    .map(|login| peer.login(login).unwrap_err());
    assert_eq!(answers[0].code, Code::BAD_CREDENTIALS);
    assert_eq!(answers[0].body.errmsg, "id or password error");
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
    peer.login(by_name("alice", PASSWORD)).expect("the connection stayed");
}

fn a3_the_bundle_holds_what_matters_and_says_where_it_goes_on(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, carol) = (user(&server, "alice"), user(&server, "bob"), user(&server, "carol"));
    let conv = befriend(&mut alice, &mut bob);
    alice.add_friend(carol.id, "it is me").expect("asked");
    let group = alice.create_group("climbers", "on Tuesdays").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    bob.say(alice.id, "one");
    bob.say(alice.id, "two");
    alice.ack(conv, 1).expect("taken");
    drop(carol);

    let mut again = guest(&server);
    let bundle = again.login(by_name("alice", PASSWORD)).expect("in");
    assert_eq!((bundle.id, bundle.name.as_str()), (alice.id, "alice"));
    let friends: Vec<_> = bundle.friends.iter().map(|f| (f.id, f.name.as_str(), f.state, f.conv)).collect();
    assert_eq!(friends, [(bob.id, "bob", State::Online, conv)]);
    let groups: Vec<_> = bundle.groups.iter().map(|g| (g.id, g.groupname.as_str(), g.members)).collect();
    assert_eq!(groups, [(group, "climbers", 2)]);
    let requests: Vec<_> = bundle.requests.iter().map(|r| (r.name.as_str(), r.greeting.as_str())).collect();
    assert_eq!(requests, [("carol", "it is me")]);
    let convs: Vec<_> = bundle.convs.iter().map(|c| (c.conv, c.with, c.first, c.last, c.acked)).collect();
    assert_eq!(convs, [(conv, bob.id, 1, 2, 1), (group, group, 1, 1, 0)], "only what has news");
    assert_eq!(
        (bundle.friends_next, bundle.groups_next, bundle.requests_next, bundle.convs_next),
        (0, 0, 0, 0)
    );

    // Bounded: a hundred of each list, then pages.
    for n in 0..101 {
        alice.create_group(&format!("group {n}"), "").expect("opened");
    }
    let bundle = guest(&server).login(by_name("alice", PASSWORD)).expect("in");
    assert_eq!(bundle.groups.len(), 100);
    assert_eq!(bundle.groups_next, bundle.groups[99].id);
    let rest = alice.groups(bundle.groups_next, 0).expect("the rest");
    assert_eq!((rest.groups.len(), rest.next), (2, 0));
}

fn a5_logging_out_ends_session_token_and_presence(store: Store) {
    let server = Server::start(Options::on(store));
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    befriend(&mut alice, &mut bob);
    let token = alice.token.take().expect("a token");
    alice.log_out().expect("out");
    let gone = bob.presence();
    assert_eq!((gone.id, gone.state), (alice.id, State::Offline));
    assert_eq!(guest(&server).resume(token).unwrap_err().code, Code::SESSION_ENDED);
    // The connection stays, speaks for nobody, and may log in again.
    assert_eq!(alice.friends(0, 0).unwrap_err().code, Code::NOT_LOGGED_IN);
    assert_eq!(alice.log_out().unwrap_err().code, Code::NOT_LOGGED_IN);
    alice.login(by_name("alice", PASSWORD)).expect("in again");
    assert_eq!(bob.presence().state, State::Online);
    bob.say(alice.id, "welcome back");
    assert_eq!(alice.message().msg, "welcome back");
    assert_eq!(
        log_in(&server, "alice", "").sessions().expect("a list").sessions.len(),
        2,
        "the first one is over"
    );
}
