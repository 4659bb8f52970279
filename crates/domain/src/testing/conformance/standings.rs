//! What a session is told when it is entered: versions of lists, and a place in the notices.

use super::cast::{
    MANY_FRIENDS, MANY_MEMBERS, NOW, befriend, change, group, join, leave_group, say, session, user, users,
};
use super::group_changes::{led, make};
use crate::{
    BroadcastPlace, GroupDeed, GroupEdit, GroupId, GroupsVersion, OwnGroup, Rank, SessionId, Standing, Store,
    Timestamp, UserId,
};

fn version(store: &dyn Store, user: UserId) -> GroupsVersion {
    store.standing(user, SessionId(0)).unwrap().groups
}

fn list(store: &dyn Store, user: UserId) -> Vec<OwnGroup> {
    store.groups(user, GroupId(0), 1_000).unwrap()
}

pub(super) fn nobody_stands_anywhere(store: &dyn Store) {
    let ann = user(store);
    for nobody in [0, ann.0 + 1_000_000_000, crate::NUMBER_MAX] {
        let standing = store.standing(UserId(nobody), SessionId(nobody)).unwrap();
        assert_eq!(standing, Standing::default(), "{nobody}");
    }
    let broadcasts = BroadcastPlace { last: store.last_broadcast().unwrap(), ..BroadcastPlace::default() };
    let nothing = Standing { broadcasts, ..Standing::default() };
    assert_eq!(store.standing(ann, SessionId(0)).unwrap(), nothing, "a new user has nothing");
}

pub(super) fn a_standing_says_how_far_friends_and_notices_go(store: &dyn Store) {
    let [ann, bob] = users(store);
    let (first, others) = (session(store, ann, NOW), session(store, bob, NOW));
    befriend(store, ann, bob);
    let second = session(store, ann, NOW);
    store.request_friend(bob, ann, "", NOW, MANY_FRIENDS).unwrap();
    store.delete_friend(bob, ann, NOW).unwrap().expect("they were friends");
    let last = store.notice_place(ann, first).unwrap().last;
    store.ack_notices(ann, second, last).unwrap();
    for session in [first, second, others, SessionId(0)] {
        for user in [ann, bob] {
            let standing = store.standing(user, session).unwrap();
            assert_eq!(standing.friends, store.friends_version(user).unwrap());
            assert_eq!(standing.notices, store.notice_place(user, session).unwrap());
        }
    }
    assert_eq!(store.standing(ann, second).unwrap().notices.acked, last);
}

pub(super) fn every_change_of_a_list_of_groups_changes_its_version(store: &dyn Store) {
    let (first, [owner, admin, _, member, other]) = led(store);
    let newcomer = user(store);
    let mut seen: Vec<(GroupsVersion, Vec<OwnGroup>)> = Vec::new();
    // The list as this user sees it after each change: another version wherever it is another list.
    let mut look = |what: &str| {
        let now = (version(store, member), list(store, member));
        if let Some((before, shown)) = seen.last()
            && *shown != now.1
        {
            assert_ne!(*before, now.0, "{what}");
        }
        let same = seen.iter().find(|(earlier, shown)| *earlier == now.0 && *shown != now.1);
        assert_eq!(same, None, "{what}: an old version for another list");
        seen.push(now);
    };
    look("at first");
    let second = group(store, other);
    join(store, second, member);
    look("another group");
    join(store, second, newcomer);
    look("somebody joined");
    leave_group(store, second, newcomer);
    look("somebody left");
    let own = group(store, member);
    look("a group of one's own");
    let edit = GroupEdit { name: Some("renamed".into()), ..GroupEdit::default() };
    make(store, first, owner, GroupDeed::Edit(edit));
    look("a group was renamed");
    make(store, first, owner, GroupDeed::SetRole(member, Rank::Admin));
    look("another role");
    make(store, first, owner, GroupDeed::HandOver(member));
    look("an owner");
    make(store, first, member, GroupDeed::Remove(admin));
    look("a member was removed");
    make(store, first, member, GroupDeed::Dissolve);
    look("a group was dissolved");
    leave_group(store, first, member);
    look("left");
    leave_group(store, own, member);
    look("one's own group is closed");
    make(store, second, other, GroupDeed::Remove(member));
    look("removed");
    assert_eq!(list(store, member), []);
    join(store, second, member);
    look("again");
    let versions: std::collections::HashSet<_> =
        seen.iter().map(|(version, _)| (version.memberships, version.groups)).collect();
    assert_eq!(versions.len(), seen.len(), "every one of these changes shows in the list: {seen:?}");
}

pub(super) fn what_a_list_of_groups_does_not_show_leaves_its_version(store: &dyn Store) {
    let (group, [owner, _, _, member, _]) = led(store);
    let before = version(store, member);
    say(store, group.conversation(), owner, "hello");
    let elsewhere = self::group(store, owner);
    join(store, elsewhere, user(store));
    let joining = change(group, member, GroupDeed::Join { greeting: String::new(), limits: MANY_MEMBERS });
    assert!(store.change_group(&joining).unwrap().is_err(), "a member already");
    let muting = change(group, member, GroupDeed::MuteAll(Timestamp(9)));
    assert!(store.change_group(&muting).unwrap().is_err(), "a member must not");
    assert_eq!(version(store, member), before);
}
