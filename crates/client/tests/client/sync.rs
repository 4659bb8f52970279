//! Messages: each once, in order, whatever the wire does to them.

use std::time::Duration;

use client::{Arrival, Config, Event, SyncState};
use protocol::{Code, Push, Request};

use crate::model::{ME, Model, TOKEN};
use crate::world::{Reach, World, refused};

fn gap_patience() -> Duration {
    Duration::from_millis(client::limits::GAP_PATIENCE_MS)
}

fn ack_delay() -> Duration {
    Duration::from_millis(client::limits::ACK_DELAY_MS)
}

#[test]
fn pushes_in_order_are_shown_at_once() {
    let mut world = World::signed_in();
    for n in 0..3 {
        let message = world.model.say(9, 9, &n.to_string());
        world.push(Push::Message(message));
    }
    assert_eq!(world.shown(9), [1, 2, 3]);
    assert!(world.asked.is_empty(), "nothing needs to be fetched: {:?}", world.asked);
}

#[test]
fn a_push_that_comes_twice_is_shown_once() {
    let mut world = World::signed_in();
    let message = world.model.say(9, 9, "x");
    world.push(Push::Message(message.clone()));
    world.push(Push::Message(message));
    assert_eq!(world.shown(9), [1]);
}

#[test]
fn pushes_that_overtake_each_other_a_little_are_not_fetched() {
    let mut world = World::signed_in();
    let first = world.model.say(9, 9, "1");
    let (second, third) = (world.model.say(9, 9, "2"), world.model.say(9, 9, "3"));
    world.push(Push::Message(first));
    world.push(Push::Message(third));
    world.push(Push::Message(second));
    assert_eq!(world.shown(9), [1, 2, 3]);
    world.pass(gap_patience());
    assert!(world.asked.is_empty());
}

#[test]
fn a_push_that_overtakes_the_sign_in_comes_after_it() {
    let mut world = World::signed_in();
    world.cut();
    world.pass(Duration::from_millis(500));
    let (rid, hello) = world.asked.pop_front().expect("HELLO");
    let answer = world.model.answer(&hello);
    world.answer(rid, answer);
    assert_eq!(world.asked_types(), ["RESUME"]);
    let message = world.model.say(9, 9, "1");
    world.push(Push::Message(message));
    assert_eq!(world.shown(9), [0; 0], "nobody knows yet whose it is");
    world.serve();
    assert_eq!(world.shown(9), [1]);
    let place = |is_it: fn(&Event) -> bool| world.events.iter().rposition(is_it);
    let signed_in = place(|event| matches!(event, Event::SignedIn { .. }));
    assert!(signed_in < place(|event| matches!(event, Event::Message { .. })), "{:?}", world.events);
}

#[test]
fn a_gap_is_fetched_exactly() {
    let mut world = World::signed_in();
    let first = world.model.say(9, 9, "1");
    world.push(Push::Message(first));
    for n in 2..=5 {
        world.model.say(9, 9, &n.to_string());
    }
    let sixth = world.model.say(9, 9, "6");
    world.push(Push::Message(sixth));
    world.pass(gap_patience());
    let Some((_, Request::History(history))) = world.asked.front() else { panic!("{:?}", world.asked) };
    assert_eq!((history.conv, history.after, history.limit), (9, Some(1), 4), "no more than the hole");
    world.serve();
    assert_eq!(world.shown(9), [1, 2, 3, 4, 5, 6]);
    let arrivals: Vec<Arrival> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Message { arrival, .. } => Some(*arrival),
            _ => None,
        })
        .collect();
    use Arrival::{Live, Missed};
    assert_eq!(arrivals, [Live, Missed, Missed, Missed, Missed, Live]);
}

#[test]
fn an_own_message_has_its_place_among_the_others() {
    let mut world = World::signed_in();
    let call = world.say(9, "mine");
    world.turn();
    // Somebody else's came to stand before it, and its push is slower than the answer.
    let theirs = world.model.say(9, 9, "theirs");
    world.serve();
    assert!(world.answer_to(call).is_ok());
    assert_eq!(world.shown(9), [] as [u64; 0], "the one before is not there yet");
    world.push(Push::Message(theirs));
    assert_eq!(world.shown(9), [1, 2]);
    let last = world.messages().last().expect("two are shown");
    assert_eq!((last.from, last.msg.as_str(), last.name.as_str()), (ME, "mine", "me"));
}

