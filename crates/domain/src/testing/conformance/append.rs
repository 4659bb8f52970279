//! Appending to the log.

use super::cast::{
    Left, NOW, append, befriend, group, join, leave_group, log, message, say, two_friends, unique, users,
};
use crate::{
    AppendRefused, Appended, ConversationId, NewMessage, Novelty, RosterVersion, Seq, Store, Timestamp,
};

/// In a conversation of two, which has no roster.
fn new(conversation: ConversationId, seq: u64) -> Appended {
    Appended { conversation, seq: Seq(seq), time: NOW, novelty: Novelty::New, roster: RosterVersion(0) }
}

fn repeat(conversation: ConversationId, seq: u64) -> Appended {
    Appended { novelty: Novelty::Repeat, ..new(conversation, seq) }
}

fn later(message: &NewMessage, body: &str) -> NewMessage {
    NewMessage { time: Timestamp(NOW.0 + 60_000), body: body.to_owned(), ..message.clone() }
}

pub(super) fn seqs_are_consecutive_in_the_order_of_the_batch(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let (ab, ac) = (befriend(store, ann, bob), befriend(store, ann, cho));
    let grp = group(store, bob).conversation();
    let batch = [
        message(ac, cho, "c1"),
        message(ab, ann, "b1"),
        message(grp, bob, "g1"),
        message(ab, bob, "b2"),
        message(ac, ann, "c2"),
        message(ab, ann, "b3"),
    ];
    let in_group = Appended { roster: RosterVersion(1), ..new(grp, 1) };
    let places = [new(ac, 1), new(ab, 1), in_group, new(ab, 2), new(ac, 2), new(ab, 3)];
    assert_eq!(append(store, &batch), places);
    assert_eq!(append(store, &[message(ab, ann, "b4")]), [new(ab, 4)]);
    let said = |conversation| -> Vec<String> {
        log(store, conversation).into_iter().map(|message| message.body).collect()
    };
    assert_eq!(said(ab), ["b1", "b2", "b3", "b4"]);
    assert_eq!(said(ac), ["c1", "c2"]);
    assert_eq!(said(grp), ["g1"]);
}

pub(super) fn an_empty_batch_is_nothing(store: &dyn Store) {
    assert_eq!(store.append(&[]).unwrap(), []);
}

pub(super) fn a_repeat_gets_the_first_place(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    let batch = [message(conversation, ann, "one"), message(conversation, bob, "two")];
    assert_eq!(append(store, &batch), [new(conversation, 1), new(conversation, 2)]);
    assert_eq!(append(store, &batch), [repeat(conversation, 1), repeat(conversation, 2)]);
    let mixed = [later(&batch[1], "changed"), message(conversation, ann, "three"), later(&batch[0], "too")];
    assert_eq!(
        append(store, &mixed),
        [repeat(conversation, 2), new(conversation, 3), repeat(conversation, 1)],
        "with the time that was stored; a repeat uses up no seq"
    );
    let said: Vec<String> = log(store, conversation).into_iter().map(|message| message.body).collect();
    assert_eq!(said, ["one", "two", "three"], "what was stored first stays");
}

pub(super) fn a_repeat_within_the_batch_gets_the_first_place(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    let first = message(conversation, ann, "one");
    let batch = [
        first.clone(),
        message(conversation, ann, "two"),
        later(&first, "one again"),
        message(conversation, ann, "three"),
        later(&first, "and again"),
    ];
    assert_eq!(
        append(store, &batch),
        [
            new(conversation, 1),
            new(conversation, 2),
            repeat(conversation, 1),
            new(conversation, 3),
            repeat(conversation, 1)
        ]
    );
    assert_eq!(log(store, conversation).len(), 3);
}

