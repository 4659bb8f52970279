//! Services of several nodes over one store: what they tell each other, and what holds when they hear nothing.

use domain::{ConversationId, GroupId, Parties, RosterVersion, Seq, StoreError, Timestamp, UserId};
use protocol::{Code, FriendRef, GroupRef, ProfileOf, Push, Request, SessionRef, State, UserRef};
use service::testing::{Device, Harness};
use service::{Begin, Notice, Readers, ServiceConfig, SessionPolicy, Since};

use crate::{messages, refused};

fn two_nodes() -> (Harness, Harness) {
    with(service::testing::config())
}

fn with(config: ServiceConfig) -> (Harness, Harness) {
    let here = Harness::with(config.clone());
    let there = here.beside(config);
    (here, there)
}

fn states(device: &Device<'_>) -> Vec<State> {
    let state = |push| if let Push::Presence(presence) = push { Some(presence.state) } else { None };
    device.pushes().into_iter().filter_map(state).collect()
}

fn readers(message: &(protocol::ChatMessage, Readers)) -> Vec<u64> {
    match &message.1 {
        Readers::Pair(one, other) => vec![one.0, other.0],
        Readers::Members { members, .. } => members.iter().map(|user| user.0).collect(),
    }
}

#[test]
fn a_session_that_ends_here_is_closed_there() {
    let (here, there) = two_nodes();
    let desk = here.login("alice");
    let phone = there.try_login("alice").unwrap();
    let end = SessionRef { session: phone.principal.session.0 };
    desk.ask(Request::EndSession(end)).unwrap();
    assert_eq!(phone.closed(), None, "nobody carried the notice yet");
    there.hear_from(&here);
    assert_eq!(phone.closed().expect("closed").errcode, Code::SESSION_ENDED.0);
}

#[test]
fn a_session_that_ended_unheard_is_found_when_sessions_are_checked() {
    let (here, there) = two_nodes();
    let desk = here.login("alice");
    let (phone, other) = (there.try_login("alice").unwrap(), there.login("bob"));
    let end = SessionRef { session: phone.principal.session.0 };
    desk.ask(Request::EndSession(end)).unwrap();
    let attached = [&phone, &other].map(|device| (device.user(), device.principal.session));
    there.service.recheck_sessions(&attached).unwrap();
    assert_eq!(phone.closed().expect("closed").errcode, Code::SESSION_ENDED.0);
    assert_eq!(other.closed(), None);
}

#[test]
fn a_session_that_goes_on_there_is_closed_here() {
    let (here, there) = two_nodes();
    let old = here.login("alice");
    here.clock.advance_ms(1);
    let new = there.resume(&old.token).unwrap();
    here.hear_from(&there);
    assert_eq!(old.closed().expect("closed").errcode, Code::SESSION_MOVED.0);
    assert_eq!(new.closed(), None);
}

#[test]
fn a_session_that_came_back_is_not_closed_by_what_its_other_node_told_late() {
    let (here, there) = two_nodes();
    let first = here.login("alice");
    here.clock.advance_ms(1);
    let away = there.resume(&first.token).unwrap();
    here.clock.advance_ms(1);
    let back = here.resume(&away.token).unwrap();
    here.hear_from(&there);
    assert_eq!(back.closed(), None);
    there.hear_from(&here);
    assert_eq!(away.closed().expect("closed").errcode, Code::SESSION_MOVED.0);
}

#[test]
fn reject_holds_over_nodes_and_replace_ends_the_session_there() {
    let (here, there) = with(ServiceConfig { session_policy: SessionPolicy::Reject, ..Default::default() });
    let desk = here.login("alice");
    refused(there.try_login("alice").map(|_| ()), Code::ALREADY_ONLINE);
    // Its own session may go on anywhere.
    there.resume(&desk.token).unwrap();
    here.presence.blind();
    refused(there.try_login("alice").map(|_| ()), Code::BUSY);

    let (here, there) = with(ServiceConfig { session_policy: SessionPolicy::Replace, ..Default::default() });
    let desk = here.login("alice");
    there.try_login("alice").unwrap();
    here.hear_from(&there);
    assert_eq!(desk.closed().expect("closed").errcode, Code::SESSION_ENDED.0);
}

#[test]
fn a_friendship_that_ended_there_is_over_here() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    here.befriend(&alice, &bob);
    alice.say(&bob, "1", "kept in the cache from here on").unwrap();
    let elsewhere = there.try_login("bob").unwrap();
    elsewhere.ask(Request::DeleteFriend(FriendRef { friendid: alice.user().0 })).unwrap();
    here.hear_from(&there);
    refused(alice.say(&bob, "2", "too late"), Code::NOT_FRIENDS);
}

