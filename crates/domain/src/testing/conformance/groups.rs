//! Groups and memberships.

use super::cast::{
    Joined, Left, MANY_MEMBERS, NOW, group, join, join_group, leave_group, roster, say, two_friends, user,
    users,
};
use crate::{
    Created, Group, GroupId, GroupLimits, GroupRoster, GroupState, Member, Membership, NewGroup, OwnGroup,
    Role, Seq, Store, Timestamp, UserId,
};

fn place(role: Role, since: u64) -> Membership {
    Membership { role, since: Seq(since), muted_until: Timestamp(0) }
}

fn shown_members(store: &dyn Store, group: GroupId) -> Vec<(UserId, Role)> {
    let members = store.members(group, UserId(0), 1_000).unwrap();
    let members: Vec<_> = members.into_iter().map(|Member { user, role }| (user.id, role)).collect();
    assert!(members.iter().map(|(id, _)| *id).eq(roster(store, group).into_iter().map(|(id, _)| id)));
    let count = store.group(group).unwrap().map_or(0, |group| group.members);
    assert_eq!(members.len(), count as usize, "the group knows how many members it has");
    members
}

pub(super) fn a_group_opens_with_its_owner(store: &dyn Store) {
    let [ann, bob] = users(store);
    let new = NewGroup { owner: ann, name: "Hiking", description: "on Sundays", at: NOW };
    let Created::Group(id) = store.create_group(&new, MANY_MEMBERS).unwrap() else { panic!("has room") };
    let group = Group {
        id,
        name: "Hiking".to_owned(),
        description: "on Sundays".to_owned(),
        members: 1,
        state: GroupState::Open,
    };
    assert_eq!(store.group(id).unwrap(), Some(group.clone()));
    assert_eq!(shown_members(store, id), [(ann, Role::Owner)]);
    assert_eq!(store.membership(id, ann).unwrap(), Some(place(Role::Owner, 0)));
    assert_eq!(store.membership(id, bob).unwrap(), None);
    let own = OwnGroup { group, role: Role::Owner };
    assert_eq!(store.groups(ann, GroupId(0), 10).unwrap(), [own]);
    let again = store.create_group(&new, MANY_MEMBERS).unwrap();
    assert!(matches!(again, Created::Group(other) if other != id), "names are not unique");
}

pub(super) fn joining_makes_a_member(store: &dyn Store) {
    let [bob, ann, cho] = users(store);
    let group = group(store, ann);
    let joined = join_group(store, group, bob, MANY_MEMBERS);
    assert_eq!(joined, Joined::Member { since: Seq(0), members: 2 });
    say(store, group.conversation(), ann, "hello");
    let joined = join_group(store, group, cho, MANY_MEMBERS);
    assert_eq!(joined, Joined::Member { since: Seq(2), members: 3 });
    let membership = place(Role::Member, 2);
    assert_eq!(store.membership(group, cho).unwrap(), Some(membership));
    assert_eq!(shown_members(store, group), [(bob, Role::Member), (ann, Role::Owner), (cho, Role::Member)]);
    let own = &store.groups(cho, GroupId(0), 10).unwrap()[0];
    assert_eq!((own.group.members, own.role), (3, Role::Member));
}

pub(super) fn joining_twice_changes_nothing(store: &dyn Store) {
    let [ann, bob] = users(store);
    let group = group(store, ann);
    let since = join(store, group, bob);
    say(store, group.conversation(), ann, "hello");
    for user in [ann, bob] {
        let joined = join_group(store, group, user, MANY_MEMBERS);
        assert_eq!(joined, Joined::AlreadyMember);
    }
    let full = GroupLimits { members: 2, groups: 1, requests: 1_000, requests_per_user: 1_000 };
    let joined = join_group(store, group, bob, full);
    assert_eq!(joined, Joined::AlreadyMember, "also when there is no room");
    assert_eq!(store.membership(group, bob).unwrap(), Some(place(Role::Member, since.0)));
    assert_eq!(store.membership(group, ann).unwrap().unwrap().role, Role::Owner);
    assert_eq!(shown_members(store, group).len(), 2);
}

