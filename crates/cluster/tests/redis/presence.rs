//! Who is connected, over all nodes.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use domain::PresenceState::{Offline, Online, Unknown};
use domain::{Arrival, Company, Presence, PresenceChange, SessionId, UserId};
use testkit::{Proxy, Redis, eventually};

use crate::node::{LIMIT, Node, TTL, raw};

const CHANGED: Arrival = Arrival::Here(PresenceChange::Changed);
const SAME: Arrival = Arrival::Here(PresenceChange::Same);

#[test]
fn the_first_session_anywhere_brings_a_user_online_and_the_last_takes_them_off() {
    let redis = Redis::start();
    let (a, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    let (user, other) = (UserId(1), UserId(2));
    assert_eq!(a.presence.states(&[user, other]), [Offline, Offline]);
    assert_eq!(a.presence.arrive(user, SessionId(1), Company::Any), CHANGED);
    assert_eq!(a.presence.arrive(user, SessionId(1), Company::Any), SAME);
    assert_eq!(b.presence.arrive(user, SessionId(2), Company::Any), SAME);
    assert_eq!(b.presence.arrive(user, SessionId(3), Company::None), Arrival::Refused);
    for node in [&a, &b] {
        assert_eq!(node.presence.states(&[other, user]), [Offline, Online]);
        let mut sessions = node.presence.sessions(user).unwrap();
        sessions.sort();
        assert_eq!(sessions, [SessionId(1), SessionId(2)]);
        assert_eq!(node.presence.sessions(other), Some(Vec::new()));
    }
    assert_eq!(a.presence.depart(user, SessionId(2)), PresenceChange::Same, "it is not here");
    assert_eq!(a.presence.depart(user, SessionId(1)), PresenceChange::Same);
    assert_eq!(a.presence.states(&[user]), [Online]);
    assert_eq!(b.presence.depart(user, SessionId(2)), PresenceChange::Changed);
    assert_eq!(b.presence.depart(user, SessionId(2)), PresenceChange::Same);
    assert_eq!(a.presence.states(&[user]), [Offline]);
    assert_eq!(redis.ask(&["KEYS", "t:p:*"]), "*0\r\n", "nothing is left of them");
    assert_eq!(redis.ask(&["KEYS", "t:at:*"]), "*0\r\n");
}

#[test]
fn a_session_may_move_between_nodes_that_want_no_company() {
    let redis = Redis::start();
    let (a, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    let user = UserId(1);
    assert_eq!(a.presence.arrive(user, SessionId(1), Company::None), CHANGED);
    assert_eq!(b.presence.arrive(user, SessionId(1), Company::None), SAME);
    assert_eq!(a.presence.depart(user, SessionId(1)), PresenceChange::Same);
    assert_eq!(b.presence.sessions(user), Some(vec![SessionId(1)]));
}

#[test]
fn a_key_of_a_wrong_type_is_as_none_and_harms_no_other_user() {
    let redis = Redis::start();
    let (a, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    let (spoiled, other) = (UserId(1), UserId(2));
    a.presence.arrive(other, SessionId(20), Company::Any);
    let mut raw = raw(&redis);
    let spoil = |raw: &mut redis::Connection| {
        let _: () = redis::cmd("SET").arg("t:p:1").arg("no hash").query(raw).unwrap();
    };
    spoil(&mut raw);
    assert_eq!(b.presence.states(&[spoiled, other]), [Offline, Online]);
    spoil(&mut raw);
    assert_eq!(b.presence.sessions(spoiled), Some(Vec::new()));
    spoil(&mut raw);
    a.presence.arrive(spoiled, SessionId(10), Company::Any);
    assert_eq!(b.presence.states(&[spoiled, other]), [Online, Online]);
    spoil(&mut raw);
    a.presence.depart(spoiled, SessionId(10));
    assert_eq!(b.presence.states(&[spoiled, other]), [Offline, Online]);
    for node in [&a, &b] {
        assert_eq!(node.presence.snapshot().outages, 0);
    }
}

#[test]
fn users_whom_redis_loses_are_there_again_and_their_friends_are_told() {
    let redis = Redis::start();
    let (a, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    let lost = [UserId(1), UserId(100), UserId(255)];
    let kept = UserId(2);
    lost.iter().chain([&kept]).for_each(|user| {
        a.presence.arrive(*user, SessionId(user.0), Company::Any);
    });
    let before = a.told.all_changed().len();
    let mut raw = raw(&redis);
    for key in ["t:p:1", "t:p:100"] {
        let _: i64 = redis::cmd("DEL").arg(key).query(&mut raw).unwrap();
    }
    let _: () = redis::cmd("SET").arg("t:p:255").arg("no hash").query(&mut raw).unwrap();
    let at: Vec<String> = redis::cmd("KEYS").arg("t:at:a#*").query(&mut raw).unwrap();
    let _: () = redis::cmd("SET").arg(&at[0]).arg("no set").query(&mut raw).unwrap();
    assert_eq!(b.presence.states(&lost), [Offline; 3]);
    eventually(LIMIT, "they are back", || (b.presence.states(&lost) == [Online; 3]).then_some(()));
    eventually(LIMIT, "it is told", || (a.told.all_changed().len() == before + 3).then_some(()));
    assert!(!a.told.all_changed()[before..].contains(&kept));
    assert_eq!((a.presence.snapshot().restored, a.presence.snapshot().outages), (3, 0));
    let listed = || -> i64 { redis::cmd("SCARD").arg(&at[0]).query(&mut self::raw(&redis)).unwrap() };
    eventually(LIMIT, "a survivor would find them", || (listed() == 4).then_some(()));
}

#[test]
fn many_states_are_asked_in_order() {
    let redis = Redis::start();
    let (a, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    for id in (0..1_300).step_by(3) {
        let node = if id % 2 == 0 { &a } else { &b };
        node.presence.arrive(UserId(id), SessionId(id), Company::Any);
    }
    let users: Vec<UserId> = (0..1_300).rev().map(UserId).collect();
    let start = Instant::now();
    let states = a.presence.states(&users);
    println!("1,300 states in {:?}", start.elapsed());
    for (user, state) in users.iter().zip(states) {
        assert_eq!(state, if user.0 % 3 == 0 { Online } else { Offline }, "{user}");
    }
}

#[test]
fn of_many_that_want_no_company_exactly_one_arrives() {
    let redis = Redis::start();
    let nodes: Vec<Arc<Node>> = ["a", "b", "c"].map(|name| Arc::new(Node::join(&redis, name))).into();
    for round in 0..25 {
        let user = UserId(round);
        let barrier = Arc::new(Barrier::new(24));
        let racers: Vec<_> = (0..24)
            .map(|racer| {
                let (node, barrier) = (Arc::clone(&nodes[racer % 3]), Arc::clone(&barrier));
                thread::spawn(move || {
                    barrier.wait();
                    node.presence.arrive(user, SessionId(racer as u64), Company::None)
                })
            })
            .collect();
        let arrivals: Vec<Arrival> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
        assert_eq!(arrivals.iter().filter(|arrival| **arrival == CHANGED).count(), 1, "{arrivals:?}");
        assert_eq!(arrivals.iter().filter(|arrival| **arrival == Arrival::Refused).count(), 23);
    }
}

#[test]
fn while_redis_is_away_others_are_unknown_at_once_and_it_is_settled_afterwards() {
    let redis = Redis::start();
    let proxy = Proxy::start(redis.address());
    let (a, b) = (Node::at(proxy.address(), "a"), Node::join(&redis, "b"));
    let (stays, leaves, comes, elsewhere) = (UserId(1), UserId(2), UserId(3), UserId(4));
    a.presence.arrive(stays, SessionId(1), Company::Any);
    a.presence.arrive(leaves, SessionId(2), Company::Any);
    b.presence.arrive(elsewhere, SessionId(4), Company::Any);
    assert_eq!(a.presence.states(&[elsewhere]), [Online]);

    proxy.hold();
    let start = Instant::now();
    assert_eq!(a.presence.states(&[stays, elsewhere]), [Online, Unknown]);
    assert!(start.elapsed() < Duration::from_secs(1), "the first call finds out: {:?}", start.elapsed());
    let start = Instant::now();
    assert_eq!(a.presence.states(&[stays, elsewhere]), [Online, Unknown]);
    assert_eq!(a.presence.sessions(elsewhere), None);
    assert_eq!(a.presence.depart(leaves, SessionId(2)), PresenceChange::Changed);
    assert_eq!(a.presence.arrive(comes, SessionId(3), Company::Any), CHANGED);
    assert_eq!(a.presence.arrive(UserId(5), SessionId(5), Company::None), Arrival::Unknown);
    println!("five calls while away: {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_millis(10), "{:?}", start.elapsed());
    assert_eq!(b.presence.states(&[leaves, comes]), [Online, Offline], "nobody could tell them");

    proxy.resume();
    eventually(LIMIT, "it is settled", || {
        (b.presence.states(&[stays, leaves, comes]) == [Online, Offline, Online]).then_some(())
    });
    eventually(LIMIT, "friends are to be told", || {
        let changed = a.told.all_changed();
        (changed.contains(&leaves) && changed.contains(&comes)).then_some(())
    });
    eventually(LIMIT, "who was told unknown asks again", || {
        (!a.told.reviews.lock().is_empty()).then_some(())
    });
    assert_eq!(a.presence.states(&[elsewhere, UserId(5)]), [Online, Offline]);
    assert_eq!(b.presence.sessions(UserId(5)), Some(Vec::new()), "who was turned away is not there");
    assert_eq!(a.presence.snapshot().leases_lost, 0);
}

#[test]
fn who_is_unknown_for_one_time_to_live_is_reviewed_and_again_when_known() {
    let redis = Redis::start();
    let a = Node::join(&redis, "a");
    redis.kill();
    eventually(LIMIT, "a review", || (!a.told.reviews.lock().is_empty()).then_some(()));
    assert_eq!(a.presence.states(&[UserId(1)]), [Unknown]);
    let start = Instant::now();
    redis.restart();
    eventually(LIMIT, "another", || (a.told.reviews.lock().len() >= 2).then_some(()));
    println!("known again after {:?}", start.elapsed());
    eventually(TTL * 2, "it is known", || (a.presence.states(&[UserId(1)]) == [Offline]).then_some(()));
}

/// A late answer must not be taken for another question's.
#[test]
fn a_connection_with_a_late_answer_is_not_used_again() {
    let redis = Redis::start();
    let proxy = Proxy::start(redis.address());
    let (a, b) = (Node::at(proxy.address(), "a"), Node::join(&redis, "b"));
    b.presence.arrive(UserId(1), SessionId(1), Company::Any);
    for _ in 0..3 {
        eventually(LIMIT, "it is known", || (a.presence.states(&[UserId(1)]) == [Online]).then_some(()));
        proxy.hold();
        assert_eq!(a.presence.states(&[UserId(1)]), [Unknown]);
        proxy.resume();
        eventually(LIMIT, "it is known", || (a.presence.states(&[UserId(2)]) == [Offline]).then_some(()));
        assert_eq!(a.presence.sessions(UserId(1)), Some(vec![SessionId(1)]));
        assert_eq!(a.presence.states(&[UserId(2), UserId(1)]), [Offline, Online]);
    }
    assert!(a.presence.snapshot().call_timeouts > 0);
}
