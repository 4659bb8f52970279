//! Policies, resume, list and end of sessions.

use protocol::{Code, Nothing, Request, Secret, SessionRef, State};
use service::testing::{Device, Harness};
use service::{Handled, ServiceConfig, SessionPolicy};

use crate::{body, refused};

fn with_policy(session_policy: SessionPolicy) -> Harness {
    Harness::with(ServiceConfig { session_policy, ..service::testing::config() })
}

fn sessions(device: &Device<'_>) -> Vec<protocol::Session> {
    body!(Reply::Sessions, device.ask(Request::Sessions(Nothing {})).unwrap()).sessions
}

fn end(device: &Device<'_>, session: u64) -> Result<Handled, protocol::Refusal> {
    device.handle(Request::EndSession(SessionRef { session }))
}

#[test]
fn many_devices_stay_side_by_side() {
    let harness = with_policy(SessionPolicy::Many);
    let (phone, desk) = (harness.login("alice"), harness.login("alice"));
    assert_ne!(phone.principal.session, desk.principal.session);
    assert_eq!(phone.closed(), None);
    let listed = sessions(&phone);
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|session| session.state == State::Online && session.device == "test device"));
    let current: Vec<bool> = listed.iter().map(|session| session.current).collect();
    assert_eq!(current, [true, false]);
}

#[test]
fn one_session_too_many_ends_the_one_seen_longest_ago() {
    let harness = Harness::with(ServiceConfig { sessions_per_user_max: 2, ..service::testing::config() });
    let first = harness.login("alice");
    harness.clock.advance_ms(1);
    let second = harness.login("alice");
    harness.clock.advance_ms(1);
    let third = harness.login("alice");
    assert_eq!(first.closed().expect("a bye").errcode, Code::SESSION_ENDED.0);
    assert_eq!((second.closed(), third.closed()), (None, None));
    refused(first.resume(), Code::SESSION_ENDED);
}

#[test]
fn reject_lets_nobody_in_beside_a_connected_session() {
    let harness = with_policy(SessionPolicy::Reject);
    let first = harness.login("alice");
    refused(harness.try_login("alice"), Code::ALREADY_ONLINE);
    assert_eq!(first.closed(), None);

    // A session may take its own place: its old connection can be dead without being found so.
    let again = first.resume().unwrap();
    assert!(first.closed().is_some());
    first.disconnect();
    refused(harness.try_login("alice"), Code::ALREADY_ONLINE);

    // A client that is gone keeps nobody out.
    again.disconnect();
    let other = harness.login("alice");
    refused(again.resume(), Code::ALREADY_ONLINE);
    other.disconnect();
    again.resume().unwrap();
}

#[test]
fn replace_ends_all_others() {
    let harness = with_policy(SessionPolicy::Replace);
    let first = harness.login("alice");
    let second = harness.login("alice");
    assert_eq!(first.closed().expect("a bye").errcode, Code::SESSION_ENDED.0);
    refused(first.resume(), Code::SESSION_ENDED);
    assert_eq!(second.closed(), None);
    first.disconnect();
    assert_eq!(sessions(&second).len(), 1);
}

#[test]
fn resume_goes_on_without_a_password() {
    let harness = Harness::new();
    let first = harness.login("alice");
    first.disconnect();
    let verified = harness.hasher.verified();
    let second = first.resume().unwrap();
    assert_eq!(second.principal, first.principal);
    assert_eq!(second.bundle.token, None, "a token is given once");
    assert_eq!(harness.hasher.verified(), verified);
}

#[test]
fn resume_takes_the_place_of_the_connection_that_held_the_session() {
    let harness = Harness::new();
    let old = harness.login("alice");
    let new = old.resume().unwrap();
    assert_eq!(old.closed().expect("a bye").errcode, Code::SESSION_MOVED.0);
    // The old connection's end comes late: it takes nothing along.
    old.disconnect();
    assert!(sessions(&new).iter().all(|session| session.state == State::Online));
    assert_eq!(harness.hub.principal(new.conn), Some(new.principal.clone()));
}