pub(super) fn a_repeat_elsewhere_gets_the_first_place(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let (ab, ac) = (befriend(store, ann, bob), befriend(store, ann, cho));
    say(store, ab, bob, "before");
    let first = message(ab, ann, "for bob");
    let elsewhere = NewMessage { conversation: ac, ..later(&first, "for cho") };
    assert_eq!(append(store, std::slice::from_ref(&first)), [new(ab, 2)]);
    assert_eq!(append(store, std::slice::from_ref(&elsewhere)), [repeat(ab, 2)], "in a later batch");
    assert_eq!(log(store, ac), []);
    assert_eq!(append(store, &[message(ac, ann, "x")]), [new(ac, 1)], "no seq was used up");

    let first = message(ac, ann, "for cho");
    let elsewhere = NewMessage { conversation: ab, ..later(&first, "for bob") };
    assert_eq!(append(store, &[first, elsewhere]), [new(ac, 2), repeat(ac, 2)], "in the same batch");
    assert_eq!(append(store, &[message(ab, ann, "y")]), [new(ab, 3)], "no seq was used up");
}

pub(super) fn a_message_is_found_by_its_senders_id_for_it(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let (ab, ac) = (befriend(store, ann, bob), befriend(store, ann, cho));
    let (first, second) = (message(ab, ann, "one"), message(ac, ann, "two"));
    let find = |sender, id: &str| store.find_message(sender, id).unwrap();
    assert_eq!(find(ann, &first.client_msg_id), None);
    append(store, &[message(ab, bob, "before"), first.clone(), second.clone()]);
    append(store, &[later(&first, "again")]);
    assert_eq!(find(ann, &first.client_msg_id), Some(repeat(ab, 2)), "with the time that was stored");
    assert_eq!(find(ann, &second.client_msg_id), Some(repeat(ac, 1)), "in whichever conversation");
    for (sender, id) in [
        (bob, first.client_msg_id.clone()),
        (ann, first.client_msg_id.to_uppercase()),
        (ann, format!("{} ", first.client_msg_id)),
        (ann, String::new()),
    ] {
        assert_eq!(find(sender, &id), None, "{sender} {id:?}");
    }
    assert!(store.delete_friend(ann, bob, NOW).unwrap().is_some());
    assert_eq!(find(ann, &first.client_msg_id), Some(repeat(ab, 2)), "whoever may still write there");
}

pub(super) fn another_sender_may_use_the_same_id(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    let anns = message(conversation, ann, "ann's");
    let bobs = NewMessage { sender: bob, body: "bob's".to_owned(), ..anns.clone() };
    assert_eq!(append(store, &[anns, bobs]), [new(conversation, 1), new(conversation, 2)]);
}

pub(super) fn client_msg_ids_are_compared_byte_by_byte(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    let base = unique("e");
    let ids = [
        base.clone(),
        format!("{base} "),
        format!("{base}  "),
        format!(" {base}"),
        format!("{base}\0"),
        base.to_uppercase(),
        base.replace('e', "é"),
        base.replace('e', "e\u{301}"),
        base.replace('e', "🦀"),
        base.replace('e', "🐙"),
        format!("{base:x<64}"),
        format!("{base:x<63}"),
        String::new(),
        " ".to_owned(),
        "0".to_owned(),
        "00".to_owned(),
        "0.0".to_owned(),
    ];
    let batch: Vec<NewMessage> = ids
        .iter()
        .map(|id| NewMessage { client_msg_id: id.clone(), ..message(conversation, ann, id) })
        .collect();
    let places: Vec<Appended> = (1..=ids.len() as u64).map(|seq| new(conversation, seq)).collect();
    assert_eq!(append(store, &batch), places, "every id is another one");
    let repeats: Vec<Appended> = (1..=ids.len() as u64).map(|seq| repeat(conversation, seq)).collect();
    assert_eq!(append(store, &batch), repeats, "and is found again");
    let stored: Vec<String> =
        log(store, conversation).into_iter().map(|message| message.client_msg_id).collect();
    assert_eq!(stored, ids);
}

