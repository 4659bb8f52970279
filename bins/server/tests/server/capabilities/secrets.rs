//! A7, A9: passwords that are changed, and accounts that are recovered by codes.

use std::sync::Barrier;
use std::thread;

use protocol::{Code, Login, Recover, Refusal, Secret};

use crate::support::{
    Options, PASSWORD, Peer, Server, Store, guest_from, hello, log_in, on_each_store, user,
};

on_each_store! {
    a9_a_new_password_ends_all_sessions_but_the_one_that_asks,
    a9_whoever_does_not_know_the_password_changes_nothing,
    a9_one_of_two_who_change_the_password_at_once_does,
    a7_each_code_recovers_once_and_survives_a_restart,
    a7_one_code_used_by_many_at_once_works_once,
    a7_failed_recoveries_look_the_same,
    a7_wrong_codes_make_account_and_address_wait,
    a7_new_codes_void_the_old_ones,
}

const NEW: &str = "battery staple";

/// A server that hears from this machine where its clients are.
fn behind_balancer(store: Store) -> Server {
    Server::start(Options::on(store).with("proxy-trusted", "127.0.0.1"))
}

fn guest(server: &Server) -> Peer {
    let mut peer = Peer::connect(server.address());
    peer.hello(hello("")).expect("HELLO");
    peer
}

fn try_log_in(server: &Server, name: &str, password: &str) -> Result<Peer, Refusal> {
    let mut peer = guest(server);
    peer.login(Login { name: Some(name.into()), password: Secret::new(password), ..Login::default() })?;
    Ok(peer)
}

fn by_name(name: &str, code: &Secret) -> Recover {
    Recover { id: None, name: Some(name.into()), code: code.clone(), new_password: Secret::new(NEW) }
}

fn a9_a_new_password_ends_all_sessions_but_the_one_that_asks(store: Store) {
    let mut server = Server::on(store);
    let mut desk = user(&server, "alice");
    let (mut phone, away) = (log_in(&server, "alice", "phone"), log_in(&server, "alice", "away"));
    let token = away.token.clone().expect("a token");
    drop(away);
    desk.change_password(PASSWORD, NEW).expect("changed");
    let bye = phone.bye();
    assert_eq!(Code(bye.errcode), Code::SESSION_ENDED);
    assert!(bye.errmsg.contains("password"), "{bye:?}");
    let sessions = desk.sessions().expect("this one stays").sessions;
    assert_eq!(sessions.iter().map(|session| session.session).collect::<Vec<_>>(), [desk.session]);
    assert_eq!(guest(&server).resume(token).unwrap_err().code, Code::SESSION_ENDED, "who was away too");
    assert_eq!(try_log_in(&server, "alice", PASSWORD).err().expect("old").code, Code::BAD_CREDENTIALS);
    let token = desk.token.clone().expect("a token");
    server.kill9();
    server.restart();
    guest(&server).resume(token).expect("its token holds");
    try_log_in(&server, "alice", NEW).expect("the new one");
}

fn a9_whoever_does_not_know_the_password_changes_nothing(store: Store) {
    let server = Server::on(store);
    let (mut desk, mut phone) = (user(&server, "alice"), log_in(&server, "alice", "phone"));
    assert_eq!(desk.change_password("wrong password", NEW).unwrap_err().code, Code::BAD_CREDENTIALS);
    let mut field = |old: &str, new: &str| {
        let refusal = desk.change_password(old, new).unwrap_err();
        assert_eq!(refusal.code, Code::BAD_FIELD);
        refusal.body.field.expect("a field")
    };
    assert_eq!(field(PASSWORD, "7 bytes"), "new_password");
    assert_eq!(field(PASSWORD, &"x".repeat(257)), "new_password");
    assert_eq!(field(&"x".repeat(257), NEW), "password");
    phone.sessions().expect("it stays");
    desk.change_password(PASSWORD, &"\u{1f511}".repeat(64)).expect("exactly at the limit");
    desk.change_password(&"\u{1f511}".repeat(64), "' OR 1=1; --").expect("anything is a password");
    // Whoever guesses on needs a new connection now and then.
    let mut guesses = 0;
    while guesses < 100 && desk.try_ping() {
        guesses += 1;
        let request =
            protocol::ChangePassword { password: Secret::new("a guess"), new_password: Secret::new(NEW) };
        let rid = desk.send(&protocol::Request::ChangePassword(request));
        match desk.try_reply(rid) {
            Some(answer) => assert_eq!(answer.unwrap_err().code, Code::BAD_CREDENTIALS),
            None => break,
        }
    }
    assert!(guesses < 100, "nobody stopped the guessing");
    assert_eq!(Code(desk.bye().errcode), Code::TOO_MANY);
}

