//! M2, M3: what came while away, and paging through history.

use std::collections::HashMap;

use protocol::{ChatMessage, Code, History};

use crate::support::{Peer, Random, Server, Store, befriend, friends, hello, log_in, on_each_store, user};

on_each_store! {
    m2_what_came_while_away_is_there_complete_in_order_once,
    m2_a_client_that_syncs_while_messages_flow_misses_nothing,
    m2_acknowledging_is_cumulative_for_all_devices_and_deletes_nothing,
    m2_conversations_are_listed_in_pages,
    m3_history_is_paged_both_ways,
    m3_a_page_ends_early_rather_than_grow_too_large,
    m3_history_begins_at_a_time,
    m3_history_that_is_not_ones_own_is_not_found,
}

fn m2_what_came_while_away_is_there_complete_in_order_once(store: Store) {
    let mut random = Random::seeded("m2_away");
    let mut server = Server::on(store);
    let mut alice = user(&server, "alice");
    let mut others: Vec<_> = (0..3).map(|n| user(&server, &format!("other {n}"))).collect();
    let mut convs: Vec<_> = others.iter_mut().map(|other| befriend(&mut alice, other)).collect();
    let group = others[0].create_group("all", "").expect("opened").group.id;
    alice.join_group(group).expect("joined");
    for other in &mut others[1..] {
        other.join_group(group).expect("joined");
    }
    convs.push(group);
    let token = alice.token.take().expect("a token");
    let id = alice.id;
    drop(alice);

    let mut expected: HashMap<u64, Vec<String>> = HashMap::new();
    for n in 0..120 {
        let who = random.within(0..3) as usize;
        let text = format!("{n} from {who}");
        let conv = match random.within(0..2) {
            0 => others[who].say(id, &text).conv,
            _ => others[who].say_in(group, &text).conv,
        };
        expected.entry(conv).or_default().push(text);
        if n == 60 {
            // A crash in between changes nothing of what was answered.
            server.kill9();
            server.restart();
            others = (0..3).map(|n| log_in(&server, &format!("other {n}"), "again")).collect();
        }
    }

    let mut alice = Peer::connect(server.address());
    alice.hello(hello("")).expect("HELLO");
    let bundle = alice.resume(token).expect("a good token");
    let mut news: Vec<_> = bundle.convs.iter().map(|conv| conv.conv).collect();
    news.sort_unstable();
    let mut with_news: Vec<_> = expected.keys().copied().collect();
    with_news.sort_unstable();
    assert_eq!(news, with_news);
    for conv in bundle.convs {
        let texts = &expected[&conv.conv];
        // In the group, after the three who came in.
        let before = if conv.conv == group { 3 } else { 0 };
        assert_eq!((conv.first, conv.last, conv.acked), (1, texts.len() as u64 + before, 0));
        let messages = alice.read_all(conv.conv, conv.acked);
        assert!(messages.iter().map(|m| m.seq).eq(before + 1..=conv.last));
        assert_eq!(messages.iter().map(|m| m.msg.clone()).collect::<Vec<_>>(), *texts);
        alice.ack(conv.conv, conv.last).expect("taken");
    }
    assert_eq!(alice.pushes_so_far(), [], "nothing is pushed a second time");
    server.terminate();
    server.restart();
    let mut alice = Peer::connect(server.address());
    alice.hello(hello("")).expect("HELLO");
    let login = protocol::Login {
        id: Some(id),
        name: None,
        password: protocol::Secret::new(crate::support::PASSWORD),
        ..protocol::Login::default()
    };
    assert_eq!(alice.login(login).expect("in").convs, [], "all is acknowledged");
}

/// A client's copy of a conversation, kept by the rules of `docs/protocol.md`.
#[derive(Default)]
struct Copy {
    have: u64,
    texts: Vec<String>,
    aside: HashMap<u64, String>,
}

impl Copy {
    fn apply(&mut self, message: ChatMessage) {
        if message.seq > self.have {
            self.aside.insert(message.seq, message.msg);
        }
        while let Some(text) = self.aside.remove(&(self.have + 1)) {
            self.have += 1;
            self.texts.push(text);
        }
    }
}

