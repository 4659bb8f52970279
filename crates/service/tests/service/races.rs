//! Several threads at once: whatever the order, everybody ends with the same truth.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use protocol::{
    AddFriend, Code, FriendOutcome, FriendRef, GroupRef, PresencePush, Push, Request, SessionRef, State,
};
use service::testing::{Device, Harness};
use service::{Batch, ServiceConfig, SessionPolicy};

use crate::{body, messages, refused};

const ROUNDS: usize = 300;

/// Runs two things at the same time.
fn together<A: Send, B: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B) {
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let one = scope.spawn(|| {
            barrier.wait();
            one()
        });
        barrier.wait();
        let other = other();
        (one.join().unwrap(), other)
    })
}

#[test]
fn two_who_ask_each_other_at_once_become_friends_once() {
    let harness = Harness::new();
    for round in 0..ROUNDS {
        let (alice, bob) = (harness.login(&format!("a{round}")), harness.login(&format!("b{round}")));
        let ask = |from: &Device<'_>, to: &Device<'_>| {
            let request = AddFriend { friendid: to.user().0, greeting: String::new() };
            body!(Reply::AddFriend, from.ask(Request::AddFriend(request)).unwrap()).outcome
        };
        let outcomes = together(|| ask(&alice, &bob), || ask(&bob, &alice));
        let friends = [outcomes.0, outcomes.1].iter().filter(|o| **o == FriendOutcome::Friends).count();
        assert_eq!(friends, 1, "{outcomes:?}");
        alice.say(&bob, "1", "hello").unwrap();
    }
}

#[test]
fn an_accepted_and_withdrawn_request_is_one_of_the_two() {
    let harness = Harness::new();
    for round in 0..ROUNDS {
        let (alice, bob) = (harness.login(&format!("a{round}")), harness.login(&format!("b{round}")));
        let request = AddFriend { friendid: bob.user().0, greeting: String::new() };
        alice.ask(Request::AddFriend(request)).unwrap();
        let (a, b) = (FriendRef { friendid: alice.user().0 }, FriendRef { friendid: bob.user().0 });
        let (accepted, withdrawn) = together(
            || bob.ask(Request::AcceptFriend(a)).is_ok(),
            || alice.ask(Request::WithdrawFriend(b)).is_ok(),
        );
        assert_ne!(accepted, withdrawn);
        assert_eq!(alice.say(&bob, "1", "hello").is_ok(), accepted);
    }
}

#[test]
fn one_of_two_logins_gets_in_where_one_is_allowed() {
    let config = ServiceConfig { session_policy: SessionPolicy::Reject, ..service::testing::config() };
    let harness = Harness::with(config);
    for round in 0..ROUNDS {
        let name = format!("user {round}");
        harness.register(&name).unwrap();
        let (one, other) = together(|| harness.try_login(&name), || harness.try_login(&name));
        let codes: Vec<Code> =
            [one, other].into_iter().filter_map(|login| login.err().map(|e| e.code)).collect();
        assert_eq!(codes, [Code::ALREADY_ONLINE]);
    }
}

#[test]
fn a_session_that_ends_while_it_resumes_is_not_left_connected() {
    let harness = Harness::new();
    let (mut refused, mut closed) = (0, 0);
    for round in 0..ROUNDS {
        let name = format!("user {round}");
        let (phone, desk) = (harness.login(&name), harness.login(&name));
        phone.disconnect();
        let end = Request::EndSession(SessionRef { session: phone.principal.session.0 });
        let (resumed, ended) = together(|| phone.resume(), || desk.ask(end));
        ended.unwrap();
        match resumed {
            Err(refusal) => {
                assert_eq!(refusal.code, Code::SESSION_ENDED);
                refused += 1;
            }
            Ok(resumed) => {
                assert!(resumed.closed().is_some(), "round {round}: a connection outlived its session");
                closed += 1;
            }
        }
    }
    println!("{refused} were refused, {closed} closed");
}

#[test]
fn a_session_that_ends_between_its_look_up_and_its_connection_is_refused() {
    let harness = Harness::new();
    let (phone, desk) = (harness.login("alice"), harness.login("alice"));
    phone.disconnect();
    let (looked_up, ended) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let hooks = (Arc::clone(&looked_up), Arc::clone(&ended));
    harness.hub.before_next_attach(move || {
        hooks.0.wait();
        hooks.1.wait();
    });
    thread::scope(|scope| {
        let resumed = scope.spawn(|| phone.resume().map(drop));
        looked_up.wait();
        desk.ask(Request::EndSession(SessionRef { session: phone.principal.session.0 })).unwrap();
        ended.wait();
        refused(resumed.join().unwrap(), Code::SESSION_ENDED);
    });
    let page = Request::Sessions(protocol::Nothing {});
    let sessions = body!(Reply::Sessions, desk.ask(page).unwrap()).sessions;
    assert_eq!(sessions.len(), 1);
    desk.disconnect();
    assert_eq!(harness.presence_of(&desk), State::Offline, "it left nothing behind");
}

