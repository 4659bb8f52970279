//! The database goes away and comes back: busy meanwhile, nothing lost, and nobody has to restart anything.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use protocol::{Code, Login, Refusal, Reply, Request, Secret};
use testkit::{MariaDb, Signal, eventually};

use crate::support::{DEADLINE, Options, PASSWORD, Peer, Server, chat, friends, hello, log_in};

/// By when a request must be answered while the database refuses connections.
const GONE_LIMIT: Duration = Duration::from_secs(20);
/// By when while it accepts them and says nothing, which only time-outs can tell.
const SILENT_LIMIT: Duration = Duration::from_secs(45);

/// A server on a MariaDB of its own.
fn start() -> (MariaDb, Server) {
    let database = MariaDb::start();
    let name = database.create_database("degraded");
    let server = Server::start(Options::on_url(database.url(&name)));
    (database, server)
}

fn assert_busy(refusal: &Refusal) {
    assert_eq!(refusal.code, Code::BUSY, "{refusal}");
    assert!(refusal.body.retry_after_ms.is_some_and(|ms| ms > 0), "when to come again");
}

/// Sends a message until it is stored, as a client does.
fn insist(peer: &mut Peer, request: &Request) -> protocol::Sent {
    eventually(DEADLINE * 4, "the message is stored", || match peer.ask(request) {
        Ok(Reply::OneChat(sent)) => Some(sent),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => {
            assert_busy(&refusal);
            None
        }
    })
}

#[test]
fn c5_a_killed_database_is_busy_and_comes_back() {
    let (database, mut server) = start();
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    alice.set_deadline(GONE_LIMIT);
    bob.set_deadline(GONE_LIMIT);
    alice.say(bob.id, "before");
    bob.message();
    database.kill();

    let begun = Instant::now();
    let requests: Vec<_> = (0..40).map(|n| chat(bob.id, &n.to_string(), &n.to_string())).collect();
    for rid in alice.send_all(&requests) {
        assert_busy(&alice.reply(rid).expect_err("nothing can be stored"));
    }
    println!("sends were refused after {:?}", begun.elapsed());
    // Nor does one who comes while others wait: their time is not added to his.
    let rid = alice.send(&requests[0]);
    alice.ping().expect("answered");
    let begun = Instant::now();
    assert_busy(&bob.one_chat(alice.id, "me too", "me too").expect_err("nothing can be stored"));
    println!("one behind another was refused after {:?}", begun.elapsed());
    assert_busy(&alice.reply(rid).expect_err("nothing can be stored"));
    // Whatever needs the database is busy, in bounded time; what does not is served.
    let begun = Instant::now();
    for refusal in [
        bob.history(protocol::History { conv, after: None, before: None, at: None, limit: 0 })
            .expect_err("no database"),
        bob.friends(0, 0).expect_err("no database"),
        bob.create_group("g", "").expect_err("no database"),
    ] {
        assert_busy(&refusal);
    }
    println!("three reads were refused after {:?}", begun.elapsed());
    bob.ping().expect("answered");
    let mut guest = Peer::connect(server.address());
    guest.hello(hello("")).expect("HELLO");
    let login = Login { name: Some("alice".into()), password: Secret::new(PASSWORD), ..Login::default() };
    assert_busy(&guest.login(login.clone()).expect_err("no database"));

    database.restart();
    for request in &requests {
        insist(&mut alice, request);
    }
    for n in 0..requests.len() {
        let message = bob.message();
        assert_eq!((message.seq, message.msg), (n as u64 + 2, n.to_string()));
    }
    guest.login(login).expect("the same connection logs in now");
    assert_eq!(bob.read_all(conv, 0).len(), requests.len() + 1);
    server.terminate();
}

