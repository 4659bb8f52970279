//! Lists that the application holds need not be sent again.

use std::time::Duration;

use client::{Config, ListVersions, SyncState};
use protocol::{Request, Resume, Secret};

use crate::model::{ME, TOKEN};
use crate::world::World;

fn held(user: u64) -> ListVersions {
    ListVersions { user, friends: Some("4".into()), groups: Some("1.2".into()) }
}

/// Lets a client come back whose connection was cut: what its RESUME says.
fn resumed(world: &mut World) -> Resume {
    world.pass(Duration::from_millis(500));
    resuming(world)
}

/// What the RESUME after HELLO says; the rest is served.
fn resuming(world: &mut World) -> Resume {
    let (rid, hello) = world.asked.pop_front().expect("HELLO");
    let answer = world.model.answer(&hello);
    world.answer(rid, answer);
    let (_, request) = &world.asked[0];
    let Request::Resume(resume) = request.clone() else { panic!("{request:?}") };
    world.serve();
    resume
}

fn said(resume: &Resume) -> (Option<&str>, Option<&str>) {
    (resume.friends_version.as_deref(), resume.groups_version.as_deref())
}

#[test]
fn what_is_held_is_said_when_the_session_goes_on() {
    let mut world = World::signed_in();
    world.cut();
    assert_eq!(said(&resumed(&mut world)), (None, None), "nothing is held");
    world.session.hold_lists(held(ME));
    world.model.friends_unchanged = true;
    world.cut();
    assert_eq!(said(&resumed(&mut world)), (Some("4"), Some("1.2")));
    world.cut();
    assert_eq!(said(&resumed(&mut world)), (Some("4"), None), "the groups were sent anew");
    world.model.friends_unchanged = false;
    world.cut();
    assert_eq!(said(&resumed(&mut world)), (Some("4"), None));
    world.cut();
    assert_eq!(said(&resumed(&mut world)), (None, None), "so were the friends");
    world.session.hold_lists(held(ME));
    world.cut();
    assert_eq!(said(&resumed(&mut world)), (Some("4"), Some("1.2")), "read by now");
}

#[test]
fn lists_of_somebody_else_are_not_said() {
    let mut world = World::signed_in();
    world.session.hold_lists(held(ME + 1));
    world.cut();
    assert_eq!(said(&resumed(&mut world)), (None, None));
}

#[test]
fn lists_are_held_from_one_client_to_the_next() {
    let token = Some(Secret::new(TOKEN));
    let state = SyncState { user: ME, name: "me".into(), token, ..SyncState::default() };
    let mut world = World::with(Config::new("model:1").state(state).lists(held(ME)));
    world.turn();
    assert_eq!(said(&resuming(&mut world)), (Some("4"), Some("1.2")));
}
