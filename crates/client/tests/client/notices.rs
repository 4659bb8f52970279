//! Notices: each once on a device, whatever the wire does to them.

use std::time::Duration;

use client::limits::{ACK_DELAY_MS, NOTICES_PAGE_MAX};
use client::{Config, SyncState};
use protocol::{Code, Push, Request};

use crate::model::{ME, Model, TOKEN};
use crate::world::{World, refused};

fn model(notices: u64, acked: u64) -> Model {
    let mut model = Model::new();
    (0..notices).for_each(|_| drop(model.note()));
    model.notices_acked = acked;
    model
}

fn state(notices: Option<u64>) -> SyncState {
    let token = Some(protocol::Secret::new(TOKEN));
    SyncState { user: ME, name: "me".into(), token, notices, ..SyncState::default() }
}

#[test]
fn a_new_device_begins_after_what_others_acknowledged() {
    let mut world = World::signed_in_with(Config::new("model:1"), model(5, 3));
    assert_eq!(world.noticed(), [4, 5]);
    assert_eq!(world.session.sync_state().notices, Some(5));
    world.pass_served(Duration::from_millis(ACK_DELAY_MS));
    assert_eq!(world.model.notices_acked, 5);
}

#[test]
fn a_device_with_a_memory_goes_on_with_it() {
    let config = Config { state: Some(state(Some(2))), ..Config::new("model:1") };
    let mut world = World::with(config);
    world.model = model(5, 5);
    world.turn();
    let (rid, hello) = world.asked.pop_front().expect("HELLO");
    let answer = world.model.answer(&hello);
    world.answer(rid, answer);
    let (_, resume) = &world.asked[0];
    assert!(matches!(resume, Request::Resume(resume) if resume.notices_after == Some(2)), "{resume:?}");
    world.serve();
    assert_eq!(world.noticed(), [3, 4, 5], "others have shown them, this one has not");
}

#[test]
fn many_notices_come_in_pages() {
    let many = u64::from(NOTICES_PAGE_MAX) * 2 + 7;
    let world = World::signed_in_with(Config::new("model:1"), model(many, 0));
    assert!(world.noticed().into_iter().eq(1..=many));
}

#[test]
fn what_was_pushed_is_not_shown_again_after_a_lost_connection() {
    let mut world = World::signed_in();
    let first = world.model.note();
    world.push(Push::Notice(first.clone()));
    world.push(Push::Notice(first));
    assert_eq!(world.noticed(), [1]);
    world.cut();
    // While it is away.
    world.model.note();
    world.pass_served(Duration::from_secs(60));
    assert_eq!(world.noticed(), [1, 2]);
}

#[test]
fn a_push_that_went_missing_is_asked_for() {
    let mut world = World::signed_in();
    world.model.note();
    let second = world.model.note();
    world.push(Push::Notice(second));
    assert_eq!(world.asked_types(), ["NOTICES"]);
    let third = world.model.note();
    world.push(Push::Notice(third));
    world.serve();
    assert_eq!(world.noticed(), [1, 2, 3]);
}

#[test]
fn a_refused_page_is_asked_for_again() {
    let mut world = World::signed_in();
    world.model.note();
    let second = world.model.note();
    world.push(Push::Notice(second));
    let (rid, _) = world.asked.pop_front().expect("NOTICES");
    world.answer(rid, Err(refused(Code::BUSY)));
    assert_eq!(world.noticed(), [0; 0]);
    world.pass_served(Duration::from_secs(5));
    assert_eq!(world.noticed(), [1, 2]);
}

#[test]
fn the_cursor_outlives_a_logout() {
    let mut world = World::signed_in_with(Config::new("model:1"), model(3, 0));
    assert_eq!(world.noticed(), [1, 2, 3]);
    world.submit(Request::LogOut(protocol::Nothing {}));
    world.serve();
    assert_eq!(world.session.sync_state().notices, Some(3));
    world.model.notices_acked = 0;
    world.log_in();
    world.serve();
    assert_eq!(world.noticed(), [1, 2, 3], "this device has them");
}

#[test]
fn nothing_is_shown_to_nobody() {
    let mut world = World::new();
    world.serve();
    let notice = world.model.note();
    world.push(Push::Notice(notice));
    assert_eq!(world.noticed(), [0; 0]);
}