#[test]
fn c5_a_silent_database_is_busy_and_comes_back() {
    let (database, mut server) = start();
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    alice.set_deadline(SILENT_LIMIT);
    bob.set_deadline(SILENT_LIMIT);
    database.pause();
    let begun = Instant::now();
    let request = chat(bob.id, "into the silence", "silence");
    let rid = alice.send(&request);
    // Others are served meanwhile, as far as they need no database.
    for _ in 0..20 {
        bob.ping().expect("answered");
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
    match alice.reply(rid) {
        Err(refusal) => assert_busy(&refusal),
        Ok(reply) => panic!("nothing can be stored: {reply:?}"),
    }
    println!("a send was refused after {:?}", begun.elapsed());
    database.resume();
    let begun = Instant::now();
    let sent = insist(&mut alice, &request);
    println!("it was stored {:?} after the database spoke again", begun.elapsed());
    assert_eq!(sent.seq, 1);
    // Whether one of the attempts was stored after all or not: it is there once, and it is heard.
    assert_eq!(bob.message().msg, "into the silence");
    assert_eq!(alice.read_all(conv, 0).len(), 1);
    server.terminate();
}

#[test]
fn c5_a_short_pause_is_not_even_noticed() {
    let (database, server) = start();
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    for n in 0..5 {
        database.pause();
        let rid = alice.send(&chat(bob.id, &n.to_string(), &n.to_string()));
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(200) {
            bob.ping().expect("answered");
        }
        database.resume();
        alice.reply(rid).expect("stored");
        assert_eq!(bob.message().msg, n.to_string());
    }
}

#[test]
fn c5_restarts_under_load_lose_nothing_that_was_answered() {
    const SENDERS: usize = 4;
    const RESTARTS: usize = 3;
    let (database, mut server) = start();
    let mut pairs: Vec<_> =
        (0..SENDERS).map(|n| friends(&server, &format!("sender {n}"), &format!("receiver {n}"))).collect();
    let stop = AtomicBool::new(false);
    let (answered, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        let threads: Vec<_> = pairs
            .iter_mut()
            .map(|(sender, receiver, _)| {
                sender.set_deadline(SILENT_LIMIT);
                let to = receiver.id;
                let (stop, answered, refused) = (&stop, &answered, &refused);
                scope.spawn(move || {
                    let mut done = Vec::new();
                    // One after the other, so that order means something; each until it is stored.
                    while !stop.load(Ordering::SeqCst) {
                        let n = done.len();
                        match sender.ask(&chat(to, &n.to_string(), &n.to_string())) {
                            Ok(Reply::OneChat(sent)) => {
                                done.push(sent.seq);
                                answered.fetch_add(1, Ordering::SeqCst);
                            }
                            Ok(other) => panic!("{other:?}"),
                            Err(refusal) => {
                                assert_busy(&refusal);
                                refused.fetch_add(1, Ordering::SeqCst);
                            }
                        }
                    }
                    done
                })
            })
            .collect();
        for round in 0..RESTARTS {
            let before = answered.load(Ordering::SeqCst);
            let flows = || (answered.load(Ordering::SeqCst) > before + 50 * SENDERS as u64).then_some(());
            eventually(DEADLINE * 2, "messages flow", flows);
            if round % 2 == 0 {
                database.kill()
            } else {
                database.stop()
            }
            database.restart();
        }
        let before = answered.load(Ordering::SeqCst);
        let flows = || (answered.load(Ordering::SeqCst) > before + 50 * SENDERS as u64).then_some(());
        eventually(DEADLINE * 2, "messages flow again", flows);
        stop.store(true, Ordering::SeqCst);
        let done: Vec<Vec<u64>> =
            threads.into_iter().map(|thread| thread.join().expect("a sender")).collect();
        println!(
            "{} answered, {} refused as busy",
            answered.load(Ordering::SeqCst),
            refused.load(Ordering::SeqCst)
        );
        for (which, seqs) in done.iter().enumerate() {
            assert!(
                seqs.iter().enumerate().all(|(at, seq)| *seq == at as u64 + 1),
                "sender {which}: in order, once"
            );
        }
    });
    for (which, (sender, receiver, conv)) in pairs.iter_mut().enumerate() {
        let stored = sender.read_all(*conv, 0);
        assert!(stored.iter().enumerate().all(|(at, m)| m.seq == at as u64 + 1 && m.msg == at.to_string()));
        // The receiver was there all the time: each message was pushed, and none twice, but for those whose outcome
        // nobody knew, which the seq tells apart.
        let mut have = 0;
        while have < stored.len() as u64 {
            let message = receiver.message();
            assert!(message.seq <= have + 1, "receiver {which}: {} follows {have}", message.seq);
            have = have.max(message.seq);
        }
    }
    server.terminate();
    server.restart();
    let mut again = log_in(&server, "receiver 0", "");
    assert!(again.conversations(0, 0).expect("a page").convs[0].last > 0);
}

#[test]
fn c5_without_its_database_it_stops_all_the_same() {
    for silent in [false, true] {
        let (database, mut server) = start();
        let (mut alice, bob, conv) = friends(&server, "alice", "bob");
        alice.say(bob.id, "stored");
        alice.ack(conv, 1).expect("taken");
        if silent {
            database.pause()
        } else {
            database.kill()
        }
        let rid = alice.send(&chat(bob.id, "not stored", "late"));
        alice.ping().expect("the message was read");
        let begun = Instant::now();
        // It says how it ended by its exit code; what matters is that it ends, and answers what it took.
        server.stop(Signal::TERM);
        println!("it ended after {:?}", begun.elapsed());
        match alice.try_reply(rid) {
            Some(Err(refusal)) => assert_busy(&refusal),
            Some(Ok(reply)) => panic!("nothing can be stored: {reply:?}"),
            // The time to drain ran out first.
            None => {}
        }
        alice.end();
    }
}
