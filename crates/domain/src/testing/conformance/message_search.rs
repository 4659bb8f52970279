//! Searching messages.

use super::cast::{
    NOW, append, befriend, group, join, leave_group, message, say, two_friends, unique, user, users,
};
use super::changes::{asked, edit};
use crate::{
    COMPARED_BYTES_MAX, ConversationId, FoundPlace, MessageDeed, MessageSearch, NUMBER_MAX, NewMessage, Seq,
    Store, Timestamp, UserId, WordQuery,
};

/// Takes all that was said in these conversations into the index.
fn index(store: &dyn Store, conversations: &[ConversationId]) {
    let mut left = conversations.to_vec();
    while !left.is_empty() {
        left = store.index_messages(&left, 1_000).unwrap().unfinished;
    }
}

fn query(text: &str) -> WordQuery {
    WordQuery::parse(text).unwrap_or_else(|| panic!("{text:?} has nothing to search for"))
}

fn everything(query: &WordQuery) -> MessageSearch<'_> {
    MessageSearch {
        query,
        conversation: None,
        sender: None,
        since: Timestamp(0),
        until: Timestamp(NUMBER_MAX),
        before: None,
    }
}

/// All that is found, by pages of this size.
fn paged(
    store: &dyn Store,
    user: UserId,
    search: MessageSearch<'_>,
    limit: u32,
) -> Vec<(ConversationId, Seq)> {
    let (mut all, mut search, mut last) = (Vec::new(), search, None);
    loop {
        let found = store.search_messages(user, &search, limit).unwrap().expect("a conversation of theirs");
        assert!(found.messages.len() <= limit as usize);
        for message in found.messages {
            let place =
                FoundPlace { time: message.time, conversation: message.conversation, seq: message.seq };
            assert!(last.is_none_or(|last: FoundPlace| place.time <= last.time), "newest first");
            last = Some(place);
            all.push((message.conversation, message.seq));
        }
        match found.next {
            None => return all,
            next => {
                assert_ne!(search.before, next, "each part goes on");
                search.before = next;
            }
        }
    }
}

/// What the user finds with these words, everywhere.
fn found(store: &dyn Store, user: UserId, words: &str) -> Vec<(ConversationId, Seq)> {
    paged(store, user, everything(&query(words)), 100)
}

pub(super) fn messages_are_found_by_words_and_by_parts_of_cjk_text(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    let texts = [
        "今天下午三点在中关村开会，请带上项目计划书。",
        "中华人民共和国成立于1949年10月1日",
        "我们中午去吃火锅吧！",
        "東京タワーの展望台からの眺めは素晴らしい",
        "내일 서울에서 만나요",
        "The quick brown fox jumps over the lazy dog",
        "Grüße aus KÖLN",
        "臺灣大學圖書館",
    ];
    for text in texts {
        say(store, conversation, ann, text);
    }
    assert_eq!(found(store, ann, "中"), [], "not indexed yet");
    index(store, &[conversation]);
    for (words, expected) in [
        ("中", &[3, 2, 1][..]),
        ("会", &[1]),
        ("中关村", &[1]),
        ("开会", &[1]),
        ("会，请", &[1]),
        ("人民", &[2]),
        ("人民共和", &[2]),
        ("民人", &[]),
        ("1949", &[2]),
        ("194", &[]),
        ("中 我们", &[3]),
        ("火锅", &[3]),
        ("東京", &[4]),
        ("タワ", &[4]),
        ("ﾀﾜｰ", &[4]),
        ("の", &[4]),
        ("서울", &[5]),
        ("울", &[5]),
        ("만나요", &[5]),
        ("QUICK", &[6]),
        ("dog quick", &[6]),
        ("quic", &[]),
        ("köln", &[7]),
        ("ko\u{308}ln", &[7]),
        ("koln", &[]),
        ("圖書", &[8]),
        ("图书", &[]),
    ] {
        let expected: Vec<_> = expected.iter().map(|seq| (conversation, Seq(*seq))).collect();
        assert_eq!(found(store, ann, words), expected, "{words}");
        assert_eq!(found(store, bob, words), expected, "{words}, for the other");
    }
    let whole = store.search_messages(bob, &everything(&query("火锅")), 1).unwrap().unwrap();
    assert_eq!(whole.messages[0].body, texts[2], "as it was said");
    assert_eq!(whole.messages[0].sender, ann);
}

