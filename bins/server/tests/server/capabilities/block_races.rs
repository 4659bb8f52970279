//! Friendships and blocks that meet: whichever comes first, a block leaves nothing between two, and both sides read the same.
//! What is raced is written for two connections, wherever they are: `cluster` runs it across nodes.

use protocol::{AddFriend, Code, FriendRef, Refusal, Reply, Request, UserRef};

use crate::support::{Options, Peer, Server, Store, befriend, chat, log_in, on_each_store, user};

on_each_store! {
    b5_a_request_is_accepted_while_the_other_blocks,
    b5_both_ask_while_one_blocks,
    b5_both_block_each_other,
    b5_a_block_during_sends,
    b1_a_friend_is_deleted_while_they_accept,
    b1_the_last_place_among_friends_is_taken_by_two,
}

/// How often a race is run: rare orders need more than one try.
pub(crate) const ROUNDS: usize = 10;

fn two(server: &Server, round: usize) -> (Peer, Peer) {
    (user(server, &format!("alice {round}")), user(server, &format!("bob {round}")))
}

fn b5_a_request_is_accepted_while_the_other_blocks(store: Store) {
    let server = Server::on(store);
    for round in 0..ROUNDS {
        let (mut alice, mut bob) = two(&server, round);
        accepted_while_blocking(&mut alice, &mut bob, round);
    }
}

fn b5_both_ask_while_one_blocks(store: Store) {
    let server = Server::on(store);
    for round in 0..ROUNDS {
        let (mut alice, mut bob) = two(&server, round);
        let mut alices_phone = log_in(&server, &format!("alice {round}"), "phone");
        both_ask_while_one_blocks(&mut alice, &mut alices_phone, &mut bob);
    }
}

fn b5_both_block_each_other(store: Store) {
    let server = Server::on(store);
    for round in 0..ROUNDS {
        let (mut alice, mut bob) = two(&server, round);
        both_block_each_other(&mut alice, &mut bob);
    }
}

fn b5_a_block_during_sends(store: Store) {
    let server = Server::on(store);
    for round in 0..ROUNDS {
        let (mut alice, mut bob) = two(&server, round);
        block_during_sends(&mut alice, &mut bob, round);
    }
}

fn b1_a_friend_is_deleted_while_they_accept(store: Store) {
    let server = Server::on(store);
    for round in 0..ROUNDS {
        let (mut alice, mut bob) = two(&server, round);
        deleted_while_accepting(&mut alice, &mut bob);
    }
}

fn b1_the_last_place_among_friends_is_taken_by_two(store: Store) {
    let server = Server::start(Options::on(store).with("friends-max", 1));
    for round in 0..ROUNDS {
        let (mut alice, mut bob) = two(&server, round);
        let mut carol = user(&server, &format!("carol {round}"));
        last_place_taken_by_two(&mut alice, &mut bob, &mut carol);
    }
}

fn block(userid: u64) -> Request {
    Request::Block(UserRef { userid })
}

fn ask(friendid: u64) -> Request {
    Request::AddFriend(AddFriend { friendid, greeting: String::new() })
}

fn accept(friendid: u64) -> Request {
    Request::AcceptFriend(FriendRef { friendid })
}

/// Done, or refused with one of these.
fn done_or(result: Result<Reply, Refusal>, codes: &[Code]) -> bool {
    match result {
        Ok(_) => true,
        Err(refusal) => {
            assert!(codes.contains(&refusal.code), "{refusal:?}");
            false
        }
    }
}

fn friend_ids(peer: &mut Peer) -> Vec<u64> {
    peer.friends(0, 0).expect("a page").friends.iter().map(|friend| friend.id).collect()
}

/// `alice` blocked `bob`, and nothing is left between them.
fn assert_parted(alice: &mut Peer, bob: &mut Peer) {
    let blocked = alice.blocked(0, 0).expect("a page").blocked;
    assert_eq!(blocked.iter().map(|user| user.id).collect::<Vec<_>>(), [bob.id]);
    assert_eq!(bob.blocked(0, 0).expect("a page").blocked, []);
    let ids = (alice.id, bob.id);
    for (peer, other) in [(&mut *alice, ids.1), (&mut *bob, ids.0)] {
        assert_eq!(friend_ids(peer), [0; 0]);
        assert_eq!(peer.friend_requests(0, 0).expect("a page").requests, []);
        assert_eq!(peer.refused(&accept(other)), Code::NOT_FOUND);
        assert_eq!(peer.refused(&chat(other, "x", "after-the-block")), Code::NOT_FRIENDS);
    }
    assert_eq!(bob.refused(&ask(ids.0)), Code::NOT_FOUND);
    assert_eq!(alice.refused(&ask(ids.1)), Code::NOT_ALLOWED);
}

