//! A4, A9: sessions that move between nodes, end on all of them, and are as many as the policy says.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use protocol::{ChatMessage, Code, Login, Secret, State};
use testkit::{Proxy, eventually};

use super::hearing::{StopOnDrop, keep_up, nothing_more, run};
use super::nodes::{Cluster, Plan, SLACK, TTL};
use crate::support::{DEADLINE, PASSWORD, Peer, hello, log_in, register};

/// How long ending a session may take on other nodes.
const WITHIN: Duration = Duration::from_secs(1);

/// Resumes, and asks for what is missing, as a client does.
fn resume_and_sync(
    cluster: &Cluster,
    node: usize,
    token: &Secret,
    conv: u64,
    kept: &mut BTreeMap<u64, ChatMessage>,
) -> Peer {
    let mut peer = cluster.resume(node, token);
    let have = kept.keys().next_back().copied().unwrap_or(0);
    for message in peer.read_all(conv, have) {
        assert!(kept.insert(message.seq, message).is_none(), "doubled");
    }
    peer
}

#[test]
fn a_session_goes_on_elsewhere_when_its_node_is_killed_or_stopped_with_nothing_lost_or_doubled() {
    let mut cluster = Cluster::of(3);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let token = bob.token.clone().expect("a token");
    let bob_id = bob.id;
    let stop = AtomicBool::new(false);
    let said = Mutex::new(0u64);
    let (kept, mut bob) = thread::scope(|scope| {
        let (stop_ref, said_ref, alice) = (&stop, &said, &mut alice);
        scope.spawn(move || {
            let mut n = 0;
            while !stop_ref.load(Ordering::SeqCst) {
                n = alice.say(bob_id, &n.to_string()).seq;
                *said_ref.lock().expect("a number") = n;
            }
        });
        let _stop = StopOnDrop(&stop);
        let so_far = || *said.lock().expect("a number");
        let more = |than: u64| eventually(DEADLINE, "chatter", || (so_far() > than + 50).then(so_far));
        let mut kept = BTreeMap::new();
        for node in [1, 2] {
            // Some are heard, some are on their way when the node dies.
            let have = kept.keys().next_back().copied().unwrap_or(0);
            kept.append(&mut keep_up(&mut bob, conv, have, have + 30));
            more(so_far());
            // The other one of the two.
            let next = 3 - node;
            if node == 1 {
                cluster.nodes[node].kill9();
            } else {
                cluster.nodes[next].restart();
                cluster.nodes[node].terminate();
            }
            let begun = Instant::now();
            bob = resume_and_sync(&cluster, next, &token, conv, &mut kept);
            println!("resumed and in step after {:?}", begun.elapsed());
            more(so_far());
        }
        (kept, bob)
    });
    let last = alice.say(bob_id, "the end").seq;
    let mut kept = kept;
    let have = kept.keys().next_back().copied().unwrap_or(0);
    kept.append(&mut keep_up(&mut bob, conv, have, last));
    assert_eq!(kept.keys().copied().collect::<Vec<_>>(), (1..=last).collect::<Vec<_>>());
    let log: Vec<_> = alice.read_all(conv, 0);
    assert_eq!(kept.into_values().collect::<Vec<_>>(), log);
    nothing_more(&mut bob);
}

#[test]
fn a_session_that_moved_closes_the_old_connection_on_the_other_node() {
    let cluster = Cluster::of(2);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (0, "bob"));
    let token = bob.token.clone().expect("a token");
    // Half open: the client is gone from here, and this node does not know.
    let way = Proxy::start(cluster.nodes[1].address());
    let mut old = Peer::connect(way.address());
    old.hello(hello("")).expect("HELLO");
    old.resume(token.clone()).expect("a good token");
    assert_eq!(Code(bob.bye().errcode), Code::SESSION_MOVED, "here, on node a");
    way.hold();
    let mut new = cluster.resume(0, &token);
    alice.say(new.id, "where are you?");
    run(&mut new, conv, 1..=1);
    // It hears of it when the network lets it, and of nothing after it.
    way.resume();
    assert_eq!(Code(old.bye().errcode), Code::SESSION_MOVED, "there, on node b");
    new.sessions().expect("the session holds");
    alice.say(new.id, "still here?");
    run(&mut new, conv, 2..=2);
}

#[test]
fn ending_a_session_on_one_node_closes_it_on_another_within_a_second() {
    let cluster = Cluster::of(2);
    register(&cluster.nodes[0], "alice");
    let mut here = cluster.log_in(0, "alice", "here");
    for redis_is_there in [true, true, false] {
        let mut there = cluster.log_in(1, "alice", "there");
        if !redis_is_there {
            cluster.redis.kill();
            there.sessions().expect("a list");
        }
        let begun = Instant::now();
        here.end_session(there.session).expect("ended");
        assert_eq!(Code(there.bye().errcode), Code::SESSION_ENDED);
        println!("Redis there: {redis_is_there}; closed after {:?}", begun.elapsed());
        assert!(begun.elapsed() < WITHIN + SLACK);
        let refused = cluster.guest(1).resume(there.token.take().expect("a token")).expect_err("it is over");
        assert_eq!(refused.code, Code::SESSION_ENDED);
    }
    here.ping().expect("the one that asked goes on");
}

