//! What stands on the bus, written by hand, and two friends who must hear nothing of it.

use protocol::Push;
use testkit::eventually;

use super::hearing::{next_in, run};
use super::metrics::scrape;
use super::nodes::Cluster;
use crate::support::{DEADLINE, Peer};

/// The envelope of a publication, as node `name` would send it.
pub(super) fn envelope(name: &str, boot: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![1, 0];
    out.extend_from_slice(&boot.to_le_bytes());
    out.push(name.len() as u8);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(payload);
    out
}

/// What a node says to others: a kind, numbers, and the rest.
pub(super) fn payload(kind: u8, numbers: &[u64], rest: &[u8]) -> Vec<u8> {
    let mut out = vec![1, kind];
    numbers.iter().for_each(|number| out.extend_from_slice(&number.to_be_bytes()));
    out.extend_from_slice(rest);
    out
}

pub(super) mod kind {
    pub(in super::super) const PUSH: u8 = 1;
    pub(in super::super) const GROUP_PUSH: u8 = 2;
    pub(in super::super) const PAIR_MESSAGE: u8 = 3;
    pub(in super::super) const GROUP_MESSAGE: u8 = 4;
    pub(in super::super) const SESSION_ENDED: u8 = 5;
    pub(in super::super) const SESSION_MOVED: u8 = 6;
    pub(in super::super) const FRIENDSHIP_CHANGED: u8 = 7;
    pub(in super::super) const MEMBERSHIP_CHANGED: u8 = 8;
    pub(in super::super) const PRESENCE_CHANGED: u8 = 9;
}

/// Two friends on two nodes with a group, who only hear what the other says.
pub(super) struct Scene {
    pub(super) cluster: Cluster,
    pub(super) alice: Peer,
    pub(super) bob: Peer,
    pub(super) conv: u64,
    pub(super) group: u64,
    pub(super) said: u64,
    /// The nodes may have lost their bus: then they ask their clients, a moment later, to look again.
    may_resync: bool,
}

impl Scene {
    pub(super) fn set() -> Scene {
        let cluster = Cluster::of(2);
        let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
        let group = alice.create_group("all", "").expect("made").group.id;
        bob.join_group(group).expect("joined");
        alice.told();
        // As many messages in the one as in the other.
        alice.say(bob.id, "hello");
        run(&mut bob, conv, 1..=1);
        let mut scene = Scene { cluster, alice, bob, conv, group, said: 1, may_resync: false };
        scene.chats_on();
        scene
    }

    /// They hear each other, live, and have heard of nothing else.
    pub(super) fn chats_on(&mut self) {
        self.said += 1;
        self.alice.say(self.bob.id, "hello");
        self.alice.say_in(self.group, "hello");
        run(&mut self.bob, self.conv, self.said..=self.said);
        run(&mut self.bob, self.group, self.said..=self.said);
        self.said += 1;
        self.bob.say(self.alice.id, "hello");
        self.bob.say_in(self.group, "hello");
        run(&mut self.alice, self.conv, self.said..=self.said);
        run(&mut self.alice, self.group, self.said..=self.said);
        for peer in [&mut self.alice, &mut self.bob] {
            let mut told = peer.pushes_so_far();
            told.retain(|push| !(self.may_resync && matches!(push, Push::Resync(_))));
            assert_eq!(told, [], "somebody was told something");
        }
    }

    /// The nodes may have lost their bus and read the log again: until all that was said is heard, some of it may be twice.
    pub(super) fn comes_round(&mut self) {
        self.may_resync = true;
        for node in &self.cluster.nodes {
            eventually(DEADLINE, "the bus is heard", || {
                (scrape(node).value("bus_hearing") == 1.0).then_some(())
            });
        }
        self.said += 1;
        self.alice.say(self.bob.id, "still there?");
        self.bob.say_in(self.group, "still there?");
        while next_in(&mut self.bob, self.conv).seq < self.said {}
        while next_in(&mut self.alice, self.group).seq < self.said {}
        for peer in [&mut self.alice, &mut self.bob] {
            peer.pushes_so_far();
        }
    }

    /// The channels that node b listens to.
    pub(super) fn channels(&self) -> [String; 3] {
        [format!("u:{}", self.bob.id), format!("g:{}", self.group), "nodes".to_owned()]
    }
}
