//! M7: what the operator tells everybody reaches every user once, whether they are there or not.

use protocol::{BroadcastsPage, Code, Login, MsgId, Push, Resume, Secret, SignedIn};
use testkit::{MariaDb, Proxy, eventually};

use crate::support::{
    DEADLINE, Options, PASSWORD, Peer, Server, Store, TOKEN, ask, hello, log_in, on_each_store, order,
    token_file, user,
};

on_each_store! {
    m7_everybody_who_is_there_is_told_at_once,
    m7_who_was_away_finds_it_at_the_next_sign_in,
    m7_each_device_has_it_once,
    m7_nobody_gets_what_was_said_before_they_came,
    m7_a_repeated_command_tells_nothing_twice,
    m7_a_broadcast_survives_a_crash,
}

fn server(store: Store) -> Server {
    Server::start(Options::on(store).taking_orders())
}

/// Logs in from a device that has broadcasts up to here.
fn come(server: &Server, name: &str, broadcasts_after: Option<u64>) -> (Peer, SignedIn) {
    let mut peer = Peer::connect(server.address());
    peer.hello(hello("test")).expect("HELLO");
    let (name, password) = (Some(name.into()), Secret::new(PASSWORD));
    let login = Login { name, password, broadcasts_after, ..Login::default() };
    let bundle = peer.login(login).expect("logged in");
    (peer, bundle)
}

fn place(bundle: &SignedIn) -> (u64, u64) {
    (bundle.broadcasts_last, bundle.broadcasts_acked)
}

fn texts(page: &BroadcastsPage) -> Vec<(u64, &str)> {
    page.broadcasts.iter().map(|broadcast| (broadcast.id, broadcast.msg.as_str())).collect()
}

