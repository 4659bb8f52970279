//! M9 with M5 and M6: what is recalled is not found any more, what is edited by its new words alone.

use std::time::{Duration, Instant};

use protocol::SearchMessages;
use testkit::eventually;

use crate::support::{DEADLINE, Peer, Server, Store, befriend, friends, log_in, on_each_store, user};

on_each_store! {
    m9_what_was_recalled_is_not_found_any_more,
    m9_what_was_edited_is_found_by_its_new_words_alone,
    m9_a_change_before_the_index_came_to_a_message_counts,
    m9_conversation_sender_and_time_narrow_a_search,
}

/// How long the search may lag behind.
const WITHIN: Duration = Duration::from_secs(1);

fn search(query: &str) -> SearchMessages {
    SearchMessages { query: query.into(), limit: 200, ..SearchMessages::default() }
}

fn found_by(peer: &mut Peer, search: SearchMessages) -> Vec<(u64, u64)> {
    let page = peer.search_messages(search).expect("a page");
    let mut places: Vec<_> = page.messages.into_iter().map(|message| (message.conv, message.seq)).collect();
    places.sort_unstable();
    places
}

fn found(peer: &mut Peer, query: &str) -> Vec<u64> {
    found_by(peer, search(query)).into_iter().map(|(_, seq)| seq).collect()
}

/// Waits until a search finds these, no longer than it may lag.
fn finds(peer: &mut Peer, query: &str, seqs: &[u64]) {
    let begun = Instant::now();
    eventually(DEADLINE, query, || (found(peer, query) == seqs).then_some(()));
    assert!(begun.elapsed() < WITHIN, "{query}: {:?}", begun.elapsed());
}

fn m9_what_was_recalled_is_not_found_any_more(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let group = bob.create_group("all", "").expect("opened").group.id;
    alice.join_group(group).expect("joined");
    for text in ["今晚的密码是芝麻开门", "the password is sesame", "芝麻 stays"] {
        alice.say(bob.id, text);
    }
    let in_group = alice.say_in(group, "sesame for all").seq;
    finds(&mut bob, "sesame", &[2, in_group]);
    finds(&mut bob, "芝麻", &[1, 3]);
    alice.recall(conv, 1).expect("recalled");
    alice.recall(conv, 2).expect("recalled");
    bob.recall(group, in_group).expect("an owner's right");
    for peer in [&mut alice, &mut bob] {
        finds(peer, "sesame", &[]);
        finds(peer, "芝麻", &[3]);
        for query in ["密码", "密", "芝麻开门", "password", "all"] {
            finds(peer, query, &[]);
        }
    }
    // Nor does a later start bring it back.
    server.kill9();
    server.restart();
    let mut bob = log_in(&server, "bob", "again");
    let last = bob.say(alice.id, "芝麻 again").seq;
    eventually(DEADLINE, "the newest is found", || found(&mut bob, "芝麻").contains(&last).then_some(()));
    assert_eq!(found(&mut bob, "芝麻"), [3, last]);
    assert_eq!(found(&mut bob, "sesame"), [0; 0]);
}

fn m9_what_was_edited_is_found_by_its_new_words_alone(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let seq = alice.say(bob.id, "meet at the museum, 七点").seq;
    finds(&mut bob, "museum", &[seq]);
    for (text, old, new) in [
        ("meet at the station, 八点", ["museum", "七点"], ["station", "八点"]),
        ("meet at the harbour, 九点半", ["station", "八点"], ["harbour", "九点半"]),
        ("meet at the museum, 七点", ["harbour", "九点"], ["museum", "七点"]),
    ] {
        alice.edit_message(conv, seq, text).expect("edited");
        for word in new {
            finds(&mut bob, word, &[seq]);
        }
        for word in old {
            finds(&mut bob, word, &[]);
        }
        assert_eq!(found(&mut bob, "meet"), [seq], "what stays is found all the time");
    }
    let page = bob.search_messages(search("museum")).expect("a page");
    assert_eq!(page.messages, bob.read_all(conv, 0), "as HISTORY shows it");
}

/// The index comes to a message within a second: who changes it before that leaves nothing of what it was.
fn m9_a_change_before_the_index_came_to_a_message_counts(store: Store) {
    const ROUNDS: u64 = 20;
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut edited = Vec::new();
    for n in 0..ROUNDS {
        let seq = alice.say(bob.id, "slip of the tongue").seq;
        if n % 2 == 0 {
            alice.recall(conv, seq).expect("recalled");
        } else {
            alice.edit_message(conv, seq, "well considered").expect("edited");
            edited.push(seq);
        }
    }
    finds(&mut bob, "considered", &edited);
    assert_eq!(found(&mut bob, "tongue"), [0; 0]);
    let last = alice.say(bob.id, "a last slip").seq;
    finds(&mut bob, "slip", &[last]);
}

fn m9_conversation_sender_and_time_narrow_a_search(store: Store) {
    let server = Server::on(store);
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(|name| user(&server, name));
    let with_bob = befriend(&mut alice, &mut bob);
    let with_carol = befriend(&mut alice, &mut carol);
    let group = alice.create_group("all", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    let mut said = Vec::new();
    for n in 0..4 {
        for (from, to) in
            [(0, with_bob), (1, with_bob), (0, with_carol), (2, with_carol), (1, group), (0, group)]
        {
            let [a, b, c] = [&mut alice, &mut bob, &mut carol];
            let (a_id, b_id, c_id) = (a.id, b.id, c.id);
            let text = format!("午饭 {n}");
            let sent = match (from, to) {
                (0, to) if to == with_bob => a.say(b_id, &text),
                (0, to) if to == with_carol => a.say(c_id, &text),
                (0, _) => a.say_in(group, &text),
                (1, to) if to == with_bob => b.say(a_id, &text),
                (1, _) => b.say_in(group, &text),
                _ => c.say(a_id, &text),
            };
            said.push((sent.time, sent.conv, sent.seq, [a_id, b_id, c_id][from]));
        }
    }
    eventually(DEADLINE, "all are found", || (found(&mut alice, "午饭").len() == said.len()).then_some(()));
    let (early, late) = (said[5].0, said[17].0);
    for conv in [None, Some(with_bob), Some(with_carol), Some(group)] {
        for from in [None, Some(alice.id), Some(bob.id), Some(carol.id), Some(999_999)] {
            for (since, until) in
                [(None, None), (Some(early), None), (None, Some(late)), (Some(early), Some(late))]
            {
                let asked = SearchMessages { conv, from, since, until, ..search("午饭") };
                let mut expected: Vec<_> = said
                    .iter()
                    .filter(|place| conv.is_none_or(|conv| place.1 == conv))
                    .filter(|place| from.is_none_or(|from| place.3 == from))
                    .filter(|place| since.is_none_or(|since| place.0 >= since))
                    .filter(|place| until.is_none_or(|until| place.0 <= until))
                    .map(|place| (place.1, place.2))
                    .collect();
                expected.sort_unstable();
                assert_eq!(found_by(&mut alice, asked.clone()), expected, "{asked:?}");
            }
        }
    }
}