#[test]
fn a_block_there_holds_here() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    here.befriend(&alice, &bob);
    alice.say(&bob, "1", "kept in the cache from here on").unwrap();
    let look = || alice.ask(Request::Profile(ProfileOf { id: Some(bob.user().0) }));
    look().unwrap();
    let elsewhere = there.try_login("bob").unwrap();
    let alices = UserRef { userid: alice.user().0 };
    elsewhere.ask(Request::Block(alices.clone())).unwrap();
    // Before any node tells: it is the store that stores nothing.
    refused(alice.say(&bob, "2", "too late"), Code::NOT_FRIENDS);
    here.hear_from(&there);
    refused(look(), Code::NOT_FOUND);
    refused(alice.say(&bob, "3", "too late"), Code::NOT_FRIENDS);
    elsewhere.ask(Request::Unblock(alices)).unwrap();
    here.hear_from(&there);
    look().unwrap();
}

#[test]
fn caches_that_may_be_wrong_can_be_forgotten() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    here.befriend(&alice, &bob);
    let group = here.group(&[&alice, &bob]);
    alice.say(&bob, "1", "kept").unwrap();
    bob.say_in(group, "2", "kept").unwrap();
    let elsewhere = there.try_login("bob").unwrap();
    elsewhere.ask(Request::DeleteFriend(FriendRef { friendid: alice.user().0 })).unwrap();
    elsewhere.ask(Request::LeaveGroup(GroupRef { groupid: group })).unwrap();
    // No notice came through.
    here.service.forget();
    refused(alice.say(&bob, "3", "too late"), Code::NOT_FRIENDS);
    refused(bob.say_in(group, "4", "too late"), Code::NOT_MEMBER);
}

#[test]
fn who_left_there_reads_nothing_here_whatever_this_node_missed() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    let group = here.group(&[&alice, &bob]);
    alice.say_in(group, "1", "the roster is kept from here on").unwrap();
    assert_eq!(messages(bob.pushes()).len(), 1);
    let elsewhere = there.try_login("bob").unwrap();
    elsewhere.ask(Request::LeaveGroup(GroupRef { groupid: group })).unwrap();
    // The append says that its roster is newer than the one that is kept.
    alice.say_in(group, "2", "not for bob").unwrap();
    assert_eq!(messages(bob.pushes()), []);
    elsewhere.ask(Request::JoinGroup(protocol::JoinGroup::of(group))).unwrap();
    alice.say_in(group, "3", "for bob again").unwrap();
    assert_eq!(messages(bob.pushes()), [(6, "for bob again".to_owned())]);
}

#[test]
fn who_joined_there_may_speak_here_before_any_notice() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    let group = here.group(&[&alice]);
    alice.say_in(group, "1", "the roster is kept from here on").unwrap();
    let elsewhere = there.try_login("bob").unwrap();
    elsewhere.ask(Request::JoinGroup(protocol::JoinGroup::of(group))).unwrap();
    assert_eq!(bob.say_in(group, "2", "he was answered").unwrap().seq, 3);
    refused(here.login("carol").say_in(group, "3", "no member"), Code::NOT_MEMBER);
}

#[test]
fn readers_are_known_only_of_a_roster_that_is_new_enough() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    let id = here.group(&[&alice, &bob]);
    let group = GroupId(id);
    assert_eq!(there.service.readers(group, RosterVersion(2), Seq(1)), None, "never read");
    let read = there.service.read_roster(group, RosterVersion(2)).unwrap().expect("there");
    assert_eq!((read.version(), read.members()), (RosterVersion(2), &[alice.user(), bob.user()][..]));
    let known = there.service.readers(group, RosterVersion(2), Seq(1)).expect("read");
    assert_eq!(known[..], [alice.user(), bob.user()]);
    bob.ask(Request::LeaveGroup(GroupRef { groupid: id })).unwrap();
    assert_eq!(there.service.readers(group, RosterVersion(3), Seq(1)), None, "older than the message");
    // A change in the middle makes what was read unusable for the cache, and not for whoever read it.
    let read = there.service.read_roster(group, RosterVersion(3)).unwrap().expect("there");
    there.hear_from(&here);
    assert_eq!(there.service.readers(group, RosterVersion(3), Seq(1)), None);
    assert_eq!((read.version(), &read.readers(Seq(1))[..]), (RosterVersion(3), &[alice.user()][..]));
    assert!(there.service.read_roster(GroupId(999), RosterVersion(1)).unwrap().is_none());
    there.service.read_roster(group, RosterVersion(3)).unwrap();
    assert_eq!(there.service.readers(group, RosterVersion(3), Seq(1)).expect("read")[..], [alice.user()]);
}

