//! Conversations as their participants see them, and how far they acknowledged them.

use super::cast::{Left, NOW, befriend, count_to, group, join, leave_group, say, two_friends, user, users};
use crate::{
    ChangePosition, Conversation, ConversationFilter, ConversationId, ConversationKind, Cursor, GroupId,
    Progress, Seq, Store, UserId,
};

fn seen(store: &dyn Store, user: UserId, conversation: ConversationId) -> Conversation {
    store.conversation(user, conversation).unwrap().expect("the user is in the conversation")
}

fn listed(store: &dyn Store, user: UserId, filter: ConversationFilter) -> Vec<ConversationId> {
    let list = store.conversations(user, filter, ConversationId(0), 1_000).unwrap();
    for conversation in &list {
        assert_eq!(*conversation, seen(store, user, conversation.id), "the list says the same");
    }
    list.into_iter().map(|conversation| conversation.id).collect()
}

fn acknowledge(store: &dyn Store, user: UserId, conversation: ConversationId, seq: u64) {
    store.advance_cursors(&[Cursor { user, conversation, progress: Progress::delivered(Seq(seq)) }]).unwrap();
}

pub(super) fn friends_see_their_conversation(store: &dyn Store) {
    let (ann, bob, id) = two_friends(store);
    let last_change = ChangePosition(0);
    let (since, acked, read, restored) = (Seq(0), Seq(0), Seq(0), Seq(0));
    for (user, with) in [(ann, bob), (bob, ann)] {
        let kind = ConversationKind::Direct { with };
        assert_eq!(
            seen(store, user, id),
            Conversation { id, kind, since, last: Seq(0), acked, read, restored, last_change }
        );
    }
    count_to(store, id, ann, 3);
    acknowledge(store, bob, id, 2);
    let kind = ConversationKind::Direct { with: bob };
    assert_eq!(
        seen(store, ann, id),
        Conversation { id, kind, since, last: Seq(3), acked, read, restored, last_change }
    );
    let kind = ConversationKind::Direct { with: ann };
    assert_eq!(
        seen(store, bob, id),
        Conversation { id, kind, since, last: Seq(3), acked: Seq(2), read, restored, last_change }
    );
}

pub(super) fn nobody_else_sees_it(store: &dyn Store) {
    let (ann, bob, direct) = two_friends(store);
    let [cho, dan] = users(store);
    let group = group(store, cho);
    say(store, direct, ann, "secret");
    say(store, group.conversation(), cho, "secret");
    assert_eq!(store.conversation(cho, direct).unwrap(), None);
    assert_eq!(store.conversation(ann, group.conversation()).unwrap(), None);
    assert_eq!(listed(store, cho, ConversationFilter::WithMessages), [group.conversation()]);
    assert_eq!(listed(store, dan, ConversationFilter::WithMessages), []);
    join(store, group, bob);
    assert_eq!(leave_group(store, group, bob), Left::Gone { members: 1 });
    assert_eq!(store.conversation(bob, group.conversation()).unwrap(), None, "not any more");
    assert_eq!(listed(store, bob, ConversationFilter::WithMessages), [direct]);
    for unknown in [ConversationId(0), ConversationId(group.0 + 1_000_000_000)] {
        assert_eq!(store.conversation(ann, unknown).unwrap(), None);
    }
}

pub(super) fn a_member_sees_what_came_after_joining(store: &dyn Store) {
    let [ann, bob] = users(store);
    let group = group(store, ann);
    let id = group.conversation();
    let range = |user| {
        let conversation = seen(store, user, id);
        assert_eq!(conversation.kind, ConversationKind::Group);
        (conversation.since.0, conversation.last.0)
    };
    count_to(store, id, ann, 3);
    assert_eq!(range(ann), (0, 3));
    assert_eq!(join(store, group, bob), Seq(3));
    assert_eq!(range(bob), (3, 4), "the first to read is that he came");
    say(store, id, ann, "welcome");
    assert_eq!(range(bob), (3, 5));
    assert_eq!(listed(store, bob, ConversationFilter::WithMessages), [id]);
    assert_eq!(listed(store, bob, ConversationFilter::WithNews), [id]);

    assert_eq!(leave_group(store, group, bob), Left::Gone { members: 1 });
    say(store, id, ann, "while bob was away");
    assert_eq!(join(store, group, bob), Seq(7));
    assert_eq!(range(bob), (7, 8), "who comes back reads what comes from now on");
    assert_eq!(store.membership(group, bob).unwrap().unwrap().since, Seq(7));
    assert_eq!(listed(store, bob, ConversationFilter::WithNews), [id]);
}

pub(super) fn a_conversation_without_messages_is_not_listed(store: &dyn Store) {
    let (ann, bob, direct) = two_friends(store);
    let group = group(store, ann);
    for filter in [ConversationFilter::WithMessages, ConversationFilter::WithNews] {
        assert_eq!(listed(store, ann, filter), []);
    }
    say(store, direct, bob, "hello");
    for filter in [ConversationFilter::WithMessages, ConversationFilter::WithNews] {
        assert_eq!(listed(store, ann, filter), [direct]);
    }
    say(store, group.conversation(), ann, "alone");
    assert_eq!(listed(store, ann, ConversationFilter::WithMessages), [direct, group.conversation()]);
}