pub(super) fn only_what_one_may_read_is_found(store: &dyn Store) {
    let [owner, member, outsider] = users(store);
    let group = group(store, owner);
    let conversation = group.conversation();
    let word = "秘密";
    say(store, conversation, owner, "秘密之前");
    join(store, group, member);
    let after = say(store, conversation, owner, "秘密之后");
    index(store, &[conversation]);
    assert_eq!(found(store, member, word), [(conversation, after)], "from joining on");
    assert_eq!(found(store, owner, word).len(), 2);
    assert_eq!(found(store, outsider, word), []);
    let words = query(word);
    let there = MessageSearch { conversation: Some(conversation), ..everything(&words) };
    assert_eq!(store.search_messages(outsider, &there, 10).unwrap(), None);
    let nowhere = |id| MessageSearch { conversation: Some(ConversationId(id)), ..everything(&words) };
    for id in [0, conversation.0 + 1_000_000_000, u64::MAX] {
        assert_eq!(store.search_messages(owner, &nowhere(id), 10).unwrap(), None, "{id}");
    }
    leave_group(store, group, member);
    assert_eq!(found(store, member, word), [], "leaving ends it");
    assert_eq!(store.search_messages(member, &there, 10).unwrap(), None);
    join(store, group, member);
    assert_eq!(found(store, member, word), [], "who comes back begins anew");
}

pub(super) fn a_search_is_filtered(store: &dyn Store) {
    let [ann, bob, carl] = users(store);
    let [one, other] = [befriend(store, ann, bob), befriend(store, ann, carl)];
    let at = |conversation, sender, ms| {
        let time = Timestamp(NOW.0 + ms);
        append(store, &[NewMessage { time, ..message(conversation, sender, "晚饭 dinner") }])[0].seq
    };
    let all = [at(one, ann, 0), at(one, bob, 10), at(other, carl, 20), at(one, ann, 30)];
    index(store, &[one, other]);
    let words = query("dinner");
    let search = everything(&words);
    let check = |search, expected: &[(ConversationId, Seq)], what| {
        for limit in [1, 2, 100] {
            assert_eq!(paged(store, ann, search, limit), expected, "{what}, {limit} at once");
        }
    };
    let from = |ms| Timestamp(NOW.0 + ms);
    check(search, &[(one, all[3]), (other, all[2]), (one, all[1]), (one, all[0])], "all");
    check(MessageSearch { conversation: Some(other), ..search }, &[(other, all[2])], "in one");
    check(MessageSearch { sender: Some(ann), ..search }, &[(one, all[3]), (one, all[0])], "by one");
    check(MessageSearch { sender: Some(UserId(u64::MAX)), ..search }, &[], "by nobody");
    check(MessageSearch { since: from(20), ..search }, &[(one, all[3]), (other, all[2])], "since");
    check(MessageSearch { until: from(10), ..search }, &[(one, all[1]), (one, all[0])], "until");
    check(
        MessageSearch { since: from(10), until: from(20), ..search },
        &[(other, all[2]), (one, all[1])],
        "both",
    );
    check(MessageSearch { since: from(11), until: from(10), ..search }, &[], "never");
    let by = MessageSearch { sender: Some(bob), conversation: Some(one), until: from(10), ..search };
    check(by, &[(one, all[1])], "all of them");
    check(MessageSearch { conversation: Some(other), ..by }, &[], "of another conversation");
}

