//! B3, C7: who is there, over all nodes, whatever happens to them.

use std::collections::HashMap;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use protocol::{Code, PresencePush, Push, State};
use socket2::SockRef;
use testkit::{Signal, eventually};

use super::hearing::{StopOnDrop, run};
use super::nodes::{Cluster, Plan, SLACK, TTL, reads, state_of};
use crate::support::{DEADLINE, Peer, befriend};

/// Waits for the push that a friend came or went; how long it took. What was so before may be said again until then,
/// since a notice of it may come late; of others nothing may be said.
fn hears(peer: &mut Peer, friend: u64, state: State) -> Duration {
    let begun = Instant::now();
    loop {
        let heard = peer.presence();
        assert_eq!(heard.id, friend, "{heard:?}");
        assert_ne!(heard.state, State::Unknown);
        if heard.state == state {
            return begun.elapsed();
        }
    }
}

/// No friend came or went: at most, what is so was said again.
fn hears_no_more(peer: &mut Peer) {
    for push in peer.pushes_so_far() {
        if let Push::Presence(presence) = push {
            assert_eq!(presence.state, state_of(peer, presence.id), "nobody came or went: {presence:?}");
        }
    }
}

#[test]
fn friends_on_other_nodes_hear_of_coming_and_going() {
    let cluster = Cluster::of(3);
    let (mut alice, mut bob, _) = cluster.friends((0, "alice"), (1, "bob"));
    let id = bob.id;
    let mut alice_too = cluster.log_in(2, "alice", "second");
    assert_eq!(state_of(&mut alice_too, id), State::Online);
    bob.log_out().expect("out");
    hears(&mut alice, id, State::Offline);
    hears(&mut alice_too, id, State::Offline);
    let bob = cluster.log_in(2, "bob", "again");
    hears(&mut alice, id, State::Online);
    hears(&mut alice_too, id, State::Online);
    // A second device on yet another node is neither coming nor going.
    let mut second = cluster.log_in(1, "bob", "second");
    drop(bob);
    eventually(DEADLINE, "one device less", || {
        let sessions = second.sessions().expect("a list").sessions;
        (sessions.iter().filter(|session| session.state == State::Online).count() == 1).then_some(())
    });
    assert_eq!(state_of(&mut alice, id), State::Online);
    // Its client crashes, or a firewall speaks.
    SockRef::from(second.stream()).set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
    drop(second);
    hears(&mut alice, id, State::Offline);
    hears(&mut alice_too, id, State::Offline);
    let bob = cluster.log_in(0, "bob", "last");
    hears(&mut alice, id, State::Online);
    bob.stream().shutdown(Shutdown::Write).expect("shutdown");
    hears(&mut alice, id, State::Offline);
    hears_no_more(&mut alice);
}

#[test]
fn users_of_a_killed_node_are_offline_within_one_ttl_and_no_others() {
    let mut cluster = Cluster::of(3);
    let (mut alice, bob, _) = cluster.friends((0, "alice"), (1, "bob"));
    let mut carol = cluster.user(2, "carol");
    befriend(&mut alice, &mut carol);
    // Both of these have a device on the node that dies, and another.
    let mut dave = cluster.user(1, "dave");
    befriend(&mut alice, &mut dave);
    let _dave_too = cluster.log_in(2, "dave", "second");
    let mut alice_elsewhere = cluster.log_in(2, "alice", "second");
    hears_no_more(&mut alice);

    cluster.nodes[1].kill9();
    let took = hears(&mut alice, bob.id, State::Offline);
    println!("offline {took:?} after kill -9; the TTL is {TTL:?}");
    assert!(took < TTL + SLACK, "not within one TTL");
    hears(&mut alice_elsewhere, bob.id, State::Offline);
    for friend in [carol.id, dave.id] {
        assert_eq!(state_of(&mut alice, friend), State::Online, "of another node");
    }
    // He comes back elsewhere; nobody was said to have gone who had not.
    let _bob = cluster.log_in(2, "bob", "again");
    hears(&mut alice, bob.id, State::Online);
    hears(&mut alice_elsewhere, bob.id, State::Online);
    for device in [&mut alice, &mut alice_elsewhere] {
        hears_no_more(device);
    }
}

#[test]
fn a_stopped_node_takes_its_own_users_off_at_once_and_no_others() {
    let mut cluster = Cluster::of(3);
    let (mut alice, mut bob, _) = cluster.friends((0, "alice"), (1, "bob"));
    let mut carol = cluster.user(2, "carol");
    befriend(&mut alice, &mut carol);
    let token = bob.token.clone().expect("a token");
    let begun = Instant::now();
    cluster.nodes[1].terminate();
    assert_eq!(Code(bob.bye().errcode), Code::GOING_AWAY);
    hears(&mut alice, bob.id, State::Offline);
    println!("offline {:?} after SIGTERM", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(2) + SLACK, "it said goodbye");
    let _bob = cluster.resume(2, &token);
    hears(&mut alice, bob.id, State::Online);
    assert_eq!(state_of(&mut alice, carol.id), State::Online);
    // It starts again and still nobody else is touched, not even when its old lease is looked after.
    cluster.nodes[1].restart();
    let _other = cluster.user(1, "other");
    let until = Instant::now() + TTL;
    while Instant::now() < until {
        assert_eq!(state_of(&mut alice, carol.id), State::Online);
        assert_eq!(state_of(&mut alice, bob.id), State::Online);
        thread::sleep(Duration::from_millis(50));
    }
    hears_no_more(&mut alice);
}