#[test]
fn what_was_said_while_away_comes_after_resume() {
    let mut world = World::signed_in();
    let message = world.model.say(9, 9, "1");
    world.push(Push::Message(message));
    world.cut();
    for n in 2..=450 {
        world.model.say(9, 9, &n.to_string());
    }
    world.model.say(5, 5, "somebody new");
    world.pass_served(Duration::from_secs(1));
    assert_eq!(world.shown(9), (1..=450).collect::<Vec<_>>());
    assert_eq!(world.shown(5), [1]);
    assert_eq!(world.events.last(), Some(&Event::Synced { missed: 450 }));
}

#[test]
fn pushes_during_the_sync_are_merged() {
    let mut world = World::signed_in();
    world.cut();
    for n in 1..=300 {
        world.model.say(9, 9, &n.to_string());
    }
    world.pass(Duration::from_secs(1));
    // HELLO, RESUME and CONVERSATIONS are answered; then something is said before the history is.
    for _ in 0..3 {
        let (rid, request) = world.asked.pop_front().expect("asked");
        let answer = world.model.answer(&request);
        world.answer(rid, answer);
    }
    assert_eq!(world.asked_types(), ["HISTORY"]);
    let live = world.model.say(9, 9, "301");
    world.push(Push::Message(live));
    assert_eq!(world.shown(9), [] as [u64; 0]);
    world.serve();
    assert_eq!(world.shown(9), (1..=301).collect::<Vec<_>>());
}

#[test]
fn many_conversations_are_paged() {
    let mut model = Model::new();
    model.page_max = 3;
    for conv in 1..=10 {
        for n in 0..conv {
            model.say(conv, conv, &n.to_string());
        }
    }
    let world = World::signed_in_with(Config::new("model:1"), model);
    for conv in 1..=10 {
        assert_eq!(world.shown(conv), (1..=conv).collect::<Vec<_>>());
    }
}

#[test]
fn a_new_device_begins_at_what_was_acknowledged() {
    let mut model = Model::new();
    (0..10).for_each(|n| drop(model.say(9, 9, &n.to_string())));
    model.acked.insert(9, 7);
    let world = World::signed_in_with(Config::new("model:1"), model);
    assert_eq!(world.shown(9), [8, 9, 10]);
}

#[test]
fn a_group_begins_where_it_was_joined() {
    let mut model = Model::new();
    (0..10).for_each(|n| drop(model.say(9, 9, &n.to_string())));
    model.first.insert(9, 5);
    let world = World::signed_in_with(Config::new("model:1"), model);
    assert_eq!(world.shown(9), (5..=10).collect::<Vec<_>>());
}

#[test]
fn a_message_of_an_unknown_conversation_finds_its_place() {
    let mut world = World::signed_in();
    // Another device of this user joined a group where much was said before.
    (0..10).for_each(|n| drop(world.model.say(9, 9, &n.to_string())));
    world.model.first.insert(9, 11);
    let first = world.model.say(9, 9, "welcome");
    world.push(Push::Message(first));
    assert_eq!(world.shown(9), [] as [u64; 0]);
    world.pass_served(gap_patience());
    assert_eq!(world.shown(9), [11]);
}

#[test]
fn what_may_not_be_read_any_more_is_told_and_passed_over() {
    let mut world = World::signed_in();
    let first = world.model.say(9, 9, "1");
    world.push(Push::Message(first));
    world.model.say(9, 9, "2");
    let third = world.model.say(9, 9, "3");
    world.push(Push::Message(third));
    world.pass(gap_patience());
    let (rid, _) = world.asked.pop_front().expect("the hole is asked for");
    world.answer(rid, Err(refused(Code::NOT_FOUND)));
    assert_eq!(world.shown(9), [1, 3]);
    assert!(world.events.contains(&Event::Gap { conv: 9, first: 2, last: 2 }));
}

#[test]
fn a_server_that_promises_more_than_it_gives_is_not_asked_for_ever() {
    let mut world = World::signed_in();
    let mut far = world.model.say(9, 9, "1");
    far.seq = 1_000;
    world.push(Push::Message(world.model.logs[&9][0].clone()));
    world.push(Push::Message(far));
    world.pass_served(Duration::from_secs(120));
    assert_eq!(world.shown(9), [1, 1_000]);
    assert!(world.events.contains(&Event::Gap { conv: 9, first: 2, last: 999 }));
}