pub(super) fn pages_are_newest_first_over_all_conversations(store: &dyn Store) {
    let me = user(store);
    let mut expected: Vec<(u64, ConversationId, Seq)> = Vec::new();
    let mut conversations = Vec::new();
    for n in 0..70_u64 {
        let friend = user(store);
        let conversation = befriend(store, me, friend);
        conversations.push(conversation);
        for k in 0..(n % 4) {
            // In no order, also within a conversation; no two at once.
            let ms = (n * 37 + k * 991) % 4_096 * 100 + n;
            let time = Timestamp(NOW.0 + ms);
            let text = if k == 2 { "别的" } else { "我们今天见面" };
            let seq = append(store, &[NewMessage { time, ..message(conversation, friend, text) }])[0].seq;
            if k != 2 {
                expected.push((time.0, conversation, seq));
            }
        }
    }
    conversations.chunks(9).for_each(|some| index(store, some));
    expected.sort_unstable_by_key(|place| std::cmp::Reverse(*place));
    let expected: Vec<_> = expected.into_iter().map(|(_, conversation, seq)| (conversation, seq)).collect();
    for (words, limit) in
        [("今天", 1), ("今天", 7), ("天", 50), ("今天见面", 20), ("我们 见面", 33), ("今天", 1_000)]
    {
        assert_eq!(paged(store, me, everything(&query(words)), limit), expected, "{words}, {limit} at once");
    }
}

pub(super) fn what_was_said_at_one_moment_is_found_once(store: &dyn Store) {
    let [ann, bob, carl] = users(store);
    let conversations = [befriend(store, ann, bob), befriend(store, ann, carl)];
    let mut expected = Vec::new();
    for n in 0..40 {
        let conversation = conversations[n % 2];
        expected.push((conversation, say(store, conversation, ann, "同时")));
    }
    index(store, &conversations);
    expected.sort_unstable();
    for limit in [1, 3, 40, 41] {
        let mut all = paged(store, ann, everything(&query("同时")), limit);
        all.sort_unstable();
        assert_eq!(all, expected, "{limit} at once");
    }
}

/// A place that was made up, or kept from when one could read there, tells nothing of what one may not read: what comes after it
/// is told by its time alone.
pub(super) fn a_place_that_one_may_not_read_is_a_time(store: &dyn Store) {
    let [ann, bob, carl] = users(store);
    let (mine, foreign) = (befriend(store, ann, bob), befriend(store, bob, carl));
    let group = group(store, carl);
    let at = |conversation, sender, ms| {
        let time = Timestamp(NOW.0 + ms);
        append(store, &[NewMessage { time, ..message(conversation, sender, "tick") }])[0].seq
    };
    for ms in [0, 20, 40] {
        at(mine, ann, ms);
    }
    let hidden =
        [(foreign, at(foreign, bob, 10)), (group.conversation(), at(group.conversation(), carl, 10))];
    join(store, group, ann);
    index(store, &[mine, foreign, group.conversation()]);
    let words = query("tick");
    let after = |time, conversation, seq| {
        let before = Some(FoundPlace { time, conversation, seq });
        paged(store, ann, MessageSearch { before, ..everything(&words) }, 10)
    };
    let places = |count| (1..=count).rev().map(|seq| (mine, Seq(seq))).collect::<Vec<_>>();
    for (conversation, seq) in hidden {
        for (ms, count) in [(-1_i64, 0), (1, 1), (11, 1), (39, 2), (41, 3)] {
            let time = Timestamp(NOW.0.saturating_add_signed(ms));
            let missing = [
                (conversation, Seq(seq.0 + 1_000)),
                (ConversationId(conversation.0 + 1_000_000), seq),
                (ConversationId(0), Seq(0)),
            ];
            for (conversation, seq) in missing.into_iter().chain([(conversation, seq)]) {
                assert_eq!(after(time, conversation, seq), places(count), "{ms} ms, {conversation} {seq}");
            }
        }
        assert_eq!(after(Timestamp(0), conversation, seq), [], "before everything");
    }
    assert_eq!(after(Timestamp(0), mine, Seq(3)), [], "of one's own no other time counts either");
    assert_eq!(after(Timestamp(NOW.0 + 40), mine, Seq(3)), places(2));
}