#[test]
fn a_connection_that_goes_late_takes_no_presence_along() {
    let harness = Harness::new();
    let bob = harness.login("bob");
    let (detached, coming) = (Arc::new(Barrier::new(2)), Arc::new(AtomicBool::new(false)));
    let hooks = (Arc::clone(&detached), Arc::clone(&coming));
    harness.hub.after_next_detach(move || {
        hooks.0.wait();
        // Room for the other to do it wrong: it cannot be waited for, since it must not get through.
        while !hooks.1.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        (0..10_000).for_each(|_| thread::yield_now());
    });
    thread::scope(|scope| {
        scope.spawn(|| bob.disconnect());
        detached.wait();
        coming.store(true, Ordering::SeqCst);
        bob.resume().unwrap();
    });
    assert_eq!(harness.presence_of(&bob), State::Online);
}

#[test]
fn two_logins_that_replace_each_other_leave_one() {
    let config = ServiceConfig { session_policy: SessionPolicy::Replace, ..service::testing::config() };
    let harness = Harness::with(config);
    for round in 0..ROUNDS {
        let name = format!("user {round}");
        harness.register(&name).unwrap();
        let (one, other) = together(|| harness.try_login(&name), || harness.try_login(&name));
        let open = [one, other].into_iter().flatten().filter(|device| device.closed().is_none()).count();
        assert_eq!(open, 1, "round {round}");
    }
}

#[test]
fn the_last_word_on_presence_is_true() {
    let harness = Harness::new();
    for round in 0..ROUNDS {
        let (alice, bob) = (harness.login(&format!("a{round}")), harness.login(&format!("b{round}")));
        harness.befriend(&alice, &bob);
        // Bob's only connection goes while he comes back by another.
        let (_, again) = together(|| bob.disconnect(), || bob.resume().unwrap());
        let words: Vec<PresencePush> = alice
            .pushes()
            .into_iter()
            .filter_map(|push| match push {
                Push::Presence(presence) => Some(presence),
                _ => None,
            })
            .collect();
        assert_ne!(words.last().map(|word| word.state), Some(State::Offline), "round {round}: {words:?}");
        assert_eq!(harness.presence_of(&bob), State::Online, "round {round}");
        again.disconnect();
        let last = alice.pushes().pop().expect("a word");
        let last = body!(Push::Presence, last);
        assert_eq!((last.id, last.state), (bob.user().0, State::Offline));
    }
}

#[test]
fn who_joins_while_others_talk_misses_nothing() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    for round in 0..ROUNDS {
        let group = harness.group(&[&alice]);
        let bob = harness.login(&format!("bob {round}"));
        let talk = || {
            for n in 0..10 {
                let request = Request::GroupChat(protocol::GroupChat {
                    groupid: group,
                    msg: format!("{n}"),
                    client_msg_id: format!("{round} {n}"),
                    ..protocol::GroupChat::default()
                });
                let mut batch = Batch::default();
                batch.push(alice.prepare(request).unwrap());
                harness.service.append(&mut batch).unwrap();
            }
        };
        let join = || bob.ask(Request::JoinGroup(protocol::JoinGroup::of(group))).unwrap();
        let (_, joined) = together(talk, join);
        let conv = body!(Reply::JoinGroup, joined).conv.unwrap();
        // All that is not in `last` was pushed.
        let mut known: Vec<u64> = (conv.first..=conv.last).collect();
        let pushed: Vec<u64> = messages(bob.pushes()).into_iter().map(|(seq, _)| seq).collect();
        let not_his = pushed.iter().find(|seq| **seq < conv.first);
        assert_eq!(not_his, None, "round {round}: he reads from {} on, got {pushed:?}", conv.first);
        known.extend(pushed);
        known.sort_unstable();
        known.dedup();
        assert_eq!(known, (conv.first..=11).collect::<Vec<_>>(), "round {round}");
        alice.pushes();
    }
}

