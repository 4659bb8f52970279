//! PROFILE and EDIT_PROFILE: what users tell of themselves, who reads it, and who hears of a change.

use domain::{FriendStore, StoreError};
use protocol::limits::{AVATAR_BYTES_MAX, NICKNAME_CHARS_MAX, PHONE_CHARS_MAX, SIGNATURE_CHARS_MAX};
use protocol::{
    Code, EditProfile, FriendChanged, FriendRef, Profile, ProfileOf, Push, Refusal, Reply, Request, Secret,
};
use service::testing::{Device, Harness};
use service::{Notice, ServiceConfig};

use crate::{bad_field, body, refused};

fn look(device: &Device<'_>, id: u64) -> Result<Reply, Refusal> {
    device.ask(Request::Profile(ProfileOf { id: Some(id) }))
}

fn profile(device: &Device<'_>, id: u64) -> Profile {
    body!(Reply::Profile, look(device, id).unwrap())
}

fn own(device: &Device<'_>) -> Profile {
    body!(Reply::Profile, device.ask(Request::Profile(ProfileOf { id: None })).unwrap())
}

fn edit(device: &Device<'_>, edit: EditProfile) -> Result<Profile, Refusal> {
    Ok(body!(Reply::EditProfile, device.ask(Request::EditProfile(edit))?))
}

fn nickname(text: &str) -> EditProfile {
    EditProfile { nickname: Some(text.into()), ..EditProfile::default() }
}

fn everything() -> EditProfile {
    EditProfile {
        nickname: Some("  Ali\u{3000}ce ".into()),
        signature: Some(" \u{ff21} line ".into()),
        avatar: Some("https://a.example/?x=1&y=%20#z".into()),
        phone: Some(Secret::new(" +1 (555) 01-00 ")),
        searchable: Some(false),
    }
}

/// The changes among these pushes.
fn changes(device: &Device<'_>) -> Vec<FriendChanged> {
    let change = |push| if let Push::FriendChanged(change) = push { Some(change) } else { None };
    device.pushes().into_iter().filter_map(change).collect()
}

#[test]
fn what_is_told_is_kept_in_one_form_and_read_back() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    assert_eq!(
        own(&alice),
        Profile {
            id: alice.user().0,
            name: "alice".into(),
            phone: Some(Secret::new("")),
            searchable: Some(true),
            ..Profile::default()
        }
    );
    let edited = edit(&alice, everything()).unwrap();
    let expected = Profile {
        id: alice.user().0,
        name: "alice".into(),
        nickname: "Ali ce".into(),
        signature: "A line".into(),
        avatar: "https://a.example/?x=1&y=%20#z".into(),
        phone: Some(Secret::new("+1 (555) 01-00")),
        searchable: Some(false),
    };
    assert_eq!(edited, expected);
    assert_eq!((own(&alice), profile(&alice, alice.user().0)), (expected.clone(), expected.clone()));
    let public = Profile { phone: None, searchable: None, ..expected };
    assert_eq!(profile(&bob, alice.user().0), public, "nobody else reads what is private");
    assert_eq!(profile(&bob, alice.user().0), public, "nor what was kept of it");
    assert_eq!(edit(&alice, EditProfile::default()).unwrap(), edited, "nothing given, nothing changed");
}

#[test]
fn friends_and_own_devices_hear_what_lists_show() {
    let harness = Harness::new();
    let (alice, desk) = (harness.login("alice"), harness.login("alice"));
    let (bob, carol) = (harness.login("bob"), harness.login("carol"));
    harness.befriend(&alice, &bob);
    desk.pushes();
    edit(&alice, nickname("Al")).unwrap();
    let told = FriendChanged {
        id: alice.user().0,
        nickname: Some("Al".into()),
        avatar: Some("".into()),
        ..FriendChanged::default()
    };
    assert_eq!((changes(&bob), changes(&desk)), (vec![told.clone()], vec![told.clone()]));
    assert_eq!((alice.pushes(), carol.pushes()), (vec![], vec![]));
    let friends = bob.resume().unwrap().bundle.friends;
    assert_eq!((friends[0].name.as_str(), friends[0].nickname.as_str()), ("alice", "Al"));

    let bob = bob.resume().unwrap();
    for quiet in [
        nickname("Al"),
        EditProfile { signature: Some("new".into()), ..EditProfile::default() },
        EditProfile { phone: Some(Secret::new("1")), searchable: Some(false), ..EditProfile::default() },
    ] {
        edit(&alice, quiet).unwrap();
        assert_eq!((bob.pushes(), desk.pushes()), (vec![], vec![]), "no list shows it");
    }
    edit(&alice, EditProfile { avatar: Some("a.png".into()), ..EditProfile::default() }).unwrap();
    let told = FriendChanged { avatar: Some("a.png".into()), ..told };
    assert_eq!(changes(&bob), [told]);
    bob.ask(Request::DeleteFriend(FriendRef { friendid: alice.user().0 })).unwrap();
    bob.pushes();
    edit(&alice, nickname("Alice B.")).unwrap();
    assert_eq!(bob.pushes(), [], "no friend any more");
}

