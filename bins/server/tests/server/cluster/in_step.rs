//! Three devices of one user, with the client library. One of them is away while ten thousand messages are said, edited,
//! taken back and read, and conversations are made quiet; the node of another one is killed meanwhile. In the end all three
//! know the same, and it is what happened.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use client::{ChatOrder, Client, Config, Event, Events, Pending, Quiet, Reading, SyncState};
use protocol::{
    Changed, ChatMessage, EditMessage, GroupChat, Login, MessageRef, OneChat, Receipts, Reply, Request,
    Secret, Sent, SetQuiet, limits,
};
use testkit::eventually;

use super::nodes::Cluster;
use crate::support::{PASSWORD, Server};

/// Messages that are said while one device is away.
const MESSAGES: usize = 10_000;
/// As many as are under way at once.
const AT_ONCE: usize = 50;
/// Messages that all three devices hold before.
const BEFORE: usize = 2 * AT_ONCE;
/// Rounds in which the node of one device is down.
const DOWN: std::ops::Range<usize> = 60..90;
/// A device does something every so many rounds.
const LIVE_EVERY: usize = 10;
/// How long all may take to agree, once everybody is there again.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn three_devices_agree_although_one_was_away_and_a_node_was_killed() {
    let begun = Instant::now();
    let mut cluster = Cluster::of(2);
    let (mut bob, mut alice, direct) = cluster.friends((0, "bob"), (0, "alice"));
    let group = bob.create_group("all", "").expect("made").group.id;
    alice.join_group(group).expect("joined");
    let mut bob = Speaker::new(Device::log_in(&cluster.nodes[0], "bob"), alice.id, group);
    let mut near = Device::log_in(&cluster.nodes[0], "alice");
    let mut far = Device::log_in(&cluster.nodes[1], "alice");
    let mut away = Device::log_in(&cluster.nodes[1], "alice");
    bob.say(AT_ONCE);
    bob.say(AT_ONCE);
    for device in [&mut near, &mut far, &mut away] {
        eventually(LIMIT, "what is said before", || {
            device.listen();
            (device.messages.len() >= BEFORE).then_some(())
        });
    }
    let mut away = away.leave();

    for round in 0..MESSAGES / AT_ONCE {
        if round == DOWN.start {
            cluster.nodes[1].kill9();
        } else if round == DOWN.end {
            cluster.nodes[1].restart();
        }
        let said = bob.say(AT_ONCE);
        bob.change(said[0], Some("changed a moment later"));
        bob.change(said[1], None);
        if round < BEFORE {
            // What the one who is away holds too.
            bob.change(bob.said[round], (round % 3 > 0).then_some("changed while one was away"));
        }
        near.listen();
        far.listen();
        near.live(round, direct);
        if !DOWN.contains(&round) {
            far.live(round + LIVE_EVERY / 2, group);
        }
    }
    println!("{MESSAGES} messages were said and {} changed after {:?}", bob.changed, begun.elapsed());
    let last = bob.said.iter().filter(|(conv, _)| *conv == direct).map(|(_, seq)| *seq).max().expect("some");
    near.client().read(direct, last).expect("open");
    bob.device.client().read(direct, last).expect("open");

    let back = Instant::now();
    away.come_back(&cluster.nodes[0]);
    eventually(LIMIT, "all three know the same", || {
        for device in [&mut near, &mut far, &mut away] {
            device.listen();
        }
        let their_read = away.readings().get(&direct).map(|reading| reading.their_read);
        let unread = away.readings().get(&direct).map(Reading::unread);
        let agree = near.agrees(&far) && far.agrees(&away);
        (agree && (their_read, unread) == (Some(last), Some(0))).then_some(())
    });
    println!("all agree {:?} after the third came back", back.elapsed());
    for (place, expected) in &bob.expected {
        assert_eq!(away.messages.get(place), Some(expected), "{place:?}");
    }
    assert!(!away.quiet.entries.is_empty() && away.quiet.version > 10, "{:?}", away.quiet);
    println!("done after {:?}", begun.elapsed());
}

/// A message as it is now: its text, and whether it was taken back.
type Held = (String, bool);

/// Conversation and seq.
type Place = (u64, u64);

/// A device with the client library, and what its application knows.
struct Device {
    name: &'static str,
    line: Option<(Client, Events)>,
    /// What it left with.
    state: SyncState,
    messages: BTreeMap<Place, Held>,
    quiet: Quiet,
}

impl Device {
    fn log_in(server: &Server, name: &'static str) -> Device {
        let line = Some(connect(server, SyncState::default()));
        let (state, messages, quiet) = (SyncState::default(), BTreeMap::new(), Quiet::default());
        let device = Device { name, line, state, messages, quiet };
        let password = Secret::new(PASSWORD);
        let login = Login { name: Some(name.into()), password, ..Login::default() };
        device.client().log_in(login).expect("the right password");
        device
    }

    fn client(&self) -> &Client {
        &self.line.as_ref().expect("a device that is there").0
    }

