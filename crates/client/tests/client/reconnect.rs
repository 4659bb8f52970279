//! Connections come and go; the session stays, or its end is told.

use std::time::Duration;

use bytes::BytesMut;
use client::{Config, Event, Next, SessionEnd, SignInKind, SyncState};
use protocol::{Bye, Code, Nothing, Push, Request, Resume, Secret, encode};

use crate::model::{ME, TOKEN};
use crate::world::{Reach, World, refused};

fn bye(code: Code, retry_after_ms: u32) -> Push {
    Push::Bye(Bye { errcode: code.0, errmsg: "bye".into(), retry_after_ms })
}

fn last_next(world: &World) -> Next {
    let next = world.events.iter().rev().find_map(|event| match event {
        Event::Disconnected { next, .. } => Some(*next),
        _ => None,
    });
    next.expect("disconnected")
}

fn ended(world: &World) -> Option<&SessionEnd> {
    world.events.iter().rev().find_map(|event| match event {
        Event::SessionEnded(end) => Some(end),
        _ => None,
    })
}

#[test]
fn hello_comes_first_and_names_the_device() {
    let mut world = World::with(Config::new("model:1").device("d".repeat(100)));
    world.turn();
    let Some((_, Request::Hello(hello))) = world.asked.front() else { panic!("{:?}", world.asked) };
    assert_eq!(hello.versions, [1]);
    assert_eq!(hello.device.len(), 64, "cut to what the protocol allows");
    assert_eq!(world.asked.len(), 1);
}

#[test]
fn a_cut_connection_is_resumed_by_token() {
    let mut world = World::signed_in();
    world.cut();
    assert!(matches!(last_next(&world), Next::RetryIn(wait) if wait <= Duration::from_millis(500)));
    world.pass_served(Duration::from_millis(500));
    assert_eq!(world.connects.len(), 2);
    let how = world.events.iter().rev().find_map(|event| match event {
        Event::SignedIn { how, .. } => Some(*how),
        _ => None,
    });
    assert_eq!(how, Some(SignInKind::Resume));
}

#[test]
fn attempts_grow_rarer_and_stay_bounded() {
    let mut world = World::signed_in();
    world.reach = Reach::Down;
    world.cut();
    world.pass(Duration::from_secs(600));
    let attempts = world.connects.len() - 1;
    // Waits are 15 s on average once the bound is reached.
    assert!((25..=90).contains(&attempts), "{attempts} attempts in ten minutes");
    let gaps: Vec<Duration> = world.connects.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| *gap <= Duration::from_secs(30)), "{gaps:?}");
    world.reach = Reach::Up;
    world.pass_served(Duration::from_secs(30));
    world.cut();
    assert!(
        matches!(last_next(&world), Next::RetryIn(wait) if wait <= Duration::from_millis(500)),
        "begun anew"
    );
}

#[test]
fn a_refused_token_ends_the_session_and_the_attempts() {
    let mut world = World::signed_in();
    world.model.session_over = true;
    let waiting = world.say(9, "never answered");
    world.turn();
    world.cut();
    world.pass_served(Duration::from_secs(60));
    assert!(
        matches!(ended(&world), Some(SessionEnd::TokenRefused(refusal)) if refusal.code == Code::SESSION_ENDED)
    );
    assert_eq!(world.answer_to(waiting), &Err(client::ClientError::SessionEnded));
    assert_eq!(world.connects.len(), 2, "one attempt, and the connection stays for a new login");
    assert_eq!(world.session.sync_state().token, None);
    let call = world.log_in();
    world.serve();
    assert!(world.answer_to(call).is_ok());
    assert_eq!(world.connects.len(), 2);
}

#[test]
fn an_ended_session_is_not_fought_for() {
    let mut world = World::signed_in();
    world.push(bye(Code::SESSION_ENDED, 0));
    world.pass(Duration::from_secs(600));
    assert_eq!(ended(&world), Some(&SessionEnd::ByServer("bye".into())));
    assert_eq!(last_next(&world), Next::Rest);
    assert_eq!(world.connects.len(), 1);
    // A new login is another matter.
    let call = world.log_in();
    world.serve();
    assert!(world.answer_to(call).is_ok());
    assert_eq!(world.connects.len(), 2);
}

#[test]
fn a_stopping_node_is_left_for_another_after_the_time_it_names() {
    let mut world = World::signed_in();
    world.push(bye(Code::GOING_AWAY, 5_000));
    assert!(!world.open, "nothing is owed, so the connection is closed");
    assert!(world.left, "another address is asked next");
    world.pass(Duration::from_millis(4_999));
    assert_eq!(world.connects.len(), 1);
    world.pass_served(Duration::from_millis(501));
    assert_eq!(world.connects.len(), 2);
}

#[test]
fn answers_that_are_owed_come_after_a_bye() {
    let mut world = World::signed_in();
    let call = world.say(9, "x");
    world.turn();
    world.push(bye(Code::GOING_AWAY, 0));
    let later = world.say(8, "not any more on this connection");
    world.turn();
    assert_eq!(world.asked_types(), ["ONE_CHAT"]);
    world.serve();
    assert!(world.answer_to(call).is_ok());
    assert_eq!(world.answer_of(later), None);
    world.pass_served(Duration::from_secs(1));
    assert!(world.answer_to(later).is_ok());
}

#[test]
fn a_wait_that_no_sane_server_would_demand_is_cut() {
    let mut world = World::signed_in();
    world.push(bye(Code::BUSY, u32::MAX));
    assert!(!world.left, "a busy node is asked again");
    let Next::RetryIn(wait) = last_next(&world) else { panic!("tries again") };
    assert!(wait <= Duration::from_millis(client::limits::RETRY_AFTER_MS_MAX + 500));
}

