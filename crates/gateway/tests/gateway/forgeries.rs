//! What the bus says and nobody stored.

use bytes::Bytes;
use cluster::local::LocalExchange;
use domain::{Bus, Publication, Topic, UserId};
use protocol::Request;

use crate::bad_bus::{ClusterNode, quick};
use crate::chat::{greet, message, messages_so_far, next_seqs, open_group, say, tell};
use crate::node::{Peer, World, befriend, friends, until};

/// What a node says of a conversation decides nothing: whose it is stands in the store.
#[test]
fn nobody_is_brought_the_log_of_others_on_the_word_of_the_bus() {
    let world = World::new();
    let exchange = LocalExchange::new();
    let one = ClusterNode::new(&world, &exchange, quick());
    let stranger = exchange.join();
    let names = ["ann", "bob", "eve"];
    let [(mut ann, ann_is), (mut bob, bob_is), (mut eve, eve_is)] =
        names.map(|name| Peer::user(one.node.address, name));
    befriend(&mut ann, &mut bob);
    let group = open_group(&mut ann);
    let conv = greet(&mut ann, &mut bob);
    assert_eq!(say(&mut ann, group, "1"), 1);
    let mut payload = Bytes::new();
    until("the message is published", || {
        let said = one.mouth.take_said(|topic| topic == Topic::User(UserId(bob_is.id)));
        payload = said.last().map(|said| said.payload.clone()).unwrap_or_default();
        payload.windows(14).any(|text| text == b"\"msg\":\"this is")
    });
    // What came late by itself, on a busy machine, was read by now.
    let repaired = one.node.gateway.snapshot().gap_repairs;
    for (of, phantoms) in [(conv, 2), (group, 4)] {
        for seq in [1_000u64, 2_000] {
            // Between eve and a user whom nobody knows.
            let mut forged = payload.to_vec();
            for (at, number) in [(2, of), (10, seq), (18, eve_is.id), (26, 77_777)] {
                forged[at..at + 8].copy_from_slice(&number.to_be_bytes());
            }
            let topic = Topic::User(UserId(eve_is.id));
            stranger.publish(vec![Publication { topic, payload: Bytes::from(forged) }]).unwrap();
        }
        until("the log was asked", || one.node.gateway.snapshot().phantoms == phantoms);
    }
    eve.call(Request::Friends(protocol::Page::default())).expect("a page");
    assert_eq!(
        eve.pushes.iter().filter_map(message).count(),
        0,
        "neither forgeries nor the log: {:?}",
        eve.pushes
    );
    assert_eq!(one.node.gateway.snapshot().gap_repairs, repaired);
    // And the two whose conversation it is go on with it.
    let looked = one.node.gateway.snapshot().places_sought;
    assert_eq!(tell(&mut bob, ann_is.id, "2"), (conv, 2));
    assert_eq!(next_seqs(&mut ann, conv, 1), [2]);
    assert_eq!(one.node.gateway.snapshot().places_sought, looked);
}

#[test]
fn a_conversation_that_does_not_exist_is_counted_and_not_heard() {
    let world = World::new();
    let exchange = LocalExchange::new();
    let one = ClusterNode::new(&world, &exchange, quick());
    let stranger = exchange.join();
    let (mut ann, mut bob) = friends(one.node.address, one.node.address);
    let conv = greet(&mut ann, &mut bob);
    let topic = Topic::User(UserId(bob.id));
    let mut payload = Bytes::new();
    until("the message is published", || {
        let said = one.mouth.take_said(|said| said == topic);
        payload = said.last().map(|said| said.payload.clone()).unwrap_or_default();
        payload.windows(14).any(|text| text == b"\"msg\":\"this is")
    });
    let forgeries = [(987_654, 1, ann.id), (987_654, 2, ann.id), (987_655, 9, 987_656)];
    for (phantoms, (of, seq, other)) in (1..).zip(forgeries) {
        let mut forged = payload.to_vec();
        let (low, high) = (bob.id.min(other), bob.id.max(other));
        for (at, number) in [(2, of), (10, seq), (18, low), (26, high)] {
            forged[at..at + 8].copy_from_slice(&u64::to_be_bytes(number));
        }
        stranger.publish(vec![Publication { topic, payload: Bytes::from(forged) }]).unwrap();
        until("it is counted", || one.node.gateway.snapshot().phantoms == phantoms);
    }
    tell(&mut ann, bob.id, "2");
    assert_eq!(next_seqs(&mut bob, conv, 1), [2]);
    assert_eq!(messages_so_far(&mut bob), []);
}

#[test]
fn junk_on_the_bus_is_counted_and_harms_nobody() {
    let world = World::new();
    let exchange = LocalExchange::new();
    let one = ClusterNode::new(&world, &exchange, quick());
    let stranger = exchange.join();
    let (mut ann, mut bob) = friends(one.node.address, one.node.address);
    let conv = greet(&mut ann, &mut bob);
    let mut payload = Bytes::new();
    until("the message is published", || {
        let said = one.mouth.take_said(|topic| topic == Topic::User(UserId(bob.id)));
        payload = said.last().map(|said| said.payload.clone()).unwrap_or_default();
        payload.windows(14).any(|text| text == b"\"msg\":\"this is")
    });
    let say = |topic, payload: Vec<u8>| {
        stranger.publish(vec![Publication { topic, payload: Bytes::from(payload) }]).unwrap();
    };
    let bob_topic = Topic::User(UserId(bob.id));
    let mut junk = 0;
    for end in 0..payload.len() {
        say(bob_topic, payload[..end].to_vec());
        junk += 1;
    }
    say(Topic::Nodes, payload.to_vec());
    say(bob_topic, b"GET / HTTP/1.1\r\n".to_vec());
    junk += 2;
    until("all is counted", || one.node.gateway.snapshot().bus_malformed == junk);
    // A message far ahead, which nobody stored: the log says so, and nobody sees it or waits for it.
    let mut phantom = payload.to_vec();
    phantom[10..18].copy_from_slice(&(1u64 << 50).to_be_bytes());
    say(bob_topic, phantom);
    until("the log was asked", || one.node.gateway.snapshot().phantoms == 1);
    // A conversation of users whom nobody knows; a bus would not bring it, but may.
    let (nobody, nobody_else) = (UserId(77_777), UserId(77_778));
    let mut unknown = payload.to_vec();
    for (at, id) in [(2, 77_777), (18, nobody.0), (26, nobody_else.0)] {
        unknown[at..at + 8].copy_from_slice(&u64::to_be_bytes(id));
    }
    one.ear.hear(Publication { topic: Topic::User(nobody), payload: Bytes::from(unknown) });
    until("it is counted", || one.node.gateway.snapshot().no_reader == 1);
    tell(&mut ann, bob.id, "2");
    assert_eq!(next_seqs(&mut bob, conv, 1), [2]);
}
