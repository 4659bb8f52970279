//! A node that comes back under its name before anybody has noticed that it was gone.

use std::thread;
use std::time::{Duration, Instant};

use protocol::{PresencePush, Push, State};

use super::nodes::{Cluster, SLACK, TTL, reads, state_of};
use crate::support::befriend;

#[test]
fn a_node_that_restarts_at_once_finds_its_old_users_gone_and_its_new_ones_there() {
    let mut cluster = Cluster::of(2);
    let (mut alice, bob, _) = cluster.friends((0, "alice"), (1, "bob"));
    let mut carol = cluster.user(1, "carol");
    befriend(&mut alice, &mut carol);
    let token = carol.token.clone().expect("a token");
    cluster.nodes[1].kill9();
    let begun = Instant::now();
    cluster.nodes[1].restart();
    // Before its old lease has ended.
    let mut carol = cluster.resume(1, &token);
    let gone = alice.take("bob goes", |push| match push {
        Push::Presence(PresencePush { id, state: State::Offline }) if *id == bob.id => Some(begun.elapsed()),
        _ => None,
    });
    println!("who did not come back is offline {gone:?} after kill -9");
    assert!(gone < TTL + SLACK);
    reads(&mut alice, carol.id, State::Online);
    let until = Instant::now() + TTL;
    while Instant::now() < until {
        assert_eq!(state_of(&mut alice, carol.id), State::Online);
        assert_eq!(state_of(&mut alice, bob.id), State::Offline);
        thread::sleep(Duration::from_millis(50));
    }
    carol.say(alice.id, "still here");
    alice.message();
}