#[test]
fn a_paused_node_that_wakes_up_registers_again() {
    let mut cluster = Cluster::of(2);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    cluster.nodes[1].process().pause();
    let took = hears(&mut alice, bob.id, State::Offline);
    println!("offline {took:?} after SIGSTOP");
    assert!(took < TTL + SLACK);
    assert_eq!(state_of(&mut alice, bob.id), State::Offline);
    alice.say(bob.id, "while you slept");
    cluster.nodes[1].process().signal(Signal::CONT);
    let took = hears(&mut alice, bob.id, State::Online);
    println!("online again {took:?} after SIGCONT");
    assert!(took < TTL + SLACK);
    // He has been connected all the time, and what he missed comes without another message.
    assert_eq!(run(&mut bob, conv, 1..=1)[0].msg, "while you slept");
    bob.say(alice.id, "what?");
    run(&mut alice, conv, 2..=2);
    alice.say(bob.id, "nothing");
    run(&mut bob, conv, 3..=3);
    assert_eq!(state_of(&mut bob, alice.id), State::Online);
    hears_no_more(&mut alice);
}

#[test]
fn a_redis_that_lost_its_memory_is_filled_again_and_nobody_lies_meanwhile() {
    let cluster = Cluster::of(3);
    let (mut alice, mut bob, _) = cluster.friends((0, "alice"), (1, "bob"));
    let mut carol = cluster.user(2, "carol");
    let mut gone = cluster.user(1, "gone");
    let mut near = cluster.user(0, "near");
    for friend in [&mut carol, &mut gone, &mut near] {
        befriend(&mut alice, friend);
    }
    gone.log_out().expect("out");
    hears(&mut alice, gone.id, State::Offline);
    let mut watcher = cluster.log_in(0, "alice", "watches");
    let (online, offline, here) = ([bob.id, carol.id], gone.id, near.id);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let stop_ref = &stop;
        // What anybody reads at any time is the truth or unknown.
        let watching = scope.spawn(move || {
            let mut looks = 0;
            while !stop_ref.load(Ordering::SeqCst) {
                for friend in watcher.friends(0, 0).expect("a page").friends {
                    let lie = (online.contains(&friend.id) && friend.state == State::Offline)
                        || (friend.id == offline && friend.state == State::Online)
                        || (friend.id == here && friend.state == State::Offline);
                    assert!(!lie, "{friend:?} after {looks} looks");
                }
                looks += 1;
                thread::sleep(Duration::from_millis(20));
            }
            (watcher, looks)
        });
        let _stop = StopOnDrop(&stop);
        for _ in 0..2 {
            cluster.redis.kill();
            for friend in online {
                reads(&mut alice, friend, State::Unknown);
            }
            assert_eq!(state_of(&mut alice, here), State::Online, "on this very node");
            cluster.redis.restart();
            let begun = Instant::now();
            for friend in online {
                reads(&mut alice, friend, State::Online);
            }
            println!("known again {:?} after the restart", begun.elapsed());
            assert!(begun.elapsed() < TTL * 2 + SLACK);
            reads(&mut alice, offline, State::Offline);
            println!("who is not there known {:?} after the restart", begun.elapsed());
            assert!(begun.elapsed() < TTL * 3 + SLACK);
        }
        stop.store(true, Ordering::SeqCst);
        let (mut watcher, looks) = watching.join().expect("nobody lied");
        println!("{looks} looks");
        // What was pushed meanwhile is no lie either, and ends with the truth.
        for device in [&mut alice, &mut watcher] {
            let mut last = HashMap::new();
            for push in device.pushes_so_far() {
                if let Push::Presence(presence) = push {
                    let lie = (online.contains(&presence.id) && presence.state == State::Offline)
                        || (presence.id == offline && presence.state == State::Online);
                    assert!(!lie, "{presence:?}");
                    last.insert(presence.id, presence.state);
                }
            }
            println!("the last that was pushed: {last:?}");
        }
    });
    // Live again.
    bob.log_out().expect("out");
    alice.take("bob goes", |push| match push {
        Push::Presence(PresencePush { id, state: State::Offline, .. }) if *id == online[0] => Some(()),
        _ => None,
    });
}

#[test]
fn a_node_that_is_cut_from_redis_knows_nothing_and_comes_back() {
    let cluster = Plan::of(2).redis_detours().start();
    let (mut alice, mut bob, _) = cluster.friends((0, "alice"), (1, "bob"));
    let mut near = cluster.user(1, "near");
    befriend(&mut bob, &mut near);
    for silent in [false, true] {
        if silent {
            cluster.redis_ways[1].hold();
        } else {
            cluster.redis_ways[1].refuse();
        }
        // For the others it is dead.
        let took = hears(&mut alice, bob.id, State::Offline);
        println!("silent: {silent}; offline elsewhere after {took:?}");
        assert!(took < TTL + SLACK);
        reads(&mut bob, alice.id, State::Unknown);
        assert_eq!(state_of(&mut bob, near.id), State::Online, "on this very node");
        cluster.redis_ways[1].resume();
        let took = hears(&mut alice, bob.id, State::Online);
        println!("silent: {silent}; online again after {took:?}");
        assert!(took < TTL + SLACK);
        reads(&mut bob, alice.id, State::Online);
    }
    // What was pushed to him was never that she had gone, and ends with the truth.
    let mut told = Vec::new();
    eventually(DEADLINE, "he is told the truth", || {
        for push in bob.pushes_so_far() {
            if let Push::Presence(PresencePush { id, state, .. }) = push
                && id == alice.id
            {
                assert_ne!(state, State::Offline, "after {told:?}");
                told.push(state);
            }
        }
        told.last().is_none_or(|last| *last == State::Online).then_some(())
    });
    println!("he was told {told:?}");
}