/// What one may not read takes nothing's place, in whatever conversations the newest of it stands.
pub(super) fn what_was_said_before_one_came_hides_nothing(store: &dyn Store) {
    let [owner, me] = users(store);
    let at = |conversation, ms| {
        let time = Timestamp(NOW.0 + ms);
        let said = append(store, &[NewMessage { time, ..message(conversation, owner, "花 flower") }]);
        (conversation, said[0].seq)
    };
    let friends = befriend(store, owner, me);
    let (mut expected, mut conversations) = (vec![at(friends, 0)], vec![friends]);
    for n in 1..=40 {
        let group = group(store, owner);
        (0..6).for_each(|k| _ = at(group.conversation(), n * 100 + k));
        join(store, group, me);
        expected.push(at(group.conversation(), n * 100 + 50));
        conversations.push(group.conversation());
    }
    expected.push(at(friends, 10_000));
    expected.reverse();
    conversations.chunks(8).for_each(|some| index(store, some));
    for limit in [1, 4, 9, 100] {
        for words in ["花", "花 flower"] {
            assert_eq!(
                paged(store, me, everything(&query(words)), limit),
                expected,
                "{words}, {limit} at once"
            );
        }
    }
}

/// However long the texts: a part ends with the one that passes the limit, whether they fit or not.
pub(super) fn what_one_part_compares_is_limited(store: &dyn Store) {
    const LENGTH: usize = COMPARED_BYTES_MAX / 8;
    let (ann, _, conversation) = two_friends(store);
    let text = |n: u64| format!("{:<LENGTH$}", if n.is_multiple_of(2) { "甲乙丙" } else { "甲乙 乙丙" });
    let count = 70;
    let batch: Vec<NewMessage> = (1..=count)
        .map(|n| NewMessage { time: Timestamp(NOW.0 + n), body: text(n), ..message(conversation, ann, "") })
        .collect();
    append(store, &batch);
    index(store, &[conversation]);
    let seqs = |step| (1..=count / step).rev().map(|n| (conversation, Seq(n * step))).collect::<Vec<_>>();
    for (words, step) in [("甲乙", 1), ("甲乙丙", 2)] {
        let words = query(words);
        let part = store.search_messages(ann, &everything(&words), 100).unwrap().unwrap();
        assert!(part.next.is_some() && !part.messages.is_empty());
        let bytes: usize = part.messages.iter().map(|message| message.body.len()).sum();
        assert!(bytes <= COMPARED_BYTES_MAX + 2 * LENGTH, "{bytes} bytes");
        for limit in [1, 3, 5, 40, 100] {
            assert_eq!(paged(store, ann, everything(&words), limit), seqs(step), "{limit} at once");
        }
    }
}

pub(super) fn words_that_seldom_meet_are_found(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    let batch: Vec<NewMessage> = (0..3_000)
        .map(|n| {
            let text = match n {
                700 | 2_900 => "common rare thing",
                _ if n % 2 == 0 => "common",
                _ => "rare",
            };
            let time = Timestamp(NOW.0 + n / 5);
            NewMessage { time, ..message(conversation, if n % 3 == 0 { ann } else { bob }, text) }
        })
        .collect();
    let places = append(store, &batch);
    index(store, &[conversation]);
    let expected = [(conversation, places[2_900].seq), (conversation, places[700].seq)];
    assert_eq!(found(store, ann, "common rare"), expected);
    let words = query("rare common");
    let search = MessageSearch { sender: Some(bob), ..everything(&words) };
    assert_eq!(paged(store, ann, search, 5), expected, "700 and 2,900 are no multiples of 3");
    assert_eq!(found(store, ann, "thing common"), expected);
}