    /// Takes what has come.
    fn listen(&mut self) {
        let Some((client, events)) = &self.line else { return };
        while let Ok(Some(event)) = events.try_next() {
            match event {
                Event::Message { message, .. } => {
                    let place = (message.conv, message.seq);
                    assert!(self.messages.insert(place, held(message)).is_none(), "{place:?} came twice");
                }
                Event::Changed(Changed { message, .. }) => {
                    let place = (message.conv, message.seq);
                    *self.messages.get_mut(&place).expect("a message that was shown") = held(message);
                }
                Event::Quiet(quiet) => self.quiet = quiet,
                Event::SignedIn { bundle, .. } => {
                    // Who was away asks how far the others got.
                    for friend in &bundle.friends {
                        let asked = Request::Receipts(Receipts { conv: friend.conv, seqs: Vec::new() });
                        // The library takes in what is answered.
                        drop(client.submit_within(asked, LIMIT).expect("room for a call"));
                    }
                }
                Event::Dropped { count } => panic!("{}: {count} events were dropped", self.name),
                _ => {}
            }
        }
    }

    /// Now and then it reads a conversation, and keeps it quiet or not any more.
    fn live(&mut self, round: usize, conv: u64) {
        if !round.is_multiple_of(LIVE_EVERY) {
            return;
        }
        let have = self.messages.range((conv, 0)..(conv + 1, 0)).next_back().map_or(0, |(place, _)| place.1);
        self.client().read(conv, have).expect("open");
        let until = (round / LIVE_EVERY % 3 < 2).then_some(limits::NUMBER_MAX - round as u64);
        let set = SetQuiet { conv, until, ..SetQuiet::default() };
        self.client().submit_within(Request::SetQuiet(set), LIMIT).expect("room").wait().expect("kept quiet");
    }

    /// Is switched off.
    fn leave(mut self) -> Device {
        self.listen();
        let (client, events) = self.line.take().expect("there");
        self.state = client.close().expect("open");
        drop(events);
        self
    }

    /// Is switched on again.
    fn come_back(&mut self, server: &Server) {
        self.line = Some(connect(server, std::mem::take(&mut self.state)));
    }

    fn readings(&self) -> BTreeMap<u64, Reading> {
        self.client().readings().expect("open")
    }

    fn agrees(&self, other: &Device) -> bool {
        self.messages.len() == other.messages.len()
            && self.readings() == other.readings()
            && self.quiet == other.quiet
            && self.messages == other.messages
    }
}

/// Who says it all, to one friend and to a group, one message here and one there.
struct Speaker {
    device: Device,
    friend: u64,
    group: u64,
    said: Vec<Place>,
    changed: usize,
    /// What is to be seen of it in the end.
    expected: BTreeMap<Place, Held>,
}

impl Speaker {
    fn new(device: Device, friend: u64, group: u64) -> Speaker {
        Speaker { device, friend, group, said: Vec::new(), changed: 0, expected: BTreeMap::new() }
    }

    /// Says so many things; where they stand.
    fn say(&mut self, count: usize) -> Vec<Place> {
        let said: Vec<(String, Pending)> = (0..count)
            .map(|n| {
                let msg = format!("message {}", self.said.len() + n);
                let client_msg_id = msg.clone();
                let request = match n % 2 {
                    0 => {
                        let (to, msg) = (self.friend, msg.clone());
                        Request::OneChat(OneChat { to, msg, client_msg_id, ..OneChat::default() })
                    }
                    _ => {
                        let (groupid, msg) = (self.group, msg.clone());
                        Request::GroupChat(GroupChat { groupid, msg, client_msg_id, ..GroupChat::default() })
                    }
                };
                let pending = self.device.client().submit_within(request, LIMIT).expect("room for a call");
                (msg, pending)
            })
            .collect();
        let mut places = Vec::new();
        for (msg, pending) in said {
            let (Reply::OneChat(Sent { conv, seq, .. }) | Reply::GroupChat(Sent { conv, seq, .. })) =
                pending.wait().expect("stored")
            else {
                panic!("an answer to another question");
            };
            self.expected.insert((conv, seq), (msg, false));
            places.push((conv, seq));
        }
        self.said.extend(&places);
        self.device.listen();
        places
    }

    /// Gives a message another text, or takes it back.
    fn change(&mut self, (conv, seq): Place, text: Option<&str>) {
        let request = match text {
            Some(text) => {
                let msg = text.to_owned();
                Request::EditMessage(EditMessage { conv, seq, msg, mentions: Vec::new() })
            }
            None => Request::Recall(MessageRef { conv, seq }),
        };
        self.device.client().submit_within(request, LIMIT).expect("room").wait().expect("changed");
        self.expected.insert((conv, seq), (text.unwrap_or_default().to_owned(), text.is_none()));
        self.changed += 1;
    }
}

fn connect(server: &Server, state: SyncState) -> (Client, Events) {
    let mut config = Config::new(server.address().to_string()).state(state);
    // One conversation and another take turns; nobody is too busy for them here.
    config.chat_order = ChatOrder::Pipelined;
    config.backoff_max = Duration::from_millis(500);
    Client::connect(config).expect("a thread")
}

fn held(message: ChatMessage) -> Held {
    (message.msg, message.recalled.is_some())
}
