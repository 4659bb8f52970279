//! Versions of lists: who holds a list is not sent it again, and a bundle stays small.

use domain::testing::FakeStore;
use protocol::{
    EditGroup, EditProfile, FriendRef, GroupRef, Login, Refresh, Reply, Request, Resume, Secret, SignedIn,
};
use service::testing::{Device, Harness, PASSWORD};

/// Bytes of a bundle's body that is far from full.
const BUNDLE_BYTES_MAX: usize = 64 * 1024;

fn bundle_of(harness: &Harness, request: Request) -> SignedIn {
    match harness.ask(harness.connect(), None, request).unwrap() {
        service::Handled::SignedIn(_, Reply::Login(bundle) | Reply::Resume(bundle)) => bundle,
        other => panic!("signing in came to {other:?}"),
    }
}

/// Resumes a session from a device that holds the lists of an earlier bundle.
fn resume(harness: &Harness, device: &Device<'_>, held: &SignedIn) -> SignedIn {
    let (friends_version, groups_version) =
        (Some(held.friends_version.clone()), Some(held.groups_version.clone()));
    let token = device.token.clone();
    bundle_of(
        harness,
        Request::Resume(Resume { token, friends_version, groups_version, ..Resume::default() }),
    )
}

fn refresh(device: &Device<'_>, held: &SignedIn) -> SignedIn {
    let (friends_version, groups_version) =
        (Some(held.friends_version.clone()), Some(held.groups_version.clone()));
    let request = Refresh { friends_version, groups_version, ..Refresh::default() };
    match device.ask(Request::Refresh(request)).unwrap() {
        Reply::Refresh(bundle) => bundle,
        other => panic!("REFRESH came to {other:?}"),
    }
}

fn fresh(harness: &Harness, device: &Device<'_>) -> SignedIn {
    bundle_of(harness, Request::Resume(Resume { token: device.token.clone(), ..Resume::default() }))
}

fn ids(bundle: &SignedIn) -> (Vec<u64>, Vec<u64>) {
    let friends = bundle.friends.iter().map(|friend| friend.id).collect();
    (friends, bundle.groups.iter().map(|group| group.id).collect())
}

#[test]
fn who_holds_the_lists_hears_only_who_is_online() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    harness.befriend(&alice, &bob);
    harness.befriend(&alice, &carol);
    let group = harness.group(&[&alice, &bob]);
    let first = fresh(&harness, &alice);
    assert_eq!(ids(&first), (vec![bob.user().0, carol.user().0], vec![group]));
    assert!(!first.friends_unchanged && !first.groups_unchanged && first.friends_online.is_none());

    carol.disconnect();
    let told = refresh(&alice, &first);
    let again = resume(&harness, &alice, &first);
    assert_eq!(told, again, "the same, by the connection that is there");
    assert!(again.friends_unchanged && again.groups_unchanged, "{again:?}");
    assert_eq!(ids(&again), (vec![], vec![]));
    assert_eq!(again.friends_online, Some(vec![bob.user().0]));
    assert_eq!(
        (&again.friends_version, &again.groups_version),
        (&first.friends_version, &first.groups_version)
    );

    let (name, password) = (Some("alice".into()), Secret::new(PASSWORD));
    let (friends_version, groups_version) = (Some(first.friends_version.clone()), None);
    let login = Login { name, password, friends_version, groups_version, ..Login::default() };
    let one = bundle_of(&harness, Request::Login(login));
    assert!(one.friends_unchanged && !one.groups_unchanged, "each list for itself");
    assert_eq!(ids(&one), (vec![], vec![group]));

    harness.presence.blind();
    let unsure = resume(&harness, &alice, &first);
    assert!(unsure.friends_unchanged);
    assert_eq!(unsure.friends_online, None, "nobody can know");
}