fn m2_a_client_that_syncs_while_messages_flow_misses_nothing(store: Store) {
    const MESSAGES: u64 = 1_500;
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let token = bob.token.take().expect("a token");
    let bob_id = bob.id;
    drop(bob);
    let address = server.address();
    std::thread::scope(|scope| {
        let sender = scope.spawn(move || {
            for n in 0..MESSAGES {
                alice.say(bob_id, &n.to_string());
            }
        });
        let mut copy = Copy::default();
        // Comes and goes without a word, and syncs each time.
        while copy.have < MESSAGES {
            let mut bob = Peer::connect(address);
            bob.hello(hello("")).expect("HELLO");
            bob.resume(token.clone()).expect("a good token");
            for message in bob.read_all(conv, copy.have) {
                copy.apply(message);
            }
            assert!(copy.aside.is_empty(), "history has no holes");
            // From here on pushes: a gap would mean that one was lost.
            for _ in 0..(MESSAGES - copy.have).min(100) {
                let before = copy.have;
                let message = bob.message();
                let seq = message.seq;
                copy.apply(message);
                assert!(copy.have > before || seq <= before, "a gap after {before}: {seq} was pushed");
                if copy.have == MESSAGES {
                    break;
                }
            }
        }
        assert_eq!(copy.texts, (0..MESSAGES).map(|n| n.to_string()).collect::<Vec<_>>());
        sender.join().expect("the sender");
    });
}

fn m2_acknowledging_is_cumulative_for_all_devices_and_deletes_nothing(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut phone = log_in(&server, "bob", "phone");
    for n in 1..=5 {
        alice.say(bob.id, &n.to_string());
    }
    let acked = |peer: &mut Peer| peer.conversations(0, 0).expect("a page").convs[0].acked;
    bob.ack(conv, 3).expect("taken");
    assert_eq!((acked(&mut bob), acked(&mut phone)), (3, 3));
    phone.ack(conv, 2).expect("taken");
    assert_eq!(acked(&mut bob), 3, "never back");
    bob.ack(conv, u64::MAX).expect("taken");
    assert_eq!(acked(&mut phone), 5, "never past the end");
    for nothing in [0, 999_999, u64::MAX] {
        assert_eq!(bob.ack(nothing, 1).unwrap_err().code, Code::NOT_FOUND);
    }
    assert_eq!(bob.read_all(conv, 0).len(), 5);
    assert_eq!(acked(&mut alice), 0, "hers is her own");
}

fn m2_conversations_are_listed_in_pages(store: Store) {
    let server = Server::on(store);
    let mut alice = user(&server, "alice");
    let mut spoken = Vec::new();
    for n in 0..7 {
        let group = alice.create_group(&format!("group {n}"), "").expect("opened").group.id;
        if n != 3 {
            alice.say_in(group, "hi");
            spoken.push(group);
        }
    }
    let mut listed = Vec::new();
    let mut after = 0;
    loop {
        let page = alice.conversations(after, 2).expect("a page");
        assert!(page.convs.len() <= 2);
        listed.extend(page.convs.iter().map(|conv| conv.conv));
        after = page.next;
        if after == 0 {
            break;
        }
    }
    assert_eq!(listed, spoken, "those with a message, by rising number");
}

fn seqs(peer: &mut Peer, conv: u64, after: Option<u64>, before: Option<u64>, limit: u32) -> Vec<u64> {
    let page = peer.history(History { conv, after, before, at: None, limit }).expect("a page");
    assert_eq!((page.first, page.last), (1, 450));
    page.messages.iter().map(|message| message.seq).collect()
}

fn m3_history_is_paged_both_ways(store: Store) {
    let server = Server::on(store);
    let (mut alice, bob, conv) = friends(&server, "alice", "bob");
    let requests: Vec<_> =
        (1..=450).map(|n| crate::support::chat(bob.id, &n.to_string(), &n.to_string())).collect();
    for rid in alice.send_all(&requests) {
        alice.reply(rid).expect("stored");
    }
    let range = |from: u64, to: u64| (from..=to).collect::<Vec<_>>();
    let mut page = |after, before, limit| seqs(&mut alice, conv, after, before, limit);
    assert_eq!(page(None, None, 10), range(441, 450), "the newest");
    assert_eq!(page(None, None, 0), range(251, 450), "a full page");
    assert_eq!(page(None, None, 100_000), range(251, 450), "never more than a full page");
    assert_eq!(page(Some(0), None, 3), range(1, 3));
    assert_eq!(page(Some(448), None, 10), range(449, 450));
    assert_eq!(page(Some(450), None, 10), range(1, 0));
    assert_eq!(page(Some(u64::MAX), None, 10), range(1, 0));
    assert_eq!(page(None, Some(4), 10), range(1, 3));
    assert_eq!(page(None, Some(100), 5), range(95, 99));
    assert_eq!(page(None, Some(1), 10), range(1, 0));
    assert_eq!(page(None, Some(0), 10), range(1, 0));
    assert_eq!(page(None, Some(u64::MAX), 2), range(449, 450));

    // All the way back, and all the way forth.
    let mut back = Vec::new();
    let mut before = 451;
    while before > 1 {
        let page = page(None, Some(before), 64);
        before = page[0];
        back.splice(0..0, page);
    }
    assert_eq!(back, range(1, 450));
    assert_eq!(alice.read_all(conv, 0).iter().map(|m| m.seq).collect::<Vec<_>>(), range(1, 450));
    for (after, before, at, field) in [
        (Some(1), Some(9), None, "before"),
        (Some(1), None, Some(9), "at"),
        (None, Some(9), Some(9), "at"),
        (Some(1), Some(9), Some(9), "before"),
    ] {
        let refusal = alice.history(History { conv, after, before, at, limit: 0 }).unwrap_err();
        assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some(field)));
    }
}

