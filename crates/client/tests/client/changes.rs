//! Changes of messages: each once on a device and in order, whatever the wire does to them and whoever was away.

use std::time::Duration;

use bytes::BytesMut;
use client::limits::{CHANGES_PAGE_MAX, GAP_PATIENCE_MS, SESSION_MESSAGES_MAX};
use client::{Config, Event, SyncState};
use protocol::{ChangesPage, Code, MessageRef, Push, Reply, Request, encode};

use crate::model::Model;
use crate::world::{World, refused};

fn patience() -> Duration {
    Duration::from_millis(GAP_PATIENCE_MS)
}

/// So many messages in conversation 9.
fn model(said: u64) -> Model {
    let mut model = Model::new();
    (1..=said).for_each(|n| drop(model.say(9, 9, &n.to_string())));
    model
}

fn signed_in(said: u64) -> World {
    World::signed_in_with(Config::new("model:1"), model(said))
}

/// The next process, with what the one before remembered.
fn next_process(world: &mut World) -> World {
    let saved = serde_json::to_string(&world.session.sync_state()).expect("a state can be written");
    let state: SyncState = serde_json::from_str(&saved).expect("a state can be read");
    let mut next = World::with(Config::new("model:1").state(state));
    next.model = std::mem::replace(&mut world.model, Model::new());
    next
}

/// Feeds a push without the world's turn, which plays the application.
fn feed(world: &mut World, push: &Push) {
    let mut bytes = BytesMut::new();
    encode::push(push, &mut bytes);
    world.session.handle_input(&bytes, world.now);
}

fn positions(world: &World) -> Vec<u64> {
    world.changed(9).into_iter().map(|(position, _, _)| position).collect()
}

#[test]
fn changes_are_shown_as_they_come_and_a_repeated_one_is_not() {
    let mut world = signed_in(3);
    let first = world.model.edit(9, 2, "better");
    world.push(Push::Changed(first.clone()));
    world.push(Push::Changed(first.clone()));
    let second = world.model.edit(9, 2, "best");
    world.push(Push::Changed(second));
    world.push(Push::Changed(first));
    world.pass_served(Duration::from_secs(60));
    assert_eq!(world.changed(9), [(1, 2, "better"), (2, 2, "best")]);
    assert_eq!(world.session.sync_state().changes, [(9, 2)].into());
}

#[test]
fn who_was_away_for_many_changes_learns_of_each_message_once() {
    let said = u64::from(CHANGES_PAGE_MAX) * 3 + 7;
    let mut world = signed_in(said);
    world.cut();
    // Each message twice: its first change has no place in the feed any more.
    for round in ["once", "twice"] {
        (1..=said).for_each(|seq| drop(world.model.edit(9, seq, round)));
    }
    world.pass_served(Duration::from_secs(60));
    let expected: Vec<_> = (1..=said).map(|seq| (said + seq, seq, "twice")).collect();
    assert_eq!(world.changed(9), expected);
    assert_eq!(world.session.sync_state().changes, [(9, 2 * said)].into());
    world.cut();
    world.pass_served(Duration::from_secs(60));
    assert_eq!(world.changed(9).len(), said as usize, "nothing is new");
}

#[test]
fn a_push_that_went_missing_is_asked_for() {
    let mut world = signed_in(5);
    world.model.edit(9, 1, "a");
    world.model.edit(9, 2, "b");
    let third = world.model.edit(9, 3, "c");
    world.push(Push::Changed(third));
    assert_eq!(positions(&world), [0; 0]);
    world.pass(patience());
    assert_eq!(world.asked_types(), ["CHANGES"]);
    // Pushed while the page is under way, which was read before.
    let page = world.model.answer(&world.asked[0].1);
    let fourth = world.model.edit(9, 4, "d");
    world.push(Push::Changed(fourth));
    let (rid, _) = world.asked.pop_front().expect("CHANGES");
    world.answer(rid, page);
    world.pass_served(Duration::from_secs(1));
    assert_eq!(world.changed(9), [(1, 1, "a"), (2, 2, "b"), (3, 3, "c"), (4, 4, "d")]);
}

