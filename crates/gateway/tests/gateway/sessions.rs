//! Sessions that end and move, on several nodes.

use std::time::Duration;

use cluster::local::LocalExchange;
use domain::{SessionId, SessionStore, Topic, UserId};
use gateway::GatewayConfig;
use protocol::{Code, Incoming, Page, Request, Resume, SessionRef};

use crate::bad_bus::{ClusterNode, quick};
use crate::chat::{bye, is_nodes, messages_so_far};
use crate::node::{Peer, World, until};

#[test]
fn sessions_end_and_move_across_nodes() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut laptop, laptop_is) = Peer::user(nodes[0].node.address, "ann");
    let mut phone = Peer::connect(nodes[1].node.address);
    let phone_is = phone.log_in("ann");
    phone.call(Request::EndSession(SessionRef { session: laptop_is.session })).expect("ended");
    assert_eq!(laptop.push(bye), Code::SESSION_ENDED);
    assert!(laptop.next().is_none());
    let mut moved = Peer::connect(nodes[0].node.address);
    let token = phone_is.token.expect("a token");
    moved.call(Request::Resume(Resume { token, ..Resume::default() })).expect("resumed");
    assert_eq!(phone.push(bye), Code::SESSION_MOVED);
    // And when node one does not hear of it, it looks as soon as the bus says so.
    let mut tablet = Peer::device(nodes[1].node.address, "ann");
    nodes[0].ear.lose(|publication| publication.topic == Topic::Nodes);
    tablet.call(Request::EndSession(SessionRef { session: phone_is.session })).expect("ended");
    nodes[0].ear.lose(|_| false);
    nodes[0].ear.found_out();
    assert_eq!(moved.push(bye), Code::SESSION_ENDED);
}

#[test]
fn while_the_bus_is_away_sessions_are_compared_with_the_store() {
    let world = World::new();
    let exchange = LocalExchange::new();
    let config = GatewayConfig { tick: Duration::from_millis(20), ..quick() };
    let one = ClusterNode::new(&world, &exchange, config);
    let (mut ann, ann_is) = Peer::user(one.node.address, "ann");
    one.mouth.set_away(true);
    // As another node does it, of which this one cannot hear.
    assert!(world.store.end_session(UserId(ann_is.id), SessionId(ann_is.session)).unwrap());
    let bye = ann.push(bye);
    assert_eq!(bye, Code::SESSION_ENDED);
}

/// Three nodes, whose clocks say the same all the time.
#[test]
fn of_several_that_resume_a_session_at_once_one_is_left() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 3);
    let (mut holder, is) = Peer::user(nodes[0].node.address, "ann");
    let token = is.token.expect("a token");
    for round in 0..30 {
        let peers: Vec<Peer> = (0..6).map(|n| Peer::connect(nodes[n % 3].node.address)).collect();
        let start = std::sync::Barrier::new(peers.len());
        let mut peers: Vec<Peer> = std::thread::scope(|scope| {
            let (start, token) = (&start, &token);
            let resume = move |mut peer: Peer| {
                start.wait();
                peer.send(Request::Resume(Resume { token: token.clone(), ..Resume::default() }));
                // An answer, or the end.
                while let Some(incoming) = peer.next() {
                    match incoming {
                        Incoming::Push(push) => peer.pushes.push(push),
                        Incoming::Reply { .. } => break,
                    }
                }
                peer
            };
            let racers: Vec<_> = peers.into_iter().map(|peer| scope.spawn(move || resume(peer))).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        assert_eq!(holder.push(bye), Code::SESSION_MOVED, "round {round}");
        let stays = |peer: &mut Peer| {
            peer.send(Request::Friends(Page::default()));
            loop {
                match peer.next() {
                    None => return false,
                    Some(Incoming::Push(_)) => {}
                    Some(Incoming::Reply { result, .. }) => return result.is_ok(),
                }
            }
        };
        until("one is left", || {
            peers.retain_mut(stays);
            peers.len() <= 1
        });
        until("all is said", || nodes.iter().all(|node| node.node.gateway.snapshot().notices_waiting == 0));
        peers.retain_mut(stays);
        holder = peers.pop().unwrap_or_else(|| panic!("round {round}: they closed each other"));
    }
}

#[test]
fn a_session_that_came_back_stays_whatever_its_other_node_tells_late() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut first, first_is) = Peer::user(nodes[0].node.address, "ann");
    let token = first_is.token.expect("a token");
    nodes[1].mouth.take_said(|_| true);
    let resume = |at: usize, after_ms: u64| {
        nodes[at].node.clock.advance_ms(after_ms);
        let mut peer = Peer::connect(nodes[at].node.address);
        peer.call(Request::Resume(Resume { token: token.clone(), ..Resume::default() })).expect("resumed");
        peer
    };
    let mut away = resume(1, 1_000);
    assert_eq!(first.push(bye), Code::SESSION_MOVED);
    let late = nodes[1].mouth.take_said(is_nodes);
    let mut back = resume(0, 2_000);
    assert_eq!(away.push(bye), Code::SESSION_MOVED);
    late.into_iter().for_each(|notice| nodes[0].ear.hear(notice));
    until("it is worked off", || nodes[0].node.gateway.snapshot().notices_waiting == 0);
    assert_eq!(messages_so_far(&mut back), []);
    assert!(!back.pushes.iter().any(|push| bye(push).is_some()));
}