#[test]
fn replace_ends_the_older_session_on_whatever_node() {
    let cluster = Plan::of(3).with("session-policy", "replace").start();
    register(&cluster.nodes[0], "alice");
    let mut last = cluster.log_in(0, "alice", "0");
    for n in 1..6 {
        let mut next = cluster.log_in(n % 3, "alice", &n.to_string());
        assert_eq!(Code(last.bye().errcode), Code::SESSION_ENDED);
        assert_eq!(next.sessions().expect("a list").sessions.len(), 1);
        last = next;
    }
    last.ping().expect("the last one goes on");
    // Who cannot be told finds out.
    cluster.redis.kill();
    let begun = Instant::now();
    let mut next = cluster.log_in(0, "alice", "without Redis");
    assert_eq!(Code(last.bye().errcode), Code::SESSION_ENDED);
    println!("without Redis the older one ended after {:?}", begun.elapsed());
    assert!(begun.elapsed() < WITHIN + SLACK);
    next.ping().expect("the last one goes on");
}

#[test]
fn many_sessions_live_on_many_nodes() {
    let cluster = Cluster::of(3);
    register(&cluster.nodes[0], "alice");
    let mut devices: Vec<_> = (0..6).map(|n| cluster.log_in(n % 3, "alice", &n.to_string())).collect();
    let sessions = devices[0].sessions().expect("a list").sessions;
    assert_eq!(sessions.len(), 6);
    assert!(sessions.iter().all(|session| session.state == State::Online), "{sessions:?}");
    for device in &mut devices {
        device.ping().expect("they all go on");
    }
}

#[test]
fn reject_admits_exactly_one_however_nodes_race() {
    const RACERS: usize = 8;
    let cluster = Plan::of(3).with("session-policy", "reject").start();
    register(&cluster.nodes[0], "alice");
    for round in 0..4 {
        let start = Barrier::new(RACERS);
        let admitted = Mutex::new(Vec::new());
        let guests: Vec<_> = (0..RACERS).map(|racer| cluster.guest((racer + round) % 3)).collect();
        thread::scope(|scope| {
            for mut guest in guests {
                let (start, admitted) = (&start, &admitted);
                scope.spawn(move || {
                    let (name, password) = (Some("alice".into()), Secret::new(PASSWORD));
                    start.wait();
                    match guest.login(Login { name, password, ..Login::default() }) {
                        Ok(_) => admitted.lock().expect("a list").push(guest),
                        Err(refusal) => assert_eq!(refusal.code, Code::ALREADY_ONLINE, "{refusal}"),
                    }
                });
            }
        });
        let mut admitted = admitted.into_inner().expect("a list");
        assert_eq!(admitted.len(), 1, "round {round}");
        admitted[0].log_out().expect("out");
    }
    // One's own place may be taken, on another node too.
    let mut first = cluster.log_in(0, "alice", "first");
    let mut again = cluster.resume(1, first.token.as_ref().expect("a token"));
    assert_eq!(Code(first.bye().errcode), Code::SESSION_MOVED);
    again.ping().expect("there");
    let refusal = cluster.try_log_in(2, "alice").err().expect("she is there");
    assert_eq!(refusal.code, Code::ALREADY_ONLINE);
}

#[test]
fn nobody_is_locked_out_by_the_death_of_a_node() {
    let mut many = Cluster::of(2);
    register(&many.nodes[0], "alice");
    let _alice = many.log_in(1, "alice", "first");
    many.nodes[1].kill9();
    let begun = Instant::now();
    log_in(&many.nodes[0], "alice", "second").ping().expect("there");
    println!("many: logged in {:?} after kill -9", begun.elapsed());
    assert!(begun.elapsed() < SLACK, "at once");
    drop(many);

    let mut reject = Plan::of(2).with("session-policy", "reject").start();
    register(&reject.nodes[0], "alice");
    register(&reject.nodes[0], "bob");
    let alice = reject.log_in(1, "alice", "first");
    let _bob = reject.log_in(1, "bob", "first");
    reject.nodes[1].kill9();
    let begun = Instant::now();
    reject.resume(0, alice.token.as_ref().expect("a token")).ping().expect("there");
    println!("reject: resumed {:?} after kill -9", begun.elapsed());
    assert!(begun.elapsed() < SLACK, "at once");
    // Without the token one has to wait until the other node is known to be dead.
    eventually(DEADLINE, "a login without the token", || reject.try_log_in(0, "bob").ok());
    println!("reject: logged in {:?} after kill -9", begun.elapsed());
    assert!(begun.elapsed() < TTL + SLACK);
}

#[test]
fn reject_admits_nobody_while_nobody_can_tell_and_everybody_afterwards() {
    let cluster = Plan::of(2).with("session-policy", "reject").start();
    for name in ["alice", "bob"] {
        register(&cluster.nodes[0], name);
    }
    let mut alice = cluster.log_in(0, "alice", "first");
    cluster.redis.kill();
    let refusal = eventually(DEADLINE, "nobody can tell", || cluster.try_log_in(1, "alice").err());
    assert!([Code::BUSY, Code::ALREADY_ONLINE].contains(&refusal.code), "{refusal}");
    let refusal = eventually(DEADLINE, "nobody can tell", || cluster.try_log_in(1, "bob").err());
    assert_eq!(refusal.code, Code::BUSY, "{refusal}");
    alice.sessions().expect("who is there goes on");
    cluster.redis.restart();
    let begun = Instant::now();
    eventually(DEADLINE, "bob may come", || cluster.try_log_in(1, "bob").ok());
    println!("admitted {:?} after Redis was back", begun.elapsed());
    assert!(begun.elapsed() < TTL * 3 + SLACK);
    let refusal = cluster.try_log_in(1, "alice").err().expect("she is there");
    assert_eq!(refusal.code, Code::ALREADY_ONLINE);
    alice.ping().expect("there");
}
