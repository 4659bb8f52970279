//! M3 across nodes: recent pages come from Redis, and whatever becomes of Redis, they are what the log has.

use protocol::History;
use redis::cmd;
use testkit::eventually;

use super::metrics::scrape;
use super::nodes::Cluster;
use crate::support::{DEADLINE, Peer};

fn newest(peer: &mut Peer, conv: u64) -> Vec<String> {
    let page = peer.history(History { conv, limit: 50, ..History::default() }).expect("a page");
    page.messages.into_iter().map(|message| message.msg).collect()
}

#[test]
fn recent_pages_are_shared_by_nodes_and_right_whatever_becomes_of_redis() {
    let cluster = Cluster::of(2);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut said: Vec<String> = Vec::new();
    let mut say = |alice: &mut Peer, to: u64| {
        let text = format!("message {}", said.len());
        alice.say(to, &text);
        said.push(text);
        said.clone()
    };
    for _ in 0..10 {
        say(&mut alice, bob.id);
    }
    let expected = say(&mut alice, bob.id);
    assert_eq!(newest(&mut bob, conv), expected);
    let from_cache = || scrape(&cluster.nodes[0]).value("history_pages_from_cache_total");
    let before = from_cache();
    eventually(DEADLINE, "what one node read the other need not read", || {
        assert_eq!(newest(&mut alice, conv), expected);
        (from_cache() > before).then_some(())
    });

    let emptied: String = cluster.redis_client().ask(&cmd("FLUSHALL"));
    assert_eq!(emptied, "OK");
    assert_eq!(newest(&mut bob, conv), expected);
    let expected = say(&mut alice, bob.id);
    assert_eq!((newest(&mut alice, conv), newest(&mut bob, conv)), (expected.clone(), expected));

    cluster.redis.kill();
    let expected = say(&mut alice, bob.id);
    assert_eq!((newest(&mut alice, conv), newest(&mut bob, conv)), (expected.clone(), expected));
    assert!(scrape(&cluster.nodes[0]).value("history_redis_calls_failed_total") >= 1.0);

    cluster.redis.restart();
    for _ in 0..3 {
        let expected = say(&mut alice, bob.id);
        assert_eq!((newest(&mut alice, conv), newest(&mut bob, conv)), (expected.clone(), expected));
    }
}
