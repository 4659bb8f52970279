//! Who waits before groups: applications, invitations, and what becomes of them.

use super::cast::{MANY_MEMBERS, NOW, befriend, change, group, log, unique, user, users};
use super::group_changes::make;
use crate::policy::Why;
use crate::{
    Application, ApplicationsOf, Attempt, ChangeRefused, GroupChange, GroupDeed, GroupEdit, GroupId,
    GroupLimits, Invitation, Invited, Joining, NUMBER_MAX, NoticeSeq, Novelty, PersonalNoticeKind, Rank,
    Role, SessionId, Store, Timestamp, UserId, WAITING_COUNTED_MAX, Waiting, WaitingCounts,
};

/// The deed of who asks to come in.
pub(super) fn joining(greeting: &str, limits: GroupLimits) -> GroupDeed {
    GroupDeed::Join { greeting: greeting.to_owned(), limits }
}

/// A group that one comes into in this way, and its owner.
pub(super) fn closed(store: &dyn Store, joining: Joining) -> (GroupId, UserId) {
    let owner = user(store);
    let group = group(store, owner);
    let edit = GroupEdit { joining: Some(joining), ..GroupEdit::default() };
    make(store, group, owner, GroupDeed::Edit(edit));
    (group, owner)
}

/// A new friend of somebody.
pub(super) fn friend_of(store: &dyn Store, other: UserId) -> UserId {
    let friend = user(store);
    befriend(store, friend, other);
    friend
}

pub(super) fn apply(store: &dyn Store, group: GroupId, user: UserId) {
    let changed = make(store, group, user, joining("", MANY_MEMBERS));
    assert_eq!((changed.place, changed.actor), (None, None), "it waits");
}

pub(super) fn invite(store: &dyn Store, group: GroupId, by: UserId, user: UserId) {
    let changed = make(store, group, by, GroupDeed::Invite { user, limits: MANY_MEMBERS });
    assert_eq!(changed.place, None, "it waits");
}

fn refused(store: &dyn Store, group: GroupId, actor: UserId, deed: GroupDeed) -> ChangeRefused {
    store.change_group(&change(group, actor, deed)).unwrap().expect_err("it was allowed")
}

pub(super) fn is_member(store: &dyn Store, group: GroupId, user: UserId) -> bool {
    store.membership(group, user).unwrap().is_some()
}

fn applied(store: &dyn Store, of: ApplicationsOf) -> Vec<(GroupId, UserId)> {
    let page = store.applications(of, (GroupId(0), UserId(0)), 1_000).unwrap();
    page.into_iter().map(|application| (application.group, application.user.id)).collect()
}

pub(super) fn an_application_waits_with_its_greeting(store: &dyn Store) {
    let (group, owner) = closed(store, Joining::Approval);
    let cho = user(store);
    let before = (store.roster(group).unwrap(), log(store, group.conversation()));
    let applying = change(group, cho, joining("let me in", MANY_MEMBERS));
    let changed = store.change_group(&applying).unwrap().unwrap();
    assert_eq!((changed.members, changed.place, changed.actor), (1, None, None));
    assert_eq!((store.roster(group).unwrap(), log(store, group.conversation())), before, "nobody is told");
    let waiting = Waiting { application: Some(NOW), invitation: None };
    assert_eq!(store.waiting(group, cho).unwrap(), waiting);
    assert_eq!(store.waiting(group, owner).unwrap(), Waiting::default());
    let application = Application {
        group,
        group_name: "group".into(),
        user: store.users(&[cho]).unwrap().remove(0),
        greeting: "let me in".into(),
        at: NOW,
    };
    for of in [ApplicationsOf::Group(group), ApplicationsOf::User(owner), ApplicationsOf::User(cho)] {
        let listed = store.applications(of, (GroupId(0), UserId(0)), 10).unwrap();
        assert_eq!(listed, std::slice::from_ref(&application), "{of:?}");
    }
    assert_eq!(applied(store, ApplicationsOf::User(user(store))), []);
}

pub(super) fn an_application_waits_once(store: &dyn Store) {
    let (group, _) = closed(store, Joining::Approval);
    let cho = user(store);
    let applying = change(group, cho, joining("", MANY_MEMBERS));
    let repeat = GroupChange { attempt: Attempt::Again, ..applying.clone() };
    for change in [&applying, &repeat] {
        let changed = store.change_group(change).unwrap().unwrap();
        assert_eq!(changed.place, None, "a repeat of the same change is the same");
    }
    let at_once = GroupChange { change_id: unique("c"), ..applying };
    let later = GroupChange { at: Timestamp(NOW.0 + 1), change_id: unique("c"), ..repeat };
    for another in [at_once, later] {
        assert_eq!(store.change_group(&another).unwrap(), Err(ChangeRefused::AlreadyAsked));
    }
    assert_eq!(applied(store, ApplicationsOf::Group(group)).len(), 1);
}

