//! Answered = durable: the server is killed in the middle of a load, again and again, and what it answered is there.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use bytes::BytesMut;
use protocol::{ChatMessage, Reply, Request};
use testkit::eventually;

use crate::support::{DEADLINE, Peer, Random, Server, Store, befriend, chat, group_chat, log_in, user};

/// Connections that send at once.
const SENDERS: usize = 6;
/// Requests of one connection under way.
const WINDOW: usize = 24;

#[test]
fn killed_ten_times_it_keeps_every_answered_message_on_sqlite() {
    kill_again_and_again(Store::Sqlite, 10);
}

#[test]
fn killed_three_times_it_keeps_every_answered_message_on_mariadb() {
    kill_again_and_again(Store::MariaDb, 3);
}

/// A conversation and how to speak there.
#[derive(Clone, Copy)]
enum Place {
    Friend { id: u64 },
    Group { id: u64 },
}

impl Place {
    fn request(self, text: &str, id: &str) -> Request {
        match self {
            Place::Friend { id: to } => chat(to, text, id),
            Place::Group { id: group } => group_chat(group, text, id),
        }
    }
}

/// What a sender knows of its messages: it never forgets one that it sent.
#[derive(Default)]
struct Ledger {
    sent: u64,
    /// (conversation, seq, client message id), in the order of the answers.
    acknowledged: Vec<(u64, u64, String)>,
    /// Sent and not answered: place and client message id, in the order sent.
    open: VecDeque<(Place, String)>,
    /// Sent more than once: their places say nothing of the order in which they were first sent.
    repeated: HashSet<String>,
}

struct Sender {
    name: String,
    id: u64,
    places: Vec<Place>,
    ledger: Ledger,
}

fn kill_again_and_again(store: Store, rounds: usize) {
    let mut random = Random::seeded("kill -9");
    let mut server = Server::on(store);
    let (mut senders, convs) = people(&server);

    for round in 0..rounds {
        let stop = AtomicBool::new(false);
        let acknowledged = AtomicU64::new(0);
        // The kill comes in the middle of a load: after so many answers.
        let enough = random.within(1..3_000);
        thread::scope(|scope| {
            for sender in &mut senders {
                let peer = log_in(&server, &sender.name, "load");
                let random = random.fork();
                let (acknowledged, stop) = (&acknowledged, &stop);
                scope.spawn(move || load(sender, peer, random, acknowledged, stop));
            }
            eventually(DEADLINE, "answers", || (acknowledged.load(Ordering::SeqCst) >= enough).then_some(()));
            server.kill9();
            stop.store(true, Ordering::SeqCst);
        });
        let open: usize = senders.iter().map(|sender| sender.ledger.open.len()).sum();
        println!("round {round}: killed after {enough} answers, {open} messages are open");
        server.restart();
        check(&server, &senders, &convs);
        // Every second time what is open waits for the next crash.
        if round % 2 == 1 || round + 1 == rounds {
            send_again(&server, &mut senders);
            let stored = check(&server, &senders, &convs);
            let sent: u64 = senders.iter().map(|sender| sender.ledger.sent).sum();
            assert_eq!(stored as u64, sent, "after sending again each message is there once");
        }
    }
    let acknowledged: usize = senders.iter().map(|sender| sender.ledger.acknowledged.len()).sum();
    assert!(acknowledged > rounds * SENDERS, "{acknowledged} messages are no load");
}

/// Users who talk in pairs, and all in one group; and all their conversations.
fn people(server: &Server) -> (Vec<Sender>, Vec<u64>) {
    let mut peers: Vec<_> = (0..SENDERS).map(|n| user(server, &format!("sender {n}"))).collect();
    let group = peers[0].create_group("all", "").expect("opened").group.id;
    for peer in &mut peers[1..] {
        peer.join_group(group).expect("joined");
    }
    let mut convs = vec![group];
    let mut places = vec![vec![Place::Group { id: group }]; SENDERS];
    for at in 0..SENDERS {
        let next = (at + 1) % SENDERS;
        let (one, other) = if at < next {
            let (left, right) = peers.split_at_mut(next);
            (&mut left[at], &mut right[0])
        } else {
            let (left, right) = peers.split_at_mut(at);
            (&mut right[0], &mut left[next])
        };
        convs.push(befriend(one, other));
        places[at].push(Place::Friend { id: other.id });
        places[next].push(Place::Friend { id: one.id });
    }
    let senders = peers.into_iter().zip(places).enumerate().map(|(n, (peer, places))| Sender {
        name: format!("sender {n}"),
        id: peer.id,
        places,
        ledger: Ledger::default(),
    });
    (senders.collect(), convs)
}

