//! EDIT_FRIEND and RENAME_LABEL: what users keep of friends for themselves.

use domain::{FriendStore, NUMBER_MAX, StoreError, UserId};
use protocol::limits::{LABEL_CHARS_MAX, LABELS_MAX, REMARK_CHARS_MAX};
use protocol::{
    Code, EditFriend, Friend, FriendChanged, FriendRef, LabelRenamed, Push, Refusal, RenameLabel, Request,
};
use service::testing::{Device, Harness};
use service::{Notice, ServiceConfig};

use crate::{bad_field, body, refused};

fn edit(
    device: &Device<'_>,
    friendid: u64,
    remark: Option<&str>,
    label: Option<&str>,
) -> Result<Friend, Refusal> {
    let (remark, label) = (remark.map(str::to_owned), label.map(str::to_owned));
    let request = Request::EditFriend(EditFriend { friendid, remark, label });
    Ok(body!(Reply::EditFriend, device.ask(request)?))
}

fn rename(device: &Device<'_>, label: &str, to: &str) -> Result<u32, Refusal> {
    let request = RenameLabel { label: label.into(), to: to.into() };
    let LabelRenamed { changed } = body!(Reply::RenameLabel, device.ask(Request::RenameLabel(request))?);
    Ok(changed)
}

/// The changes among these pushes: of whom, remark and label.
fn changes(device: &Device<'_>) -> Vec<(u64, String, String)> {
    let change = |push| match push {
        Push::FriendChanged(FriendChanged { id, nickname: None, avatar: None, remark, label }) => {
            Some((id, remark.expect("given"), label.expect("given")))
        }
        _ => None,
    };
    device.pushes().into_iter().filter_map(change).collect()
}

fn listed(device: &Device<'_>) -> Vec<(u64, String, String)> {
    let page = device.ask(Request::Friends(protocol::Page::default())).unwrap();
    let friends = body!(Reply::Friends, page).friends;
    friends.into_iter().map(|friend| (friend.id, friend.remark, friend.label)).collect()
}

fn told(id: u64, remark: &str, label: &str) -> Vec<(u64, String, String)> {
    vec![(id, remark.into(), label.into())]
}

#[test]
fn a_friend_is_noted_for_oneself_alone() {
    let harness = Harness::new();
    let (alice, desk, bob) = (harness.login("alice"), harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let id = bob.user().0;
    for device in [&alice, &desk, &bob] {
        device.pushes();
    }
    let noted = edit(&alice, id, Some("  Bob \u{3000} from work"), Some("\u{ff37}ork")).unwrap();
    assert_eq!((noted.remark.as_str(), noted.label.as_str()), ("Bob from work", "Work"));
    assert_eq!((noted.id, noted.name.as_str()), (id, "bob"));
    assert_eq!(
        (listed(&alice), changes(&desk)),
        (told(id, "Bob from work", "Work"), told(id, "Bob from work", "Work"))
    );
    assert_eq!((alice.pushes(), bob.pushes()), (vec![], vec![]));
    assert_eq!(listed(&bob), told(alice.user().0, "", ""));
    let version = harness.store.friends_version(alice.user()).unwrap();
    assert_eq!(edit(&alice, id, Some("Bob from work"), None).unwrap(), noted);
    assert_eq!(edit(&alice, id, None, None).unwrap(), noted);
    assert_eq!((desk.pushes(), harness.store.friends_version(alice.user()).unwrap()), (vec![], version));
    assert_eq!(edit(&alice, id, Some(" "), None).unwrap().remark, "");
    assert_eq!((changes(&desk), bob.pushes()), (told(id, "", "Work"), vec![]));
    let bundle = alice.resume().unwrap().bundle.friends;
    assert_eq!((bundle[0].remark.as_str(), bundle[0].label.as_str()), ("", "Work"));
}

#[test]
fn who_comes_back_is_shown_as_before() {
    let harness = Harness::new();
    let (alice, desk, bob) = (harness.login("alice"), harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    edit(&alice, bob.user().0, Some("Bobby"), Some("work")).unwrap();
    bob.ask(Request::DeleteFriend(FriendRef { friendid: alice.user().0 })).unwrap();
    refused(edit(&alice, bob.user().0, Some("x"), None), Code::NOT_FRIENDS);
    for device in [&alice, &desk, &bob] {
        device.pushes();
    }
    harness.befriend(&alice, &bob);
    assert_eq!(listed(&alice), told(bob.user().0, "Bobby", "work"));
    let friend = |device: &Device<'_>| {
        let event = |push| if let Push::FriendEvent(event) = push { event.friend } else { None };
        let friend = device.pushes().into_iter().find_map(event).expect("accepted");
        (friend.id, friend.remark, friend.label)
    };
    assert_eq!(vec![friend(&desk)], told(bob.user().0, "Bobby", "work"));
    assert_eq!(listed(&bob), told(alice.user().0, "", ""), "nothing of it is shown to the other");
}

#[test]
fn nobody_but_friends_is_noted() {
    let harness = Harness::new();
    let (alice, carol) = (harness.login("alice"), harness.login("carol"));
    for id in [carol.user().0, 0, 999_999, NUMBER_MAX, NUMBER_MAX + 1, u64::MAX] {
        let refusal = refused(edit(&alice, id, Some("x"), None), Code::NOT_FRIENDS);
        assert_eq!(refusal, Refusal::new(Code::NOT_FRIENDS), "the same whoever it is: {id}");
    }
    refused(edit(&alice, alice.user().0, Some("me"), None), Code::SELF);
}

#[test]
fn bad_remarks_and_labels_are_refused_and_change_nothing() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let id = bob.user().0;
    let longest = "é".repeat(REMARK_CHARS_MAX);
    assert_eq!(LABEL_CHARS_MAX, REMARK_CHARS_MAX);
    edit(&alice, id, Some(&longest), Some(&longest)).unwrap();
    let before = listed(&alice);
    for bad in [
        &format!("{longest}x"),
        "a\0",
        "a\nb",
        "\u{202e}gnp.exe",
        "\u{2067}x",
        "\u{301}",
        "\u{200b}",
        &"x".repeat(100_000),
    ] {
        bad_field(edit(&alice, id, Some(bad), Some("fine")), "remark");
        bad_field(edit(&alice, id, Some("fine"), Some(bad)), "label");
        bad_field(rename(&alice, bad, "fine"), "label");
        bad_field(rename(&alice, &longest, bad), "to");
    }
    bad_field(rename(&alice, "", "fine"), "label");
    bad_field(rename(&alice, "  ", ""), "label");
    assert_eq!(listed(&alice), before);
}

