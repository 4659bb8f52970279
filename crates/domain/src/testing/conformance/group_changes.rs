//! Changes of groups: what they do, what the conversation says of them, and what is refused.

use super::cast::{
    BIG_PAGE, MANY_MEMBERS, append, change, group, join, leave_group, log, message, say, user, users,
};
use crate::policy::{GROUP, GroupAct, Standing, Why, in_group};
use crate::{
    AppendRefused, ChangeRefused, GroupChange, GroupChanged, GroupDeed, GroupEdit, GroupId, GroupProfile,
    GroupState, Joining, MessageKind, Novelty, Rank, Role, Seq, Store, StoreError, Timestamp, UserId, Window,
};

/// Makes a change that must be allowed.
pub(super) fn make(store: &dyn Store, group: GroupId, actor: UserId, deed: GroupDeed) -> GroupChanged {
    let change = change(group, actor, deed);
    store.change_group(&change).unwrap().unwrap_or_else(|why| panic!("{:?}: {why:?}", change.deed))
}

fn refused(store: &dyn Store, group: GroupId, actor: UserId, deed: GroupDeed) -> ChangeRefused {
    let change = change(group, actor, deed);
    store.change_group(&change).unwrap().expect_err("it was allowed")
}

fn role(store: &dyn Store, group: GroupId, user: UserId) -> Option<Role> {
    store.membership(group, user).unwrap().map(|place| place.role)
}

/// A group with an owner, two admins and two members, in this order.
pub(super) fn led(store: &dyn Store) -> (GroupId, [UserId; 5]) {
    let all: [UserId; 5] = users(store);
    let group = group(store, all[0]);
    for user in &all[1..] {
        join(store, group, *user);
    }
    for admin in &all[1..3] {
        make(store, group, all[0], GroupDeed::SetRole(*admin, Rank::Admin));
    }
    (group, all)
}

pub(super) fn a_change_stands_in_the_conversation(store: &dyn Store) {
    let [ann, bob] = users(store);
    let group = group(store, ann);
    say(store, group.conversation(), ann, "before");
    let joining = change(group, bob, GroupDeed::Join { greeting: String::new(), limits: MANY_MEMBERS });
    let changed = store.change_group(&joining).unwrap().unwrap();
    let place = changed.place.unwrap();
    assert_eq!((place.seq, place.time, place.novelty), (Seq(2), joining.at, Novelty::New));
    assert_eq!((changed.members, changed.roster), (2, store.roster(group).unwrap().version));
    assert_eq!(say(store, group.conversation(), bob, "after"), Seq(3));
    let said = &log(store, group.conversation())[1];
    assert_eq!((said.sender, said.kind, &said.body), (bob, MessageKind::System, &joining.event));
    assert_eq!(said.client_msg_id, joining.change_id);
    let found = store.find_message(bob, &joining.change_id).unwrap().unwrap();
    assert_eq!((found.seq, found.novelty), (Seq(2), Novelty::Repeat));
}

pub(super) fn a_repeated_change_is_made_once(store: &dyn Store) {
    let (id, [owner, admin, ..]) = led(store);
    let newcomer = user(store);
    let joining = change(id, newcomer, GroupDeed::Join { greeting: String::new(), limits: MANY_MEMBERS });
    let first = store.change_group(&joining).unwrap().unwrap();
    make(store, id, owner, GroupDeed::SetRole(admin, Rank::Member));
    let version = store.roster(id).unwrap().version;
    let said = log(store, id.conversation()).len();
    for later in [joining.at, Timestamp(joining.at.0 + 1)] {
        let again = store.change_group(&GroupChange { at: later, ..joining.clone() }).unwrap().unwrap();
        let place = again.place.unwrap();
        assert_eq!((place.seq, place.time), (first.place.unwrap().seq, joining.at));
        assert_eq!(place.novelty, Novelty::Repeat);
        assert_eq!((again.members, again.roster), (6, version), "as it stands now");
        assert_eq!(again.effects, [], "nothing was written");
        assert_eq!(again.actor, first.actor);
    }
    assert_eq!((store.roster(id).unwrap().version, log(store, id.conversation()).len()), (version, said));
    // An id that stands for something said elsewhere stands for no change here.
    let other = group(store, newcomer);
    let elsewhere = GroupChange { group: other, deed: GroupDeed::MuteAll(Timestamp(9)), ..joining };
    let outcome = store.change_group(&elsewhere);
    assert!(matches!(outcome, Err(StoreError::Failed { .. })), "{outcome:?}");
    assert_eq!(store.group_profile(other).unwrap().unwrap().muted_until, Timestamp(0));
}

