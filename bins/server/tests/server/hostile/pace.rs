//! Bytes at odd paces: one at a time, all at once, and then the end.

use bytes::BytesMut;
use protocol::{History, Login, Nothing, Page, Reg, Reply, Request, Secret, encode};

use crate::support::{
    Options, PASSWORD, Peer, Random, Server, Store, Witnesses, chat, friends, hello, log_in,
};

#[test]
fn a_byte_at_a_time_is_read_as_well() {
    let mut server = Server::on(Store::Sqlite);
    let mut witnesses = Witnesses::of(&server);
    let mut peer = Peer::connect(server.address());
    let mut wire = BytesMut::new();
    let requests = [
        Request::Hello(hello("slow")),
        Request::Reg(Reg { name: "slow".into(), password: Secret::new(PASSWORD) }),
        Request::Login(Login {
            name: Some("slow".into()),
            password: Secret::new(PASSWORD),
            ..Login::default()
        }),
        Request::CreateGroup(protocol::CreateGroup { groupname: "slow".into(), groupdesc: "😀".into() }),
        Request::Groups(Page::default()),
    ];
    let rids: Vec<_> = requests.iter().map(|request| peer.encode(request, &mut wire)).collect();
    for byte in &wire {
        peer.send_bytes(std::slice::from_ref(byte));
    }
    witnesses.chat();
    let results: Vec<_> = rids.into_iter().map(|rid| peer.reply(rid)).collect();
    assert!(matches!(&results[4], Ok(Reply::Groups(page)) if page.groups.len() == 1), "{results:?}");
    witnesses.testify(&mut server);
}

#[test]
fn any_split_of_a_stream_is_the_same_stream() {
    const ROUNDS: usize = 40;
    let mut random = Random::seeded("any_split");
    let server = Server::on(Store::Sqlite);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    for round in 0..ROUNDS {
        let mut wire = BytesMut::new();
        let texts: Vec<_> = (0..8).map(|_| "é".repeat(random.within(1..3_000) as usize)).collect();
        let rids: Vec<_> = texts
            .iter()
            .enumerate()
            .map(|(n, text)| alice.encode(&chat(bob.id, text, &format!("{round}-{n}")), &mut wire))
            .collect();
        let mut rest = &wire[..];
        while !rest.is_empty() {
            let longest = if random.within(0..2) == 0 { 20 } else { rest.len() as u64 };
            let (now, later) = rest.split_at((1 + random.within(0..longest) as usize).min(rest.len()));
            alice.send_bytes(now);
            rest = later;
        }
        for (rid, text) in rids.into_iter().zip(texts) {
            alice.reply(rid).expect("stored");
            assert_eq!(bob.message().msg, text);
        }
    }
}

/// Requests of every lane: stored, read, answered at once.
fn mixed(to: u64, conv: u64, count: usize) -> Vec<Request> {
    (0..count)
        .map(|n| match n % 5 {
            0 | 1 => chat(to, &n.to_string(), &n.to_string()),
            2 => Request::History(History { conv, after: None, before: None, at: None, limit: 1 }),
            3 => Request::Friends(Page::default()),
            _ => Request::Ping(Nothing {}),
        })
        .collect()
}

#[test]
fn who_half_closes_is_answered_all_that_was_asked() {
    for pipeline_max in [64, 7, 2, 1] {
        let server = Server::start(Options::on(Store::Sqlite).with("pipeline-max", pipeline_max));
        let (mut alice, bob, conv) = friends(&server, "alice", "bob");
        for round in 0..10 {
            let mut asker = if round == 0 { alice } else { log_in(&server, "alice", "again") };
            let rids = asker.send_all(&mixed(bob.id, conv, 200));
            asker.half_close();
            asker.end();
            assert_eq!(
                asker.replies_due(),
                0,
                "of {} requests through a pipeline of {pipeline_max}",
                rids.len()
            );
            for (rid, answer) in asker.take_replies() {
                assert!(answer.is_ok(), "{rid}: {answer:?}");
            }
            alice = asker;
        }
        drop(alice);
    }
}

#[test]
fn the_last_request_before_a_half_close_is_answered() {
    // The end of the input and the answer meet in the server: whichever comes first, the answer is not lost.
    const ROUNDS: usize = 2_000;
    let server = Server::on(Store::Sqlite);
    for round in 0..ROUNDS {
        let mut peer = Peer::connect(server.address());
        let rids = peer.send_all(&[Request::Hello(hello("")), Request::Sessions(Nothing {})]);
        if round % 2 == 0 {
            // The end comes while the answer is made.
            peer.reply(rids[0]).expect("HELLO");
        }
        peer.half_close();
        peer.end();
        assert_eq!(peer.replies_due(), 0, "in round {round}");
    }
}

