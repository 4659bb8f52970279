//! Messages that change, and the feed that tells of it.

use super::cast::{
    BIG_PAGE, NOW, append, count_to, group, join, leave_group, log, message, say, two_friends, user, users,
};
use super::group_changes::{led, make};
use super::hostile::TEXTS;
use crate::policy::{GroupAct, Standing, Why, in_group};
use crate::{
    ChangePosition, ChangeWindows, ConversationId, GroupDeed, Mentions, MessageChange, MessageChangeRefused,
    MessageChanged, MessageDeed, NUMBER_MAX, NewMessage, Novelty, PageSize, Recall, Seq, Store,
    StoredMessage, Timestamp, UserId, Window,
};

pub(super) const WINDOWS: ChangeWindows = ChangeWindows { recall_ms: 1_000, edit_ms: 5_000 };

pub(super) fn edit(body: &str) -> MessageDeed {
    MessageDeed::Edit { body: body.to_owned(), mentions: Mentions::default() }
}

/// A change that is asked for so long after everything was said.
pub(super) fn asked(
    conversation: ConversationId,
    seq: Seq,
    actor: UserId,
    deed: MessageDeed,
    after_ms: u64,
) -> MessageChange {
    let at = Timestamp(NOW.0 + after_ms);
    MessageChange { conversation, seq, actor, deed, at, windows: WINDOWS }
}

fn changed(store: &dyn Store, change: &MessageChange) -> MessageChanged {
    store.change_message(change).unwrap().unwrap_or_else(|why| panic!("{change:?}: {why}"))
}

fn refused(store: &dyn Store, change: &MessageChange) -> MessageChangeRefused {
    let before = feed(store, change.conversation);
    let why = store.change_message(change).unwrap().expect_err("it was allowed");
    assert_eq!(feed(store, change.conversation), before, "what is refused changes nothing");
    why
}

pub(super) fn feed(store: &dyn Store, conversation: ConversationId) -> Vec<(u64, StoredMessage)> {
    let feed = store.changes(conversation, Seq(0), ChangePosition(0), BIG_PAGE).unwrap();
    feed.into_iter().map(|(position, message)| (position.0, message)).collect()
}

fn positions(store: &dyn Store, conversation: ConversationId) -> Vec<(u64, u64)> {
    feed(store, conversation).into_iter().map(|(position, message)| (position, message.seq.0)).collect()
}

pub(super) fn a_recalled_text_is_gone(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    say(store, conversation, bob, "first");
    let said = NewMessage {
        reply_to: Some(Seq(1)),
        mentions: Mentions(vec![bob]),
        ..message(conversation, ann, "a secret")
    };
    append(store, std::slice::from_ref(&said));
    let before = &log(store, conversation)[1];
    assert_eq!((&before.body, before.reply_to), (&said.body, Some(Seq(1))));
    assert_eq!((&before.mentions, before.edited, before.recalled), (&said.mentions, Timestamp(0), None));
    let outcome = changed(store, &asked(conversation, Seq(2), ann, MessageDeed::Recall, 10));
    let recall = Recall { by: ann, at: Timestamp(NOW.0 + 10) };
    assert_eq!(outcome.message, before.recalled(recall));
    assert_eq!((outcome.position, outcome.novelty), (ChangePosition(1), Novelty::New));
    assert_eq!(log(store, conversation)[1], outcome.message);
    assert_eq!(outcome.message.body, "");
    assert_eq!(feed(store, conversation), [(1, outcome.message)]);
    let place = store.find_message(ann, &said.client_msg_id).unwrap().map(|place| place.seq);
    assert_eq!(place, Some(Seq(2)), "a repeat still finds its place");
    let repeat = append(store, &[said])[0];
    assert_eq!((repeat.seq, repeat.novelty), (Seq(2), Novelty::Repeat));
    assert_eq!(log(store, conversation)[1].body, "", "a repeat does not bring it back");
}

pub(super) fn an_edited_text_says_when(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    say(store, conversation, ann, "helo");
    let deed = MessageDeed::Edit { body: "hello".into(), mentions: Mentions(vec![bob, ann]) };
    let outcome = changed(store, &asked(conversation, Seq(1), ann, deed, 20));
    let message = &log(store, conversation)[0];
    assert_eq!(*message, outcome.message);
    assert_eq!((&message.body[..], message.edited), ("hello", Timestamp(NOW.0 + 20)));
    assert_eq!((&message.mentions, message.time), (&Mentions(vec![bob, ann]), NOW));
    // Another node's clock may be behind: of two texts the newer is known all the same.
    let outcome = changed(store, &asked(conversation, Seq(1), ann, edit("hallo"), 7));
    assert_eq!(outcome.message.edited, Timestamp(NOW.0 + 21));
    assert_eq!(outcome.message.mentions, Mentions::default());
}

