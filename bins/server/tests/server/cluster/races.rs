//! What several nodes are asked at the same moment, and only one may have.

use std::sync::Barrier;
use std::thread;

use protocol::Code;
use testkit::eventually;

use super::hearing::next_in;
use super::nodes::Cluster;
use crate::support::DEADLINE;

#[test]
fn one_token_on_several_nodes_at_once_ends_as_one_connection() {
    const RACERS: usize = 6;
    let cluster = Cluster::of(3);
    let (mut bob, mut alice, conv) = cluster.friends((0, "bob"), (1, "alice"));
    let token = alice.token.clone().expect("a token");
    for round in 0..3 {
        let start = Barrier::new(RACERS);
        let mut guests: Vec<_> = (0..RACERS).map(|racer| cluster.guest(racer % 3)).collect();
        thread::scope(|scope| {
            for guest in &mut guests {
                let (start, token) = (&start, token.clone());
                scope.spawn(move || {
                    start.wait();
                    let resume =
                        protocol::Request::Resume(protocol::Resume { token, ..protocol::Resume::default() });
                    let rid = guest.send(&resume);
                    // Whoever was overtaken at once may be told by a BYE alone.
                    if let Some(Err(refusal)) = guest.try_reply(rid) {
                        assert_eq!(refusal.code, Code::SESSION_MOVED, "{refusal}");
                    }
                });
            }
        });
        assert_eq!(Code(alice.bye().errcode), Code::SESSION_MOVED);
        // Who was overtaken is told so within a moment; one is left.
        let mut holders = guests;
        eventually(DEADLINE, "one connection is left", || {
            let (alive, over): (Vec<_>, _) = std::mem::take(&mut holders)
                .into_iter()
                .map(|mut guest| (guest.try_ping(), guest))
                .partition(|(alive, _)| *alive);
            for (_, mut guest) in over {
                assert_eq!(Code(guest.bye().errcode), Code::SESSION_MOVED);
            }
            holders = alive.into_iter().map(|(_, guest)| guest).collect();
            (holders.len() <= 1).then_some(())
        });
        let id = alice.id;
        alice = holders.pop().unwrap_or_else(|| panic!("round {round}: they closed each other"));
        alice.id = id;
        let seq = bob.say(id, "who is it?").seq;
        // What was said shortly before may be said to a new connection again.
        while next_in(&mut alice, conv).seq < seq {}
    }
}