pub(super) fn the_index_follows_the_log(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    let lacks = |after| {
        let unindexed = store.unindexed(after, 3).unwrap();
        assert!(unindexed.conversations.is_sorted());
        unindexed
    };
    let before = ConversationId(conversation.0 - 1);
    assert!(!lacks(before).conversations.contains(&conversation), "nothing was said");
    for n in 0..10 {
        say(store, conversation, ann, &format!("第{n}次"));
    }
    assert!(lacks(before).conversations.contains(&conversation));
    let indexed = store.index_messages(&[conversation], 4).unwrap();
    assert_eq!((indexed.messages, indexed.unfinished), (4, vec![conversation]));
    assert_eq!(found(store, ann, "第").len(), 4, "oldest first");
    assert!(lacks(before).conversations.contains(&conversation));
    let indexed = store.index_messages(&[conversation, conversation], 100).unwrap();
    assert_eq!(indexed.unfinished, []);
    assert_eq!(found(store, ann, "第").len(), 10);
    assert!(!lacks(before).conversations.contains(&conversation));
    let indexed = store.index_messages(&[conversation, ConversationId(u64::MAX >> 12)], 100).unwrap();
    assert_eq!((indexed.messages, indexed.unfinished), (0, vec![]), "once");
    // A group's changes stand in the log, and are none of anybody's words.
    let other = user(store);
    let group = group(store, ann);
    join(store, group, other);
    index(store, &[group.conversation()]);
    assert!(!lacks(ConversationId(group.0 - 1)).conversations.contains(&group.conversation()));
    assert_eq!(found(store, other, "join"), []);
    let (mut after, mut pages) = (ConversationId(0), 0);
    while let Some(next) = store.unindexed(after, 3).unwrap().next {
        assert!(next > after);
        after = next;
        pages += 1;
    }
    assert!(pages > 0 || conversation.0 < 3);
}

pub(super) fn many_conversations_are_taken_in_by_portions(store: &dyn Store) {
    let talks: Vec<_> = (0..7).map(|_| two_friends(store)).collect();
    let conversations: Vec<_> = talks.iter().map(|(.., conversation)| *conversation).collect();
    for (at, (speaker, _, conversation)) in talks.iter().enumerate() {
        // None in the first, one in the second, …
        (0..at).for_each(|_| _ = say(store, *conversation, *speaker, "许多"));
    }
    for limit in [0, 1, 5, 6, 4] {
        let indexed = store.index_messages(&conversations, limit).unwrap();
        assert_eq!(indexed.messages, limit);
        assert!(!indexed.unfinished.is_empty(), "after {limit} more");
        assert!(indexed.unfinished.iter().all(|unfinished| conversations.contains(unfinished)));
    }
    index(store, &conversations);
    for (at, (speaker, listener, conversation)) in talks.iter().enumerate() {
        let all: Vec<_> = (1..=at as u64).rev().map(|seq| (*conversation, Seq(seq))).collect();
        assert_eq!(found(store, *speaker, "许多"), all);
        assert_eq!(found(store, *listener, "许多"), all);
    }
    let again = store.index_messages(&conversations, 100).unwrap();
    assert_eq!((again.messages, again.unfinished), (0, vec![]));
}

pub(super) fn two_nodes_index_at_once(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    let (_, bob, other) = two_friends(store);
    let count = 300;
    for (sender, conversation) in [(ann, conversation), (bob, other)] {
        let batch: Vec<NewMessage> = (0..count).map(|_| message(conversation, sender, "两个节点")).collect();
        append(store, &batch);
    }
    let conversations = [conversation, other];
    std::thread::scope(|scope| {
        for n in 0..3 {
            let mut order = conversations.to_vec();
            order.rotate_left(n % 2);
            scope.spawn(move || {
                let mut left = order.clone();
                while !left.is_empty() {
                    left = store.index_messages(&left, 50).unwrap().unfinished;
                }
            });
        }
    });
    assert_eq!(found(store, ann, "节点").len(), count, "each once");
    assert_eq!(found(store, bob, "节点").len(), count);
}