pub(super) fn what_is_refused_leaves_no_trace(store: &dyn Store) {
    let (group, [owner, admin, _, member, _]) = led(store);
    let outsider = user(store);
    let before = (store.roster(group).unwrap(), log(store, group.conversation()));
    let profile = store.group_profile(group).unwrap();
    let not = ChangeRefused::Not;
    for (actor, deed, why) in [
        (outsider, GroupDeed::Remove(member), not(Why::NotMember)),
        (member, GroupDeed::Remove(admin), not(Why::NotAllowed)),
        (admin, GroupDeed::Remove(owner), not(Why::NotAllowed)),
        (owner, GroupDeed::Remove(outsider), not(Why::NotFound)),
        (owner, GroupDeed::Remove(UserId(0)), not(Why::NotFound)),
        (owner, GroupDeed::Remove(owner), not(Why::NotAllowed)),
        (owner, GroupDeed::HandOver(owner), not(Why::NotAllowed)),
        (owner, GroupDeed::Leave, not(Why::OwnerStays)),
        (member, GroupDeed::Join { greeting: String::new(), limits: MANY_MEMBERS }, not(Why::AlreadyMember)),
    ] {
        assert_eq!(refused(store, group, actor, deed.clone()), why, "{actor}: {deed:?}");
    }
    for nowhere in [GroupId(0), GroupId(group.0 + 1_000_000_000)] {
        assert_eq!(refused(store, nowhere, owner, GroupDeed::Dissolve), not(Why::NotMember));
        let joining = GroupDeed::Join { greeting: String::new(), limits: MANY_MEMBERS };
        assert_eq!(refused(store, nowhere, owner, joining), ChangeRefused::NoSuchGroup);
        assert_eq!(store.group_profile(nowhere).unwrap(), None);
    }
    assert_eq!((store.roster(group).unwrap(), log(store, group.conversation())), before);
    assert_eq!(store.group_profile(group).unwrap(), profile);
}

pub(super) fn every_cell_of_the_table(store: &dyn Store) {
    fn deeds(target: UserId) -> Vec<GroupDeed> {
        vec![
            GroupDeed::Leave,
            GroupDeed::Remove(target),
            GroupDeed::SetRole(target, Rank::Admin),
            GroupDeed::SetRole(target, Rank::Member),
            GroupDeed::HandOver(target),
            GroupDeed::Dissolve,
            GroupDeed::Edit(GroupEdit { name: Some("new".into()), ..GroupEdit::default() }),
            GroupDeed::Mute(target, Timestamp(u64::from(u32::MAX))),
            GroupDeed::MuteAll(Timestamp(7)),
        ]
    }
    let standing = [Standing::Owner, Standing::Admin, Standing::Admin, Standing::Member, Standing::Member];
    for n in 0..deeds(UserId(0)).len() {
        for actor in 0..=standing.len() {
            for target in 0..=standing.len() {
                let (group, all) = led(store);
                let outsider = user(store);
                let who =
                    |n: usize| all.get(n).map_or((outsider, Standing::Outsider), |user| (*user, standing[n]));
                let ((actor, actors), (target, targets)) = (who(actor), who(target));
                let deed = deeds(target).swap_remove(n);
                let expected = in_group(deed.act(), actors, targets).map_err(ChangeRefused::Not);
                let outcome = store.change_group(&change(group, actor, deed.clone())).unwrap();
                assert_eq!(outcome.map(drop), expected, "{actors:?} {deed:?} on {targets:?}");
            }
        }
    }
    let tested = deeds(UserId(0)).iter().map(GroupDeed::act).collect::<Vec<_>>();
    for (act, _) in GROUP {
        let elsewhere = matches!(
            act,
            GroupAct::Speak
                | GroupAct::SpeakWhileMuted
                | GroupAct::Look
                | GroupAct::Join
                | GroupAct::InviteToOpen
                | GroupAct::InviteToClosed
                | GroupAct::Decide
                | GroupAct::Recall
                | GroupAct::RecallOfOthers
                | GroupAct::MentionEverybody
        );
        assert!(elsewhere || tested.contains(act), "{act:?} is not tested");
    }
}