#[test]
fn labels_of_one_user_are_limited() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    let friends: Vec<_> = (0..=LABELS_MAX).map(|n| harness.login(&format!("friend {n}"))).collect();
    for friend in &friends {
        harness.befriend(&alice, friend);
    }
    for (n, friend) in friends.iter().enumerate().take(LABELS_MAX as usize) {
        edit(&alice, friend.user().0, None, Some(&format!("label {n}"))).unwrap();
    }
    let last = friends[LABELS_MAX as usize].user().0;
    refused(edit(&alice, last, Some("x"), Some("one more")), Code::FULL);
    assert_eq!(listed(&alice).last(), told(last, "", "").first());
    edit(&alice, last, None, Some("label 0")).unwrap();
    assert_eq!(rename(&alice, "label 1", "renamed").unwrap(), 1, "a new name is no further label");
}

#[test]
fn a_renamed_label_is_told_friend_by_friend() {
    let harness = Harness::new();
    let (alice, desk) = (harness.login("alice"), harness.login("alice"));
    let (bob, carol, dave) = (harness.login("bob"), harness.login("carol"), harness.login("dave"));
    for friend in [&bob, &carol, &dave] {
        harness.befriend(&alice, friend);
    }
    for (friend, label) in [(&bob, "work"), (&carol, "work"), (&dave, "home")] {
        edit(&alice, friend.user().0, None, Some(label)).unwrap();
    }
    for device in [&alice, &desk, &bob, &carol] {
        device.pushes();
    }
    assert_eq!(rename(&alice, " work ", "job").unwrap(), 2);
    let both = |label: &str| [told(bob.user().0, "", label), told(carol.user().0, "", label)].concat();
    assert_eq!(changes(&desk), both("job"));
    for (label, to) in [("work", "job"), ("job", "job"), ("nothing", "")] {
        assert_eq!(rename(&alice, label, to).unwrap(), 0, "{label} to {to}");
    }
    assert_eq!((desk.pushes(), bob.pushes(), alice.pushes()), (vec![], vec![], vec![]));
    assert_eq!(rename(&alice, "job", "").unwrap(), 2);
    assert_eq!(changes(&desk), both(""));
    assert_eq!(listed(&alice)[2], told(dave.user().0, "", "home")[0]);
}

#[test]
fn devices_on_other_nodes_are_told_what_the_store_says() {
    let here = Harness::new();
    let there = here.beside(ServiceConfig::default());
    let (alice, bob, carol) = (here.login("alice"), here.login("bob"), here.login("carol"));
    here.befriend(&alice, &bob);
    here.befriend(&alice, &carol);
    let (desk, bobs) = (there.login("alice"), there.login("bob"));
    there.hear_from(&here);
    desk.pushes();
    edit(&alice, bob.user().0, Some("one"), Some("work")).unwrap();
    edit(&alice, bob.user().0, Some("two"), None).unwrap();
    there.hear_from(&here);
    let heard = changes(&desk);
    assert_eq!(heard.last(), told(bob.user().0, "two", "work").first());
    assert!(!heard.iter().any(|(_, remark, _)| remark == "one"), "what is true now, not what was");
    edit(&alice, carol.user().0, None, Some("work")).unwrap();
    rename(&alice, "work", "job").unwrap();
    there.hear_from(&here);
    let labels: Vec<String> = changes(&desk).into_iter().map(|(.., label)| label).collect();
    assert!(!labels.is_empty() && labels.iter().all(|label| label == "job"), "{labels:?}");
    assert_eq!(changes(&bobs), []);

    // What is made up says nothing that is not so.
    for user in [alice.user(), bob.user(), UserId(999_999), UserId(NUMBER_MAX)] {
        let friends = vec![UserId(999_999), UserId(0), user, UserId(NUMBER_MAX)];
        there.service.heard(Notice::FriendsNoted { user, friends });
    }
    assert_eq!((desk.pushes(), bobs.pushes()), (vec![], vec![]));
}

#[test]
fn what_perhaps_changed_is_looked_up_and_told() {
    let harness = Harness::new();
    let (alice, desk, bob) = (harness.login("alice"), harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let id = bob.user().0;
    edit(&alice, id, Some("before"), None).unwrap();
    desk.pushes();
    harness.store.lose_next_answers(1);
    refused(edit(&alice, id, Some("after"), None), Code::BUSY);
    assert_eq!(changes(&desk), told(id, "after", ""));
    harness.store.fail_next(StoreError::unavailable("test", "away"), 1);
    refused(edit(&alice, id, Some("never"), None), Code::BUSY);
    assert_eq!((desk.pushes(), listed(&alice)), (vec![], told(id, "after", "")));
}