fn m7_everybody_who_is_there_is_told_at_once(store: Store) {
    let server = server(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let mut phone = log_in(&server, "alice", "phone");
    let text = "the server restarts at noon\n服务器中午重启 \u{1b}[31m";
    let said = server.broadcast(text);
    assert_eq!(
        said,
        "broadcast 1 is stored: who is online gets it now, everybody else at their next sign-in\n"
    );
    for device in [&mut alice, &mut phone, &mut bob] {
        let told = device.broadcast();
        assert_eq!(
            (told.id, told.msg.as_str()),
            (1, "the server restarts at noon\n服务器中午重启 \u{1b}[31m")
        );
        let page = device.broadcasts(0, 0).expect("a page");
        assert_eq!(page, BroadcastsPage { broadcasts: vec![told], next: 0, last: 1 }, "the same, stored");
    }
    server.broadcast("again");
    for device in [&mut alice, &mut phone, &mut bob] {
        assert_eq!(device.broadcast().id, 2);
        assert!(device.try_ping());
        let more = device.pushes_so_far();
        assert!(!more.iter().any(|push| matches!(push, Push::Broadcast(_))), "once: {more:?}");
    }
    // The operator's log says who, which and how much, and not what.
    let log = server.log();
    let said = format!("broadcast 1 by \"olga\": {} characters", text.chars().count());
    assert!(log.contains(&said), "{log}");
    assert!(!log.contains("restarts at noon"), "{log}");
    let metrics = ask(server.admin_address(), "/metrics").1;
    assert!(metrics.contains("\nchat_broadcasts_stored_total 2\n"), "{metrics}");
    assert!(metrics.contains("\nchat_broadcasts_told_total 2\n"), "{metrics}");
    // One row each, however many users.
    assert_eq!(server.stored_rows("broadcasts"), 2);
}

fn m7_who_was_away_finds_it_at_the_next_sign_in(store: Store) {
    let server = server(store);
    let bob = user(&server, "bob");
    let token = bob.token.clone().expect("a token");
    drop(bob);
    for text in ["one", "two", "three"] {
        server.broadcast(text);
    }
    let mut bob = Peer::connect(server.address());
    bob.hello(hello("first")).expect("HELLO");
    let bundle = bob.resume(token).expect("resumed");
    assert_eq!(place(&bundle), (3, 0));
    let page = bob.broadcasts(0, 2).expect("a page");
    assert_eq!((texts(&page), page.next, page.last), (vec![(1, "one"), (2, "two")], 2, 3));
    let page = bob.broadcasts(page.next, 2).expect("a page");
    assert_eq!((texts(&page), page.next), (vec![(3, "three")], 0));
}

fn m7_each_device_has_it_once(store: Store) {
    let server = server(store);
    let mut alice = user(&server, "alice");
    for text in ["one", "two", "three"] {
        server.broadcast(text);
    }
    let at = |after| place(&come(&server, "alice", after).1);
    assert_eq!(at(None), (3, 0));
    alice.ack_broadcasts(2).expect("noted");
    alice.ack_broadcasts(1).expect("noted, and nothing moves back");
    assert_eq!(at(None), (3, 2), "a device without a memory begins where another got to");
    assert_eq!(at(Some(1)), (3, 1), "one with a memory goes on with it");
    for beyond in [3, 4, (1 << 53) - 1, 1 << 53, u64::MAX] {
        assert_eq!(at(Some(beyond)), (3, 3), "nobody has what is not there");
        assert_eq!(alice.broadcasts(beyond, 0).expect("a page").broadcasts, []);
    }
    alice.ack_broadcasts(u64::MAX).expect("noted");
    assert_eq!(at(None), (3, 3));
    server.broadcast("four");
    assert_eq!(at(None), (4, 3), "what is not there yet was not acknowledged");
    // A session goes on where its device got to, whatever others did.
    let (phone, bundle) = come(&server, "alice", Some(0));
    let token = bundle.token.clone().expect("a token");
    drop(phone);
    let mut phone = Peer::connect(server.address());
    phone.hello(hello("phone")).expect("HELLO");
    assert_eq!(place(&phone.resume(token.clone()).expect("resumed")), (4, 0));
    phone.ack_broadcasts(4).expect("noted");
    drop(phone);
    let mut phone = Peer::connect(server.address());
    phone.hello(hello("phone")).expect("HELLO");
    let resume = Resume { token, broadcasts_after: Some(2), ..Resume::default() };
    let resumed = phone.ask(&protocol::Request::Resume(resume)).expect("resumed");
    assert!(matches!(&resumed, protocol::Reply::Resume(bundle) if place(bundle) == (4, 2)), "{resumed:?}");
}

fn m7_nobody_gets_what_was_said_before_they_came(store: Store) {
    let server = server(store);
    server.broadcast("before bob");
    let mut bob = user(&server, "bob");
    assert_eq!(texts(&bob.broadcasts(0, 0).expect("a page")), []);
    assert_eq!(place(&come(&server, "bob", None).1), (1, 1));
    server.broadcast("after bob");
    assert_eq!(bob.broadcast().id, 2);
    let (mut phone, bundle) = come(&server, "bob", Some(0));
    assert_eq!(place(&bundle), (2, 0));
    let page = phone.broadcasts(0, 0).expect("a page");
    assert_eq!((texts(&page), page.last), (vec![(2, "after bob")], 2));
}

fn m7_a_repeated_command_tells_nothing_twice(store: Store) {
    let server = server(store);
    let mut alice = user(&server, "alice");
    let give = |text| server.order_broadcast(&["--operator=olga", "--key=k-1", "--text", text]);
    assert!(give("once").status.success());
    let again = give("once");
    assert!(again.status.success());
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(said.starts_with("broadcast 1 was stored before, by the same key"), "{said}");
    let other = give("something else");
    assert!(!other.status.success());
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(said.contains("another text was broadcast with this key"), "{said}");
    assert_eq!(alice.broadcast().msg, "once");
    let page = alice.broadcasts(0, 0).expect("a page");
    assert_eq!((texts(&page), page.last), (vec![(1, "once")], 1));
    assert_eq!(server.broadcast("next").split(" is").next(), Some("broadcast 2"), "no id was used up");
}

fn m7_a_broadcast_survives_a_crash(store: Store) {
    let mut server = server(store);
    drop(user(&server, "alice"));
    server.broadcast("durable");
    server.kill9();
    server.restart();
    let (mut alice, bundle) = come(&server, "alice", None);
    assert_eq!(place(&bundle), (1, 0));
    assert_eq!(texts(&alice.broadcasts(0, 0).expect("a page")), [(1, "durable")]);
    alice.ack_broadcasts(1).expect("noted");
    server.terminate();
    server.restart();
    assert_eq!(place(&come(&server, "alice", None).1), (1, 1), "what waits is stored at the end");
}

#[test]
fn m7_only_who_has_the_token_orders() {
    let server = server(Store::Sqlite);
    let mut alice = user(&server, "alice");
    let admin = server.admin_address().to_string();
    let wrong = tempfile::NamedTempFile::new().expect("a file");
    for (token, problem) in [
        ("another-token-of-the-tests", "this is not the node's admin token"),
        (&TOKEN[..TOKEN.len() - 1], "this is not the node's admin token"),
        ("short", "the token in it must be 16 to 256 printable ASCII characters"),
        ("", "the token in it must be 16 to 256 printable ASCII characters"),
    ] {
        std::fs::write(wrong.path(), token).expect("written");
        let refused = order(&["--operator=eve", "--text=pay me"], admin.clone(), wrong.path());
        assert!(!refused.status.success(), "{token:?}");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains(problem) && !said.contains(TOKEN), "{token:?}: {said}");
    }
    let without = Server::start(Options::on(Store::Sqlite).with("admin", "127.0.0.1:0"));
    let refused = without.order_broadcast(&["--operator=olga", "--text=hi"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("admin_token_file is not set"), "{said}");
    let nobody = order(&["--operator=olga", "--text=hi"], "127.0.0.1:1".into(), token_file());
    let said = String::from_utf8_lossy(&nobody.stderr).into_owned();
    assert!(!nobody.status.success() && said.contains("nothing was done"), "{said}");
    // A user has no way to say it: the push's type is none of a request.
    let rid = alice.send_body(MsgId::Broadcast.into(), br#"{"id":1,"time":1,"msg":"pay me"}"#);
    assert_eq!(alice.reply(rid).expect_err("no request").code, Code::UNKNOWN_TYPE);
    assert_eq!(alice.broadcasts(0, 0).expect("a page"), BroadcastsPage::default());
    let metrics = ask(server.admin_address(), "/metrics").1;
    assert!(metrics.contains("\nchat_admin_wrong_tokens_total 2\n"), "{metrics}");
    assert!(!server.log().contains(TOKEN) && !server.log().contains("pay me"));
}

#[test]
fn m7_what_cannot_be_broadcast_is_refused_and_says_why() {
    let server = server(Store::Sqlite);
    let long = "x".repeat(4_097);
    let long_name = "n".repeat(65);
    let long_key = "k".repeat(65);
    for (arguments, problem) in [
        (vec!["--operator=olga", "--text="], "a broadcast cannot be empty"),
        (vec!["--operator=olga", "--text", &long], "a broadcast has at most 4096 bytes"),
        (vec!["--operator=olga"], "a broadcast cannot be empty"),
        (vec!["--text=hi"], "say who you are: --operator NAME"),
        (vec!["--text=hi", "--operator="], "an operator's name is 1 to 64 characters"),
        (vec!["--text=hi", "--operator", &long_name], "an operator's name is 1 to 64 characters"),
        (vec!["--text=hi", "--operator=ol\u{1b}ga"], "an operator's name is 1 to 64 characters"),
        (vec!["--text=hi", "--operator=olga", "--key="], "a key is 1 to 64 printable ASCII characters"),
        (vec!["--text=hi", "--operator=olga", "--key", &long_key], "a key is 1 to 64 printable"),
        (vec!["--text=hi", "--operator=olga", "--key=é"], "a key is 1 to 64 printable ASCII characters"),
    ] {
        let refused = server.order_broadcast(&arguments);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(problem), "{arguments:?}: {said}");
    }
    assert_eq!(server.stored_rows("broadcasts"), 0);
    // The longest that there may be, of what takes most room in JSON; SQL means itself.
    let worst = "\u{1}".repeat(4_096);
    for text in [&worst, "Robert'); DROP TABLE broadcasts; --"] {
        server.broadcast(text);
    }
    let (_, bundle) = {
        user(&server, "alice");
        come(&server, "alice", None)
    };
    assert_eq!(place(&bundle), (2, 2));
}

#[test]
fn m7_too_many_broadcasts_are_told_to_wait() {
    let options = Options::on(Store::Sqlite).taking_orders();
    let options = options.with("broadcasts-burst", 2).with("broadcasts-per-minute", 1);
    let server = Server::start(options);
    let give = |key: &str| server.order_broadcast(&["--operator=olga", "--text=hi", "--key", key]);
    assert!(give("1").status.success() && give("2").status.success());
    let refused = give("3");
    assert!(!refused.status.success(), "{}", String::from_utf8_lossy(&refused.stdout));
    assert_eq!(server.stored_rows("broadcasts"), 2);
    let metrics = ask(server.admin_address(), "/metrics").1;
    assert!(metrics.contains("\nchat_limits_refused_total{kind=\"broadcasts\"} 1\n"), "{metrics}");
}

#[test]
fn m7_a_store_that_is_away_is_told_and_the_repeat_is_done_once() {
    let database = MariaDb::start();
    let name = database.create_database("server");
    let way = Proxy::start(database.address());
    let url = database.url_through(way.address(), &name);
    let server = Server::start(Options::on_url(url).taking_orders());
    let mut alice = user(&server, "alice");
    way.refuse();
    let give = || server.order_broadcast(&["--operator=olga", "--text=hi", "--key=k-1"]);
    let refused = give();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("--key k-1"), "{said}");
    way.resume();
    eventually(DEADLINE, "the store is back", || give().status.success().then_some(()));
    assert_eq!(alice.broadcast().msg, "hi");
    assert_eq!(texts(&alice.broadcasts(0, 0).expect("a page")), [(1, "hi")]);
}