#[test]
fn a_busy_server_is_asked_again_for_the_history() {
    let mut world = World::signed_in();
    world.cut();
    world.model.say(9, 9, "1");
    world.pass(Duration::from_secs(1));
    for _ in 0..3 {
        let (rid, request) = world.asked.pop_front().expect("asked");
        let answer = world.model.answer(&request);
        world.answer(rid, answer);
    }
    let (rid, _) = world.asked.pop_front().expect("HISTORY");
    world.answer(rid, Err(refused(Code::BUSY).retry_after_ms(3_000)));
    world.pass(Duration::from_millis(2_999));
    assert_eq!(world.asked_types(), [] as [&str; 0]);
    world.pass_served(Duration::from_millis(1));
    assert_eq!(world.shown(9), [1]);
}

#[test]
fn the_next_process_goes_on_where_this_one_stopped() {
    let mut world = World::signed_in();
    for n in 1..=5 {
        let message = world.model.say(9, 9, &n.to_string());
        world.push(Push::Message(message));
    }
    let saved = serde_json::to_string(&world.session.sync_state()).expect("a state can be written");
    assert!(saved.contains(TOKEN), "the token is what resumes");
    let mut model = std::mem::replace(&mut world.model, Model::new());
    (6..=8).for_each(|n| drop(model.say(9, 9, &n.to_string())));

    let state: SyncState = serde_json::from_str(&saved).expect("a state can be read");
    let mut next = World::with(Config::new("model:1").state(state));
    next.model = model;
    next.serve();
    assert_eq!(next.shown(9), [6, 7, 8]);
    assert_eq!(next.events.last(), Some(&Event::Synced { missed: 3 }));
}

#[test]
fn only_what_was_taken_counts() {
    let mut world = World::signed_in();
    let (first, second) = (world.model.say(9, 9, "1"), world.model.say(9, 9, "2"));
    world.push(Push::Message(first));
    // Not taken: fed without the world's turn, which plays the application.
    let mut bytes = bytes::BytesMut::new();
    protocol::encode::push(&Push::Message(second), &mut bytes);
    world.session.handle_input(&bytes, world.now);
    assert_eq!(world.session.sync_state().cursors[&9], 1);
    world.turn();
    assert_eq!(world.session.sync_state().cursors[&9], 2);
}

#[test]
fn acknowledgements_are_lazy_and_cumulative() {
    let mut world = World::signed_in();
    for n in 1..=5 {
        let message = world.model.say(9, 9, &n.to_string());
        world.push(Push::Message(message));
    }
    assert!(world.asked.is_empty());
    world.pass(ack_delay());
    assert_eq!(world.asked_types(), ["ACK"]);
    world.serve();
    assert_eq!(world.model.acked[&9], 5);
}

#[test]
fn closing_acknowledges_at_once() {
    let mut world = World::signed_in();
    let message = world.model.say(9, 9, "1");
    world.push(Push::Message(message));
    world.session.close(world.now);
    world.serve();
    assert_eq!(world.model.acked[&9], 1);
}

#[test]
fn an_application_that_takes_nothing_loses_nothing() {
    let mut world = World::signed_in();
    const SAID: u64 = 3_000;
    // Fed without the world's turn: nobody takes events.
    for n in 1..=SAID {
        let message = world.model.say(9, 9, &n.to_string());
        let mut bytes = bytes::BytesMut::new();
        protocol::encode::push(&Push::Message(message), &mut bytes);
        world.session.handle_input(&bytes, world.now);
    }
    world.pass_served(Duration::from_secs(5));
    assert_eq!(world.shown(9), (1..=SAID).collect::<Vec<_>>());
}

#[test]
fn a_server_that_was_put_back_is_followed() {
    let mut state = SyncState { user: ME, token: Some(protocol::Secret::new(TOKEN)), ..SyncState::default() };
    state.cursors.insert(9, 100);
    let mut world = World::with(Config::new("model:1").state(state));
    (1..=3).for_each(|n| drop(world.model.say(9, 9, &n.to_string())));
    world.serve();
    assert_eq!(world.shown(9), [] as [u64; 0], "these were had before the server was put back");
    let message = world.model.say(9, 9, "4");
    world.push(Push::Message(message));
    assert_eq!(world.shown(9), [4]);
}

#[test]
fn nothing_is_fetched_while_the_server_is_away() {
    let mut world = World::signed_in();
    let (_, second) = (world.model.say(9, 9, "1"), world.model.say(9, 9, "2"));
    world.push(Push::Message(second));
    world.reach = Reach::Down;
    world.cut();
    world.pass(Duration::from_secs(60));
    assert!(world.asked.is_empty());
    world.reach = Reach::Up;
    world.pass_served(Duration::from_secs(60));
    assert_eq!(world.shown(9), [1, 2]);
}