#[test]
fn groups_are_followed_from_login_on_as_memberships_change() {
    let (here, there) = two_nodes();
    let alice = here.login("alice");
    let first = GroupId(here.group(&[&alice]));
    let elsewhere = there.try_login("alice").unwrap();
    assert_eq!(there.hub.followed(alice.user()), [first]);
    let second = here.group(&[&alice]);
    assert_eq!(here.hub.followed(alice.user()), [first, GroupId(second)]);
    there.hear_from(&here);
    assert_eq!(there.hub.followed(alice.user()), [first, GroupId(second)]);
    elsewhere.ask(Request::LeaveGroup(GroupRef { groupid: second })).unwrap();
    assert_eq!(there.hub.followed(alice.user()), [first]);
    here.hear_from(&there);
    assert_eq!(here.hub.followed(alice.user()), [first]);
}

#[test]
fn a_new_member_reads_from_where_they_joined_on_every_node() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    let group = here.group(&[&alice]);
    alice.say_in(group, "1", "before bob").unwrap();
    let phone = there.try_login("bob").unwrap();
    bob.ask(Request::JoinGroup(protocol::JoinGroup::of(group))).unwrap();
    alice.say_in(group, "2", "after he came").unwrap();
    phone.pushes();
    there.hear_from(&here);
    let from = |user| (user, GroupId(group), Seq(if user == bob.user() { 1 } else { 0 }));
    assert_eq!(here.hub.take_begun(), [from(alice.user()), from(bob.user())]);
    assert_eq!(there.hub.take_begun(), [from(bob.user())]);
    assert_eq!(messages(phone.pushes()), [], "the hub brings it, in order with what comes live");
}

#[test]
fn of_a_stranger_nobody_is_told_whatever_the_notice_says() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    let carol = there.login("carol");
    let unknown = UserId(987_654);
    for user in [unknown, alice.user()] {
        there.service.heard(Notice::PresenceChanged { user, friends: vec![carol.user(), bob.user()] });
    }
    assert_eq!(states(&carol), []);
    here.befriend(&alice, &bob);
    let phone = there.try_login("bob").unwrap();
    there.service.heard(Notice::PresenceChanged { user: alice.user(), friends: vec![bob.user()] });
    assert_eq!(states(&phone), [State::Online]);
}

#[test]
fn a_conversation_begins_with_what_was_said_at_once_with_the_first_that_is_heard() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    let pair = ConversationId(here.befriend(&alice, &bob));
    let begin_since = |first, since| there.service.begin(pair, Seq(first), since).unwrap();
    let begin = |first, unsure| begin_since(first, Since { unsure, ..Since::default() });
    assert_eq!(begin(1, None), Begin::LogEnds(Seq(0)));
    for n in 1..=3 {
        alice.say(&bob, &n.to_string(), "long ago").unwrap();
    }
    let long_ago = Timestamp(here.service.now_ms());
    here.clock.advance_ms(60_000);
    for n in 4..=400 {
        alice.say(&bob, &n.to_string(), "at once").unwrap();
    }
    assert_eq!([begin(4, None), begin(5, None), begin(400, None)], [Begin::After(Seq(3)); 3]);
    assert_eq!(begin(1, None), Begin::After(Seq(0)));
    assert_eq!(begin(400, Some(long_ago)), Begin::After(Seq(0)));
    assert_eq!(begin(999, None), Begin::LogEnds(Seq(400)));
    here.clock.advance_ms(60_000);
    alice.say(&bob, "401", "much later").unwrap();
    assert_eq!(begin(401, None), Begin::After(Seq(400)));
    // Whoever came in between has read what was said before.
    here.clock.advance_ms(1);
    let heard = Timestamp(here.service.now_ms());
    alice.say(&bob, "402", "at once").unwrap();
    assert_eq!(begin(402, None), Begin::After(Seq(400)));
    assert_eq!(begin_since(402, Since { heard, unsure: None }), Begin::After(Seq(401)));
    assert_eq!(begin_since(401, Since { heard, unsure: None }), Begin::After(Seq(400)), "late, but heard");
    assert_eq!(begin_since(402, Since { heard, unsure: Some(long_ago) }), Begin::After(Seq(401)));
}

