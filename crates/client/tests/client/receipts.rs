//! Reading: told to the server once, forward only, and again if it was lost.

use std::time::Duration;

use client::limits::{GAP_PATIENCE_MS, READ_DELAY_MS};
use client::{Config, Event, Reading, SyncState};
use protocol::{Code, GroupEvent, GroupEventKind, Push, Receipt, Receipts, Reply, Request};

use crate::model::{ME, Model};
use crate::world::{World, refused};

const OTHER: u64 = 10;

fn world(messages: u64) -> World {
    let mut model = Model::new();
    (0..messages).for_each(|_| drop(model.say(OTHER, OTHER, "hi")));
    World::signed_in_with(Config::new("model:1"), model)
}

fn reading(world: &World) -> Reading {
    world.session.readings()[&OTHER]
}

fn reads(world: &World) -> Vec<u64> {
    let seq = |(_, request): &(u32, Request)| match request {
        Request::Read(read) => Some(read.seq),
        _ => None,
    };
    world.asked.iter().filter_map(seq).collect()
}

fn receipt(user: u64, delivered: u64, read: u64) -> Push {
    Push::Receipt(Receipt { conv: OTHER, user, delivered, read })
}

#[test]
fn what_was_read_is_told_once_after_a_moment() {
    let mut world = world(5);
    assert_eq!(reading(&world).unread(), 5);
    for seq in 1..=4 {
        world.session.read(OTHER, seq, world.now);
    }
    assert_eq!(reading(&world).unread(), 1, "at once, on this device");
    world.pass(Duration::from_millis(READ_DELAY_MS - 1));
    assert_eq!(reads(&world), [0; 0]);
    world.pass(Duration::from_millis(1));
    assert_eq!(reads(&world), [4]);
    world.serve();
    world.session.read(OTHER, 3, world.now);
    world.session.read(OTHER, 4, world.now);
    world.pass(Duration::from_secs(1));
    assert_eq!(reads(&world), [0; 0], "nothing that the server knows");
}

#[test]
fn what_was_not_told_before_a_lost_connection_is_told_after_it() {
    let mut world = world(3);
    world.session.read(OTHER, 3, world.now);
    world.pass(Duration::from_millis(READ_DELAY_MS));
    assert_eq!(reads(&world), [3]);
    world.cut();
    world.pass_served(Duration::from_secs(60));
    assert_eq!(world.model.read.get(&OTHER), Some(&3));
}

#[test]
fn a_busy_server_is_told_again() {
    let mut world = world(2);
    world.session.read(OTHER, 2, world.now);
    world.pass(Duration::from_millis(READ_DELAY_MS));
    let (rid, _) = world.asked.pop_front().expect("READ");
    world.answer(rid, Err(refused(Code::BUSY)));
    world.pass_served(Duration::from_secs(1));
    assert_eq!(world.model.read.get(&OTHER), Some(&2));
}

#[test]
fn other_devices_and_own_messages_read_too() {
    let mut world = world(4);
    world.push(receipt(ME, 4, 3));
    assert_eq!(reading(&world).unread(), 1);
    world.say(OTHER, "an answer");
    world.serve();
    assert_eq!((reading(&world).last, reading(&world).unread()), (5, 0));
    let message = world.model.say(OTHER, ME, "from the phone");
    world.model.say(OTHER, OTHER, "and an answer");
    world.push(Push::Message(message));
    assert_eq!((reading(&world).last, reading(&world).unread()), (6, 0));
}

#[test]
fn own_words_are_read_and_the_server_is_told_by_read_alone() {
    let mut world = world(1);
    world.say(OTHER, "an answer");
    world.serve();
    assert_eq!(reading(&world).unread(), 0);
    assert_eq!(world.model.read.get(&OTHER), None, "to say something says nothing of what was read");
    world.session.read(OTHER, 2, world.now);
    world.session.read(OTHER, 2, world.now);
    world.pass(Duration::from_millis(READ_DELAY_MS));
    assert_eq!(reads(&world), [2], "once");
}

#[test]
fn receipts_of_the_other_user_are_told_and_kept() {
    let mut world = world(0);
    world.say(OTHER, "one");
    world.say(OTHER, "two");
    world.serve();
    // Known when the server has told of the conversation.
    world.cut();
    world.pass_served(Duration::from_secs(60));
    world.push(receipt(OTHER, 2, 0));
    world.push(receipt(OTHER, 1, 1));
    let reading = reading(&world);
    assert_eq!((reading.their_delivered, reading.their_read), (2, 1));
    let told = world.events.iter().filter(|event| matches!(event, Event::Receipt(_))).count();
    assert_eq!(told, 2);
}

#[test]
fn who_asks_for_receipts_has_them_kept() {
    let mut model = Model::new();
    (0..6).for_each(|_| drop(model.say(OTHER, ME, "hi")));
    let mut world = World::signed_in_with(Config::new("model:1"), model);
    world.model.theirs = (6, 4);
    let call = world.submit(Request::Receipts(Receipts { conv: OTHER, seqs: vec![] }));
    world.serve();
    assert!(matches!(world.answer_to(call), Ok(Reply::Receipts(_))));
    assert_eq!((reading(&world).their_delivered, reading(&world).their_read), (6, 4));
}