#[test]
fn what_is_no_token_resumes_nothing() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    let upper = alice.token.expose().to_uppercase();
    for token in ["", "x", &"0".repeat(64), &"é".repeat(32), &upper, "' OR 1=1 --", &"0".repeat(10_000)] {
        refused(harness.resume(&Secret::new(token)), Code::SESSION_ENDED);
    }
}

#[test]
fn a_session_that_nobody_saw_is_over_in_time() {
    let harness = Harness::with(ServiceConfig { session_ttl_ms: 1_000, ..service::testing::config() });
    let alice = harness.login("alice");
    alice.disconnect();
    harness.clock.advance_ms(900);
    // Seen now: noted in memory only, and good for another second.
    alice.resume().unwrap().disconnect();
    harness.clock.advance_ms(900);
    let last = alice.resume().unwrap();
    last.disconnect();
    harness.clock.advance_ms(1_001);
    refused(alice.resume(), Code::SESSION_ENDED);
}

#[test]
fn a_tick_forgets_sessions_that_are_over_and_keeps_connected_ones() {
    let ttl_ms = 10 * 60_000;
    let harness = Harness::with(ServiceConfig { session_ttl_ms: ttl_ms, ..service::testing::config() });
    let stays = harness.login("alice");
    let gone = harness.login("alice");
    gone.disconnect();
    for _ in 0..30 {
        harness.clock.advance_ms(60_000);
        harness.service.tick();
    }
    assert_eq!(sessions(&stays).len(), 1, "the connected one is thrice as old as a session may become");
    stays.disconnect();
    stays.resume().unwrap();
}

#[test]
fn an_ended_session_is_closed_and_its_token_is_worth_nothing() {
    let harness = Harness::new();
    let (phone, desk) = (harness.login("alice"), harness.login("alice"));
    let handled = end(&phone, desk.principal.session.0).unwrap();
    assert!(matches!(handled, Handled::Reply(protocol::Reply::EndSession(_))));
    assert_eq!(desk.closed().expect("a bye").errcode, Code::SESSION_ENDED.0);
    refused(desk.resume(), Code::SESSION_ENDED);
    assert_eq!(phone.closed(), None);
    desk.disconnect();
    assert_eq!(sessions(&phone).len(), 1);
}

#[test]
fn only_own_sessions_can_be_ended() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    for session in [bob.principal.session.0, 9_999, 0, u64::MAX] {
        refused(end(&alice, session), Code::NOT_FOUND);
    }
    assert_eq!(bob.closed(), None);
    bob.resume().unwrap();
}

#[test]
fn ending_the_session_that_asks_is_logging_out() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    let handled = end(&alice, alice.principal.session.0).unwrap();
    assert!(matches!(handled, Handled::SignedOut(protocol::Reply::EndSession(_))));
    assert_eq!(harness.hub.principal(alice.conn), None);
    refused(alice.resume(), Code::SESSION_ENDED);
}

#[test]
fn logging_out_ends_the_session_its_token_and_its_presence() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let handled = alice.handle(Request::LogOut(Nothing {})).unwrap();
    assert!(matches!(handled, Handled::SignedOut(protocol::Reply::LogOut(_))));
    refused(alice.resume(), Code::SESSION_ENDED);
    assert_eq!(harness.hub.principal(alice.conn), None);
    let presence = body!(Push::Presence, bob.pushes().pop().expect("a push"));
    assert_eq!((presence.id, presence.state), (alice.user().0, State::Offline));
    // A connection's end after its log-out is nobody's departure.
    alice.disconnect();
    assert_eq!(bob.pushes(), []);
}

#[test]
fn the_times_in_the_list_are_true_before_they_are_stored() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    let began = sessions(&alice)[0].since;
    harness.clock.advance_ms(5_000);
    let again = alice.resume().unwrap();
    let listed = &sessions(&again)[0];
    assert_eq!((listed.since, listed.seen), (began, began + 5_000));
    harness.service.tick();
    assert_eq!(&sessions(&again)[0], listed);
}