pub(super) fn roles_and_mutings_stand_in_the_roster(store: &dyn Store) {
    let (group, [owner, admin, _, member, _]) = led(store);
    let entry = |user| {
        let roster = store.roster(group).unwrap();
        let entry = roster.members.iter().find(|entry| entry.user == user).unwrap();
        assert_eq!(Some(entry.place), store.membership(group, user).unwrap());
        (roster.version.0, entry.place.role, entry.place.muted_until)
    };
    let (version, ..) = entry(member);
    make(store, group, admin, GroupDeed::Mute(member, Timestamp(77)));
    assert_eq!(entry(member), (version + 1, Role::Member, Timestamp(77)));
    make(store, group, owner, GroupDeed::SetRole(member, Rank::Admin));
    assert_eq!(entry(member), (version + 2, Role::Admin, Timestamp(0)), "appointing ends a muting");
    make(store, group, owner, GroupDeed::SetRole(member, Rank::Member));
    make(store, group, admin, GroupDeed::MuteAll(Timestamp(88)));
    assert_eq!(entry(member).0, version + 4);
    assert_eq!(store.roster(group).unwrap().muted_until, Timestamp(88));
    make(store, group, admin, GroupDeed::MuteAll(Timestamp(0)));
    assert_eq!(store.roster(group).unwrap().muted_until, Timestamp(0));
    let shown = store.members(group, UserId(0), 10).unwrap();
    let roles: Vec<Role> = shown.into_iter().map(|member| member.role).collect();
    assert_eq!(roles, [Role::Owner, Role::Admin, Role::Admin, Role::Member, Role::Member]);
}

pub(super) fn a_removed_member_is_none(store: &dyn Store) {
    let (group, [_, admin, _, member, _]) = led(store);
    let changed = make(store, group, admin, GroupDeed::Remove(member));
    assert_eq!(changed.members, 4);
    assert_eq!(store.membership(group, member).unwrap(), None);
    assert_eq!(store.groups(member, GroupId(0), 10).unwrap(), []);
    assert_eq!(store.conversation(member, group.conversation()).unwrap(), None);
    assert_eq!(store.group(group).unwrap().unwrap().members, 4);
    let since = join(store, group, member);
    assert_eq!(since, changed.place.unwrap().seq, "who comes back begins anew");
    assert_eq!(role(store, group, member), Some(Role::Member));
}

pub(super) fn an_owner_hands_over(store: &dyn Store) {
    let (group, [owner, admin, _, member, _]) = led(store);
    make(store, group, owner, GroupDeed::HandOver(member));
    assert_eq!(role(store, group, owner), Some(Role::Admin));
    assert_eq!(role(store, group, member), Some(Role::Owner));
    assert_eq!(refused(store, group, owner, GroupDeed::Dissolve), ChangeRefused::Not(Why::NotAllowed));
    make(store, group, member, GroupDeed::SetRole(admin, Rank::Member));
    make(store, group, owner, GroupDeed::Leave);
    let owners = store.roster(group).unwrap().members;
    let owners: Vec<UserId> =
        owners.iter().filter(|entry| entry.place.role == Role::Owner).map(|entry| entry.user).collect();
    assert_eq!(owners, [member]);
}

pub(super) fn a_dissolved_group_is_silent_and_readable(store: &dyn Store) {
    let (group, [owner, admin, _, member, other]) = led(store);
    let conversation = group.conversation();
    let first = message(conversation, member, "before");
    append(store, std::slice::from_ref(&first));
    let last = make(store, group, owner, GroupDeed::Dissolve).place.unwrap().seq;
    assert_eq!(log(store, conversation).last().map(|message| message.seq), Some(last));
    let outcome = store.append(&[message(conversation, member, "after"), first.clone()]).unwrap();
    assert_eq!(outcome[0], Err(AppendRefused::Closed));
    let repeat = outcome[1].expect("a repeat is answered as before");
    assert_eq!((repeat.novelty, repeat.seq), (Novelty::Repeat, Seq(last.0 - 1)));
    // Beside what is closed, others are heard.
    let open = self::group(store, owner);
    let both = [message(conversation, member, "no"), message(open.conversation(), owner, "yes")];
    let outcome = store.append(&both).unwrap();
    assert_eq!((outcome[0], outcome[1].map(|place| place.seq)), (Err(AppendRefused::Closed), Ok(Seq(1))));

    for user in [owner, admin, member, other] {
        let own = &store.groups(user, GroupId(0), 10).unwrap()[0];
        assert_eq!((own.group.id, own.group.state), (group, GroupState::Dissolved));
        let seen = store.conversation(user, conversation).unwrap().expect("it can be read");
        assert_eq!(seen.last, last);
    }
    assert_eq!(store.roster(group).unwrap().state, GroupState::Dissolved);
    assert_eq!(store.group(group).unwrap().unwrap().state, GroupState::Dissolved);
    let joining = GroupDeed::Join { greeting: String::new(), limits: MANY_MEMBERS };
    assert_eq!(refused(store, group, user(store), joining), ChangeRefused::Dissolved);
    assert_eq!(refused(store, group, owner, GroupDeed::Remove(member)), ChangeRefused::Dissolved);
    assert_eq!(refused(store, group, owner, GroupDeed::Dissolve), ChangeRefused::Dissolved);
    // One after the other takes it off their list, the owner too.
    let left = make(store, group, owner, GroupDeed::Leave);
    assert_eq!((left.place, left.members), (None, 4), "nothing is said any more");
    assert!(store.groups(owner, GroupId(0), 10).unwrap().iter().all(|own| own.group.id != group));
    for (n, user) in store.roster(group).unwrap().members.iter().map(|entry| entry.user).enumerate() {
        assert_eq!(make(store, group, user, GroupDeed::Leave).members, 3 - n as u32);
    }
    assert_eq!(store.group(group).unwrap(), None);
    assert_eq!(log(store, conversation).last().map(|message| message.seq), Some(last));
}