/// A message that is pushed before the conversations are compared is shown as it was pushed: the change that came in between must
/// follow, although the conversation's entry counts it already.
#[test]
fn what_was_pushed_before_the_sync_is_changed_by_what_came_in_between() {
    let mut world = World::signed_in();
    world.cut();
    world.pass(Duration::from_secs(1));
    // HELLO and RESUME are answered; a conversation begins that this client has never seen.
    for _ in 0..2 {
        let (rid, request) = world.asked.pop_front().expect("asked");
        let answer = world.model.answer(&request);
        world.answer(rid, answer);
    }
    assert_eq!(world.asked_types(), ["CONVERSATIONS"]);
    world.model.say(9, 9, "first");
    let second = world.model.say(9, 9, "second");
    world.push(Push::Message(second));
    world.model.edit(9, 2, "corrected");
    world.pass_served(Duration::from_secs(1));
    assert_eq!(world.shown(9), [1, 2]);
    let second = world.messages().find(|message| message.seq == 2).expect("it was shown");
    assert_eq!(second.msg, "second");
    assert_eq!(world.changed(9), [(1, 2, "corrected")]);
}

#[test]
fn a_push_that_was_overtaken_is_waited_for() {
    let mut world = signed_in(5);
    let (first, second) = (world.model.edit(9, 1, "a"), world.model.edit(9, 2, "b"));
    world.push(Push::Changed(second));
    world.push(Push::Changed(first));
    assert_eq!(positions(&world), [1]);
    world.pass_served(patience());
    assert_eq!(positions(&world), [1, 2]);
}

#[test]
fn the_next_process_goes_on_behind_what_was_taken() {
    let mut world = signed_in(9);
    for (seq, is_taken) in [(1, true), (2, true), (3, false), (4, false)] {
        let changed = Push::Changed(world.model.edit(9, seq, "changed"));
        match is_taken {
            true => world.push(changed),
            false => feed(&mut world, &changed),
        }
    }
    // Killed with two in its queue, and two more come while nobody is there.
    let mut next = next_process(&mut world);
    (5..=6).for_each(|seq| drop(next.model.edit(9, seq, "changed")));
    next.serve();
    assert_eq!(positions(&next), [3, 4, 5, 6]);
    let mut last = next_process(&mut next);
    last.serve();
    assert_eq!(positions(&last), [0; 0]);
}

#[test]
fn a_state_without_changes_learns_of_all() {
    let mut world = signed_in(9);
    (1..=4).for_each(|seq| drop(world.model.edit(9, seq, "changed")));
    let state = SyncState { changes: [].into(), ..world.session.sync_state() };
    let mut next = World::with(Config::new("model:1").state(state));
    next.model = std::mem::replace(&mut world.model, Model::new());
    next.serve();
    assert_eq!(positions(&next), [1, 2, 3, 4]);
}

#[test]
fn who_never_saw_a_conversation_begins_with_it_as_it_is() {
    let mut model = model(3);
    model.edit(9, 1, "better");
    let mut world = World::signed_in_with(Config::new("model:1"), model);
    assert_eq!(world.messages().next().map(|message| message.msg.as_str()), Some("better"));
    let next = world.model.edit(9, 2, "too");
    world.push(Push::Changed(next));
    assert_eq!(world.changed(9), [(2, 2, "too")]);
}

#[test]
fn a_conversation_that_begins_while_here_is_followed_from_its_first_change() {
    let mut world = World::signed_in();
    let first = world.model.say(9, 9, "hello");
    world.push(Push::Message(first));
    let (change, again) = (world.model.edit(9, 1, "hullo"), world.model.edit(9, 1, "hi"));
    world.push(Push::Changed(change));
    world.push(Push::Changed(again));
    assert_eq!(world.changed(9), [(1, 1, "hullo"), (2, 1, "hi")]);
}

#[test]
fn a_message_is_shown_before_its_change() {
    let mut world = signed_in(1);
    world.model.say(9, 9, "lost on its way");
    let third = world.model.say(9, 9, "before");
    world.push(Push::Message(third));
    let change = world.model.edit(9, 3, "after");
    world.push(Push::Changed(change));
    assert_eq!(positions(&world), [0; 0], "its message waits for the second");
    world.pass_served(Duration::from_secs(5));
    assert_eq!(world.shown(9), [1, 2, 3]);
    assert_eq!(world.changed(9), [(1, 3, "after")]);
    let place = |is: fn(&Event) -> bool| world.events.iter().rposition(is);
    assert!(
        place(|event| matches!(event, Event::Message { .. }))
            < place(|event| matches!(event, Event::Changed(_)))
    );
}