#[test]
fn messages_name_their_sender_as_they_want_to_be_called_now() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    let names = || -> Vec<String> {
        let name = |push| if let Push::Message(message) = push { Some(message.name) } else { None };
        bob.pushes().into_iter().filter_map(name).collect()
    };
    alice.say(&bob, "1", "hi").unwrap();
    assert_eq!(names(), ["alice"]);
    edit(&alice, nickname("Al")).unwrap();
    alice.say(&bob, "2", "hi").unwrap();
    assert_eq!(names(), ["Al"], "over the connection that logged in before");
    let history = protocol::History { conv, after: Some(0), before: None, at: None, limit: 0 };
    let page = body!(Reply::History, bob.ask(Request::History(history)).unwrap());
    assert!(page.messages.iter().all(|message| message.name == "Al"), "{page:?}");
    let group = harness.group(&[&bob, &alice]);
    alice.say_in(group, "3", "hi").unwrap();
    assert_eq!(names(), ["Al"]);
    edit(&alice, nickname("")).unwrap();
    bob.pushes();
    alice.say(&bob, "4", "hi").unwrap();
    assert_eq!(names(), ["alice"]);
}

#[test]
fn nobody_and_numbers_that_name_nobody_are_not_found() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    for id in [0, 999, domain::NUMBER_MAX, domain::NUMBER_MAX + 1, i64::MAX as u64, u64::MAX] {
        let refusal = refused(look(&alice, id), Code::NOT_FOUND);
        assert_eq!(refusal, Refusal::new(Code::NOT_FOUND), "{id}");
    }
    let dave = harness.register("dave").unwrap();
    assert_eq!(profile(&alice, dave.0).name, "dave", "who was not there was not kept as nobody");
}