pub(super) fn the_feed_holds_each_message_once(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    count_to(store, conversation, ann, 3);
    let shown = |user| store.conversation(user, conversation).unwrap().unwrap().last_change;
    assert_eq!((positions(store, conversation), shown(ann)), (vec![], ChangePosition(0)));
    changed(store, &asked(conversation, Seq(2), ann, edit("a"), 1));
    changed(store, &asked(conversation, Seq(1), ann, edit("b"), 2));
    assert_eq!(positions(store, conversation), [(1, 2), (2, 1)]);
    let third = changed(store, &asked(conversation, Seq(2), ann, edit("c"), 3));
    assert_eq!((third.position, positions(store, conversation)), (ChangePosition(3), vec![(2, 1), (3, 2)]));
    assert_eq!((shown(ann), shown(bob)), (ChangePosition(3), ChangePosition(3)));
    let recalled = changed(store, &asked(conversation, Seq(1), ann, MessageDeed::Recall, 4));
    assert_eq!(
        (recalled.position, positions(store, conversation)),
        (ChangePosition(4), vec![(3, 2), (4, 1)])
    );
    let after = store.changes(conversation, Seq(0), ChangePosition(3), BIG_PAGE).unwrap();
    assert_eq!(after, [(ChangePosition(4), recalled.message)]);
    assert_eq!(store.changes(conversation, Seq(0), ChangePosition(4), BIG_PAGE).unwrap(), []);
}

pub(super) fn a_page_begins_after_since(store: &dyn Store) {
    let [ann, bob] = users(store);
    let group = group(store, ann);
    let conversation = group.conversation();
    count_to(store, conversation, ann, 2);
    let since = join(store, group, bob);
    say(store, conversation, ann, "for bob too");
    for (seq, text) in [(1, "x"), (4, "y"), (2, "z")] {
        changed(store, &asked(conversation, Seq(seq), ann, edit(text), seq));
    }
    let page = store.changes(conversation, since, ChangePosition(0), BIG_PAGE).unwrap();
    let page: Vec<_> = page.iter().map(|(position, message)| (position.0, message.seq.0)).collect();
    assert_eq!(page, [(2, 4)], "what was said before he came is not his to read");
    let mine = asked(conversation, Seq(1), bob, MessageDeed::Recall, 1);
    assert_eq!(refused(store, &mine), MessageChangeRefused::NotFound);
}

pub(super) fn a_page_of_changes_is_limited(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    count_to(store, conversation, ann, 5);
    for seq in 1..=5 {
        changed(store, &asked(conversation, Seq(seq), ann, edit("0123456789"), 1));
    }
    let page = |after, messages, bytes| {
        let size = PageSize { messages, bytes };
        let page = store.changes(conversation, Seq(0), ChangePosition(after), size).unwrap();
        page.iter().map(|(position, _)| position.0).collect::<Vec<_>>()
    };
    assert_eq!(page(0, 2, 1_000), [1, 2]);
    assert_eq!(page(2, 2, 1_000), [3, 4]);
    assert_eq!(page(4, 2, 1_000), [5]);
    assert_eq!(page(0, 10, 30), [1, 2, 3]);
    assert_eq!(page(1, 10, 1), [2], "one at least");
}

pub(super) fn what_is_so_already_is_not_changed_again(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    count_to(store, conversation, ann, 3);
    let same = changed(store, &asked(conversation, Seq(1), ann, edit("1"), 1));
    assert_eq!(
        (same.position, same.novelty),
        (ChangePosition(0), Novelty::Repeat),
        "it says so from the start"
    );
    let first = changed(store, &asked(conversation, Seq(2), ann, edit("two"), 2));
    let again = changed(store, &asked(conversation, Seq(2), ann, edit("two"), 60_000));
    assert_eq!(again, MessageChanged { novelty: Novelty::Repeat, ..first }, "however late it is asked again");
    let first = changed(store, &asked(conversation, Seq(3), ann, MessageDeed::Recall, 2));
    let again = changed(store, &asked(conversation, Seq(3), ann, MessageDeed::Recall, 60_000));
    assert_eq!(again, MessageChanged { novelty: Novelty::Repeat, ..first });
    assert_eq!(positions(store, conversation), [(1, 2), (2, 3)]);
}