/// Sends through a window until the connection breaks. A sender's thread.
fn load(
    sender: &mut Sender,
    mut peer: Peer,
    mut random: Random,
    acknowledged: &AtomicU64,
    stop: &AtomicBool,
) {
    let ledger = &mut sender.ledger;
    // What was open before this connection stays open: only this one's are matched with answers.
    let mut window: VecDeque<(u32, Place, String)> = VecDeque::new();
    loop {
        let mut wire = BytesMut::new();
        while window.len() < WINDOW {
            let place = sender.places[random.within(0..sender.places.len() as u64) as usize];
            ledger.sent += 1;
            let id = format!("{}-{}", sender.id, ledger.sent);
            let rid = peer.encode(&place.request(&id, &id), &mut wire);
            window.push_back((rid, place, id));
        }
        let written = peer.try_send_bytes(&wire).is_ok();
        let Some((rid, place, id)) = window.pop_front() else { unreachable!("the window was filled") };
        match peer.try_reply(rid).filter(|_| written) {
            Some(Ok(Reply::OneChat(sent) | Reply::GroupChat(sent))) => {
                ledger.acknowledged.push((sent.conv, sent.seq, id));
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            Some(other) => panic!("{other:?}"),
            None => {
                window.push_front((rid, place, id));
                break;
            }
        }
        peer.forget_pushes();
    }
    // Answers that came before the end count, although nobody waited for them yet.
    for (rid, place, id) in window {
        match peer.try_reply(rid) {
            Some(Ok(Reply::OneChat(sent) | Reply::GroupChat(sent))) => {
                ledger.acknowledged.push((sent.conv, sent.seq, id));
            }
            Some(other) => panic!("{other:?}"),
            None => ledger.open.push_back((place, id)),
        }
    }
    // The connection may break a moment before the test says why.
    eventually(DEADLINE, "the kill", || stop.load(Ordering::SeqCst).then_some(()));
}

/// Sends everything again that was never answered, with the same ids and in the same order.
fn send_again(server: &Server, senders: &mut [Sender]) {
    for sender in senders {
        let mut peer = log_in(server, &sender.name, "again");
        let open: Vec<_> = sender.ledger.open.drain(..).collect();
        sender.ledger.repeated.extend(open.iter().map(|(_, id)| id.clone()));
        let requests: Vec<_> = open.iter().map(|(place, id)| place.request(id, id)).collect();
        for (rid, (_, id)) in peer.send_all(&requests).into_iter().zip(open) {
            match peer.reply(rid) {
                Ok(Reply::OneChat(sent) | Reply::GroupChat(sent)) => {
                    sender.ledger.acknowledged.push((sent.conv, sent.seq, id));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Reads all conversations and compares them with what the senders know; how many messages there are.
fn check(server: &Server, senders: &[Sender], convs: &[u64]) -> usize {
    // The group begins with that the others came in.
    let came = |conv: u64| if conv == convs[0] { SENDERS as u64 - 1 } else { 0 };
    let mut stored: HashMap<u64, Vec<ChatMessage>> = HashMap::new();
    for sender in senders {
        let mut peer = log_in(server, &sender.name, "check");
        let mut after = 0;
        loop {
            let page = peer.conversations(after, 0).expect("a page");
            for conv in page.convs {
                let messages = peer.read_all(conv.conv, 0);
                assert_eq!(conv.last, messages.len() as u64 + came(conv.conv));
                if let Some(known) = stored.get(&conv.conv) {
                    assert_eq!(known, &messages, "everybody reads the same");
                } else {
                    stored.insert(conv.conv, messages);
                }
            }
            after = page.next;
            if after == 0 {
                break;
            }
        }
        peer.log_out().expect("out");
    }
    assert!(stored.keys().all(|conv| convs.contains(conv)));

    let mut seen = HashSet::new();
    for messages in stored.values() {
        for (at, message) in messages.iter().enumerate() {
            assert_eq!(
                message.seq,
                came(message.conv) + at as u64 + 1,
                "no holes in conversation {}",
                message.conv
            );
            assert!(seen.insert(message.client_msg_id.clone()), "{} is there twice", message.client_msg_id);
            assert_eq!(message.msg, message.client_msg_id, "the text is its own");
            let sender = senders.iter().find(|sender| sender.id == message.from).expect("a sender");
            assert!(number_of(&message.client_msg_id) <= sender.ledger.sent, "nobody sent {}", message.msg);
        }
    }
    for sender in senders {
        for (conv, seq, id) in &sender.ledger.acknowledged {
            let message =
                stored.get(conv).and_then(|messages| messages.get((*seq - came(*conv)) as usize - 1));
            let found = message.map(|message| (message.from, message.client_msg_id.as_str()));
            assert_eq!(found, Some((sender.id, id.as_str())), "acknowledged as {conv}/{seq}");
        }
        in_order(sender, &stored);
    }
    seen.len()
}

/// In each conversation what a sender was answered without sending again stands in the order in which it was sent.
fn in_order(sender: &Sender, stored: &HashMap<u64, Vec<ChatMessage>>) {
    for messages in stored.values() {
        let own: Vec<u64> = messages
            .iter()
            .filter(|message| {
                message.from == sender.id && !sender.ledger.repeated.contains(&message.client_msg_id)
            })
            .map(|message| number_of(&message.client_msg_id))
            .collect();
        assert!(
            own.windows(2).all(|pair| pair[0] < pair[1]),
            "{} was answered in another order: {own:?}",
            sender.name
        );
    }
}

fn number_of(id: &str) -> u64 {
    id.split_once('-').and_then(|(_, number)| number.parse().ok()).expect("an id of ours")
}
