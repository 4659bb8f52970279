//! M6: answers, their quotes, and mentions.

use protocol::limits::{MENTIONS_MAX, NUMBER_MAX, QUOTE_CHARS_MAX};
use protocol::{
    ChatMessage, Code, EditMessage, GroupChat, History, HistoryPage, MemberRef, MsgId, OneChat, Quote, Rank,
    Refusal, Reply, Request, SearchMessages, Sent,
};
use testkit::eventually;

use crate::support::{DEADLINE, Peer, Server, Store, befriend, friends, log_in, on_each_store, user};

on_each_store! {
    m6_an_answer_quotes_live_and_in_history,
    m6_a_quote_follows_an_edit_and_ends_with_a_recall,
    m6_what_was_said_before_one_came_is_not_quoted,
    m6_only_what_one_can_see_is_answered,
    m6_mentions_are_kept_and_checked,
    m6_everybody_is_mentioned_by_who_leads,
    m6_bad_fields_of_answers_and_mentions_are_named,
    m6_a_repeat_keeps_what_it_answers_and_mentions,
}

/// An answer to a friend.
fn answer(peer: &mut Peer, to: u64, reply_to: u64, msg: &str) -> Result<Sent, Refusal> {
    let (msg, client_msg_id) = (msg.to_owned(), peer.message_id());
    sent(peer, Request::OneChat(OneChat { to, msg, client_msg_id, reply_to, ..OneChat::default() }))
}

/// A message in a group that answers and mentions.
fn say(peer: &mut Peer, groupid: u64, reply_to: u64, mentions: &[u64]) -> Result<Sent, Refusal> {
    let (msg, client_msg_id) = ("well".to_owned(), peer.message_id());
    let mentions = mentions.to_vec();
    sent(peer, Request::GroupChat(GroupChat { groupid, msg, client_msg_id, reply_to, mentions }))
}

fn sent(peer: &mut Peer, request: Request) -> Result<Sent, Refusal> {
    match peer.ask(&request)? {
        Reply::OneChat(sent) | Reply::GroupChat(sent) => Ok(sent),
        other => panic!("a message was answered by {other:?}"),
    }
}

/// The newest message, by a page of so many.
fn newest(peer: &mut Peer, conv: u64, limit: u32) -> ChatMessage {
    let page: HistoryPage = peer.history(History { conv, limit, ..History::default() }).expect("a page");
    page.messages.last().expect("a message").clone()
}

fn quoted(message: &ChatMessage) -> Option<&str> {
    message.quote.as_ref().map(|quote| quote.msg.as_str())
}

fn named(refusal: &Refusal) -> (Code, Option<&str>) {
    (refusal.code, refusal.body.field.as_deref())
}

fn m6_an_answer_quotes_live_and_in_history(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut phone = log_in(&server, "alice", "phone");
    let texts =
        ["short".to_owned(), "国\u{1f980}".repeat(200), "'; DROP TABLE messages; -- \"\\%_\0".to_owned()];
    for text in &texts {
        let seq = bob.say(alice.id, text).seq;
        let answered = answer(&mut alice, bob.id, seq, "an answer").expect("stored");
        let begin: String = text.chars().take(QUOTE_CHARS_MAX).collect();
        let quote = Quote { from: bob.id, name: "bob".into(), msg: begin };
        let told = loop {
            let told = bob.message();
            if told.seq == answered.seq {
                break told;
            }
        };
        assert_eq!((told.reply_to, told.quote.as_ref()), (seq, Some(&quote)));
        for peer in [&mut alice, &mut bob, &mut phone] {
            // With what it answers in the page, and alone.
            for limit in [0, 1] {
                assert_eq!(newest(peer, conv, limit), told);
            }
        }
    }
    let plain = bob.say(alice.id, "no answer").seq;
    let told = newest(&mut alice, conv, 1);
    assert_eq!((told.seq, told.reply_to, told.quote), (plain, 0, None));
}