pub(super) fn who_is_accepted_is_a_member(store: &dyn Store) {
    let (group, owner) = closed(store, Joining::Approval);
    let [cho, dan] = users(store);
    apply(store, group, cho);
    let accept = |user| GroupDeed::AcceptApplication { user, limits: MANY_MEMBERS };
    let not_found = ChangeRefused::Not(Why::NotFound);
    assert_eq!(refused(store, group, owner, accept(dan)), not_found, "who did not apply");
    let accepting = change(group, owner, accept(cho));
    let changed = store.change_group(&accepting).unwrap().unwrap();
    let place = changed.place.expect("it is told");
    assert_eq!((changed.members, place.novelty), (2, Novelty::New));
    let told = log(store, group.conversation()).pop().unwrap();
    assert_eq!((told.sender, told.seq, &told.body), (owner, place.seq, &accepting.event));
    let membership = store.membership(group, cho).unwrap().expect("a member");
    assert_eq!((membership.role, membership.since.next()), (Role::Member, place.seq), "reads of it first");
    assert_eq!(store.waiting(group, cho).unwrap(), Waiting::default());
    assert_eq!(refused(store, group, owner, accept(cho)), not_found, "it is decided once");
    let again = store.change_group(&accepting).unwrap().unwrap();
    assert_eq!(again.place.map(|place| (place.seq, place.novelty)), Some((place.seq, Novelty::Repeat)));
}

pub(super) fn who_is_refused_or_withdraws_may_ask_again(store: &dyn Store) {
    let (group, owner) = closed(store, Joining::Approval);
    let cho = user(store);
    for (actor, deed) in [(owner, GroupDeed::RefuseApplication(cho)), (cho, GroupDeed::WithdrawApplication)] {
        apply(store, group, cho);
        let changed = make(store, group, actor, deed.clone());
        assert_eq!((changed.place, changed.members), (None, 1));
        assert_eq!(store.waiting(group, cho).unwrap(), Waiting::default());
        assert_eq!(refused(store, group, actor, deed), ChangeRefused::Not(Why::NotFound));
    }
    apply(store, group, cho);
}

pub(super) fn an_invitation_leads_in(store: &dyn Store) {
    for way in [Joining::Open, Joining::Approval, Joining::Invitation] {
        let (group, owner) = closed(store, way);
        let (cho, dan) = (friend_of(store, owner), friend_of(store, owner));
        for user in [cho, dan] {
            invite(store, group, owner, user);
            let invited = Some(Invited { by: owner, at: NOW });
            assert_eq!(
                store.waiting(group, user).unwrap(),
                Waiting { application: None, invitation: invited }
            );
            let listed = store.invitations(user, GroupId(0), 10).unwrap();
            let by = store.users(&[owner]).unwrap().remove(0);
            assert_eq!(listed, [Invitation { group, group_name: "group".into(), by, at: NOW }]);
        }
        let came = make(store, group, cho, GroupDeed::AcceptInvitation { limits: MANY_MEMBERS });
        assert_eq!((came.members, came.place.is_some()), (2, true));
        let joined = make(store, group, dan, joining("", MANY_MEMBERS));
        assert_eq!((joined.members, joined.place.is_some()), (3, true), "asking to come in is coming in");
        for user in [cho, dan] {
            assert_eq!(store.waiting(group, user).unwrap(), Waiting::default());
            assert_eq!(store.invitations(user, GroupId(0), 10).unwrap(), []);
        }
    }
}

pub(super) fn an_invitation_can_be_refused_or_withdrawn(store: &dyn Store) {
    let (group, owner) = closed(store, Joining::Invitation);
    let cho = friend_of(store, owner);
    for (actor, deed) in [(cho, GroupDeed::RefuseInvitation), (owner, GroupDeed::WithdrawInvitation(cho))] {
        invite(store, group, owner, cho);
        make(store, group, actor, deed.clone());
        assert_eq!(store.waiting(group, cho).unwrap(), Waiting::default());
        assert_eq!(refused(store, group, actor, deed), ChangeRefused::Not(Why::NotFound));
        let accepting = GroupDeed::AcceptInvitation { limits: MANY_MEMBERS };
        assert_eq!(refused(store, group, cho, accepting), ChangeRefused::Not(Why::NotFound));
        let asking = joining("", MANY_MEMBERS);
        assert_eq!(refused(store, group, cho, asking), ChangeRefused::Not(Why::NotAllowed));
    }
}