fn a9_one_of_two_who_change_the_password_at_once_does(store: Store) {
    let server = Server::on(store);
    let first = user(&server, "alice");
    let mut devices = vec![first];
    devices.extend((1..4).map(|n| log_in(&server, "alice", &n.to_string())));
    let start = Barrier::new(devices.len());
    let outcomes: Vec<Option<Result<(), Code>>> = thread::scope(|scope| {
        let threads: Vec<_> = devices
            .iter_mut()
            .enumerate()
            .map(|(n, device)| {
                let start = &start;
                scope.spawn(move || {
                    let request = protocol::ChangePassword {
                        password: Secret::new(PASSWORD),
                        new_password: Secret::new(format!("new password {n}")),
                    };
                    start.wait();
                    let rid = device.send(&protocol::Request::ChangePassword(request));
                    // Who was slower may find its session ended before it is answered.
                    device.try_reply(rid).map(|answer| answer.map(drop).map_err(|refusal| refusal.code))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("an actor panicked")).collect()
    });
    let winners: Vec<usize> = (0..4).filter(|n| outcomes[*n] == Some(Ok(()))).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    for outcome in outcomes.iter().flatten().filter_map(|outcome| outcome.err()) {
        assert!([Code::BAD_CREDENTIALS, Code::SESSION_ENDED].contains(&outcome), "{outcomes:?}");
    }
    try_log_in(&server, "alice", &format!("new password {}", winners[0])).expect("the winner's holds");
}

fn a7_each_code_recovers_once_and_survives_a_restart(store: Store) {
    let mut server = Server::on(store);
    let registered = guest(&server).reg("Alice", PASSWORD).expect("registered");
    let codes = registered.recovery_codes;
    assert_eq!(codes.len(), 10);
    let mut device = try_log_in(&server, "alice", PASSWORD).expect("in");
    let recovered = guest(&server).recover(by_name("aLICE", &codes[0])).expect("recovered");
    assert_eq!((recovered.id, &*recovered.name, recovered.codes_left), (registered.id, "Alice", 9));
    assert_eq!(Code(device.bye().errcode), Code::SESSION_ENDED);
    server.kill9();
    server.restart();
    let used = guest(&server).recover(by_name("alice", &codes[0])).unwrap_err();
    assert_eq!(used.code, Code::BAD_CREDENTIALS, "answered is durable");
    try_log_in(&server, "alice", NEW).expect("the new password");
    assert_eq!(try_log_in(&server, "alice", PASSWORD).err().expect("old").code, Code::BAD_CREDENTIALS);
    let log = server.log();
    for secret in codes.iter().map(Secret::expose).chain([PASSWORD, NEW]) {
        assert!(!log.contains(secret), "the log has a secret");
    }
}

fn a7_one_code_used_by_many_at_once_works_once(store: Store) {
    let server = behind_balancer(store);
    let codes = guest_from(server.address(), 250).reg("alice", PASSWORD).expect("registered").recovery_codes;
    let start = Barrier::new(4);
    let recovered: Vec<bool> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let mut peer = guest_from(server.address(), n);
                let (start, code) = (&start, &codes[0]);
                scope.spawn(move || {
                    start.wait();
                    let answer = peer.recover(by_name("alice", code));
                    answer.map_err(|refusal| assert_eq!(refusal.code, Code::BAD_CREDENTIALS)).is_ok()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("an actor panicked")).collect()
    });
    assert_eq!(recovered.iter().filter(|recovered| **recovered).count(), 1, "{recovered:?}");
}

fn a7_failed_recoveries_look_the_same(store: Store) {
    let server = behind_balancer(store);
    let registered = guest_from(server.address(), 250).reg("alice", PASSWORD).expect("registered");
    let code = &registered.recovery_codes[0];
    let by_id = |id| Recover { id: Some(id), name: None, ..by_name("", code) };
    let attempts = [
        by_name("alice", &Secret::new("0000-0000-0000-0000")),
        // Right, and too early.
        by_name("alice", code),
        by_name("nobody", code),
        by_name("no\0name", code),
        by_name("' OR 1=1; --", code),
        by_name(&"x".repeat(5_000), code),
        by_id(0),
        by_id(registered.id + 1_000),
        by_id(u64::MAX),
    ];
    let answers: Vec<Refusal> = (0..)
        .zip(attempts)
        .map(|(n, attempt)| guest_from(server.address(), n).recover(attempt).unwrap_err())
        .collect();
    assert_eq!(answers[0].code, Code::BAD_CREDENTIALS);
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
    let mut peer = guest_from(server.address(), 100);
    let mut field = |request: Recover| peer.recover(request).unwrap_err().body.field.expect("a field");
    assert_eq!(field(by_name("alice", &Secret::new("' OR 1=1; --"))), "code");
    assert_eq!(field(by_name("alice", &Secret::new("0".repeat(65)))), "code");
    assert_eq!(
        field(Recover { new_password: Secret::new("7 bytes"), ..by_name("alice", code) }),
        "new_password"
    );
    assert_eq!(
        field(Recover { new_password: Secret::new("x".repeat(257)), ..by_name("alice", code) }),
        "new_password"
    );
    assert_eq!(field(Recover { id: Some(1), ..by_name("alice", code) }), "id");
    let mut alice = guest_from(server.address(), 251);
    let login = Login { id: Some(registered.id), password: Secret::new(PASSWORD), ..Login::default() };
    alice.login(login).expect("nothing is changed");
}

fn a7_wrong_codes_make_account_and_address_wait(store: Store) {
    let server = behind_balancer(store);
    let codes = guest_from(server.address(), 250).reg("alice", PASSWORD).expect("registered").recovery_codes;
    let wrong = Secret::new("0000-0000-0000-0000");
    let mut guesser = guest_from(server.address(), 1);
    assert_eq!(guesser.recover(by_name("alice", &wrong)).unwrap_err().code, Code::BAD_CREDENTIALS);
    let again = guest_from(server.address(), 1).recover(by_name("alice", &wrong)).unwrap_err();
    assert_eq!(again.code, Code::TOO_MANY, "by another connection too");
    let wait = again.body.retry_after_ms.expect("a wait");
    assert!((1..=1_000).contains(&wait), "{wait}");
    // The account waits as well, for about as long.
    let recovered = testkit::eventually(crate::support::DEADLINE, "the wait is over", || {
        let mut peer = guest_from(server.address(), 2);
        match peer.recover(by_name("alice", &codes[0])) {
            Ok(recovered) => Some(recovered),
            Err(refusal) => {
                assert!([Code::TOO_MANY, Code::BAD_CREDENTIALS].contains(&refusal.code), "{refusal}");
                None
            }
        }
    });
    assert_eq!(recovered.codes_left, 9);
}

fn a7_new_codes_void_the_old_ones(store: Store) {
    let server = behind_balancer(store);
    let mut alice = guest_from(server.address(), 250);
    let old = alice.reg("alice", PASSWORD).expect("registered").recovery_codes;
    alice
        .login(Login { name: Some("alice".into()), password: Secret::new(PASSWORD), ..Login::default() })
        .expect("in");
    assert_eq!(alice.new_recovery_codes("wrong password").unwrap_err().code, Code::BAD_CREDENTIALS);
    let new = alice.new_recovery_codes(PASSWORD).expect("new ones").recovery_codes;
    assert_eq!(new.len(), 10);
    // The right one first: a wrong one would make the account wait.
    assert_eq!(
        guest_from(server.address(), 1).recover(by_name("alice", &new[0])).expect("new").codes_left,
        9
    );
    let refusal = guest_from(server.address(), 2).recover(by_name("alice", &old[0])).unwrap_err();
    assert_eq!(refusal.code, Code::BAD_CREDENTIALS);
    assert_eq!(Code(alice.bye().errcode), Code::SESSION_ENDED);
}