pub(super) fn a_group_has_a_limit_of_members(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let group = group(store, ann);
    let limits = GroupLimits { members: 2, groups: 10, requests: 1_000, requests_per_user: 1_000 };
    assert!(matches!(join_group(store, group, bob, limits), Joined::Member { .. }));
    assert_eq!(join_group(store, group, cho, limits), Joined::Full);
    assert_eq!(store.membership(group, cho).unwrap(), None);
    assert_eq!(leave_group(store, group, bob), Left::Gone { members: 1 });
    let joined = join_group(store, group, cho, limits);
    assert!(matches!(joined, Joined::Member { members: 2, .. }), "there is room again: {joined:?}");
}

pub(super) fn a_user_has_a_limit_of_groups(store: &dyn Store) {
    let [ann, bob] = users(store);
    let limits = GroupLimits { members: 10, groups: 2, requests: 1_000, requests_per_user: 1_000 };
    let (first, other) = (group(store, ann), group(store, bob));
    join(store, other, ann);
    let new = NewGroup { owner: ann, name: "third", description: "", at: NOW };
    assert_eq!(store.create_group(&new, limits).unwrap(), Created::Full);
    let third = group(store, bob);
    assert_eq!(join_group(store, third, ann, limits), Joined::Full);
    assert_eq!(store.groups(ann, GroupId(0), 10).unwrap().len(), 2);
    assert_eq!(leave_group(store, first, ann), Left::Gone { members: 0 });
    assert!(matches!(store.create_group(&new, limits).unwrap(), Created::Group(_)), "there is room again");
}

pub(super) fn members_leave_and_the_owner_stays(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let group = group(store, ann);
    assert_eq!(leave_group(store, group, bob), Left::NotMember);
    join(store, group, bob);
    join(store, group, cho);
    assert_eq!(leave_group(store, group, ann), Left::OwnerStays);
    assert_eq!(shown_members(store, group).len(), 3, "nothing changed");
    assert_eq!(leave_group(store, group, bob), Left::Gone { members: 2 });
    assert_eq!(leave_group(store, group, bob), Left::NotMember);
    assert_eq!(store.membership(group, bob).unwrap(), None);
    assert_eq!(store.groups(bob, GroupId(0), 10).unwrap(), []);
    assert_eq!(shown_members(store, group), [(ann, Role::Owner), (cho, Role::Member)]);
}

pub(super) fn the_last_to_leave_closes_the_group(store: &dyn Store) {
    let [ann, bob] = users(store);
    let group = group(store, ann);
    join(store, group, bob);
    assert_eq!(leave_group(store, group, bob), Left::Gone { members: 1 });
    assert_eq!(leave_group(store, group, ann), Left::Gone { members: 0 });
    assert_eq!(store.group(group).unwrap(), None);
    assert_eq!(store.groups(ann, GroupId(0), 10).unwrap(), []);
    assert_eq!(shown_members(store, group), []);
    assert_eq!(store.conversation(ann, group.conversation()).unwrap(), None);
    for user in [ann, bob] {
        let joined = join_group(store, group, user, MANY_MEMBERS);
        assert_eq!(joined, Joined::NoSuchGroup, "nobody can join it again");
        assert_eq!(leave_group(store, group, user), Left::NotMember);
    }
}

pub(super) fn group_ids_are_never_given_twice(store: &dyn Store) {
    let ann = user(store);
    let first = group(store, ann);
    assert_eq!(leave_group(store, first, ann), Left::Gone { members: 0 });
    assert!(group(store, ann) > first);
}

pub(super) fn groups_are_paged_by_id(store: &dyn Store) {
    let [ann, bob] = users(store);
    let ids: Vec<GroupId> = (0..5).map(|n| group(store, if n % 2 == 0 { ann } else { bob })).collect();
    for &id in &ids {
        join_group(store, id, ann, MANY_MEMBERS);
    }
    let page = |after, limit| -> Vec<GroupId> {
        store.groups(ann, after, limit).unwrap().into_iter().map(|own| own.group.id).collect()
    };
    assert_eq!(page(GroupId(0), 3), ids[..3]);
    assert_eq!(page(ids[2], 3), ids[3..]);
    assert_eq!(page(ids[4], 3), []);
    assert_eq!(page(GroupId(0), 0), []);
    let roles: Vec<Role> =
        store.groups(ann, GroupId(0), 10).unwrap().into_iter().map(|own| own.role).collect();
    assert_eq!(roles, [Role::Owner, Role::Member, Role::Owner, Role::Member, Role::Owner]);
}