pub(super) fn friends_only_are_asked_in(store: &dyn Store) {
    let owner = user(store);
    let group = group(store, owner);
    let [cho, stranger] = users(store);
    befriend(store, owner, cho);
    let inviting = |user| GroupDeed::Invite { user, limits: MANY_MEMBERS };
    let not = ChangeRefused::Not;
    for (user, why) in [
        (stranger, Why::NotFriends),
        (UserId(stranger.0 + 1_000_000_000), Why::NotFound),
        (owner, Why::Oneself),
    ] {
        assert_eq!(refused(store, group, owner, inviting(user)), not(why), "{user}");
    }
    invite(store, group, owner, cho);
    assert_eq!(
        refused(store, group, owner, inviting(cho)),
        ChangeRefused::AlreadyAsked,
        "at the same moment"
    );
    let repeat = GroupChange { attempt: Attempt::Again, ..change(group, owner, inviting(cho)) };
    assert_eq!(store.change_group(&repeat).unwrap().unwrap().effects, [], "a repeat of the same change");
    let later = GroupChange { at: Timestamp(NOW.0 + 1), ..repeat };
    assert_eq!(store.change_group(&later).unwrap(), Err(ChangeRefused::AlreadyAsked));
    store.change_group(&change(group, cho, joining("", MANY_MEMBERS))).unwrap().unwrap();
    assert_eq!(refused(store, group, owner, inviting(cho)), not(Why::AlreadyMember));
}

pub(super) fn blocking_ends_invitations_between_the_two(store: &dyn Store) {
    let (group, owner) = closed(store, Joining::Invitation);
    let (cho, dan) = (friend_of(store, owner), friend_of(store, owner));
    for asked in [cho, dan] {
        invite(store, group, owner, asked);
    }
    store.block(cho, owner, NOW, 10).unwrap();
    assert_eq!(store.waiting(group, cho).unwrap(), Waiting::default());
    assert_eq!(store.invitations(cho, GroupId(0), 10).unwrap(), []);
    let inviting = || GroupDeed::Invite { user: cho, limits: MANY_MEMBERS };
    assert_eq!(refused(store, group, owner, inviting()), ChangeRefused::Not(Why::NotFound), "like nobody");
    store.block(owner, dan, NOW, 10).unwrap();
    assert_eq!(store.waiting(group, dan).unwrap(), Waiting::default());
    let inviting = GroupDeed::Invite { user: dan, limits: MANY_MEMBERS };
    assert_eq!(refused(store, group, owner, inviting), ChangeRefused::Not(Why::NotAllowed));
}

pub(super) fn who_decides_no_more_opens_no_door(store: &dyn Store) {
    let (group, owner) = closed(store, Joining::Invitation);
    let admin = friend_of(store, owner);
    invite(store, group, owner, admin);
    make(store, group, admin, GroupDeed::AcceptInvitation { limits: MANY_MEMBERS });
    make(store, group, owner, GroupDeed::SetRole(admin, Rank::Admin));
    let cho = friend_of(store, admin);
    invite(store, group, admin, cho);
    make(store, group, owner, GroupDeed::SetRole(admin, Rank::Member));
    let accepting = || GroupDeed::AcceptInvitation { limits: MANY_MEMBERS };
    assert_eq!(refused(store, group, cho, accepting()), ChangeRefused::Not(Why::NotAllowed));
    let inviting = GroupDeed::Invite { user: cho, limits: MANY_MEMBERS };
    assert_eq!(refused(store, group, admin, inviting), ChangeRefused::Not(Why::NotAllowed));
    // One who decides makes it good.
    befriend(store, owner, cho);
    invite(store, group, owner, cho);
    make(store, group, cho, accepting());
    assert!(is_member(store, group, cho));
}

pub(super) fn an_application_and_an_invitation_meet(store: &dyn Store) {
    let (group, owner) = closed(store, Joining::Approval);
    let cho = friend_of(store, owner);
    apply(store, group, cho);
    let inviting = change(group, owner, GroupDeed::Invite { user: cho, limits: MANY_MEMBERS });
    let changed = store.change_group(&inviting).unwrap().unwrap();
    assert!(changed.place.is_some() && is_member(store, group, cho), "who decides has decided");
    assert_eq!(store.waiting(group, cho).unwrap(), Waiting::default());
}

