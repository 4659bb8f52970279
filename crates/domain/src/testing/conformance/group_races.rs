//! Changes of one group that meet: each is judged by what the ones before it left.

use super::cast::{MANY_MEMBERS, change, join, log, message, user};
use super::group_changes::{led, make};
use super::races::{ROUNDS, at_once};
use crate::policy::Why;
use crate::{
    AppendRefused, ChangeRefused, GroupDeed, GroupId, MessageKind, Novelty, Rank, Role, Store, Timestamp,
    UserId,
};

type Outcome = Result<(), ChangeRefused>;

/// Makes these changes at the same moment.
fn meet(store: &dyn Store, group: GroupId, deeds: &[(UserId, GroupDeed)]) -> Vec<Outcome> {
    at_once(deeds.len(), |n| {
        let (actor, deed) = &deeds[n];
        store.change_group(&change(group, *actor, deed.clone())).unwrap().map(drop)
    })
}

fn owners(store: &dyn Store, group: GroupId) -> Vec<UserId> {
    let members = store.roster(group).unwrap().members;
    members.iter().filter(|entry| entry.place.role == Role::Owner).map(|entry| entry.user).collect()
}

pub(super) fn the_owner_leaves_while_handing_over(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let (group, [owner, admin, ..]) = led(store);
        let did = meet(store, group, &[(owner, GroupDeed::Leave), (owner, GroupDeed::HandOver(admin))]);
        assert_eq!(did[1], Ok(()), "he is owner until he hands over");
        assert_eq!(owners(store, group), [admin], "the group has one owner");
        let stays = store.membership(group, owner).unwrap().is_some();
        let expected = if stays { Err(ChangeRefused::Not(Why::OwnerStays)) } else { Ok(()) };
        assert_eq!(did[0], expected);
    }
    for _ in 0..ROUNDS {
        let (group, [owner, admin, ..]) = led(store);
        let did = meet(store, group, &[(admin, GroupDeed::Leave), (owner, GroupDeed::HandOver(admin))]);
        let expected: [Outcome; 2] = match store.membership(group, admin).unwrap() {
            Some(_) => [Err(ChangeRefused::Not(Why::OwnerStays)), Ok(())],
            None => [Ok(()), Err(ChangeRefused::Not(Why::NotFound))],
        };
        assert_eq!(did, expected);
        assert_eq!(owners(store, group).len(), 1, "never without an owner, never with two");
    }
}

pub(super) fn two_admins_remove_each_other(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let (group, [owner, admin, second, ..]) = led(store);
        let did =
            meet(store, group, &[(admin, GroupDeed::Remove(second)), (second, GroupDeed::Remove(admin))]);
        assert_eq!(did, [Err(ChangeRefused::Not(Why::NotAllowed)); 2], "nobody puts out an equal");
        // One becomes owner at that moment: then only one of them can be put out.
        let did = meet(
            store,
            group,
            &[
                (owner, GroupDeed::HandOver(admin)),
                (admin, GroupDeed::Remove(second)),
                (second, GroupDeed::Remove(admin)),
            ],
        );
        assert_eq!(did[0], Ok(()));
        // An equal, then the owner; or out already.
        let too_low = [Why::NotAllowed, Why::NotMember].map(|why| Err(ChangeRefused::Not(why)));
        assert!(too_low.contains(&did[2]), "{did:?}");
        assert_eq!(store.membership(group, second).unwrap().is_none(), did[1].is_ok());
        assert_eq!(owners(store, group), [admin]);
        let members = store.group(group).unwrap().unwrap().members;
        assert_eq!(members as usize, store.roster(group).unwrap().members.len());
    }
}

pub(super) fn a_dismissed_admin_acts_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let (group, [owner, admin, _, member, _]) = led(store);
        let did = meet(
            store,
            group,
            &[(owner, GroupDeed::SetRole(admin, Rank::Member)), (admin, GroupDeed::Remove(member))],
        );
        assert_eq!(did[0], Ok(()));
        let log = log(store, group.conversation());
        let at = |sender: UserId| log.iter().rposition(|message| message.sender == sender).unwrap();
        match did[1] {
            Ok(()) => assert!(at(admin) < at(owner), "what a dismissed admin did, they did before"),
            Err(why) => assert_eq!(why, ChangeRefused::Not(Why::NotAllowed)),
        }
        assert_eq!(store.membership(group, member).unwrap().is_none(), did[1].is_ok());
    }
}

pub(super) fn a_group_is_dissolved_while_others_talk(store: &dyn Store) {
    const TALKERS: usize = 4;
    for _ in 0..ROUNDS {
        let (group, all) = led(store);
        let conversation = group.conversation();
        let said = at_once(TALKERS + 1, |n| {
            if n == TALKERS {
                return vec![Ok(make(store, group, all[0], GroupDeed::Dissolve).place.unwrap().seq)];
            }
            let say = |i| {
                let outcome = store.append(&[message(conversation, all[n + 1], &format!("{n}/{i}"))]);
                outcome.unwrap()[0].map(|place| place.seq)
            };
            (0..20).map(say).collect()
        });
        let log = log(store, conversation);
        let last = log.last().unwrap();
        assert_eq!((last.kind, Ok(last.seq)), (MessageKind::System, said[TALKERS][0]), "it is the last word");
        for (n, outcomes) in said[..TALKERS].iter().enumerate() {
            let stored = outcomes.iter().take_while(|outcome| outcome.is_ok()).count();
            assert!(outcomes[stored..].iter().all(|outcome| *outcome == Err(AppendRefused::Closed)));
            let found = log.iter().filter(|m| m.kind == MessageKind::Text && m.sender == all[n + 1]).count();
            assert_eq!(found, stored, "what was answered stands before it, and nothing else");
        }
    }
}

pub(super) fn seqs_have_no_holes_while_groups_change(store: &dyn Store) {
    let (group, all) = led(store);
    let conversation = group.conversation();
    let newcomers = [user(store), user(store)];
    let before = log(store, conversation).len();
    let versions = at_once(4, |n| {
        (0..10)
            .map(|round| match n {
                0 | 1 => {
                    join(store, group, newcomers[n]);
                    make(store, group, all[1], GroupDeed::Remove(newcomers[n])).roster.0
                }
                2 => make(store, group, all[0], GroupDeed::Mute(all[3], Timestamp(round + 1))).roster.0,
                _ => store.append(&[message(conversation, all[4], "talk")]).unwrap()[0].unwrap().roster.0,
            })
            .collect::<Vec<_>>()
    });
    assert!(versions.iter().all(|versions| versions.is_sorted()), "{versions:?}");
    assert_eq!(log(store, conversation).len() - before, 2 * 10 * 2 + 10 + 10);
    assert_eq!(store.roster(group).unwrap().members.len(), 5);
}

pub(super) fn one_change_made_many_times_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let (group, ..) = led(store);
        let joining =
            change(group, user(store), GroupDeed::Join { greeting: String::new(), limits: MANY_MEMBERS });
        let made = at_once(4, |_| store.change_group(&joining).unwrap().unwrap());
        let places: Vec<_> = made.iter().map(|made| made.place.unwrap()).collect();
        assert_eq!(places.iter().filter(|place| place.novelty == Novelty::New).count(), 1, "{places:?}");
        assert!(places.iter().all(|place| place.seq == places[0].seq));
        assert_eq!(store.group(group).unwrap().unwrap().members, 6);
    }
}
