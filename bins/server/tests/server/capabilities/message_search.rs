//! M9: finding what was said.

use std::time::{Duration, Instant};

use protocol::{Code, FoundMessages, SearchMessages};
use testkit::eventually;

use crate::support::{DEADLINE, Peer, Server, Store, befriend, friends, log_in, on_each_store, user};

on_each_store! {
    m9_chinese_is_found_by_one_two_and_more_characters,
    m9_a_message_is_found_within_a_second,
    m9_only_ones_own_conversations_are_searched,
    m9_a_place_of_others_tells_nothing,
    m9_pages_show_each_message_once_newest_first,
    m9_what_was_said_before_the_end_is_found_after_the_start,
    m9_bad_searches_are_refused,
}

/// How long a message may take to be found.
const WITHIN: Duration = Duration::from_secs(1);

/// No message.
const NONE: [u64; 0] = [];

fn search(query: &str) -> SearchMessages {
    SearchMessages { query: query.into(), ..SearchMessages::default() }
}

fn found(peer: &mut Peer, query: &str) -> Vec<u64> {
    let page = peer.search_messages(search(query)).expect("a page");
    assert_eq!(page.next, None, "{query}");
    page.messages.into_iter().map(|message| message.seq).collect()
}

/// Waits until the message that was said last is found, and what was said before with it.
fn indexed(peer: &mut Peer, query: &str, seq: u64) {
    eventually(DEADLINE, "the newest message is found", || found(peer, query).contains(&seq).then_some(()));
}

fn m9_chinese_is_found_by_one_two_and_more_characters(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let said = [
        "落霞与孤鹜齐飞，秋水共长天一色。",
        "今晚七点在人民广场地铁站见，别迟到！",
        "上海市人民政府的通知你看到了吗？",
        "明天上海有雨，记得带伞",
        "會議改到下午三點，臺北辦公室",
        "明日の会議は東京駅の近くです",
        "내일 회의는 서울역에서 합니다",
        "Meeting moved to 3pm, Shanghai office",
    ];
    for text in said {
        alice.say(bob.id, text);
    }
    indexed(&mut bob, "shanghai", said.len() as u64);
    for (query, expected) in [
        ("水", &[1][..]),
        ("人", &[3, 2]),
        ("海", &[4, 3]),
        ("上海", &[4, 3]),
        ("人民", &[3, 2]),
        ("民广", &[2]),
        ("上海市人民政府", &[3]),
        ("人民政府的通知你看到了吗", &[3]),
        ("秋水共长天一色", &[1]),
        ("色秋", &[]),
        ("海上", &[]),
        ("上海 雨", &[4]),
        ("三點", &[5]),
        ("会議", &[6]),
        ("會議", &[5]),
        ("の", &[6]),
        ("회의", &[7]),
        ("서울역", &[7]),
        ("SHANGHAI meeting", &[8]),
        ("3pm", &[8]),
        ("３ＰＭ", &[8]),
        ("shang", &[]),
    ] {
        assert_eq!(found(&mut bob, query), expected, "{query}");
        assert_eq!(found(&mut alice, query), expected, "{query}");
    }
    let page = bob.search_messages(search("孤鹜")).expect("a page");
    let log = bob.read_all(conv, 0);
    assert_eq!(page.messages, log[..1], "as HISTORY shows it");
}

