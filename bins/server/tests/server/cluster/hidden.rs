//! M5: what is deleted for oneself, over all nodes.

use protocol::{Hidden, HiddenMessages, History};

use super::nodes::Cluster;
use crate::support::Peer;

fn texts(peer: &mut Peer, conv: u64) -> Vec<(bool, String)> {
    let page = History { conv, after: None, before: None, at: None, limit: 0 };
    let messages = peer.history(page).expect("a page").messages;
    messages.into_iter().map(|message| (message.hidden, message.msg)).collect()
}

#[test]
fn what_is_hidden_on_one_node_is_so_on_all_and_for_nobody_else() {
    let cluster = Cluster::of(3);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut devices = [cluster.log_in(1, "alice", "phone"), cluster.log_in(2, "alice", "desk")];
    for text in ["one", "two"] {
        bob.say(alice.id, text);
    }
    let whole = texts(&mut bob, conv);
    // The recent messages of the conversation are shared by all nodes.
    for device in &mut devices {
        assert_eq!(texts(device, conv), whole);
    }
    let hidden = HiddenMessages { hidden: vec![Hidden { position: 1, conv, seq: 2 }] };
    assert_eq!(alice.hide(conv, &[2]).expect("hidden"), hidden);
    let seen = [(false, "one".to_owned()), (true, String::new())];
    for device in &mut devices {
        assert_eq!(texts(device, conv), seen, "from the answer on, whatever was pushed");
        assert_eq!(device.hidden_messages(), hidden);
    }
    assert_eq!(texts(&mut bob, conv), whole);
    let mut elsewhere = cluster.log_in(2, "bob", "desk");
    assert_eq!(texts(&mut elsewhere, conv), whole);
}
