//! What is deleted for oneself: each once on a device and in order, whatever the wire does and whoever was away.

use std::time::Duration;

use client::limits::{HIDDEN_AHEAD_MAX, HIDDEN_PAGE_MAX};
use client::{Config, SyncState};
use protocol::{ChatMessage, Code, Hidden, HiddenMessages, Hide, Push, Request};

use crate::model::{ME, Model, TOKEN};
use crate::world::{World, refused};

/// Nothing.
const NONE: [(u64, u64, u64); 0] = [];

/// So many messages in conversation 9.
fn model(said: u64) -> Model {
    let mut model = Model::new();
    (1..=said).for_each(|n| drop(model.say(9, 9, &n.to_string())));
    model
}

fn signed_in(said: u64) -> World {
    World::signed_in_with(Config::new("model:1"), model(said))
}

fn push(world: &mut World, hidden: Hidden) {
    world.push(Push::HiddenMessages(HiddenMessages { hidden: vec![hidden] }));
}

/// What the next process begins with.
fn saved(world: &World) -> SyncState {
    let saved = serde_json::to_string(&world.session.sync_state()).expect("a state can be written");
    serde_json::from_str(&saved).expect("a state can be read")
}

/// A process that begins with this, on the same server.
fn process(state: SyncState, world: &mut World) -> World {
    let mut next = World::with(Config::new("model:1").state(state));
    next.model = std::mem::replace(&mut world.model, Model::new());
    next
}

/// The texts that were shown of a conversation, and nothing of what came hidden.
fn texts(world: &World, conv: u64) -> Vec<Option<String>> {
    let messages = world.messages().filter(|message| message.conv == conv);
    messages.map(|message| (!message.hidden).then(|| message.msg.clone())).collect()
}

#[test]
fn what_is_hidden_is_told_once_and_in_order() {
    let mut world = signed_in(5);
    let (first, second) = (world.model.hide(9, 2), world.model.hide(9, 1));
    push(&mut world, first);
    push(&mut world, first);
    push(&mut world, second);
    push(&mut world, first);
    world.pass_served(Duration::from_secs(60));
    assert_eq!(world.hidden(), [(1, 9, 2), (2, 9, 1)]);
    assert_eq!(world.session.sync_state().hidden, Some(2));
}

#[test]
fn who_hides_is_told_by_the_answer() {
    let mut world = signed_in(3);
    world.submit(Request::Hide(Hide { conv: 9, seqs: vec![3, 1] }));
    world.serve();
    assert_eq!(world.hidden(), [(1, 9, 3), (2, 9, 1)]);
}

#[test]
fn a_push_that_went_missing_is_asked_for() {
    let mut world = signed_in(5);
    world.model.hide(9, 1);
    let second = world.model.hide(9, 2);
    push(&mut world, second);
    assert_eq!((world.hidden(), world.asked_types()), (NONE.to_vec(), vec!["HIDDEN"]));
    // Pushed while the page is under way, which was read before.
    let page = world.model.answer(&world.asked[0].1);
    let third = world.model.hide(9, 3);
    push(&mut world, third);
    let (rid, _) = world.asked.pop_front().expect("HIDDEN");
    world.answer(rid, page);
    world.serve();
    assert_eq!(world.hidden(), [(1, 9, 1), (2, 9, 2), (3, 9, 3)]);
}

#[test]
fn who_was_away_for_long_learns_by_pages() {
    let said = u64::from(HIDDEN_PAGE_MAX) * 2 + 7;
    let mut world = signed_in(said);
    world.cut();
    for seq in 1..=said {
        world.model.hide(9, seq);
    }
    world.pass_served(Duration::from_secs(60));
    assert!(world.hidden().into_iter().eq((1..=said).map(|n| (n, 9, n))));
    world.cut();
    world.pass_served(Duration::from_secs(60));
    assert_eq!(world.hidden().len(), said as usize, "nothing is new");
}

#[test]
fn a_refused_page_is_asked_for_again() {
    let mut world = signed_in(3);
    world.model.hide(9, 1);
    let second = world.model.hide(9, 2);
    push(&mut world, second);
    let (rid, _) = world.asked.pop_front().expect("HIDDEN");
    world.answer(rid, Err(refused(Code::BUSY)));
    assert_eq!(world.hidden(), NONE);
    world.pass_served(Duration::from_secs(5));
    assert_eq!(world.hidden().len(), 2);
}