fn m3_a_page_ends_early_rather_than_grow_too_large(store: Store) {
    let server = Server::on(store);
    let (mut alice, bob, conv) = friends(&server, "alice", "bob");
    // Each is 64 KiB of text and six times that in JSON: only one such fits a page.
    let escaped = "\u{1}".repeat(64 * 1024);
    let plain = "x".repeat(64 * 1024);
    for text in [&plain, &plain, &plain, &escaped, &escaped, &plain] {
        alice.say(bob.id, text);
    }
    for forwards in [true, false] {
        let mut seen = Vec::new();
        let (mut after, mut before) = (0, 7);
        while seen.len() < 6 {
            let (a, b) = if forwards { (Some(after), None) } else { (None, Some(before)) };
            let page =
                alice.history(History { conv, after: a, before: b, at: None, limit: 0 }).expect("a page");
            let seqs: Vec<_> = page.messages.iter().map(|message| message.seq).collect();
            assert!(!seqs.is_empty(), "a page has at least one message");
            (after, before) = (seqs[seqs.len() - 1], seqs[0]);
            for message in page.messages {
                let expected = if [4, 5].contains(&message.seq) { &escaped } else { &plain };
                assert_eq!(&message.msg, expected);
            }
            seen.extend(seqs);
        }
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
    }
}

fn m3_history_begins_at_a_time(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    for n in 1..=300 {
        alice.say(bob.id, &n.to_string());
    }
    let group = bob.create_group("late", "").expect("opened").group.id;
    for n in 1..=5 {
        bob.say_in(group, &n.to_string());
    }
    alice.join_group(group).expect("joined");
    drop((alice, bob));
    server.terminate();
    // Three messages of each second, from second 1,000 on; the hundredth said by a node whose clock was ahead.
    server.seed(&[
        format!("UPDATE messages SET time = 1000000 + (seq - 1 - (seq - 1) % 3) * 1000 / 3 WHERE conversation_id = {conv}"),
        format!("UPDATE messages SET time = 1050000 WHERE conversation_id = {conv} AND seq = 100"),
        format!("UPDATE messages SET time = 1000000 + (seq - 1) * 1000 WHERE conversation_id = {group}"),
    ]);
    server.restart();
    let mut alice = log_in(&server, "alice", "again");
    let mut at = |conv, at, limit| {
        let page =
            alice.history(History { conv, at: Some(at), limit, ..History::default() }).expect("a page");
        page.messages.iter().map(|message| message.seq).collect::<Vec<_>>()
    };
    assert_eq!(at(conv, 0, 3), [1, 2, 3]);
    assert_eq!(at(conv, 1_000_000, 3), [1, 2, 3]);
    assert_eq!(at(conv, 1_002_001, 3), [10, 11, 12]);
    assert_eq!(at(conv, 1_050_000, 3), [100, 101, 102], "of two that crossed, from the first on");
    assert_eq!(at(conv, 1_099_000, 0), [298, 299, 300]);
    for beyond in [1_100_000, (1 << 53) - 1, 1 << 53, u64::MAX] {
        assert_eq!(at(conv, beyond, 3), [0; 0], "{beyond}");
    }
    // Who came in later is shown nothing from before, whatever time is asked for.
    assert_eq!(at(group, 0, 0), [6]);
    assert_eq!(at(group, 1_002_000, 0), [6]);
    assert_eq!(at(group, 1_005_001, 0), [0; 0]);
}

fn m3_history_that_is_not_ones_own_is_not_found(store: Store) {
    let server = Server::on(store);
    let (mut alice, bob, conv) = friends(&server, "alice", "bob");
    alice.say(bob.id, "between us");
    let mut eve = user(&server, "eve");
    for conv in [conv, 0, 999_999, u64::MAX] {
        let history = History { conv, after: Some(0), before: None, at: None, limit: 0 };
        assert_eq!(eve.history(history).unwrap_err().code, Code::NOT_FOUND, "{conv}");
        assert_eq!(eve.ack(conv, 1).unwrap_err().code, Code::NOT_FOUND, "{conv}");
    }
}
