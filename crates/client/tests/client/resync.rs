//! A server that may have missed something is asked how everything stands, on the connection that is there.

use std::time::Duration;

use client::{Config, Event, ListVersions, SignInKind};
use protocol::{Code, Push, Refresh, Request, Resync};

use crate::model::{ME, Model};
use crate::world::{World, refused};

const OTHER: u64 = 10;
const WITHIN_MS: u32 = 2_000;

fn say(world: &mut World) {
    world.push(Push::Resync(Resync { within_ms: WITHIN_MS }));
}

/// What is asked with REFRESH, and taken off what waits.
fn asked(world: &mut World) -> Option<(u32, Refresh)> {
    let at = world.asked.iter().position(|(_, request)| matches!(request, Request::Refresh(_)))?;
    match world.asked.remove(at) {
        Some((rid, Request::Refresh(refresh))) => Some((rid, refresh)),
        _ => None,
    }
}

fn refreshed(world: &World) -> usize {
    let is_refresh = |event: &&Event| matches!(event, Event::SignedIn { how: SignInKind::Refresh, .. });
    world.events.iter().filter(is_refresh).count()
}

#[test]
fn it_is_asked_within_the_time_and_with_what_is_held() {
    let mut world = World::signed_in();
    world.session.hold_lists(ListVersions {
        user: ME,
        friends: Some("4".into()),
        groups: Some("1.2".into()),
    });
    let connects = world.connects.len();
    say(&mut world);
    say(&mut world);
    world.pass(Duration::from_millis(WITHIN_MS.into()));
    let (rid, refresh) = asked(&mut world).expect("REFRESH");
    assert_eq!(
        (refresh.friends_version.as_deref(), refresh.groups_version.as_deref()),
        (Some("4"), Some("1.2"))
    );
    assert_eq!(asked(&mut world), None, "once for both");
    let answer = world.model.answer(&Request::Refresh(refresh));
    world.answer(rid, answer);
    world.serve();
    assert_eq!((refreshed(&world), world.connects.len()), (1, connects));
}

#[test]
fn what_was_not_pushed_is_found_by_it() {
    let mut model = Model::new();
    (0..3).for_each(|_| drop(model.say(OTHER, OTHER, "hi")));
    let mut world = World::signed_in_with(Config::new("model:1"), model);
    world.model.say(OTHER, OTHER, "lost");
    world.model.edit(OTHER, 2, "corrected");
    world.model.note();
    world.pass_served(Duration::from_secs(10));
    assert_eq!(
        (world.shown(OTHER), world.changed(OTHER).len(), world.noticed().len()),
        (vec![1, 2, 3], 0, 0)
    );
    say(&mut world);
    world.pass_served(Duration::from_secs(10));
    assert_eq!(world.shown(OTHER), [1, 2, 3, 4]);
    assert_eq!(world.changed(OTHER), [(1, 2, "corrected")]);
    assert_eq!(world.noticed(), [1]);
}

#[test]
fn one_that_is_said_while_one_is_under_way_asks_again() {
    let mut world = World::signed_in();
    say(&mut world);
    world.pass(Duration::from_millis(WITHIN_MS.into()));
    let (rid, refresh) = asked(&mut world).expect("REFRESH");
    say(&mut world);
    world.pass(Duration::from_millis(WITHIN_MS.into()));
    assert_eq!(asked(&mut world), None, "one at a time");
    let answer = world.model.answer(&Request::Refresh(refresh));
    world.answer(rid, answer);
    assert!(asked(&mut world).is_some(), "it may be older than what was said last");
}

#[test]
fn a_busy_server_is_asked_again() {
    let mut world = World::signed_in();
    say(&mut world);
    world.pass(Duration::from_millis(WITHIN_MS.into()));
    let (rid, _) = asked(&mut world).expect("REFRESH");
    world.answer(rid, Err(refused(Code::BUSY)));
    assert_eq!(asked(&mut world), None, "not at once");
    world.pass_served(Duration::from_secs(5));
    assert_eq!(refreshed(&world), 1);
}

#[test]
fn a_lost_connection_needs_no_refresh() {
    let mut world = World::signed_in();
    say(&mut world);
    world.cut();
    world.pass_served(Duration::from_secs(10));
    assert_eq!((refreshed(&world), world.connects.len()), (0, 2));
}

#[test]
fn a_session_that_is_over_is_told() {
    let mut world = World::signed_in();
    say(&mut world);
    world.pass(Duration::from_millis(WITHIN_MS.into()));
    let (rid, _) = asked(&mut world).expect("REFRESH");
    world.answer(rid, Err(refused(Code::SESSION_ENDED)));
    assert!(world.events.iter().any(|event| matches!(event, Event::SessionEnded(_))));
}