#[test]
fn a_device_begins_where_it_is() {
    let mut before = model(4);
    before.hide(9, 2);
    let mut world = World::signed_in_with(Config::new("model:1"), before);
    assert_eq!(
        (world.hidden(), saved(&world).hidden),
        (NONE.to_vec(), Some(1)),
        "without a memory at the end"
    );
    // One that holds messages and never heard of hiding may hold what is hidden.
    let old = SyncState { hidden: None, ..saved(&world) };
    let mut world = process(old, &mut world);
    world.serve();
    assert_eq!(world.hidden(), [(1, 9, 2)]);
    world.model.hide(9, 4);
    let known = saved(&world);
    let mut world = process(known, &mut world);
    world.serve();
    assert_eq!(world.hidden(), [(2, 9, 4)]);
}

#[test]
fn what_was_not_taken_comes_again() {
    let mut world = signed_in(3);
    let state = saved(&world);
    let hidden = world.model.hide(9, 2);
    push(&mut world, hidden);
    assert_eq!(world.hidden(), [(1, 9, 2)]);
    // Killed before it was saved.
    let mut next = process(state, &mut world);
    next.serve();
    assert_eq!(next.hidden(), [(1, 9, 2)]);
}

#[test]
fn a_message_that_was_hidden_before_it_came_has_no_text() {
    let mut world = signed_in(1);
    let (second, third) = (world.model.say(9, 9, "two"), world.model.say(9, 9, "three"));
    // Said, hidden on another device, and pushed in the other order; in the middle of a hole at that.
    world.push(Push::Message(third));
    let hidden = world.model.hide(9, 3);
    push(&mut world, hidden);
    world.push(Push::Message(second));
    world.serve();
    assert_eq!(world.shown(9), [1, 2, 3]);
    assert_eq!(texts(&world, 9).last(), Some(&None));
    assert_eq!(texts(&world, 9)[1].as_deref(), Some("two"));
    let fourth = world.model.say(9, 9, "four");
    world.push(Push::Message(fourth));
    assert_eq!(texts(&world, 9)[3].as_deref(), Some("four"), "only that one");
}

#[test]
fn so_many_are_expected_hidden_and_no_more() {
    let mut world = signed_in(1);
    let said: Vec<ChatMessage> = (0..=HIDDEN_AHEAD_MAX).map(|_| world.model.say(9, 9, "later")).collect();
    for message in &said {
        let hidden = world.model.hide(9, message.seq);
        push(&mut world, hidden);
    }
    said.into_iter().for_each(|message| world.push(Push::Message(message)));
    let shown = texts(&world, 9);
    let with_text: Vec<usize> = (0..shown.len()).filter(|at| shown[*at].is_some()).collect();
    assert_eq!((with_text, shown.len()), (vec![0, 1], HIDDEN_AHEAD_MAX + 2), "the first one was forgotten");
}

#[test]
fn a_server_that_was_put_back_is_followed_from_the_start() {
    let token = Some(protocol::Secret::new(TOKEN));
    for (known, epoch) in [(Some("old"), "new"), (Some("same"), "same")] {
        let state = SyncState {
            user: ME,
            token: token.clone(),
            cursors: [(9, 3)].into(),
            hidden: Some(7),
            epoch: known.map(str::to_owned),
            ..SyncState::default()
        };
        let mut world = World::with(Config::new("model:1").state(state));
        world.model = model(3);
        world.model.epoch = epoch.to_owned();
        world.model.restored.insert(9, 3);
        world.model.hide(9, 1);
        world.serve();
        assert_eq!(world.hidden(), [(1, 9, 1)], "{epoch}");
        assert_eq!(world.session.sync_state().hidden, Some(1));
    }
}

#[test]
fn a_server_that_tells_of_more_than_there_is_is_not_asked_for_ever() {
    let mut world = signed_in(1);
    for position in [1 << 53, u64::MAX, 40] {
        push(&mut world, Hidden { position, conv: 9, seq: 1 });
        world.serve();
    }
    world.pass_served(Duration::from_secs(60));
    assert_eq!(world.hidden(), NONE);
    let hidden = world.model.hide(9, 1);
    push(&mut world, hidden);
    assert_eq!(world.hidden(), [(1, 9, 1)]);
}