pub(super) fn who_had_asked_is_told_in_person(store: &dyn Store) {
    let (group, owner) = closed(store, Joining::Approval);
    let (cho, dan) = (friend_of(store, owner), friend_of(store, owner));
    let last = |user| {
        let notices = store.notices(user, NoticeSeq(0), 1_000).unwrap();
        notices.last().map(|named| (named.notice.kind, named.notice.by, named.notice.group))
    };
    let told = |user, actor, deed, kind, by| {
        let changed = make(store, group, actor, deed);
        let notice = changed.notice.expect("somebody is told");
        assert_eq!((notice.user, notice.kind, notice.by, notice.group), (user, kind, by, Some(group)));
        assert_eq!(last(user), Some((kind, by, Some(group))));
    };
    apply(store, group, cho);
    told(cho, owner, GroupDeed::RefuseApplication(cho), PersonalNoticeKind::ApplicationRefused, owner);
    apply(store, group, cho);
    let accepting = GroupDeed::AcceptApplication { user: cho, limits: MANY_MEMBERS };
    told(cho, owner, accepting, PersonalNoticeKind::ApplicationAccepted, owner);
    invite(store, group, owner, dan);
    told(owner, dan, GroupDeed::RefuseInvitation, PersonalNoticeKind::InvitationRefused, dan);
    invite(store, group, owner, dan);
    let accepting = GroupDeed::AcceptInvitation { limits: MANY_MEMBERS };
    told(owner, dan, accepting, PersonalNoticeKind::InvitationAccepted, dan);
}

pub(super) fn waiting_is_limited(store: &dyn Store) {
    let (group, owner) = closed(store, Joining::Approval);
    let (other, other_owner) = closed(store, Joining::Approval);
    let [cho, dan] = users(store);
    for user in [cho, dan] {
        befriend(store, user, owner);
        befriend(store, user, other_owner);
    }
    let one_each = GroupLimits { requests: 1, requests_per_user: 1, ..MANY_MEMBERS };
    make(store, group, cho, joining("", one_each));
    assert_eq!(refused(store, group, dan, joining("", one_each)), ChangeRefused::Full, "the group");
    assert_eq!(refused(store, other, cho, joining("", one_each)), ChangeRefused::Full, "the user");
    let inviting = |user| GroupDeed::Invite { user, limits: one_each };
    make(store, group, owner, inviting(dan));
    let eve = friend_of(store, owner);
    assert_eq!(refused(store, group, owner, inviting(eve)), ChangeRefused::Full, "the group");
    assert_eq!(refused(store, other, other_owner, inviting(dan)), ChangeRefused::Full, "the user");
    // What may come in at once need not wait.
    make(store, group, owner, GroupDeed::Invite { user: cho, limits: one_each });
    assert!(is_member(store, group, cho));
}

pub(super) fn a_full_group_lets_nobody_in_and_they_wait_on(store: &dyn Store) {
    let (group, owner) = closed(store, Joining::Approval);
    let cho = friend_of(store, owner);
    apply(store, group, cho);
    for limits in [GroupLimits { members: 1, ..MANY_MEMBERS }, GroupLimits { groups: 0, ..MANY_MEMBERS }] {
        let accepting = GroupDeed::AcceptApplication { user: cho, limits };
        assert_eq!(refused(store, group, owner, accepting), ChangeRefused::Full);
        assert_eq!(
            refused(store, group, owner, GroupDeed::Invite { user: cho, limits }),
            ChangeRefused::Full
        );
    }
    assert!(store.waiting(group, cho).unwrap().application.is_some());
}

pub(super) fn nobody_waits_before_a_dissolved_group(store: &dyn Store) {
    for leaves in [false, true] {
        let (group, owner) = closed(store, Joining::Approval);
        let (cho, dan) = (user(store), friend_of(store, owner));
        apply(store, group, cho);
        invite(store, group, owner, dan);
        make(store, group, owner, if leaves { GroupDeed::Leave } else { GroupDeed::Dissolve });
        for user in [cho, dan] {
            assert_eq!(store.waiting(group, user).unwrap(), Waiting::default());
        }
        assert_eq!(applied(store, ApplicationsOf::User(cho)), []);
        assert_eq!(store.invitations(dan, GroupId(0), 10).unwrap(), []);
        let gone = if leaves { ChangeRefused::NoSuchGroup } else { ChangeRefused::Dissolved };
        assert_eq!(refused(store, group, cho, joining("", MANY_MEMBERS)), gone);
    }
}