pub(super) fn queries_mean_themselves(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    let said = unique("word").replace('.', "x");
    let texts = [
        format!("{said} and or not near"),
        "'; DROP TABLE message_words; --".to_owned(),
        "\" OR 1:a AND @5 * ^ NEAR(a b)".to_owned(),
        "words : message_words MATCH".to_owned(),
        "\0nul\0here\u{202e}".to_owned(),
        "😀".to_owned(),
        "長".repeat(5_000),
    ];
    let seqs: Vec<Seq> = texts.iter().map(|text| say(store, conversation, ann, text)).collect();
    index(store, &[conversation]);
    let is = |words: &str, expected: &[usize]| {
        let expected: Vec<_> = expected.iter().map(|n| (conversation, seqs[*n])).collect();
        assert_eq!(found(store, ann, words), expected, "{words:?}");
    };
    is(&said, &[0]);
    is("NOT near AND or", &[0]);
    is("near", &[2, 0]);
    is("'; DROP TABLE message_words; --", &[1]);
    is("message_words", &[3, 1]);
    is("5", &[2]);
    is(&format!("@{ann} {said}"), &[]);
    is("here", &[4]);
    is("nul", &[4]);
    is("長長長長長長長長長長", &[6]);
    is(&format!("{conversation}:{said}"), &[]);
}

pub(super) fn a_search_follows_changes(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    for text in ["the apple is red", "the apple is green", "苹果很好吃"] {
        say(store, conversation, ann, text);
    }
    index(store, &[conversation]);
    // Not in the index yet when it is changed.
    say(store, conversation, ann, "an apple a day");
    let at = |seqs: &[u64]| seqs.iter().map(|seq| (conversation, Seq(*seq))).collect::<Vec<_>>();
    assert_eq!((found(store, bob, "apple"), found(store, bob, "苹果")), (at(&[2, 1]), at(&[3])));
    let make = |seq, deed| {
        store.change_message(&asked(conversation, Seq(seq), ann, deed, 1)).unwrap().unwrap();
    };
    make(1, MessageDeed::Recall);
    make(2, edit("the pear is green"));
    make(3, MessageDeed::Recall);
    make(4, edit("a pear a day"));
    for _ in 0..2 {
        assert_eq!((found(store, bob, "apple"), found(store, bob, "苹果")), (at(&[]), at(&[])));
        index(store, &[conversation]);
    }
    assert_eq!((found(store, bob, "pear"), found(store, bob, "green")), (at(&[4, 2]), at(&[2])));
    make(2, edit("the apple again"));
    assert_eq!((found(store, bob, "apple"), found(store, bob, "pear")), (at(&[2]), at(&[4])));
}

pub(super) fn what_is_hidden_is_found_by_others_only(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    for text in ["red apples", "red pears", "red plums"] {
        say(store, conversation, ann, text);
    }
    index(store, &[conversation]);
    store.hide(ann, conversation, &[Seq(1), Seq(3)], 10).unwrap();
    let places = |seqs: &[u64]| seqs.iter().map(|seq| (conversation, Seq(*seq))).collect::<Vec<_>>();
    assert_eq!(found(store, ann, "red"), places(&[2]));
    assert_eq!(found(store, bob, "red"), places(&[3, 2, 1]));
    let one_by_one = paged(store, ann, everything(&query("red")), 1);
    assert_eq!(one_by_one, places(&[2]), "pages are no longer than what is shown");
    say(store, conversation, ann, "red cherries");
    store.hide(ann, conversation, &[Seq(4)], 10).unwrap();
    index(store, &[conversation]);
    assert_eq!(found(store, ann, "red"), places(&[2]), "hidden before the index had it");
}