fn m9_a_message_is_found_within_a_second(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    let group = alice.create_group("all", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    for n in 0..5_u64 {
        let word = format!("word{n}");
        let said = Instant::now();
        let seq = if n % 2 == 0 { alice.say(bob.id, &word) } else { alice.say_in(group, &word) }.seq;
        indexed(&mut bob, &word, seq);
        assert!(said.elapsed() < WITHIN, "took {:?}", said.elapsed());
    }
}

fn m9_only_ones_own_conversations_are_searched(store: Store) {
    let server = Server::on(store);
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(|name| user(&server, name));
    befriend(&mut alice, &mut bob);
    let group = alice.create_group("all", "").expect("opened").group.id;
    alice.say_in(group, "秘密 before");
    bob.join_group(group).expect("joined");
    let last = alice.say_in(group, "秘密 after").seq;
    indexed(&mut alice, "after", last);
    assert_eq!(found(&mut bob, "秘密"), [last], "from joining on");
    assert_eq!(found(&mut alice, "秘密").len(), 2);
    assert_eq!(found(&mut carol, "秘密"), NONE);
    let there = SearchMessages { conv: Some(group), ..search("秘密") };
    let refusal = carol.search_messages(there.clone()).expect_err("refused");
    let nowhere = SearchMessages { conv: Some(999_999), ..search("秘密") };
    assert_eq!(carol.search_messages(nowhere).expect_err("refused"), refusal, "tells nothing");
    assert_eq!(refusal.code, Code::NOT_FOUND);
    assert_eq!(bob.search_messages(there.clone()).expect("a page").messages.len(), 1);
    bob.leave_group(group).expect("left");
    assert_eq!(found(&mut bob, "秘密"), NONE, "leaving ends it");
    assert_eq!(bob.search_messages(there).expect_err("refused"), refusal);
    // Former friends go on reading what was said, and so does the search.
    let seq = bob.say(alice.id, "秘密 between two").seq;
    indexed(&mut alice, "two", seq);
    bob.delete_friend(alice.id).expect("deleted");
    assert_eq!(found(&mut bob, "秘密"), [seq]);
}

/// Neither that something was said in a conversation of others nor when.
fn m9_a_place_of_others_tells_nothing(store: Store) {
    let server = Server::on(store);
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(|name| user(&server, name));
    befriend(&mut alice, &mut bob);
    let foreign = befriend(&mut bob, &mut carol);
    let first = alice.say(bob.id, "tick").time;
    let theirs = bob.say(carol.id, "tick");
    let last = alice.say(bob.id, "tick");
    indexed(&mut alice, "tick", last.seq);
    indexed(&mut carol, "tick", theirs.seq);
    let mut after = |time: u64, conv: u64, seq: u64| {
        let before = Some(format!("{time}.{conv}.{seq}"));
        let page = alice.search_messages(SearchMessages { before, ..search("tick") }).expect("a page");
        page.messages.into_iter().map(|message| message.seq).collect::<Vec<_>>()
    };
    for time in [0, first - 1, first + 1, theirs.time + 1, last.time + 1, last.time + 1_000] {
        let missing = after(time, foreign, theirs.seq + 1_000);
        assert_eq!(after(time, foreign, theirs.seq), missing, "at {time}");
        assert_eq!(missing.is_empty(), time < first, "at {time}");
    }
}

fn m9_pages_show_each_message_once_newest_first(store: Store) {
    let server = Server::on(store);
    let mut alice = user(&server, "alice");
    let mut others: Vec<Peer> = (0..5).map(|n| user(&server, &format!("user {n}"))).collect();
    let mut expected = Vec::new();
    for other in &mut others {
        befriend(&mut alice, other);
    }
    for n in 0..40 {
        let other = &mut others[n * 7 % 5];
        let sent = if n % 3 == 0 {
            alice.say(other.id, "一起吃饭")
        } else {
            other.say(alice.id, "吃饭了吗")
        };
        expected.push((sent.time, sent.conv, sent.seq));
    }
    expected.reverse();
    eventually(DEADLINE, "all are found", || {
        let page = alice.search_messages(search("吃饭")).expect("a page");
        (page.messages.len() == expected.len()).then_some(())
    });
    for limit in [1, 7, 39, 40, 200] {
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let asked = SearchMessages { before, limit, ..search("吃饭") };
            let page = alice.search_messages(asked).expect("a page");
            all.extend(page.messages.iter().map(|message| (message.time, message.conv, message.seq)));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert!(all.is_sorted_by_key(|(time, ..)| std::cmp::Reverse(*time)), "newest first");
        // Of one millisecond in any order.
        let sorted = |mut places: Vec<(u64, u64, u64)>| {
            places.sort_unstable();
            places
        };
        assert_eq!(sorted(all), sorted(expected.clone()), "pages of {limit}");
    }
    let by_me = SearchMessages { from: Some(alice.id), ..search("吃饭") };
    let mine = alice.search_messages(by_me).expect("a page").messages;
    assert_eq!(mine.len(), 14);
    assert!(mine.iter().all(|message| message.from == alice.id));
    let (time, conv, _) = expected[20];
    let since = SearchMessages { since: Some(time), conv: Some(conv), ..search("吃饭") };
    let those = alice.search_messages(since).expect("a page").messages;
    let count = expected.iter().filter(|place| place.0 >= time && place.1 == conv).count();
    assert_eq!(those.len(), count);
}

fn m9_what_was_said_before_the_end_is_found_after_the_start(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, bob, _) = friends(&server, "alice", "bob");
    let seq = (0..300).map(|n| alice.say(bob.id, &format!("最后的话 {n}")).seq).last().expect("said");
    server.kill9();
    server.restart();
    let mut alice = log_in(&server, "alice", "");
    indexed(&mut alice, "299", seq);
    let page = alice.search_messages(SearchMessages { limit: 200, ..search("最后的话") }).expect("a page");
    assert_eq!(page.messages.len(), 200);
    let rest = SearchMessages { before: page.next, limit: 200, ..search("最后的话") };
    assert_eq!(alice.search_messages(rest).expect("a page").messages.len(), 100, "each once");
}

