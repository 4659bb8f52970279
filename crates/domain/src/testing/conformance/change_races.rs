//! Changes of messages that meet: one order for all, and a text that was taken back never returns.

use super::cast::{change, count_to, group, join, log, say, two_friends, users};
use super::changes::{asked, edit, feed};
use super::group_changes::led;
use super::races::{ROUNDS, at_once};
use crate::policy::Why;
use crate::{GroupDeed, MessageChangeRefused, MessageDeed, Novelty, Seq, Store};

pub(super) fn an_edit_and_a_recall_at_once(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    for _ in 0..ROUNDS {
        let seq = say(store, conversation, ann, "first");
        let deeds = [edit("second"), MessageDeed::Recall];
        let did = at_once(2, |n| {
            let change = asked(conversation, seq, ann, deeds[n].clone(), 1);
            store.change_message(&change).unwrap()
        });
        let recalled = did[1].as_ref().expect("a recall comes in time, edited or not");
        match &did[0] {
            Ok(edited) => assert!(edited.position < recalled.position),
            Err(why) => assert_eq!(*why, MessageChangeRefused::TooLate),
        }
        let message = &log(store, conversation)[seq.0 as usize - 1];
        assert_eq!((&message.body[..], message.recalled.is_some()), ("", true));
        assert_eq!(feed(store, conversation).last(), Some(&(recalled.position.0, message.clone())));
    }
}

pub(super) fn two_admins_recall_one_message_at_once(store: &dyn Store) {
    let (group, [_, admin, second, member, _]) = led(store);
    let conversation = group.conversation();
    for _ in 0..ROUNDS {
        let seq = say(store, conversation, member, "something");
        let did = at_once(2, |n| {
            let actor = [admin, second][n];
            store.change_message(&asked(conversation, seq, actor, MessageDeed::Recall, 1)).unwrap().unwrap()
        });
        let new = did.iter().filter(|outcome| outcome.novelty == Novelty::New).count();
        assert_eq!(new, 1, "one of them did it");
        assert_eq!(did[0].position, did[1].position);
        assert_eq!(did[0].message, did[1].message, "both hear who it was");
    }
}

pub(super) fn a_recall_while_its_actor_leaves(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let [owner, member] = users(store);
        let group = group(store, owner);
        join(store, group, member);
        let seq = say(store, group.conversation(), member, "goodbye");
        let recall = asked(group.conversation(), seq, member, MessageDeed::Recall, 1);
        let recalled = at_once(2, |n| match n {
            0 => Some(store.change_message(&recall).unwrap()),
            _ => {
                store.change_group(&change(group, member, GroupDeed::Leave)).unwrap().unwrap();
                None
            }
        });
        let text = &log(store, group.conversation())[seq.0 as usize - 1].body;
        match recalled[0].as_ref().unwrap() {
            Ok(_) => assert_eq!(text, ""),
            Err(why) => assert_eq!((*why, &text[..]), (MessageChangeRefused::NotFound, "goodbye")),
        }
    }
    for _ in 0..ROUNDS {
        let (group, [owner, admin, _, member, _]) = led(store);
        let seq = say(store, group.conversation(), member, "something");
        let recall = asked(group.conversation(), seq, admin, MessageDeed::Recall, 1);
        let recalled = at_once(2, |n| match n {
            0 => Some(store.change_message(&recall).unwrap()),
            _ => {
                let removal = change(group, owner, GroupDeed::Remove(admin));
                store.change_group(&removal).unwrap().unwrap();
                None
            }
        });
        let text = &log(store, group.conversation())[seq.0 as usize - 1].body;
        match recalled[0].as_ref().unwrap() {
            Ok(_) => assert_eq!(text, ""),
            Err(why) => {
                assert!(
                    [MessageChangeRefused::NotFound, MessageChangeRefused::Not(Why::NotMember)].contains(why)
                );
                assert_eq!(text, "something");
            }
        }
    }
}

pub(super) fn positions_have_one_order(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    count_to(store, conversation, ann, 8);
    let did = at_once(8, |n| {
        let seq = Seq(n as u64 + 1);
        let mut positions = Vec::new();
        for round in 0..ROUNDS {
            let change = asked(conversation, seq, ann, edit(&format!("{n} {round}")), 1);
            positions.push(store.change_message(&change).unwrap().unwrap().position.0);
            say(store, conversation, bob, "meanwhile");
        }
        assert!(positions.is_sorted(), "each is later than the one before");
        positions
    });
    let mut all: Vec<u64> = did.iter().flatten().copied().collect();
    all.sort_unstable();
    assert!(all.iter().copied().eq(1..=8 * ROUNDS as u64), "each was given once, without holes: {all:?}");
    let feed = feed(store, conversation);
    assert!(feed.is_sorted_by_key(|(position, _)| *position));
    assert_eq!(feed.len(), 8, "each message once");
    for (n, positions) in did.iter().enumerate() {
        let (position, message) =
            feed.iter().find(|(_, message)| message.seq.0 == n as u64 + 1).expect("it was changed");
        assert_eq!(Some(position), positions.last(), "at its last change");
        assert_eq!(message.body, format!("{n} {}", ROUNDS - 1));
    }
    log(store, conversation);
}