#[test]
fn friends_there_hear_of_the_last_departure_only() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    here.befriend(&alice, &bob);
    let (phone, bob) = (here.try_login("alice").unwrap(), there.resume(&bob.token).unwrap());
    here.hub.take_notices();
    alice.disconnect();
    there.hear_from(&here);
    assert_eq!(states(&bob), [], "her phone is there still");
    phone.disconnect();
    there.hear_from(&here);
    assert_eq!(states(&bob), [State::Offline]);
}

#[test]
fn the_last_that_a_friend_hears_is_true_however_late_notices_are() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), there.login("bob"));
    let helper = here.try_login("bob").unwrap();
    here.befriend(&alice, &helper);
    helper.disconnect();
    here.hub.take_notices();
    bob.pushes();
    alice.disconnect();
    let gone = here.hub.take_notices();
    let _back = alice.resume().unwrap();
    let back = here.hub.take_notices();
    // They overtake each other.
    for notice in back.into_iter().chain(gone) {
        there.service.heard(notice);
    }
    assert_eq!(states(&bob).last(), Some(&State::Online));
}

#[test]
fn a_review_tells_what_changed_unheard_and_nothing_else() {
    let (here, there) = two_nodes();
    let (alice, carol) = (here.login("alice"), here.login("carol"));
    let bob_here = here.login("bob");
    here.befriend(&alice, &bob_here);
    here.befriend(&carol, &bob_here);
    bob_here.disconnect();
    let bob = there.try_login("bob").unwrap();
    assert_eq!(bob.bundle.friends.iter().map(|f| f.state).collect::<Vec<_>>(), [State::Online; 2]);
    alice.disconnect();
    // The notice is lost; the node is told that it may have missed something.
    there.service.review_presence();
    let about = |push| if let Push::Presence(p) = push { Some((p.id, p.state)) } else { None };
    let told: Vec<_> = bob.pushes().into_iter().filter_map(about).collect();
    assert_eq!(told, [(alice.user().0, State::Offline)]);
    there.service.review_presence();
    assert_eq!(states(&bob), [], "told once");
    there.presence.blind();
    there.service.review_presence();
    assert_eq!(states(&bob), [State::Unknown, State::Unknown], "it says so when it does not know");
}

#[test]
fn a_change_that_one_login_finds_out_is_told_to_the_others() {
    let (here, there) = two_nodes();
    let alice = here.login("alice");
    let (bob, carol) = (here.login("bob"), here.login("carol"));
    here.befriend(&alice, &bob);
    here.befriend(&alice, &carol);
    bob.disconnect();
    carol.disconnect();
    let bob = there.try_login("bob").unwrap();
    alice.disconnect();
    // No notice; carol's login finds alice away while bob believes that she is there.
    let carol = there.try_login("carol").unwrap();
    assert_eq!(carol.bundle.friends[0].state, State::Offline);
    there.service.tick();
    assert_eq!(states(&bob), [State::Offline]);
}

#[test]
fn what_was_told_as_unknown_is_told_as_soon_as_it_is_known() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    here.befriend(&alice, &bob);
    bob.disconnect();
    let bob = there.try_login("bob").unwrap();
    there.presence.blind();
    there.service.presence_changed(&[alice.user()]);
    assert_eq!(states(&bob), [State::Unknown]);
    there.service.tick();
    assert_eq!(states(&bob), [], "it is unknown still, and was said to be");
    there.presence.see_again();
    there.store.fail_next(StoreError::unavailable("a test", "away"), 1);
    there.service.tick();
    assert_eq!(states(&bob), [], "nobody could say who her friends are");
    there.service.tick();
    assert_eq!(states(&bob), [State::Online]);
    there.service.tick();
    assert_eq!(states(&bob), [], "told once");
}

#[test]
fn a_departure_is_announced_as_soon_as_the_store_says_to_whom() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    here.befriend(&alice, &bob);
    here.hub.take_notices();
    here.store.fail_next(StoreError::unavailable("a test", "away"), 2);
    alice.disconnect();
    here.service.tick();
    assert_eq!(states(&bob), [], "nobody could say who her friends are");
    here.service.tick();
    assert_eq!(states(&bob), [State::Offline]);
    let told = here.hub.take_notices();
    assert_eq!(told, [Notice::PresenceChanged { user: alice.user(), friends: vec![bob.user()] }]);
    drop(there);
}