/// Alice asked, and blocks while bob accepts.
pub(crate) fn accepted_while_blocking(alice: &mut Peer, bob: &mut Peer, round: usize) {
    alice.add_friend(bob.id, "").expect("asked");
    let (accepted, blocked) = if round.is_multiple_of(2) {
        let accepted = bob.send(&accept(alice.id));
        (accepted, alice.send(&block(bob.id)))
    } else {
        let blocked = alice.send(&block(bob.id));
        (bob.send(&accept(alice.id)), blocked)
    };
    alice.reply(blocked).expect("blocked, whatever he does");
    done_or(bob.reply(accepted), &[Code::NOT_FOUND]);
    assert_parted(alice, bob);
}

/// Both ask for friendship while alice blocks from another device.
pub(crate) fn both_ask_while_one_blocks(alice: &mut Peer, alices_phone: &mut Peer, bob: &mut Peer) {
    let one = alice.send(&ask(bob.id));
    let blocked = alices_phone.send(&block(bob.id));
    let other = bob.send(&ask(alice.id));
    alices_phone.reply(blocked).expect("blocked, whatever they ask");
    done_or(alice.reply(one), &[Code::NOT_ALLOWED]);
    done_or(bob.reply(other), &[Code::NOT_FOUND]);
    assert_parted(alice, bob);
}

/// Friends block each other: who comes second finds nobody.
pub(crate) fn both_block_each_other(alice: &mut Peer, bob: &mut Peer) {
    befriend(alice, bob);
    let (one, other) = (alice.send(&block(bob.id)), bob.send(&block(alice.id)));
    let first = done_or(alice.reply(one), &[Code::NOT_FOUND]);
    let second = done_or(bob.reply(other), &[Code::NOT_FOUND]);
    assert_ne!(first, second, "exactly one blocks");
    if first { assert_parted(alice, bob) } else { assert_parted(bob, alice) }
}

/// Bob talks while alice blocks him: nothing of his is stored once she has her answer.
pub(crate) fn block_during_sends(alice: &mut Peer, bob: &mut Peer, round: usize) {
    let conv = befriend(alice, bob);
    let to = alice.id;
    let requests: Vec<Request> =
        (0..40).map(|n| chat(to, &format!("{n}"), &format!("during-{round}-{n}"))).collect();
    // In several rows, and the block between them, a little later each round.
    let (mut sent, mut blocked) = (Vec::new(), None);
    for (n, some) in requests.chunks(4).enumerate() {
        sent.extend(bob.send_all(some));
        if n == round % 8 {
            // He is heard before he is blocked, but in the first round.
            if round > 0 {
                alice.message();
            }
            blocked = Some(alice.send(&block(bob.id)));
        }
    }
    alice.reply(blocked.expect("sent")).expect("blocked");
    let stored = alice.read_all(conv, 0).len();
    let answered = sent.into_iter().filter(|rid| done_or(bob.reply(*rid), &[Code::NOT_FRIENDS])).count();
    assert_eq!(alice.read_all(conv, 0).len(), stored, "something was stored after the block was answered");
    assert_eq!(answered, stored, "what was answered is stored, and nothing else");
    assert_parted(alice, bob);
}

/// Alice asked, and deletes while bob accepts.
pub(crate) fn deleted_while_accepting(alice: &mut Peer, bob: &mut Peer) {
    alice.add_friend(bob.id, "").expect("asked");
    let accepted = bob.send(&accept(alice.id));
    let deleted = alice.send(&Request::DeleteFriend(FriendRef { friendid: bob.id }));
    bob.reply(accepted).expect("it waited");
    let deleted = done_or(alice.reply(deleted), &[Code::NOT_FRIENDS]);
    let (hers, his) = (friend_ids(alice), friend_ids(bob));
    assert_eq!((hers.len(), his.len()), if deleted { (0, 0) } else { (1, 1) });
    for peer in [alice, bob] {
        assert_eq!(peer.friend_requests(0, 0).expect("a page").requests, []);
    }
}

/// Alice has room for one friend, and two accept her requests.
pub(crate) fn last_place_taken_by_two(alice: &mut Peer, bob: &mut Peer, carol: &mut Peer) {
    for other in [bob.id, carol.id] {
        alice.add_friend(other, "").expect("asked");
    }
    let (one, other) = (bob.send(&accept(alice.id)), carol.send(&accept(alice.id)));
    let first = done_or(bob.reply(one), &[Code::FULL]);
    let second = done_or(carol.reply(other), &[Code::FULL]);
    assert_ne!(first, second, "one place, one friend");
    let friend = if first { bob.id } else { carol.id };
    assert_eq!(friend_ids(alice), [friend]);
    assert_eq!(friend_ids(bob).len() + friend_ids(carol).len(), 1);
    assert_eq!(alice.friend_requests(0, 0).expect("a page").requests.len(), 1, "the other's waits");
}