#[test]
fn a_list_that_changed_is_sent() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let mut held = fresh(&harness, &alice);
    let mut changed = |what: &str, friends: bool, groups: bool| {
        let now = resume(&harness, &alice, &held);
        assert_eq!((now.friends_unchanged, now.groups_unchanged), (!friends, !groups), "{what}");
        assert_eq!(now.friends_version != held.friends_version, friends, "{what}");
        assert_eq!(now.groups_version != held.groups_version, groups, "{what}");
        held = now;
    };
    changed("nothing", false, false);
    harness.befriend(&alice, &bob);
    changed("a friend", true, false);
    let edit = EditProfile { nickname: Some("Bobby".into()), ..EditProfile::default() };
    bob.ask(Request::EditProfile(edit)).unwrap();
    changed("a nickname", true, false);
    let group = harness.group(&[&bob, &alice]);
    changed("a group", false, true);
    carol.ask(Request::JoinGroup(protocol::JoinGroup::of(group))).unwrap();
    changed("another member", false, true);
    let edit = EditGroup { groupid: group, groupname: Some("renamed".into()), ..EditGroup::default() };
    bob.ask(Request::EditGroup(edit)).unwrap();
    changed("a name", false, true);
    bob.ask(Request::DeleteFriend(FriendRef { friendid: alice.user().0 })).unwrap();
    changed("no friend any more", true, false);
    alice.ask(Request::LeaveGroup(GroupRef { groupid: group })).unwrap();
    changed("left", false, true);
    harness.befriend(&bob, &carol);
    changed("others", false, false);
}

#[test]
fn what_is_no_version_is_not_held() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let group = harness.group(&[&alice]);
    let now = fresh(&harness, &alice);
    let long = "9".repeat(10_000);
    let others = ["", "0", "01", "-1", "1 ", "１", "'; DROP TABLE users; --", "\u{202e}1", long.as_str()];
    for wrong in
        others.into_iter().filter(|wrong| *wrong != now.friends_version && *wrong != now.groups_version)
    {
        let held =
            SignedIn { friends_version: wrong.into(), groups_version: wrong.into(), ..SignedIn::default() };
        let bundle = resume(&harness, &alice, &held);
        assert!(!bundle.friends_unchanged && !bundle.groups_unchanged, "{wrong:?}");
        assert_eq!(ids(&bundle), (vec![bob.user().0], vec![group]), "{wrong:?}");
    }
}

#[test]
fn a_bundle_of_long_texts_ends_its_pages_early() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    let avatar = "a".repeat(protocol::limits::AVATAR_BYTES_MAX);
    let friends: Vec<_> = (0..100).map(|n| harness.login(&format!("friend {n}"))).collect();
    for friend in &friends {
        let edit = EditProfile { avatar: Some(avatar.clone()), ..EditProfile::default() };
        friend.ask(Request::EditProfile(edit)).unwrap();
        harness.befriend(&alice, friend);
    }
    let bundle = fresh(&harness, &alice);
    let bytes = protocol::encode::json_len(&bundle);
    assert!(bytes < BUNDLE_BYTES_MAX / 2, "{bytes}");
    assert!(bundle.friends_next != 0 && !bundle.friends.is_empty());
    let mut all: Vec<u64> = ids(&bundle).0;
    let page = protocol::Page { after: bundle.friends_next, limit: 0 };
    let reply = alice.ask(Request::Friends(page)).unwrap();
    let Reply::Friends(rest) = reply else { panic!("FRIENDS came to {reply:?}") };
    assert_eq!(rest.next, 0);
    all.extend(rest.friends.iter().map(|friend| friend.id));
    assert!(all.into_iter().eq(friends.iter().map(|friend| friend.user().0)), "none is missing, none twice");
    assert!(resume(&harness, &alice, &bundle).friends_unchanged, "the ids fit");
}

/// How often the store is asked, whatever is stored: how many statements that makes is the stores' own business.
#[test]
fn signing_in_asks_the_store_little() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    let friends: Vec<_> = (0..150).map(|n| harness.login(&format!("friend {n}"))).collect();
    for friend in &friends {
        harness.befriend(&alice, friend);
    }
    for _ in 0..150 {
        harness.group(&[&alice]);
    }
    let first = fresh(&harness, &alice);
    let counted = |ask: &dyn Fn() -> SignedIn| {
        let store: &FakeStore = &harness.store;
        let before = store.operations();
        ask();
        store.operations() - before
    };
    let (name, password) = (Some("alice".to_owned()), Secret::new(PASSWORD));
    let login = Login { name, password, ..Login::default() };
    // Nobody is told that she comes, with one device there already.
    assert_eq!(counted(&|| bundle_of(&harness, Request::Login(login.clone()))), 7);
    assert_eq!(counted(&|| fresh(&harness, &alice)), 6);
    assert_eq!(counted(&|| resume(&harness, &alice, &first)), 5);
}