pub(super) fn applications_are_paged_by_group_and_user(store: &dyn Store) {
    let owner = user(store);
    let mut all = Vec::new();
    let mut groups = Vec::new();
    for _ in 0..2 {
        let id = group(store, owner);
        let edit = GroupEdit { joining: Some(Joining::Approval), ..GroupEdit::default() };
        make(store, id, owner, GroupDeed::Edit(edit));
        groups.push(id);
        for user in users::<3>(store) {
            apply(store, id, user);
            all.push((id, user));
        }
    }
    // An own application stands among them.
    let (elsewhere, _) = closed(store, Joining::Approval);
    apply(store, elsewhere, owner);
    all.push((elsewhere, owner));
    for limit in [1, 2, 3, 10] {
        let (mut found, mut after) = (Vec::new(), (GroupId(0), UserId(0)));
        loop {
            let page = store.applications(ApplicationsOf::User(owner), after, limit).unwrap();
            assert!(page.len() <= limit as usize);
            let Some(last) = page.last() else { break };
            after = (last.group, last.user.id);
            found.extend(page.iter().map(|application| (application.group, application.user.id)));
        }
        assert_eq!(found, all, "{limit} a page");
    }
    let of_one = |after| {
        let page = store.applications(ApplicationsOf::Group(groups[1]), after, 2).unwrap();
        page.into_iter().map(|application| application.user.id).collect::<Vec<_>>()
    };
    assert_eq!(of_one((GroupId(0), UserId(NUMBER_MAX))), [all[3].1, all[4].1], "of an earlier group");
    assert_eq!(of_one((groups[1], all[4].1)), [all[5].1]);
    assert_eq!(of_one((elsewhere, UserId(0))), []);
}

pub(super) fn what_waits_for_a_user_is_counted(store: &dyn Store) {
    let (group, owner) = closed(store, Joining::Approval);
    let admin = friend_of(store, owner);
    invite(store, group, owner, admin);
    let counts = |user| {
        let WaitingCounts { applications, invitations } = store.standing(user, SessionId(0)).unwrap().waiting;
        (applications, invitations)
    };
    assert_eq!((counts(admin), counts(owner)), ((0, 1), (0, 0)));
    make(store, group, admin, GroupDeed::AcceptInvitation { limits: MANY_MEMBERS });
    let applicants: [UserId; 3] = users(store);
    applicants.iter().for_each(|user| apply(store, group, *user));
    assert_eq!(counts(owner), (3, 0));
    assert_eq!(counts(admin), (0, 0), "a member decides nothing");
    make(store, group, owner, GroupDeed::SetRole(admin, Rank::Admin));
    assert_eq!(counts(admin), (3, 0));
    assert_eq!(counts(applicants[0]), (0, 0), "one's own wait for others");
    for _ in 0..WAITING_COUNTED_MAX {
        apply(store, group, user(store));
    }
    assert_eq!(counts(owner), (WAITING_COUNTED_MAX, 0), "not counted further");
}

pub(super) fn greetings_come_back_as_they_were(store: &dyn Store) {
    let (group, owner) = closed(store, Joining::Approval);
    for greeting in ["' OR 1=1; DROP TABLE users; --", "你好 🧗 \u{10ffff}", "\"\\%_`", &"😀".repeat(200)]
    {
        let cho = user(store);
        make(store, group, cho, joining(greeting, MANY_MEMBERS));
        let page = store.applications(ApplicationsOf::User(cho), (GroupId(0), UserId(0)), 10).unwrap();
        assert_eq!(page[0].greeting, greeting);
        make(store, group, owner, GroupDeed::RefuseApplication(cho));
    }
}

pub(super) fn nobody_waits_before_nothing(store: &dyn Store) {
    let [ann, bob] = users(store);
    let open = group(store, ann);
    for nowhere in [GroupId(0), GroupId(open.0 + 1_000_000_000)] {
        for deed in [
            GroupDeed::WithdrawApplication,
            GroupDeed::RefuseInvitation,
            GroupDeed::AcceptInvitation { limits: MANY_MEMBERS },
        ] {
            let everywhere = [nowhere, open].map(|group| refused(store, group, bob, deed.clone()));
            assert_eq!(everywhere, [ChangeRefused::Not(Why::NotFound); 2], "nothing is learnt of groups");
        }
        for deed in [
            GroupDeed::RefuseApplication(bob),
            GroupDeed::WithdrawInvitation(bob),
            GroupDeed::Invite { user: bob, limits: MANY_MEMBERS },
        ] {
            let everywhere = [nowhere, open].map(|group| refused(store, group, bob, deed.clone()));
            assert_eq!(everywhere, [ChangeRefused::Not(Why::NotMember); 2], "{deed:?}");
        }
        assert_eq!(store.waiting(nowhere, bob).unwrap(), Waiting::default());
        assert_eq!(applied(store, ApplicationsOf::Group(nowhere)), []);
    }
}