/// Has a batch stored and delivered, and lets something happen between the two.
fn between_commit_and_delivery(harness: &Harness, batch: &mut Batch, meanwhile: impl FnOnce()) {
    let (stored, is_stored) = mpsc::channel();
    let (done, is_done) = mpsc::channel::<()>();
    harness.store.after_next(move || {
        stored.send(()).unwrap();
        // An error is the end of the other thread, which will say why.
        let _ = is_done.recv();
    });
    thread::scope(|scope| {
        let append = scope.spawn(|| harness.service.append(batch).unwrap());
        is_stored.recv().unwrap();
        meanwhile();
        drop(done);
        append.join().unwrap();
    });
}

/// Messages of this device in the group, stored together.
fn talk(device: &Device<'_>, groupid: u64, texts: &[&str]) -> Batch {
    let mut batch = Batch::default();
    for text in texts {
        let (msg, client_msg_id) = ((*text).into(), (*text).into());
        let request = Request::GroupChat(protocol::GroupChat {
            groupid,
            msg,
            client_msg_id,
            ..protocol::GroupChat::default()
        });
        batch.push(device.prepare(request).unwrap());
    }
    batch
}

#[test]
fn who_joins_between_commit_and_delivery_gets_nothing_from_before() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let desk = harness.login("alice");
    let group = harness.group(&[&alice, &bob]);
    let mut conv = None;
    between_commit_and_delivery(&harness, &mut talk(&alice, group, &["one", "two"]), || {
        let joined = carol.ask(Request::JoinGroup(protocol::JoinGroup::of(group))).unwrap();
        conv = Some(body!(Reply::JoinGroup, joined).conv.unwrap());
    });
    let conv = conv.unwrap();
    assert_eq!((conv.first, conv.last), (4, 4), "they were stored when she came");
    assert_eq!(messages(carol.pushes()), [], "and are not for her");
    for member in [&bob, &desk] {
        assert_eq!(messages(member.pushes()), [(2, "one".into()), (3, "two".into())]);
    }
    harness.service.append(&mut talk(&alice, group, &["three"])).unwrap();
    for member in [&bob, &desk, &carol] {
        assert_eq!(messages(member.pushes()), [(5, "three".into())]);
    }
}

#[test]
fn who_leaves_and_comes_back_between_commit_and_delivery_begins_anew() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let group = harness.group(&[&alice, &bob, &carol]);
    harness.service.append(&mut talk(&alice, group, &["one"])).unwrap();
    assert_eq!(messages(carol.pushes()), [(3, "one".into())]);
    between_commit_and_delivery(&harness, &mut talk(&alice, group, &["two"]), || {
        carol.ask(Request::LeaveGroup(GroupRef { groupid: group })).unwrap();
        let joined = carol.ask(Request::JoinGroup(protocol::JoinGroup::of(group))).unwrap();
        assert_eq!(body!(Reply::JoinGroup, joined).conv.unwrap().first, 6);
    });
    assert_eq!(messages(carol.pushes()), []);
    carol.say_in(group, "three", "three").unwrap();
    harness.service.append(&mut talk(&alice, group, &["four"])).unwrap();
    assert_eq!(messages(carol.pushes()), [(8, "four".into())]);
    let all = ["one", "two", "three", "four"].map(String::from);
    assert_eq!(messages(bob.pushes()), [3, 4, 7, 8].into_iter().zip(all).collect::<Vec<_>>());
}

#[test]
fn who_leaves_between_commit_and_delivery_gets_nothing_more() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let group = harness.group(&[&alice, &bob, &carol]);
    between_commit_and_delivery(&harness, &mut talk(&alice, group, &["one"]), || {
        carol.ask(Request::LeaveGroup(GroupRef { groupid: group })).unwrap();
    });
    assert_eq!(messages(bob.pushes()), [(3, "one".into())]);
    assert_eq!(carol.pushes(), []);
}

#[test]
fn nobody_chats_with_a_friend_of_yesterday() {
    let harness = Harness::new();
    for round in 0..ROUNDS {
        let (alice, bob) = (harness.login(&format!("a{round}")), harness.login(&format!("b{round}")));
        harness.befriend(&alice, &bob);
        let request = FriendRef { friendid: bob.user().0 };
        let (_, deleted) = together(
            || (0..5).for_each(|n| drop(bob.say(&alice, &format!("{n}"), "x"))),
            || alice.ask(Request::DeleteFriend(request)),
        );
        deleted.unwrap();
        let late = bob.say(&alice, "late", "x");
        assert_eq!(late.unwrap_err().code, Code::NOT_FRIENDS, "round {round}");
    }
}