pub(super) fn a_profile_is_edited_field_by_field(store: &dyn Store) {
    let (group, [owner, admin, ..]) = led(store);
    let mut expected = store.group_profile(group).unwrap().unwrap();
    let plain = GroupProfile { name: "group".into(), ..GroupProfile::default() };
    assert_eq!(expected, plain, "as it was opened");
    let version = store.roster(group).unwrap().version;
    let none = GroupEdit::default;
    for edit in [
        GroupEdit { name: Some("climbers".into()), ..none() },
        GroupEdit { description: Some("on Sundays".into()), ..none() },
        GroupEdit { announcement: Some("bring a rope".into()), avatar: Some("a/1".into()), ..none() },
        GroupEdit { joining: Some(Joining::Approval), ..none() },
        GroupEdit { joining: Some(Joining::Invitation), announcement: Some(String::new()), ..none() },
    ] {
        let set = |field: &mut String, value: &Option<String>| {
            if let Some(value) = value {
                *field = value.clone();
            }
        };
        set(&mut expected.name, &edit.name);
        set(&mut expected.description, &edit.description);
        set(&mut expected.announcement, &edit.announcement);
        set(&mut expected.avatar, &edit.avatar);
        expected.joining = edit.joining.unwrap_or(expected.joining);
        let changed = make(store, group, admin, GroupDeed::Edit(edit));
        assert_eq!(changed.profile, expected);
        assert_eq!(store.group_profile(group).unwrap().unwrap(), expected);
    }
    let shown = store.group(group).unwrap().unwrap();
    assert_eq!((shown.name, shown.description), (expected.name, expected.description));
    assert_eq!(store.groups(owner, GroupId(0), 10).unwrap()[0].group.name, "climbers");
    assert_eq!(store.roster(group).unwrap().version, version, "no roster shows a profile");
}

pub(super) fn profiles_hold_any_text(store: &dyn Store) {
    let (group, [owner, ..]) = led(store);
    for text in ["'; DROP TABLE chat_groups; --", "\u{1f9d7}\u{200d}\u{2640}", "a\0b", "100%_\\", "😀"] {
        let long = text.repeat(10);
        let edit = GroupEdit {
            name: Some(text.into()),
            description: Some(long.clone()),
            announcement: Some(long.clone()),
            avatar: Some(text.into()),
            joining: None,
        };
        make(store, group, owner, GroupDeed::Edit(edit));
        let profile = store.group_profile(group).unwrap().unwrap();
        assert_eq!((profile.name.as_str(), profile.avatar.as_str()), (text, text));
        assert_eq!((&profile.description, &profile.announcement), (&long, &long));
    }
}

pub(super) fn what_changes_nothing_is_not_told(store: &dyn Store) {
    let (group, [owner, admin, _, member, _]) = led(store);
    let before = (store.roster(group).unwrap(), log(store, group.conversation()).len());
    for deed in [
        GroupDeed::SetRole(admin, Rank::Admin),
        GroupDeed::SetRole(member, Rank::Member),
        GroupDeed::Mute(member, Timestamp(0)),
        GroupDeed::MuteAll(Timestamp(0)),
        GroupDeed::Edit(GroupEdit::default()),
        GroupDeed::Edit(GroupEdit { name: Some("group".into()), ..GroupEdit::default() }),
    ] {
        let changed = make(store, group, owner, deed);
        assert_eq!((changed.place, changed.effects), (None, vec![]));
    }
    assert_eq!((store.roster(group).unwrap(), log(store, group.conversation()).len()), before);
    assert_eq!(leave_group(store, group, member), super::cast::Left::Gone { members: 4 });
    let page = store.page(group.conversation(), Seq(0), Window::Newest, BIG_PAGE).unwrap();
    assert_eq!(page.last().map(|message| message.kind), Some(MessageKind::System));
}