pub(super) fn news_end_when_acknowledged(store: &dyn Store) {
    let (ann, bob, direct) = two_friends(store);
    let news = |user| listed(store, user, ConversationFilter::WithNews);
    count_to(store, direct, ann, 3);
    assert_eq!(news(bob), [direct]);
    acknowledge(store, bob, direct, 2);
    assert_eq!(news(bob), [direct]);
    acknowledge(store, bob, direct, 3);
    assert_eq!(news(bob), []);
    assert_eq!(listed(store, bob, ConversationFilter::WithMessages), [direct]);
    assert_eq!(news(ann), [direct], "each acknowledges for themselves");
    say(store, direct, ann, "more");
    assert_eq!(news(bob), [direct]);
    assert!(store.delete_friend(ann, bob, NOW).unwrap().is_some());
    assert_eq!(news(bob), [direct], "also when they are friends no more");
}

pub(super) fn conversations_are_paged_by_id(store: &dyn Store) {
    let [ann, bob, cho, dan] = users(store);
    let direct = [befriend(store, ann, bob), befriend(store, cho, ann)];
    let groups: [GroupId; 2] = [group(store, ann), group(store, dan)];
    let last = befriend(store, ann, dan);
    join(store, groups[1], ann);
    let all = [direct[0], direct[1], groups[0].conversation(), groups[1].conversation(), last];
    assert!(all.is_sorted());
    for id in all.iter().rev() {
        say(store, *id, ann, "hello");
    }
    for filter in [ConversationFilter::WithMessages, ConversationFilter::WithNews] {
        let page = |after, limit| -> Vec<ConversationId> {
            let page = store.conversations(ann, filter, after, limit).unwrap();
            page.into_iter().map(|conversation| conversation.id).collect()
        };
        assert_eq!(page(ConversationId(0), 2), all[..2]);
        assert_eq!(page(all[1], 2), all[2..4]);
        assert_eq!(page(all[3], 2), all[4..]);
        assert_eq!(page(all[4], 2), []);
        assert_eq!(page(ConversationId(0), 0), []);
    }
    acknowledge(store, ann, all[0], 1);
    acknowledge(store, ann, all[2], 1);
    let news = store.conversations(ann, ConversationFilter::WithNews, ConversationId(0), 2).unwrap();
    let news: Vec<ConversationId> = news.into_iter().map(|conversation| conversation.id).collect();
    assert_eq!(news, [all[1], all[3]], "a page is filled with what passes the filter");
}

pub(super) fn cursors_move_forward_only(store: &dyn Store) {
    let (ann, bob, id) = two_friends(store);
    count_to(store, id, ann, 10);
    for (to, at) in [(0, 0), (4, 4), (2, 4), (4, 4), (9, 9), (0, 9)] {
        acknowledge(store, bob, id, to);
        assert_eq!(seen(store, bob, id).acked, Seq(at), "after moving to {to}");
    }
    let cursor = |user, seq| Cursor { user, conversation: id, progress: Progress::delivered(Seq(seq)) };
    store.advance_cursors(&[cursor(ann, 5), cursor(bob, 10), cursor(ann, 3), cursor(ann, 6)]).unwrap();
    store.advance_cursors(&[]).unwrap();
    assert_eq!(seen(store, ann, id).acked, Seq(6));
    assert_eq!(seen(store, bob, id).acked, Seq(10));
}

pub(super) fn cursors_stop_at_the_last_message(store: &dyn Store) {
    let (ann, bob, id) = two_friends(store);
    acknowledge(store, bob, id, 7);
    assert_eq!(seen(store, bob, id).acked, Seq(0), "nothing was said");
    count_to(store, id, ann, 3);
    assert_eq!(seen(store, bob, id).acked, Seq(0), "what was not said was not acknowledged");
    acknowledge(store, bob, id, 1_000);
    assert_eq!(seen(store, bob, id).acked, Seq(3));
    say(store, id, ann, "more");
    assert_eq!(listed(store, bob, ConversationFilter::WithNews), [id]);
}

pub(super) fn cursors_of_nobody_are_passed_over(store: &dyn Store) {
    let (ann, bob, id) = two_friends(store);
    count_to(store, id, ann, 3);
    let nobody = UserId(user(store).0 + 1_000_000_000);
    let nowhere = ConversationId(id.0 + 1_000_000_000);
    let cursor = |user, conversation| Cursor { user, conversation, progress: Progress::delivered(Seq(2)) };
    store
        .advance_cursors(&[
            cursor(nobody, id),
            cursor(ann, nowhere),
            cursor(bob, id),
            cursor(UserId(0), ConversationId(0)),
        ])
        .unwrap();
    assert_eq!(seen(store, bob, id).acked, Seq(2), "the others moved");
    assert_eq!(seen(store, ann, id).acked, Seq(0));
}