#[test]
fn silence_is_broken_by_a_ping_and_ended_after_two_intervals() {
    let mut world = World::signed_in();
    world.pass(Duration::from_secs(12));
    assert_eq!(world.asked_types(), ["PING"]);
    world.pass(Duration::from_secs(11));
    assert!(world.open);
    world.pass(Duration::from_secs(1));
    assert!(!world.open);
    world.pass_served(Duration::from_secs(1));
    assert_eq!(world.connects.len(), 2);
}

#[test]
fn an_idle_connection_lives_on_pings() {
    let mut world = World::signed_in();
    world.pass_served(Duration::from_secs(3_600));
    assert_eq!(world.connects.len(), 1);
}

#[test]
fn the_servers_question_is_answered() {
    let mut world = World::signed_in();
    world.push(Push::Ping(Nothing {}));
    world.push(Push::Ping(Nothing {}));
    assert_eq!(world.asked_types(), ["PING"], "one at a time");
}

#[test]
fn a_heartbeat_of_zero_is_not_believed() {
    let mut world = World::new();
    world.model.heartbeat_ms = 0;
    world.serve();
    world.pass(Duration::from_millis(60));
    assert!(world.asked.len() <= 2, "{:?}", world.asked);
}

#[test]
fn a_server_of_another_version_is_not_asked_again() {
    let mut world = World::new();
    world.turn();
    let (rid, _) = world.asked.pop_front().expect("HELLO");
    world.answer(rid, Err(refused(Code::BAD_VERSION)));
    world.pass(Duration::from_secs(600));
    assert_eq!(last_next(&world), Next::Rest);
    assert_eq!(world.connects.len(), 1);
}

#[test]
fn a_busy_resume_is_tried_again_on_another_connection() {
    let mut world = World::signed_in();
    world.cut();
    world.pass(Duration::from_millis(500));
    let (rid, request) = world.asked.pop_front().expect("HELLO");
    let answer = world.model.answer(&request);
    world.answer(rid, answer);
    let (rid, _) = world.asked.pop_front().expect("RESUME");
    world.answer(rid, Err(refused(Code::BUSY).retry_after_ms(2_000)));
    assert!(ended(&world).is_none());
    world.pass_served(Duration::from_secs(4));
    assert!(matches!(world.events.last(), Some(Event::Synced { .. })));
}

#[test]
fn bytes_that_are_no_frames_end_the_connection_and_nothing_else() {
    for garbage in [
        &b"HTTP/1.1 400 Bad Request\r\n"[..],
        &[0x43, 0x48, 1, 4, 0, 43, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
    ] {
        let mut world = World::signed_in();
        world.feed(garbage);
        assert!(!world.open);
        world.pass_served(Duration::from_secs(1));
        assert!(matches!(world.events.last(), Some(Event::Synced { .. })));
    }
}

#[test]
fn frames_that_cannot_be_read_hurt_nothing() {
    let mut world = World::signed_in();
    let mut bytes = BytesMut::new();
    encode::push(&Push::Ping(Nothing {}), &mut bytes);
    // An unknown push, a push with a body of another type, a request, an answer that nobody waits for.
    for (flags, msgid) in [(4, 999_u16), (4, 43), (0, 12), (1, 12)] {
        let mut bytes = bytes.clone();
        bytes[3] = flags;
        bytes[4..6].copy_from_slice(&msgid.to_be_bytes());
        world.feed(&bytes);
    }
    assert!(world.open);
    let call = world.say(9, "still here");
    world.serve();
    assert!(world.answer_to(call).is_ok());
}

#[test]
fn a_restored_state_of_somebody_else_does_not_count() {
    let mut state = SyncState { user: ME + 1, ..SyncState::default() };
    state.cursors.insert(9, 5);
    let mut world = World::with(Config::new("model:1").state(state));
    (1..=7).for_each(|n| drop(world.model.say(9, 9, &n.to_string())));
    world.serve();
    world.log_in();
    world.serve();
    assert_eq!(world.shown(9), (1..=7).collect::<Vec<_>>());
}

#[test]
fn logging_out_keeps_the_cursors_for_the_next_login() {
    let mut world = World::signed_in();
    let message = world.model.say(9, 9, "1");
    world.push(Push::Message(message));
    let call = world.submit(Request::LogOut(Nothing {}));
    world.serve();
    assert!(world.answer_to(call).is_ok());
    assert_eq!(ended(&world), Some(&SessionEnd::LoggedOut));
    let state = world.session.sync_state();
    assert_eq!((state.user, state.token, state.cursors[&9]), (ME, None, 1));
    world.model.say(9, 9, "2");
    world.log_in();
    world.serve();
    assert_eq!(world.shown(9), [1, 2]);
}

#[test]
fn a_state_given_later_resumes() {
    let mut world = World::new();
    world.serve();
    let token = Some(Secret::new(TOKEN));
    world.session.restore(SyncState { user: ME, token, ..SyncState::default() }, world.now);
    world.serve();
    assert!(
        world.events.iter().any(|event| matches!(event, Event::SignedIn { how: SignInKind::Resume, .. }))
    );
}

#[test]
fn a_token_can_be_tried_by_a_call() {
    let mut world = World::new();
    world.serve();
    for (token, works) in [("another", false), (TOKEN, true)] {
        let call = world.submit(Request::Resume(Resume { token: Secret::new(token), ..Resume::default() }));
        world.serve();
        assert_eq!(world.answer_to(call).is_ok(), works);
    }
    assert_eq!(world.session.sync_state().token, Some(Secret::new(TOKEN)), "kept for the next connection");
    world.cut();
    world.pass_served(Duration::from_secs(1));
    assert!(matches!(world.events.last(), Some(Event::Synced { .. })));
}
