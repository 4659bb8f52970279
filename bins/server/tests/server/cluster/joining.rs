//! G2 on several nodes: what is decided on one is so on all, and decided once.

use std::sync::Barrier;
use std::thread;

use protocol::{Code, GroupEventKind, GroupRequestKind, JoinOutcome, Joining, Rank, Verdict};
use testkit::eventually;

use super::nodes::Cluster;
use crate::capabilities::joining::group_with;
use crate::support::{DEADLINE, Peer, befriend};

/// Runs two at the same moment.
fn at_once<A: Send, B: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B) {
    let start = Barrier::new(2);
    thread::scope(|scope| {
        let first = scope.spawn(|| {
            start.wait();
            one()
        });
        start.wait();
        let other = other();
        (first.join().expect("the other one"), other)
    })
}

fn members(peer: &mut Peer, group: u64) -> Vec<u64> {
    peer.group_members(group, 0, 0).expect("a page").users.iter().map(|user| user.id).collect()
}

#[test]
fn whoever_is_let_in_on_one_node_hears_and_speaks_on_another() {
    let cluster = Cluster::of(2);
    let (mut alice, mut bob, mut carol) =
        (cluster.user(0, "alice"), cluster.user(1, "bob"), cluster.user(1, "carol"));
    befriend(&mut alice, &mut carol);
    let group = group_with(&mut alice, Joining::Approval);
    bob.ask_in(group, "from the other node").expect("applied");
    let event = alice.group_request_event();
    assert_eq!(
        (event.event, event.id, event.greeting.as_str()),
        (GroupRequestKind::Applied, bob.id, "from the other node")
    );
    alice.decide(group, bob.id, Verdict::Accept).expect("let in");
    assert_eq!(bob.group_event().event, GroupEventKind::Joined);
    alice.invite(group, carol.id).expect("asked");
    assert_eq!(carol.group_request_event().event, GroupRequestKind::Invited);
    let answer = carol.answer_invitation(group, Verdict::Accept).expect("came");
    assert_eq!(answer.outcome, JoinOutcome::Joined);
    assert_eq!(alice.group_request_event().event, GroupRequestKind::InvitationAccepted);
    for n in 0..3 {
        let said = alice.say_in(group, &format!("welcome {n}"));
        for peer in [&mut bob, &mut carol] {
            let heard = peer.message();
            assert_eq!((heard.seq, heard.msg), (said.seq, format!("welcome {n}")));
        }
    }
    let id = bob.message_id();
    eventually(DEADLINE, "the member is known there", || bob.group_chat(group, "thank you", &id).ok());
    assert_eq!(alice.message().msg, "thank you");
}

#[test]
fn two_nodes_decide_one_application_once() {
    const ROUNDS: usize = 6;
    let cluster = Cluster::of(2);
    let (mut alice, mut bob) = (cluster.user(0, "alice"), cluster.user(1, "bob"));
    let group = group_with(&mut alice, Joining::Approval);
    bob.ask_in(group, "").expect("applied");
    alice.decide(group, bob.id, Verdict::Accept).expect("let in");
    alice.set_role(group, bob.id, Rank::Admin).expect("admin");
    for round in 0..ROUNDS {
        let mut carol = cluster.user(round % 2, &format!("applicant {round}"));
        let id = carol.id;
        carol.ask_in(group, "").expect("applied");
        let (accepted, refused) =
            at_once(|| alice.decide(group, id, Verdict::Accept), || bob.decide(group, id, Verdict::Refuse));
        assert_ne!(accepted.is_ok(), refused.is_ok(), "{accepted:?} and {refused:?}");
        let late = if accepted.is_ok() { refused } else { accepted.clone() };
        assert_eq!(late.unwrap_err().code, Code::NOT_FOUND);
        assert_eq!(members(&mut alice, group).contains(&id), accepted.is_ok(), "round {round}");
    }
}

#[test]
fn who_withdraws_while_being_accepted_is_in_or_out() {
    const ROUNDS: usize = 6;
    let cluster = Cluster::of(2);
    let mut alice = cluster.user(0, "alice");
    let group = group_with(&mut alice, Joining::Approval);
    for round in 0..ROUNDS {
        let mut carol = cluster.user(1, &format!("applicant {round}"));
        let id = carol.id;
        carol.ask_in(group, "").expect("applied");
        let (accepted, withdrawn) =
            at_once(|| alice.decide(group, id, Verdict::Accept), || carol.withdraw_application(group));
        assert_ne!(accepted.is_ok(), withdrawn.is_ok(), "{accepted:?} and {withdrawn:?}");
        assert_eq!(members(&mut alice, group).contains(&id), accepted.is_ok(), "round {round}");
    }
}

#[test]
fn a_group_that_is_dissolved_while_others_apply_has_nobody_before_it() {
    const ROUNDS: usize = 6;
    let cluster = Cluster::of(2);
    let (mut alice, mut carol) = (cluster.user(0, "alice"), cluster.user(1, "carol"));
    for _ in 0..ROUNDS {
        let group = group_with(&mut alice, Joining::Approval);
        let (dissolved, applied) = at_once(|| alice.dissolve_group(group), || carol.ask_in(group, ""));
        dissolved.expect("the owner may");
        match applied {
            Ok(answer) => assert_eq!(answer.outcome, JoinOutcome::Applied),
            Err(refusal) => assert_eq!(refusal.code, Code::DISSOLVED),
        }
        assert_eq!(carol.applications(0, 0, 0, 0).expect("a page").applications, []);
    }
}