#[test]
fn a_whole_life_before_a_half_close() {
    let server = Server::on(Store::Sqlite);
    for n in 0..20 {
        let name = format!("brief {n}");
        let mut peer = Peer::connect(server.address());
        let rids = peer.send_all(&[
            Request::Hello(hello("")),
            Request::Reg(Reg { name: name.clone(), password: Secret::new(PASSWORD) }),
            Request::Login(Login { name: Some(name), password: Secret::new(PASSWORD), ..Login::default() }),
            Request::Sessions(Nothing {}),
            Request::LogOut(Nothing {}),
        ]);
        peer.half_close();
        peer.end();
        for rid in rids {
            peer.reply(rid).expect("done");
        }
    }
}

#[test]
fn a_pipeline_of_any_depth_flows() {
    // The shorter the server's own pipeline, the more often it stops reading and goes on: each time is a chance to
    // forget somebody. Several at once, so that answers come while others are read.
    const REQUESTS: usize = 3_000;
    const ASKERS: usize = 4;
    for pipeline_max in [1, 2, 3, 64] {
        let mut server = Server::start(Options::on(Store::Sqlite).with("pipeline-max", pipeline_max));
        let witnesses = Witnesses::of(&server);
        let (alice, bob, conv) = friends(&server, "alice", "bob");
        let mut askers: Vec<_> = (0..ASKERS).map(|n| log_in(&server, "alice", &format!("{n}"))).collect();
        drop(alice);
        std::thread::scope(|scope| {
            for (which, asker) in askers.iter_mut().enumerate() {
                let to = bob.id;
                scope.spawn(move || {
                    let requests: Vec<_> = mixed(to, conv, REQUESTS)
                        .into_iter()
                        .map(|request| match request {
                            Request::OneChat(chat) => Request::OneChat(protocol::OneChat {
                                client_msg_id: format!("{which}-{}", chat.client_msg_id),
                                ..chat
                            }),
                            other => other,
                        })
                        .collect();
                    // Written by a thread of its own: the answers are read meanwhile.
                    let mut wire = BytesMut::new();
                    let rids: Vec<_> =
                        requests.iter().map(|request| asker.encode(request, &mut wire)).collect();
                    let mut writer = asker.stream().try_clone().expect("a second handle");
                    scope.spawn(move || {
                        std::io::Write::write_all(&mut writer, &wire).expect("the server reads")
                    });
                    for rid in rids {
                        asker.reply(rid).expect("done");
                    }
                    assert_eq!(asker.replies_due(), 0);
                });
            }
        });
        let expected = (REQUESTS / 5 * 2 * ASKERS) as u64;
        assert_eq!(askers[0].message_count(conv), expected);
        witnesses.testify(&mut server);
    }
}

#[test]
fn whoever_vanishes_in_the_middle_takes_nobody_along() {
    let mut server = Server::on(Store::Sqlite);
    let mut witnesses = Witnesses::of(&server);
    let (alice, bob, conv) = friends(&server, "alice", "bob");
    let (bob_id, token) = (bob.id, alice.token.clone().expect("a token"));
    drop((alice, bob));
    for round in 0..100 {
        let mut wire = BytesMut::new();
        encode::request(1, &Request::Hello(hello("")), &mut wire);
        encode::request(
            2,
            &Request::Resume(protocol::Resume { token: token.clone(), ..protocol::Resume::default() }),
            &mut wire,
        );
        for n in 0..20 {
            encode::request(3 + n, &chat(bob_id, "x", &format!("{round}-{n}")), &mut wire);
        }
        let mut peer = Peer::connect(server.address());
        peer.send_bytes(&wire);
        // A reset, with everything under way.
        let linger = Some(std::time::Duration::ZERO);
        socket2::SockRef::from(peer.stream()).set_linger(linger).expect("SO_LINGER");
        drop(peer);
        if round % 25 == 0 {
            witnesses.chat();
        }
    }
    let mut alice = log_in(&server, "alice", "");
    let stored = alice.read_all(conv, 0);
    for (at, message) in stored.iter().enumerate() {
        assert_eq!(message.seq, at as u64 + 1, "no holes");
    }
    let mut ids: Vec<_> = stored.iter().map(|message| message.client_msg_id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), stored.len(), "nothing twice");
    witnesses.testify(&mut server);
}