fn m9_bad_searches_are_refused(store: Store) {
    let server = Server::on(store);
    let (mut alice, bob, conv) = friends(&server, "alice", "bob");
    let seq = alice.say(bob.id, "'; DROP TABLE message_words; -- near \"1:a\" OR 字").seq;
    indexed(&mut alice, "字", seq);
    let mut refused = |search: SearchMessages, field: &str| {
        let refusal = alice.search_messages(search.clone()).expect_err("refused");
        assert_eq!(
            (refusal.code, refusal.body.field.as_deref()),
            (Code::BAD_FIELD, Some(field)),
            "{search:?}"
        );
        assert!(!refusal.body.errmsg.is_empty());
    };
    let long = "字".repeat(201);
    for query in ["", " ", "*", "%", "%%%", "_", "**??__", "\"", "'", "😀", "\0", "…", "\u{202e}", &long]
    {
        refused(search(query), "query");
    }
    refused(search(&"x".repeat(10_000)), "query");
    refused(search(&"*".repeat(10_000)), "query");
    refused(SearchMessages { since: Some(u64::MAX), ..search("x") }, "since");
    refused(SearchMessages { until: Some(1 << 53), ..search("x") }, "until");
    refused(SearchMessages { since: Some(2), until: Some(1), ..search("x") }, "until");
    for before in ["", "1", "x.1.1", "1.1", "1.1.1.1", "-1.1.1", "99999999999999999999.1.1", "1.1.' OR 1=1"] {
        refused(SearchMessages { before: Some(before.into()), ..search("x") }, "before");
    }
    for conv in [0, u64::MAX, 1 << 53] {
        let refusal = alice.search_messages(SearchMessages { conv: Some(conv), ..search("x") });
        assert_eq!(refusal.expect_err("refused").code, Code::NOT_FOUND, "{conv}");
    }
    for from in [0, u64::MAX, 1 << 53] {
        let page = alice.search_messages(SearchMessages { from: Some(from), ..search("字") });
        assert_eq!(page.expect("a page"), FoundMessages::default(), "{from}");
    }
    // A place that nobody was told is one like any other.
    let forged =
        SearchMessages { before: Some("9007199254740991.9.9".into()), conv: Some(conv), ..search("字") };
    assert_eq!(alice.search_messages(forged).expect("a page").messages.len(), 1);
    for query in ["'; DROP TABLE message_words; --", "near OR", "\"1:a\"", "字"] {
        assert_eq!(found(&mut alice, query), [seq], "{query}");
    }
    for query in
        ["drop*", "near*", "字*", "1:字", "words:字", "NEAR(字 near)", "字 NOT near", &"字".repeat(200)]
    {
        // They mean their words and nothing else.
        drop(alice.search_messages(search(query)).expect("a page"));
    }
    assert_eq!(found(&mut alice, &"字".repeat(200)), NONE);
    assert_eq!(found(&mut alice, "字 NOT near"), NONE, "there is no NOT in it");
}