#[test]
fn a_lost_notice_of_presence_is_made_up_for_within_seconds() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    here.befriend(&alice, &bob);
    bob.disconnect();
    let bob = there.try_login("bob").unwrap();
    there.service.tick();
    alice.disconnect();
    // Nobody carries the notice, and nobody says that anything was missed.
    there.clock.advance_ms(10_000);
    there.service.tick();
    assert_eq!(states(&bob), [State::Offline]);
}

#[test]
fn users_of_a_dead_node_are_announced_to_all_nodes() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    here.befriend(&alice, &bob);
    here.hub.take_notices();
    there.service.presence_changed(&[alice.user()]);
    let told = there.hub.take_notices();
    assert_eq!(told, [Notice::PresenceChanged { user: alice.user(), friends: vec![bob.user()] }]);
}

#[test]
fn catching_up_reads_the_log_with_the_readers_of_each_message() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    let pair = here.befriend(&alice, &bob);
    let group = here.group(&[&alice]);
    alice.say_in(group, "1", "before bob").unwrap();
    bob.ask(Request::JoinGroup(protocol::JoinGroup::of(group))).unwrap();
    alice.say_in(group, "2", "for both").unwrap();
    alice.say(&bob, "3", "for the pair").unwrap();

    let (one, other) = (alice.user(), bob.user());
    let page = there.service.catch_up(ConversationId(group), Parties::Group, Seq(0)).unwrap();
    assert_eq!(
        page.iter().map(readers).collect::<Vec<_>>(),
        [vec![one.0], vec![one.0, other.0], vec![one.0, other.0]]
    );
    assert_eq!(page[2].0.name, "alice");
    let after = there.service.catch_up(ConversationId(group), Parties::Group, Seq(1)).unwrap();
    assert_eq!(after.iter().map(|(message, _)| message.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(there.service.catch_up(ConversationId(group), Parties::Group, Seq(3)).unwrap().len(), 0);
    let page = there.service.catch_up(ConversationId(pair), Parties::Pair(one, other), Seq(0)).unwrap();
    assert_eq!(page.iter().map(readers).collect::<Vec<_>>(), [vec![one.0, other.0]]);
}

#[test]
fn what_a_time_touched_is_found_and_where_it_begins() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    let (pair, quiet) = (here.befriend(&alice, &bob), here.group(&[&alice]));
    alice.say_in(quiet, "0", "long ago").unwrap();
    for n in 0..300 {
        alice.say(&bob, &format!("old {n}"), "old").unwrap();
    }
    here.clock.advance_ms(60_000);
    let since = Timestamp(here.service.now_ms());
    for n in 0..5 {
        alice.say(&bob, &format!("new {n}"), "new").unwrap();
    }
    let service = &there.service;
    let touched = service.touched(&[alice.user(), UserId(999)], since, ConversationId(0)).unwrap();
    let [one] = touched[..] else { panic!("one conversation was touched, not {touched:?}") };
    assert_eq!((one.conversation.0, one.last), (pair, Seq(305)));
    assert_eq!(service.catch_up_since(one.conversation, one.last, since).unwrap(), Seq(300));
    assert_eq!(service.catch_up_since(one.conversation, one.last, Timestamp(0)).unwrap(), Seq(0));
    assert_eq!(service.catch_up_since(one.conversation, one.last, Timestamp(since.0 + 1)).unwrap(), Seq(305));
    assert_eq!(service.touched(&[alice.user()], since, one.conversation).unwrap(), []);
}

#[test]
fn a_repeat_on_another_node_is_delivered_as_it_was_said_first() {
    let (here, there) = two_nodes();
    let (alice, bob) = (here.login("alice"), here.login("bob"));
    here.befriend(&alice, &bob);
    alice.say(&bob, "1", "as said first").unwrap();
    // Its node died before anybody else heard of it; the sender tries again on another one.
    let (alice, bob) = (there.resume(&alice.token).unwrap(), there.resume(&bob.token).unwrap());
    alice.say(&bob, "1", "another text").unwrap();
    assert_eq!(messages(bob.pushes()), [(1, "as said first".to_owned())]);
    there.clock.advance_ms(120_000);
    alice.say(&bob, "1", "much later").unwrap();
    assert_eq!(messages(bob.pushes()), [], "by then nodes have found what they missed");
}

#[test]
fn a_node_that_is_alone_tells_nobody_and_repeats_nothing() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    alice.say(&bob, "1", "once").unwrap();
    assert_eq!(messages(bob.pushes()).len(), 1);
    alice.say(&bob, "1", "once").unwrap();
    assert_eq!(messages(bob.pushes()), []);
    assert_eq!(harness.hub.followed(alice.user()), []);
}