fn m6_a_quote_follows_an_edit_and_ends_with_a_recall(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let seq = alice.say(bob.id, "xylophone at midnight").seq;
    let first = answer(&mut bob, alice.id, seq, "an answer").expect("stored").seq;
    assert_eq!(quoted(&alice.message()), Some("xylophone at midnight"));
    alice.edit_message(conv, seq, "zither at noon").expect("edited");
    for limit in [0, 1] {
        assert_eq!(quoted(&newest(&mut bob, conv, limit)), Some("zither at noon"));
    }
    alice.recall(conv, seq).expect("recalled");
    // Nowhere from now on: not in what is read, nor in what is said, nor in what is told of changes.
    let after = answer(&mut bob, alice.id, seq, "another").expect("what was recalled may be answered").seq;
    let told = alice.message();
    assert_eq!((told.seq, told.reply_to, told.quote), (after, seq, None));
    let edited = bob.edit_message(conv, first, "an answer still").expect("edited");
    assert_eq!((edited.message.reply_to, &edited.message.quote), (seq, &None));
    for peer in [&mut alice, &mut bob] {
        for limit in [0, 1] {
            let page = peer.history(History { conv, limit, ..History::default() }).expect("a page");
            assert!(page.messages.iter().all(|message| message.quote.is_none()));
            let shown = serde_json::to_string(&page).expect("JSON");
            assert!(!shown.contains("xylophone") && !shown.contains("zither"), "{shown}");
        }
        let feed = serde_json::to_string(&peer.changes(conv, 0, 0).expect("a page")).expect("JSON");
        assert!(!feed.contains("xylophone") && !feed.contains("zither"), "{feed}");
    }
    // The answer is found as soon as it is indexed, and says nothing of what it answers.
    let query = |query: &str| SearchMessages { query: query.into(), ..SearchMessages::default() };
    eventually(DEADLINE, "the answer is found", || {
        let found = alice.search_messages(query("another")).expect("a page").messages;
        (!found.is_empty()).then(|| assert!(found.iter().all(|message| message.quote.is_none())))
    });
    for gone in ["xylophone", "zither", "midnight", "noon"] {
        assert_eq!(alice.search_messages(query(gone)).expect("a page").messages, [], "{gone}");
    }
}

fn m6_what_was_said_before_one_came_is_not_quoted(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    let before = alice.say_in(group, "not for bob").seq;
    bob.join_group(group).expect("joined");
    let answered = say(&mut alice, group, before, &[]).expect("stored").seq;
    let told = bob.message();
    assert_eq!((told.seq, told.reply_to, told.quote), (answered, before, None));
    for limit in [0, 1] {
        assert_eq!(newest(&mut bob, group, limit).quote, None);
        assert_eq!(quoted(&newest(&mut alice, group, limit)), Some("not for bob"));
    }
    let edited = alice.edit_message(group, answered, "well then").expect("edited");
    assert_eq!((bob.changed().message.quote, edited.message.quote), (None, None), "one push for all");
    let feed = bob.changes(group, 0, 0).expect("a page").changes;
    assert_eq!((feed.len(), &feed[0].message.quote), (1, &None));
    let after = alice.say_in(group, "for bob").seq;
    say(&mut alice, group, after, &[]).expect("stored");
    assert_eq!((quoted(&bob.message()), quoted(&bob.message())), (None, Some("for bob")));
}

fn m6_only_what_one_can_see_is_answered(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let (mut carol, mut dave) = (user(&server, "carol"), user(&server, "dave"));
    befriend(&mut carol, &mut dave);
    for n in 0..9 {
        carol.say(dave.id, &format!("message {n}"));
    }
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    let before = alice.say_in(group, "not for bob").seq;
    bob.join_group(group).expect("joined");
    let came = bob.message_count(group);
    let seq = alice.say(bob.id, "hello").seq;
    let last = bob.message_count(conv);
    assert_eq!((seq, last), (1, 1));
    // One past the last, which is also a seq of others' conversations, and what was not yet said; of all the same answer.
    let nothing = answer(&mut bob, alice.id, NUMBER_MAX, "x").unwrap_err();
    assert_eq!(named(&nothing), (Code::NOT_FOUND, Some("reply_to")));
    for future in [last + 1, 9, 10, NUMBER_MAX + 1, u64::MAX] {
        assert_eq!(answer(&mut bob, alice.id, future, "x").unwrap_err(), nothing, "{future}");
    }
    for unseen in [before, came + 1, NUMBER_MAX, u64::MAX] {
        assert_eq!(say(&mut bob, group, unseen, &[]).unwrap_err(), nothing, "{unseen}");
    }
    assert_eq!((bob.message_count(conv), bob.message_count(group)), (last, came), "nothing was said");
    answer(&mut bob, alice.id, last, "the last").expect("stored");
    say(&mut bob, group, came, &[]).expect("his own coming is the first that he sees");
    // Who may not speak answers nothing either.
    let mut eve = user(&server, "eve");
    assert_eq!(answer(&mut eve, alice.id, 1, "x").unwrap_err().code, Code::NOT_FRIENDS);
    assert_eq!(say(&mut eve, group, 1, &[]).unwrap_err().code, Code::NOT_MEMBER);
}

