//! More work than the server takes: it says BUSY, answers everything once, and stays within its bounds.

use protocol::{Code, Login, Reply, Request, Secret};

use crate::support::{
    Options, PASSWORD, Peer, Server, Store, Witnesses, befriend, chat, friends, hello, log_in, register, user,
};

const MIB: u64 = 1024 * 1024;

#[test]
fn huge_pipelines_of_large_texts_are_stored_or_refused_each_once() {
    const SENDERS: usize = 4;
    const EACH: usize = 150;
    let options = Options::on(Store::Sqlite).with("waiting-bytes-max", MIB).with("append-queue-max", 16);
    let mut server = Server::start(options);
    let mut witnesses = Witnesses::of(&server);
    let before = server.resident_bytes();
    let mut pairs: Vec<_> = (0..SENDERS)
        .map(|n| {
            let mut sender = user(&server, &format!("sender {n}"));
            // The receiver is away: what is stored is what counts.
            let mut receiver = user(&server, &format!("receiver {n}"));
            let conv = befriend(&mut sender, &mut receiver);
            (sender, receiver.id, conv)
        })
        .collect();
    let mut stored = Vec::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = pairs
            .iter_mut()
            .map(|(sender, to, _)| {
                scope.spawn(move || {
                    let text = "x".repeat(64 * 1024);
                    let requests: Vec<_> = (0..EACH).map(|n| chat(*to, &text, &n.to_string())).collect();
                    let mut done = Vec::new();
                    for (n, rid) in sender.send_all(&requests).into_iter().enumerate() {
                        match sender.reply(rid) {
                            Ok(Reply::OneChat(sent)) => done.push((n, sent)),
                            Ok(other) => panic!("{other:?}"),
                            Err(refusal) => {
                                assert_eq!(refusal.code, Code::BUSY, "{refusal}");
                                assert!(
                                    refusal.body.retry_after_ms.is_some_and(|ms| ms > 0),
                                    "when to come again"
                                );
                            }
                        }
                    }
                    assert_eq!(sender.replies_due(), 0);
                    done
                })
            })
            .collect();
        for thread in threads {
            stored.push(thread.join().expect("a sender"));
        }
    });
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 128 * MIB, "{} MiB more", grown / MIB);
    let refused = SENDERS * EACH - stored.iter().map(Vec::len).sum::<usize>();
    println!("{refused} of {} were refused as busy", SENDERS * EACH);
    for ((sender, to, conv), mut done) in pairs.into_iter().zip(stored) {
        let mut sender = sender;
        assert_eq!(sender.message_count(conv), done.len() as u64, "refused is refused");
        // Later there is room: each of those refused is stored, and each stored one is known.
        for n in 0..EACH {
            let known = done.iter().find(|(stored, _)| *stored == n).map(|(_, sent)| *sent);
            let sent = sender.one_chat(to, &"x".repeat(64 * 1024), &n.to_string()).expect("there is room");
            match known {
                Some(first) => assert_eq!(sent, first),
                None => done.push((n, sent)),
            }
        }
        assert_eq!(sender.message_count(conv), EACH as u64);
    }
    witnesses.chat();
    witnesses.testify(&mut server);
}

#[test]
fn a_full_append_queue_is_said_and_order_is_kept() {
    const REQUESTS: usize = 2_000;
    let server =
        Server::start(Options::on(Store::Sqlite).with("append-queue-max", 1).with("pipeline-max", 1_000));
    let (mut alice, bob, conv) = friends(&server, "alice", "bob");
    let requests: Vec<_> = (0..REQUESTS).map(|n| chat(bob.id, &n.to_string(), &n.to_string())).collect();
    let mut last = 0;
    let mut stored = 0;
    for rid in alice.send_all(&requests) {
        match alice.reply(rid) {
            Ok(Reply::OneChat(sent)) => {
                assert!(sent.seq > last);
                last = sent.seq;
                stored += 1;
            }
            Ok(other) => panic!("{other:?}"),
            Err(refusal) => assert_eq!(refusal.code, Code::BUSY),
        }
    }
    assert_eq!(alice.message_count(conv), stored);
    let texts: Vec<usize> =
        alice.read_all(conv, 0).into_iter().map(|message| message.msg.parse().expect("a number")).collect();
    assert!(texts.windows(2).all(|pair| pair[0] < pair[1]), "stored in the order sent");
}

#[test]
fn a_storm_of_logins_is_answered_and_does_not_hold_up_a_chat() {
    const GUESTS: usize = 150;
    let options = Options::on(Store::Sqlite)
        .with("slow-queue-max", 4)
        .with("password-memory-kib", 8_192)
        .with("password-iterations", 2);
    let mut server = Server::start(options);
    let mut witnesses = Witnesses::of(&server);
    let id = register(&server, "popular");
    let mut guests: Vec<_> = (0..GUESTS)
        .map(|_| {
            let mut guest = Peer::connect(server.address());
            guest.hello(hello("")).expect("HELLO");
            guest
        })
        .collect();
    let login = |password: &str| {
        Request::Login(Login { id: Some(id), password: Secret::new(password), ..Login::default() })
    };
    let rids: Vec<_> = guests
        .iter_mut()
        .enumerate()
        .map(|(n, guest)| guest.send(&login(if n % 2 == 0 { PASSWORD } else { "wrong password" })))
        .collect();
    witnesses.chat();
    let (mut done, mut busy) = (0, 0);
    for (guest, rid) in guests.iter_mut().zip(rids) {
        match guest.reply(rid) {
            Ok(Reply::Login(signed_in)) => {
                assert_eq!(signed_in.id, id);
                done += 1;
            }
            Ok(other) => panic!("{other:?}"),
            Err(refusal) if refusal.code == Code::BAD_CREDENTIALS => done += 1,
            Err(refusal) => {
                assert_eq!(refusal.code, Code::BUSY);
                assert!(refusal.body.retry_after_ms.is_some_and(|ms| ms > 0));
                busy += 1;
            }
        }
    }
    println!("{done} logins were run, {busy} were told to come again");
    assert!(done > 0 && busy > 0, "{done} logins were run, {busy} were told to come again");
    log_in(&server, "popular", "after the storm");
    witnesses.testify(&mut server);
}