pub(super) fn an_unknown_conversation_is_refused_alone(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    let unknown = ConversationId(conversation.0 + 1_000_000_000);
    let refused = Err(AppendRefused::NoSuchConversation);
    let first = message(conversation, ann, "one");
    let lost = message(unknown, ann, "nowhere");
    let batch = [
        lost.clone(),
        first.clone(),
        message(ConversationId(0), ann, "nowhere"),
        message(conversation, ann, "two"),
    ];
    assert_eq!(
        store.append(&batch).unwrap(),
        [refused, Ok(new(conversation, 1)), refused, Ok(new(conversation, 2))]
    );
    assert_eq!(store.append(std::slice::from_ref(&lost)).unwrap(), [refused], "alone, and again");
    let found = NewMessage { conversation, ..lost };
    let elsewhere = NewMessage { conversation: unknown, ..first };
    assert_eq!(
        store.append(&[found, elsewhere]).unwrap(),
        [Ok(new(conversation, 3)), Ok(repeat(conversation, 1))],
        "what was refused is not in the log; what is in the log is found from anywhere"
    );
}

pub(super) fn a_large_batch_is_one(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let conversations = [befriend(store, ann, bob), befriend(store, ann, cho)];
    let batch: Vec<NewMessage> =
        (0..2_000).map(|n| message(conversations[n % 2], ann, &format!("{n:0100}"))).collect();
    let appended = append(store, &batch);
    for (n, appended) in appended.iter().enumerate() {
        assert_eq!(*appended, new(conversations[n % 2], n as u64 / 2 + 1));
    }
    assert_eq!(log(store, conversations[0]).len(), 1_000);
    assert_eq!(log(store, conversations[1])[999].body, format!("{:0100}", 1_999));
}

pub(super) fn an_append_says_the_version_of_the_roster(store: &dyn Store) {
    let [ann, bob] = users(store);
    let direct = befriend(store, ann, bob);
    let (old, new) = (group(store, ann), group(store, ann));
    join(store, old, bob);
    let batch = [
        message(new.conversation(), ann, "1"),
        message(direct, ann, "0"),
        message(old.conversation(), bob, "2"),
        message(new.conversation(), ann, "1"),
    ];
    let versions = |places: &[Appended]| -> Vec<u64> { places.iter().map(|place| place.roster.0).collect() };
    assert_eq!(versions(&append(store, &batch)), [1, 0, 2, 1], "one for every change, 0 for two friends");
    join(store, new, bob);
    assert_eq!(leave_group(store, old, bob), Left::Gone { members: 1 });
    let batch = [message(new.conversation(), ann, "2"), message(old.conversation(), ann, "3")];
    assert_eq!(versions(&append(store, &batch)), [2, 3]);
    for (group, version) in [(new, 2), (old, 3)] {
        assert_eq!(store.roster(group).unwrap().version, RosterVersion(version), "the roster says the same");
    }
}

pub(super) fn a_repeat_says_the_version_of_the_roster_now(store: &dyn Store) {
    let [ann, bob] = users(store);
    let direct = befriend(store, ann, bob);
    let group = group(store, ann);
    let first = message(group.conversation(), ann, "first");
    let other = message(direct, ann, "other");
    assert_eq!(append(store, std::slice::from_ref(&first))[0].roster, RosterVersion(1));
    join(store, group, bob);
    let repeat = Appended { roster: RosterVersion(2), ..repeat(group.conversation(), 1) };
    let elsewhere = NewMessage { conversation: direct, ..first.clone() };
    let here = append(store, &[first.clone(), message(group.conversation(), ann, "second"), first.clone()]);
    assert_eq!([here[0], here[2]], [repeat; 2]);
    assert_eq!(append(store, &[other, elsewhere])[1], repeat, "of the conversation in which it stands");
    assert_eq!(store.find_message(ann, &first.client_msg_id).unwrap(), Some(repeat));
    assert_eq!(leave_group(store, group, bob), Left::Gone { members: 1 });
    assert_eq!(leave_group(store, group, ann), Left::Gone { members: 0 });
    let repeat = Appended { roster: RosterVersion(4), ..repeat };
    assert_eq!(append(store, std::slice::from_ref(&first)), [repeat], "of a closed group, too");
}