fn m6_mentions_are_kept_and_checked(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let carol = user(&server, "carol");
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    let (a, b, c) = (alice.id, bob.id, carol.id);
    for (asked, kept) in [(vec![b], vec![b]), (vec![b, a, b, b], vec![b, a]), (vec![], vec![])] {
        let seq = say(&mut alice, group, 0, &asked).expect("stored").seq;
        let told = bob.message();
        assert_eq!((told.seq, &told.mentions), (seq, &kept));
        assert_eq!(newest(&mut bob, group, 1).mentions, kept);
    }
    let full = [a, b].repeat(MENTIONS_MAX / 2);
    assert_eq!(full.len(), MENTIONS_MAX);
    say(&mut bob, group, 0, &full).expect("as many as may be");
    assert_eq!(alice.message().mentions, [a, b]);
    let count = bob.message_count(group);
    let one_more = [&full[..], &[a]].concat();
    for bad in [&one_more[..], &[c], &[b, c], &[NUMBER_MAX], &[u64::MAX], &[999_999]] {
        let refusal = say(&mut alice, group, 0, bad).unwrap_err();
        assert_eq!(named(&refusal), (Code::BAD_FIELD, Some("mentions")), "{bad:?}");
    }
    assert_eq!(bob.message_count(group), count, "nothing was said");
    let pair = |peer: &mut Peer, to, mentions: &[u64]| {
        let (msg, client_msg_id) = ("well".to_owned(), peer.message_id());
        let mentions = mentions.to_vec();
        sent(peer, Request::OneChat(OneChat { to, msg, client_msg_id, mentions, ..OneChat::default() }))
    };
    pair(&mut alice, b, &[a, b]).expect("the two of them");
    assert_eq!(bob.message().mentions, [a, b]);
    for bad in [&[0][..], &[c], &[b, c], &one_more] {
        let refusal = pair(&mut alice, b, bad).unwrap_err();
        assert_eq!(named(&refusal), (Code::BAD_FIELD, Some("mentions")), "{bad:?}");
    }
    assert_eq!(bob.message_count(conv), 1);
    // An edit says whom the new text mentions.
    let edit = |peer: &mut Peer, mentions: &[u64]| {
        let msg = "edited".to_owned();
        let edit = EditMessage { conv, seq: 1, msg, mentions: mentions.to_vec() };
        match peer.ask(&Request::EditMessage(edit))? {
            Reply::EditMessage(changed) => Ok(changed.message.mentions),
            other => panic!("an edit was answered by {other:?}"),
        }
    };
    assert_eq!(edit(&mut alice, &[b]), Ok(vec![b]));
    assert_eq!(named(&edit(&mut alice, &[c]).unwrap_err()), (Code::BAD_FIELD, Some("mentions")));
    assert_eq!(newest(&mut bob, conv, 1).mentions, [b]);
}

