//! Who is typing: said once in a while, and told while it is true.

use std::time::Duration;

use client::Event;
use client::limits::TYPING_EVERY_MS;
use protocol::{IsTyping, Push, Request, Typing};

use crate::world::World;

fn every() -> Duration {
    Duration::from_millis(TYPING_EVERY_MS)
}

/// In which conversations the server was told of somebody typing.
fn said(world: &mut World) -> Vec<u64> {
    world.turn();
    let typing = |(_, request)| match request {
        Request::Typing(Typing { conv }) => Some(conv),
        _ => None,
    };
    std::mem::take(&mut world.asked).into_iter().filter_map(typing).collect()
}

#[test]
fn each_key_is_not_said() {
    let mut world = World::signed_in();
    for _ in 0..100 {
        world.session.typing(9, world.now);
    }
    assert_eq!(said(&mut world), [9]);
    world.pass(every() - Duration::from_millis(1));
    world.session.typing(9, world.now);
    assert_eq!(said(&mut world), [0; 0]);
    world.session.typing(7, world.now);
    assert_eq!(said(&mut world), [7], "another conversation is something else");
    world.pass(every());
    world.session.typing(7, world.now);
    assert_eq!(said(&mut world), [7]);
}

#[test]
fn without_a_session_it_is_not_said_later() {
    let mut world = World::new();
    world.session.typing(9, world.now);
    world.serve();
    world.log_in();
    world.serve();
    assert_eq!(said(&mut world), [0; 0]);
    world.session.typing(9, world.now);
    assert_eq!(said(&mut world), [9], "nothing was said before");
}

#[test]
fn who_is_typing_is_told() {
    let mut world = World::signed_in();
    let typing = IsTyping { conv: 9, from: 9, name: "user9".into() };
    world.push(Push::Typing(typing.clone()));
    assert_eq!(world.events.last(), Some(&Event::Typing(typing)));
}
