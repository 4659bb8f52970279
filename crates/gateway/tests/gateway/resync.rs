//! A node that may have missed something says so, and whoever asks how everything stands hears it in order.

use domain::BusReceiver;
use protocol::{Code, EditFriend, Incoming, Push, Refresh, Reply, Request, SignedIn};

use crate::bad_bus::{ClusterNode, NOW};
use crate::node::{Peer, World, befriend, friends, until};

fn refresh(peer: &mut Peer) -> SignedIn {
    match peer.call(Request::Refresh(Refresh::default())) {
        Ok(Reply::Refresh(bundle)) => bundle,
        other => panic!("not refreshed: {other:?}"),
    }
}

fn within(push: &Push) -> Option<u32> {
    if let Push::Resync(resync) = push { Some(resync.within_ms) } else { None }
}

#[test]
fn who_is_here_while_something_is_missed_is_told_to_ask() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, mut bob) = friends(nodes[0].node.address, nodes[1].node.address);
    let (mut cat, _) = Peer::user(nodes[0].node.address, "cat");
    nodes[1].ear.lose(|_| true);
    befriend(&mut ann, &mut cat);
    let mut desk = Peer::device(nodes[0].node.address, "bob");
    befriend(&mut desk, &mut cat);
    until("it is lost", || nodes[1].ear.lost() > 0);
    nodes[1].ear.lose(|_| false);
    nodes[1].ear.missed(NOW);
    assert!((200..=60_000).contains(&bob.push(within)));
    assert_eq!(nodes[1].node.gateway.snapshot().resyncs, 1, "one user");
    assert_eq!(nodes[0].node.gateway.snapshot().resyncs, 0, "the other node missed nothing");
    let bundle = refresh(&mut bob);
    let mut names: Vec<&str> = bundle.friends.iter().map(|friend| friend.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!((names, bundle.token), (vec!["ann", "cat"], None));
    // The connection is what it was.
    bob.chat(ann.id, "still here", "1");
    bob.reply().1.expect("stored");
}

#[test]
fn a_guest_has_nothing_to_refresh() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 1);
    let mut guest = Peer::connect(nodes[0].node.address);
    let refused = guest.call(Request::Refresh(Refresh::default())).expect_err("nobody is signed in");
    assert_eq!(refused.code, Code::NOT_LOGGED_IN);
    // And its login is answered, with what is pushed to it from then on.
    Peer::user(nodes[0].node.address, "ann");
    guest.log_in("ann");
    let mut other = Peer::device(nodes[0].node.address, "ann");
    let (mut bob, _) = Peer::user(nodes[0].node.address, "bob");
    befriend(&mut other, &mut bob);
    guest.push(|push| if let Push::FriendEvent(event) = push { event.friend.clone() } else { None });
}

/// One device changes something again and again, the other one asks how it stands: no push that tells of more than an answer
/// comes before it, so that whoever takes both in the order in which they come ends with the last change.
#[test]
fn what_is_pushed_meanwhile_follows_the_answer() {
    const EDITS: u32 = 300;
    let world = World::new();
    let nodes = ClusterNode::several(&world, 1);
    let address = nodes[0].node.address;
    let (mut ann, bob) = friends(address, address);
    let mut desk = Peer::device(address, "ann");
    let number = |remark: &str| remark.parse::<u32>().unwrap_or(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..=EDITS {
                let edit = EditFriend { friendid: bob.id, remark: Some(n.to_string()), label: None };
                ann.call(Request::EditFriend(edit)).expect("noted");
            }
        });
        let (mut pushed, mut shown, mut answers) = (0, 0, 0);
        desk.send(Request::Refresh(Refresh::default()));
        while pushed < EDITS {
            match desk.next().expect("the connection stays") {
                Incoming::Push(Push::FriendChanged(change)) => {
                    pushed = number(&change.remark.expect("a remark"));
                    shown = pushed;
                }
                Incoming::Push(_) => {}
                Incoming::Reply { result: Ok(Reply::Refresh(bundle)), .. } => {
                    shown = number(&bundle.friends[0].remark);
                    assert!(shown >= pushed, "the answer says {shown}, and {pushed} was pushed before it");
                    answers += 1;
                    desk.send(Request::Refresh(Refresh::default()));
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(shown, EDITS);
        assert!(answers > 1, "nothing was asked meanwhile");
    });
}