fn m6_everybody_is_mentioned_by_who_leads(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, mut carol) =
        (user(&server, "alice"), user(&server, "bob"), user(&server, "carol"));
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    carol.join_group(group).expect("joined");
    alice.set_role(group, bob.id, Rank::Admin).expect("appointed");
    for leader in [&mut alice, &mut bob] {
        let mentions = [0, 0];
        let seq = say(leader, group, 0, &mentions).expect("stored").seq;
        let told = carol.message();
        assert_eq!((told.seq, told.mentions), (seq, vec![0]));
    }
    let count = carol.message_count(group);
    for mentions in [&[0][..], &[alice.id, 0]] {
        let refusal = say(&mut carol, group, 0, mentions).unwrap_err();
        assert_eq!(named(&refusal), (Code::NOT_ALLOWED, Some("mentions")));
    }
    assert_eq!(carol.message_count(group), count, "nothing was said");
    let seq = say(&mut carol, group, 0, &[alice.id]).expect("each by name").seq;
    let msg = "everybody!".to_owned();
    let edit = EditMessage { conv: group, seq, msg, mentions: vec![0] };
    let refusal = carol.ask(&Request::EditMessage(edit)).unwrap_err();
    assert_eq!(named(&refusal), (Code::NOT_ALLOWED, Some("mentions")), "nor by an edit");
    // Who is put out is a member no more.
    alice.ask(&Request::RemoveMember(MemberRef { groupid: group, id: carol.id })).expect("removed");
    let refusal = say(&mut alice, group, 0, &[carol.id]).unwrap_err();
    assert_eq!(named(&refusal), (Code::BAD_FIELD, Some("mentions")));
}

fn m6_bad_fields_of_answers_and_mentions_are_named(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    let (said, told) = (alice.message_count(conv), alice.message_count(group));
    for (bad, field) in [
        (r#""reply_to":-1"#, "reply_to"),
        (r#""reply_to":"1""#, "reply_to"),
        (r#""reply_to":1.5"#, "reply_to"),
        (r#""reply_to":[1]"#, "reply_to"),
        (r#""reply_to":null"#, "reply_to"),
        (r#""reply_to":18446744073709551616"#, "reply_to"),
        (r#""mentions":1"#, "mentions"),
        (r#""mentions":"1""#, "mentions"),
        (r#""mentions":{"1":1}"#, "mentions"),
        (r#""mentions":null"#, "mentions"),
        (r#""mentions":[-1]"#, "mentions"),
        (r#""mentions":["bob"]"#, "mentions"),
        (r#""mentions":[1,[2]]"#, "mentions"),
        (r#""mentions":["1'; DROP TABLE messages; --"]"#, "mentions"),
    ] {
        let bodies = [
            (MsgId::OneChat, format!(r#"{{"to":{},"msg":"x","client_msg_id":"c-1",{bad}}}"#, bob.id)),
            (MsgId::GroupChat, format!(r#"{{"groupid":{group},"msg":"x","client_msg_id":"c-2",{bad}}}"#)),
        ];
        for (msgid, body) in bodies {
            let rid = alice.send_body(u16::from(msgid), body.as_bytes());
            let refusal = alice.reply(rid).expect_err("refused");
            let (code, at) = named(&refusal);
            assert_eq!(code, Code::BAD_BODY, "{body}");
            assert!(at.is_some_and(|at| at.starts_with(field)), "{body}: {at:?}");
        }
    }
    assert_eq!((alice.message_count(conv), alice.message_count(group)), (said, told), "nothing was said");
}

fn m6_a_repeat_keeps_what_it_answers_and_mentions(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let seq = alice.say(bob.id, "a question").seq;
    let chat = |reply_to, mentions: Vec<u64>| {
        let (msg, client_msg_id) = ("an answer".to_owned(), "once".to_owned());
        Request::OneChat(OneChat { to: alice.id, msg, client_msg_id, reply_to, mentions })
    };
    let requests = [chat(seq, vec![alice.id]), chat(seq, vec![alice.id]), chat(0, Vec::new())];
    let first = sent(&mut bob, requests[0].clone()).expect("stored");
    let told = alice.message();
    assert_eq!(
        (told.reply_to, quoted(&told), &told.mentions[..]),
        (seq, Some("a question"), &[alice.id][..])
    );
    for request in &requests[1..] {
        assert_eq!(sent(&mut bob, request.clone()).expect("the same"), first);
    }
    assert_eq!((newest(&mut alice, conv, 1), alice.message_count(conv)), (told, 2));
}
