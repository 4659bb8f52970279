//! M6 across nodes: a quote goes with an answer to whichever node its readers are on, and ends everywhere with a recall.

use protocol::{ChatMessage, History, OneChat, Reply, Request, Sent};

use super::nodes::Cluster;
use crate::support::Peer;

fn answer(peer: &mut Peer, to: u64, reply_to: u64) -> Sent {
    let (msg, client_msg_id) = ("an answer".to_owned(), peer.message_id());
    match peer.ask(&Request::OneChat(OneChat { to, msg, client_msg_id, reply_to, mentions: vec![to] })) {
        Ok(Reply::OneChat(sent)) => sent,
        other => panic!("a message was answered by {other:?}"),
    }
}

/// The newest messages, by a page that holds what they answer and by one that does not.
fn newest(peer: &mut Peer, conv: u64) -> [ChatMessage; 2] {
    [0, 1].map(|limit| {
        let page = peer.history(History { conv, limit, ..History::default() }).expect("a page");
        page.messages.last().expect("a message").clone()
    })
}

fn quoted(message: &ChatMessage) -> Option<&str> {
    message.quote.as_ref().map(|quote| quote.msg.as_str())
}

#[test]
fn a_quote_crosses_nodes_and_ends_with_a_recall_on_all() {
    let cluster = Cluster::of(2);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let seq = alice.say(bob.id, "a secret of alice's").seq;
    assert_eq!(bob.message().seq, seq);
    answer(&mut bob, alice.id, seq);
    let told = alice.message();
    assert_eq!((told.reply_to, quoted(&told)), (seq, Some("a secret of alice's")));
    assert_eq!(told.mentions, [alice.id]);
    // Both nodes have read the conversation into the cache that they share.
    for peer in [&mut alice, &mut bob] {
        assert_eq!(newest(peer, conv), [told.clone(), told.clone()]);
    }
    alice.edit_message(conv, seq, "nothing").expect("edited");
    for peer in [&mut alice, &mut bob] {
        assert_eq!(newest(peer, conv).map(|message| message.quote.expect("a quote").msg), ["nothing"; 2]);
    }
    alice.recall(conv, seq).expect("recalled");
    for peer in [&mut alice, &mut bob] {
        assert_eq!(newest(peer, conv).map(|message| message.quote), [None, None]);
    }
    let after = answer(&mut bob, alice.id, seq).seq;
    let told = alice.message();
    assert_eq!((told.seq, told.reply_to, told.quote), (after, seq, None));
}