pub(super) fn only_ones_own_and_not_for_long(store: &dyn Store) {
    use MessageChangeRefused::{NotFound, TooLate};
    let (ann, bob, conversation) = two_friends(store);
    let stranger = user(store);
    count_to(store, conversation, ann, 4);
    for actor in [bob, stranger] {
        for deed in [MessageDeed::Recall, edit("mine")] {
            assert_eq!(refused(store, &asked(conversation, Seq(1), actor, deed, 0)), NotFound);
        }
    }
    changed(store, &asked(conversation, Seq(1), ann, MessageDeed::Recall, WINDOWS.recall_ms));
    let late = asked(conversation, Seq(2), ann, MessageDeed::Recall, WINDOWS.recall_ms + 1);
    assert_eq!(refused(store, &late), TooLate);
    changed(store, &asked(conversation, Seq(3), ann, edit("in time"), WINDOWS.edit_ms));
    let late = asked(conversation, Seq(4), ann, edit("too late"), WINDOWS.edit_ms + 1);
    assert_eq!(refused(store, &late), TooLate);
    assert_eq!(refused(store, &asked(conversation, Seq(1), ann, edit("back again"), 0)), TooLate);
    let early =
        MessageChange { at: Timestamp(NOW.0 - 5_000), ..asked(conversation, Seq(2), ann, edit("x"), 0) };
    changed(store, &early);
}

pub(super) fn nothing_is_changed_where_nothing_is_said(store: &dyn Store) {
    use MessageChangeRefused::{Closed, NotFound};
    let (ann, bob, conversation) = two_friends(store);
    count_to(store, conversation, ann, 2);
    changed(store, &asked(conversation, Seq(2), ann, MessageDeed::Recall, 0));
    store.block(bob, ann, NOW, 10).unwrap();
    for deed in [MessageDeed::Recall, edit("x")] {
        assert_eq!(refused(store, &asked(conversation, Seq(1), ann, deed, 0)), Closed);
    }
    let again = asked(conversation, Seq(2), ann, MessageDeed::Recall, 0);
    assert_eq!(changed(store, &again).novelty, Novelty::Repeat, "it was done in time");
    let [owner, member] = users(store);
    let group = group(store, owner);
    join(store, group, member);
    let seq = say(store, group.conversation(), member, "hello");
    leave_group(store, group, member);
    for deed in [MessageDeed::Recall, edit("x")] {
        assert_eq!(refused(store, &asked(group.conversation(), seq, member, deed, 0)), NotFound);
    }
    make(store, group, owner, GroupDeed::Dissolve);
    assert_eq!(refused(store, &asked(group.conversation(), seq, owner, MessageDeed::Recall, 0)), Closed);
}

pub(super) fn admins_recall_what_lower_ones_said(store: &dyn Store) {
    use MessageChangeRefused::{Not, NotFound};
    let (group, [owner, admin, second, member, other]) = led(store);
    let conversation = group.conversation();
    let said = |by| say(store, conversation, by, "something");
    let late = 100 * WINDOWS.edit_ms;
    let recall = |seq, by| asked(conversation, seq, by, MessageDeed::Recall, late);
    for (by, of) in [(owner, admin), (owner, member), (admin, member)] {
        let seq = said(of);
        let recalled = changed(store, &recall(seq, by)).message.recalled;
        assert_eq!(recalled.map(|recall| recall.by), Some(by));
        let again = changed(store, &recall(seq, owner)).message.recalled;
        assert_eq!(again.map(|recall| recall.by), Some(by), "whoever was first");
        let deed = edit("their words");
        assert_eq!(refused(store, &asked(conversation, seq, by, deed, 0)), NotFound);
    }
    assert_eq!(refused(store, &recall(said(owner), admin)), Not(Why::NotAllowed));
    assert_eq!(refused(store, &recall(said(second), admin)), Not(Why::NotAllowed));
    for of in [owner, admin, other] {
        assert_eq!(refused(store, &recall(said(of), member)), NotFound);
    }
    let gone = said(other);
    leave_group(store, group, other);
    changed(store, &recall(gone, admin));
    let own = asked(conversation, said(member), member, MessageDeed::Recall, 0);
    changed(store, &own);
}