#[test]
fn who_makes_a_change_is_told_by_the_answer() {
    let mut world = signed_in(2);
    world.submit(Request::Recall(MessageRef { conv: 9, seq: 2 }));
    world.serve();
    assert_eq!(world.changed(9), [(1, 2, "")]);
}

#[test]
fn an_application_that_takes_nothing_loses_no_change() {
    const CHANGED: u64 = SESSION_MESSAGES_MAX as u64 * 3;
    let mut world = signed_in(CHANGED);
    for seq in 1..=CHANGED {
        let changed = world.model.edit(9, seq, "changed");
        feed(&mut world, &Push::Changed(changed));
    }
    let waiting = std::iter::from_fn(|| world.session.poll_event()).count();
    assert_eq!(waiting, SESSION_MESSAGES_MAX, "what waits is bounded");
    // Those were dropped with the process: nobody took them.
    let mut next = next_process(&mut world);
    next.serve();
    assert!(positions(&next).into_iter().eq(1..=CHANGED));
}

#[test]
fn a_page_is_asked_for_again_after_a_refusal_unless_it_is_not_for_this_reader() {
    let mut world = signed_in(3);
    world.model.edit(9, 1, "a");
    let second = world.model.edit(9, 2, "b");
    world.push(Push::Changed(second));
    world.pass(patience());
    let (rid, _) = world.asked.pop_front().expect("CHANGES");
    world.answer(rid, Err(refused(Code::BUSY)));
    world.pass_served(Duration::from_secs(5));
    assert_eq!(positions(&world), [1, 2]);

    world.model.edit(9, 1, "c");
    let fourth = world.model.edit(9, 2, "d");
    world.push(Push::Changed(fourth));
    world.pass(patience());
    let (rid, _) = world.asked.pop_front().expect("CHANGES");
    world.answer(rid, Err(refused(Code::NOT_FOUND)));
    world.pass(Duration::from_secs(5));
    assert!(!world.asked_types().contains(&"CHANGES"), "{:?}", world.asked);
    // At the next sign-in it is a reader again.
    world.cut();
    world.pass_served(Duration::from_secs(60));
    assert_eq!(positions(&world), [1, 2, 3, 4]);
}

#[test]
fn a_server_that_promises_more_than_it_gives_is_not_asked_for_ever() {
    let mut world = signed_in(3);
    let mut far = world.model.edit(9, 1, "a");
    far.position = 1_000;
    world.push(Push::Changed(far));
    world.pass_served(Duration::from_secs(60));
    assert_eq!(world.changed(9), [(1, 1, "a")]);
    // And one that goes round in circles.
    world.model.edit(9, 1, "b");
    let third = world.model.edit(9, 2, "c");
    world.push(Push::Changed(third));
    world.pass(patience());
    let (rid, _) = world.asked.pop_front().expect("CHANGES");
    let circle = ChangesPage { conv: 9, changes: vec![], next: 1, last: 1_000 };
    world.answer(rid, Ok(Reply::Changes(circle)));
    world.pass(Duration::from_secs(5));
    assert!(!world.asked_types().contains(&"CHANGES"), "{:?}", world.asked);
}

#[test]
fn after_a_restore_all_changes_come_again() {
    let mut world = World::with(Config::new("model:1"));
    world.model = model(5);
    world.model.epoch = "old".into();
    world.log_in();
    world.serve();
    for seq in 1..=3 {
        let changed = world.model.edit(9, seq, "changed");
        world.push(Push::Changed(changed));
    }
    world.cut();
    world.model.epoch = "new".into();
    world.model.restored.insert(9, 5);
    // Two changes are gone, and another one bears the second's number.
    world.model.feeds.insert(9, ([(1, 1)].into(), 1));
    world.model.edit(9, 5, "another");
    world.events.clear();
    world.pass_served(Duration::from_secs(60));
    assert_eq!(world.changed(9), [(1, 1, "changed"), (2, 5, "another")]);
    assert_eq!(world.session.sync_state().changes, [(9, 2)].into());
}