#[test]
fn every_field_has_its_limit_and_what_is_refused_changes_nothing() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let none = EditProfile::default;
    let signature = |text: &str| EditProfile { signature: Some(text.into()), ..none() };
    let avatar = |text: &str| EditProfile { avatar: Some(text.into()), ..none() };
    let phone = |text: &str| EditProfile { phone: Some(Secret::new(text)), ..none() };
    for at_limit in [
        nickname(&"é".repeat(NICKNAME_CHARS_MAX)),
        nickname("Robert'); DROP TABLE users"),
        signature(&"字".repeat(SIGNATURE_CHARS_MAX)),
        signature("👨\u{200d}👩\u{200d}👧 '; -- %s"),
        avatar(&"a".repeat(AVATAR_BYTES_MAX)),
        avatar("https://a.example/-._~:/?#[]@!$&'()*+,;=%"),
        phone(&"5".repeat(PHONE_CHARS_MAX)),
        phone("\u{ff11}\u{ff12}"),
        everything(),
    ] {
        edit(&alice, at_limit).unwrap();
    }
    bob.pushes();
    let before = own(&alice);
    let version = harness.store.friends_version(bob.user()).unwrap();
    let bad = [
        ("nickname", nickname(&"é".repeat(NICKNAME_CHARS_MAX + 1))),
        ("nickname", nickname(&"a".repeat(100_000))),
        ("nickname", nickname("a\u{202e}b")),
        ("nickname", nickname("a\0b")),
        ("nickname", nickname("a\u{200b}b")),
        ("nickname", nickname("12345")),
        ("nickname", nickname("\u{301}x")),
        ("nickname", nickname("\u{3164}")),
        ("signature", signature(&"字".repeat(SIGNATURE_CHARS_MAX + 1))),
        ("signature", signature(&"a".repeat(100_000))),
        ("signature", signature("two\nlines")),
        ("signature", signature("\u{2067}turned")),
        ("signature", signature("nul\0")),
        ("avatar", avatar(&"a".repeat(AVATAR_BYTES_MAX + 1))),
        ("avatar", avatar("a b")),
        ("avatar", avatar("\"onerror=alert(1)")),
        ("avatar", avatar("<script>")),
        ("avatar", avatar("bild-ü.png")),
        ("avatar", avatar("a\nb")),
        ("phone", phone(&"5".repeat(PHONE_CHARS_MAX + 1))),
        ("phone", phone("call me")),
        ("phone", phone("1\u{202e}2")),
        ("phone", phone("1\n2")),
        ("phone", phone("1'; DROP TABLE users")),
    ];
    for (field, wrong) in bad {
        // Even beside fields that are right.
        let with_others = EditProfile { searchable: Some(true), ..wrong.clone() };
        for wrong in [wrong, with_others] {
            let answer = edit(&alice, wrong);
            if let Err(refusal) = &answer {
                assert!(!refusal.body.errmsg.contains("DROP"), "a refusal repeats no value");
            }
            bad_field(answer, field);
        }
    }
    assert_eq!(own(&alice), before);
    assert_eq!((harness.store.friends_version(bob.user()).unwrap(), bob.pushes()), (version, vec![]));
}

#[test]
fn other_nodes_tell_friends_there_and_forget_what_was() {
    let here = Harness::new();
    let there = here.beside(ServiceConfig::default());
    let alice = here.login("alice");
    let (bob, carol) = (there.login("bob"), there.login("carol"));
    let bob_here = here.try_login("bob").unwrap();
    here.befriend(&alice, &bob_here);
    there.hear_from(&here);
    assert_eq!(profile(&bob, alice.user().0).nickname, "", "kept there now");
    alice.say(&bob_here, "1", "hi").unwrap();
    bob.pushes();
    edit(&alice, EditProfile { signature: Some("s".into()), ..nickname("Al") }).unwrap();
    assert_eq!(profile(&bob, alice.user().0).nickname, "", "nobody carried the notice yet");
    there.hear_from(&here);
    assert_eq!(changes(&bob).len(), 1);
    assert_eq!(carol.pushes(), []);
    let seen = profile(&bob, alice.user().0);
    assert_eq!((seen.nickname.as_str(), seen.signature.as_str()), ("Al", "s"));

    // A notice that was lost: what is known is forgotten as a whole.
    edit(&alice, nickname("Ali")).unwrap();
    here.hub.take_notices();
    assert_eq!(profile(&bob, alice.user().0).nickname, "Al");
    there.service.forget();
    assert_eq!(profile(&bob, alice.user().0).nickname, "Ali");
}

#[test]
fn a_made_up_notice_tells_nobody_what_is_not_so() {
    let here = Harness::new();
    let there = here.beside(ServiceConfig::default());
    let (alice, bob) = (there.login("alice"), there.login("bob"));
    for user in [alice.user(), domain::UserId(999_999), domain::UserId(domain::NUMBER_MAX)] {
        there.service.heard(Notice::ProfileChanged { user, shows: domain::Shows::Another });
    }
    assert_eq!((alice.pushes(), bob.pushes()), (vec![], vec![]), "who is nobody's friend is told to nobody");
}

#[test]
fn a_change_that_nobody_knows_of_is_looked_up_again() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    assert_eq!(profile(&bob, alice.user().0).nickname, "");
    harness.store.lose_next_answers(1);
    refused(edit(&alice, nickname("Al")), Code::BUSY);
    assert_eq!(profile(&bob, alice.user().0).nickname, "Al");
    harness.store.fail_next(StoreError::unavailable("test", "away"), 1);
    refused(edit(&alice, nickname("Ali")), Code::BUSY);
    assert_eq!(profile(&bob, alice.user().0).nickname, "Al", "not done");
}