#[test]
fn closing_tells_what_was_read() {
    let mut world = world(2);
    world.session.read(OTHER, 2, world.now);
    world.session.close(world.now);
    world.turn();
    assert_eq!(reads(&world), [2]);
}

/// Says that ME came into the group by another device.
fn joined(world: &mut World, group: u64, first: u64) {
    world.model.first.insert(group, first);
    let groupname = "climbers".to_owned();
    let (event, id, name) = (GroupEventKind::Joined, ME, "me".to_owned());
    world.push(Push::GroupEvent(GroupEvent {
        event,
        groupid: group,
        groupname,
        id,
        name,
        members: 2,
        notice: 0,
    }));
}

fn entries_asked(world: &World) -> usize {
    let is_entry = |(_, request): &&(u32, Request)| match request {
        Request::Conversations(page) => page.limit == 1,
        _ => false,
    };
    world.asked.iter().filter(is_entry).count()
}

#[test]
fn a_group_that_was_come_back_into_by_another_device_is_known() {
    const GROUP: u64 = 40;
    // An earlier client had messages of it, and the user was not in it when this one signed in.
    let mut model = Model::new();
    model.first.insert(GROUP, u64::MAX);
    (0..5).for_each(|_| drop(model.say(GROUP, OTHER, "hi")));
    let state = SyncState { cursors: [(GROUP, 5)].into(), user: ME, ..SyncState::default() };
    let config = Config { state: Some(state), ..Config::new("model:1") };
    let mut world = World::signed_in_with(config, model);
    assert!(world.session.readings().is_empty());
    (0..3).for_each(|_| drop(world.model.say(GROUP, OTHER, "not for me")));
    joined(&mut world, GROUP, 9);
    let welcome = world.model.say(GROUP, OTHER, "welcome");
    world.push(Push::Message(welcome));
    world.pass_served(Duration::from_secs(1));
    let reading = world.session.readings()[&GROUP];
    assert_eq!((reading.first, reading.last, reading.unread()), (9, 9, 1));
    assert_eq!(world.shown(GROUP), [9]);
}

#[test]
fn a_message_alone_makes_a_conversation_known_and_a_busy_server_is_asked_again() {
    const GROUP: u64 = 40;
    let mut model = Model::new();
    model.first.insert(GROUP, u64::MAX);
    (0..5).for_each(|_| drop(model.say(GROUP, OTHER, "hi")));
    let state = SyncState { cursors: [(GROUP, 5)].into(), user: ME, ..SyncState::default() };
    let config = Config { state: Some(state), ..Config::new("model:1") };
    let mut world = World::signed_in_with(config, model);
    world.model.first.insert(GROUP, 6);
    for _ in 0..3 {
        let message = world.model.say(GROUP, OTHER, "hi");
        world.push(Push::Message(message));
    }
    world.pass(Duration::from_millis(GAP_PATIENCE_MS));
    assert_eq!(entries_asked(&world), 1, "once for all messages");
    let at = world.asked.iter().position(|(_, request)| matches!(request, Request::Conversations(_)));
    let (rid, _) = world.asked.remove(at.expect("asked")).expect("asked");
    world.answer(rid, Err(refused(Code::BUSY)));
    assert_eq!(entries_asked(&world), 0, "not at once");
    assert!(world.session.readings().is_empty());
    world.pass_served(Duration::from_secs(5));
    let reading = world.session.readings()[&GROUP];
    assert_eq!((reading.first, reading.last, reading.unread()), (6, 8, 3));
}

#[test]
fn a_later_stay_in_a_group_counts_from_its_own_beginning() {
    const GROUP: u64 = 40;
    let mut model = Model::new();
    (0..5).for_each(|_| drop(model.say(GROUP, OTHER, "hi")));
    let mut world = World::signed_in_with(Config::new("model:1"), model);
    assert_eq!(world.session.readings()[&GROUP].unread(), 5);
    (0..3).for_each(|_| drop(world.model.say(GROUP, OTHER, "not for me")));
    joined(&mut world, GROUP, 9);
    let welcome = world.model.say(GROUP, OTHER, "welcome");
    world.push(Push::Message(welcome));
    world.pass_served(Duration::from_secs(1));
    let reading = world.session.readings()[&GROUP];
    assert_eq!((reading.first, reading.unread()), (9, 1));
}

#[test]
fn what_is_not_the_users_any_more_is_asked_for_once() {
    const GROUP: u64 = 40;
    let mut model = Model::new();
    (0..5).for_each(|_| drop(model.say(GROUP, OTHER, "hi")));
    let mut world = World::signed_in_with(Config::new("model:1"), model);
    joined(&mut world, GROUP, u64::MAX);
    world.pass(Duration::from_millis(GAP_PATIENCE_MS));
    assert_eq!(entries_asked(&world), 1);
    world.serve();
    world.pass(Duration::from_secs(60));
    assert_eq!(entries_asked(&world), 0);
}