pub(super) fn members_are_paged_by_id(store: &dyn Store) {
    let [b, c, ann, d, e] = users(store);
    let group = group(store, ann);
    for user in [e, c, d, b] {
        join(store, group, user);
    }
    let page = |after, limit| -> Vec<UserId> {
        store.members(group, after, limit).unwrap().into_iter().map(|member| member.user.id).collect()
    };
    assert_eq!(page(UserId(0), 3), [b, c, ann]);
    assert_eq!(page(ann, 3), [d, e]);
    assert_eq!(page(e, 3), []);
    assert_eq!(page(UserId(0), 0), []);
}

pub(super) fn a_roster_says_since_when_members_read(store: &dyn Store) {
    let [bob, ann, cho] = users(store);
    let group = group(store, ann);
    let conversation = group.conversation();
    join(store, group, cho);
    say(store, conversation, ann, "one");
    join(store, group, bob);
    assert_eq!(roster(store, group), [(bob, Seq(2)), (ann, Seq(0)), (cho, Seq(0))], "by id");
    say(store, conversation, ann, "two");
    assert_eq!(leave_group(store, group, cho), Left::Gone { members: 2 });
    assert_eq!(roster(store, group), [(bob, Seq(2)), (ann, Seq(0))]);
    say(store, conversation, ann, "three");
    assert_eq!(join(store, group, cho), Seq(6), "who comes back begins anew");
    assert_eq!(roster(store, group), [(bob, Seq(2)), (ann, Seq(0)), (cho, Seq(6))]);
    for (user, since) in roster(store, group) {
        assert_eq!(store.membership(group, user).unwrap().unwrap().since, since);
        assert_eq!(store.conversation(user, conversation).unwrap().unwrap().since, since);
    }
}

pub(super) fn the_ids_of_a_users_groups(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let [first, second, third, fourth] = [(); 4].map(|()| group(store, ann));
    for group in [third, first, second] {
        join(store, group, bob);
    }
    assert_eq!(store.group_ids(bob).unwrap(), [first, second, third], "by rising id, whenever he joined");
    assert_eq!(store.group_ids(ann).unwrap(), [first, second, third, fourth]);
    assert_eq!(leave_group(store, second, bob), Left::Gone { members: 1 });
    assert_eq!(leave_group(store, fourth, ann), Left::Gone { members: 0 });
    assert_eq!(store.group_ids(bob).unwrap(), [first, third]);
    assert_eq!(store.group_ids(ann).unwrap(), [first, second, third]);
    for nobody in [cho, UserId(0), UserId(cho.0 + 1_000_000_000)] {
        assert_eq!(store.group_ids(nobody).unwrap(), []);
    }
}

pub(super) fn unknown_groups_have_nothing(store: &dyn Store) {
    let [ann, bob] = users(store);
    let mine = group(store, ann);
    for unknown in [GroupId(0), GroupId(mine.0 + 1_000_000_000)] {
        assert_eq!(store.group(unknown).unwrap(), None);
        assert_eq!(join_group(store, unknown, bob, MANY_MEMBERS), Joined::NoSuchGroup);
        assert_eq!(leave_group(store, unknown, bob), Left::NotMember);
        assert_eq!(store.membership(unknown, bob).unwrap(), None);
        assert_eq!(store.members(unknown, UserId(0), 10).unwrap(), []);
        assert_eq!(store.roster(unknown).unwrap(), GroupRoster::default());
    }
    let (_, _, direct) = two_friends(store);
    let joined = join_group(store, direct.group(), ann, MANY_MEMBERS);
    assert_eq!(joined, Joined::NoSuchGroup, "a conversation of two is no group");
    assert_eq!(store.roster(direct.group()).unwrap(), GroupRoster::default());
}