pub(super) fn what_the_server_said_stays(store: &dyn Store) {
    let [owner, member] = users(store);
    let group = group(store, owner);
    let told = join(store, group, member).next();
    for (actor, deed) in [(member, MessageDeed::Recall), (owner, MessageDeed::Recall), (member, edit("x"))] {
        let change = asked(group.conversation(), told, actor, deed, 0);
        assert_eq!(refused(store, &change), MessageChangeRefused::NotFound);
    }
}

pub(super) fn a_change_touches_its_conversation(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    count_to(store, conversation, ann, 2);
    let touched = |since| {
        let since = Timestamp(NOW.0 + since);
        let found = store.touched(&[bob], since, ConversationId(0), 10).unwrap();
        found.first().map(|touched| (touched.last.0, touched.last_change.0, touched.last_change_at))
    };
    assert_eq!((touched(0), touched(1)), (Some((2, 0, Timestamp(0))), None));
    changed(store, &asked(conversation, Seq(1), ann, edit("x"), 500));
    let at = Timestamp(NOW.0 + 500);
    assert_eq!((touched(500), touched(501)), (Some((2, 1, at)), None));
    changed(store, &asked(conversation, Seq(1), ann, edit("y"), 100));
    assert_eq!((touched(500), touched(501)), (Some((2, 2, at)), None), "a time never moves back");
}

pub(super) fn changed_texts_come_back_as_they_were(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    say(store, conversation, ann, "plain");
    let long = "長".repeat(20_000);
    for text in TEXTS.iter().copied().chain([&long[..]]) {
        let outcome = changed(store, &asked(conversation, Seq(1), ann, edit(text), 1));
        assert_eq!(outcome.message.body, text);
        let page = store.page(conversation, Seq(0), Window::Newest, BIG_PAGE).unwrap();
        assert_eq!(page[0].body, text);
    }
}

pub(super) fn numbers_of_nothing(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    say(store, conversation, ann, "hello");
    for number in [0, 2, NUMBER_MAX, u64::MAX] {
        let change = asked(conversation, Seq(number), ann, MessageDeed::Recall, 0);
        assert_eq!(refused(store, &change), MessageChangeRefused::NotFound, "seq {number}");
        let nowhere = ConversationId(if number == 2 { 1 << 40 } else { number });
        let change = asked(nowhere, Seq(1), ann, MessageDeed::Recall, 0);
        assert_eq!(store.change_message(&change).unwrap(), Err(MessageChangeRefused::NotFound));
        assert_eq!(store.changes(nowhere, Seq(0), ChangePosition(0), BIG_PAGE).unwrap(), []);
        let page = store.changes(conversation, Seq(0), ChangePosition(number), BIG_PAGE).unwrap();
        assert_eq!(page, []);
    }
}

pub(super) fn every_cell_of_recalling(store: &dyn Store) {
    let standing = [Standing::Owner, Standing::Admin, Standing::Admin, Standing::Member, Standing::Member];
    let (group, all) = led(store);
    let gone = user(store);
    join(store, group, gone);
    let conversation = group.conversation();
    let who = |n: usize| all.get(n).map_or((gone, Standing::Outsider), |user| (*user, standing[n]));
    let said: Vec<Vec<Seq>> = (0..=all.len())
        .map(|_| (0..=all.len()).map(|of| say(store, conversation, who(of).0, "something")).collect())
        .collect();
    leave_group(store, group, gone);
    for (by, said) in said.iter().enumerate() {
        for (of, seq) in said.iter().enumerate() {
            let ((actor, actors), (target, targets)) = (who(by), who(of));
            let act = if actor == target { GroupAct::Recall } else { GroupAct::RecallOfOthers };
            let expected = in_group(act, actors, targets).map_err(|why| match why {
                // A conversation is asked for by its own number: nobody outside learns that there is one.
                Why::NotMember | Why::NotFound => MessageChangeRefused::NotFound,
                why => MessageChangeRefused::Not(why),
            });
            let change = asked(conversation, *seq, actor, MessageDeed::Recall, 0);
            let outcome = store.change_message(&change).unwrap().map(drop);
            assert_eq!(outcome, expected, "{actors:?} {act:?} of {targets:?}");
        }
    }
}
