//! What this node knows of the others: which process has a name, up to when it surely told everything, and whether it
//! is still there. No I/O.
//!
//! Told by the subscriber's thread what is heard and by the lease's thread who lives; asked by both.

use std::collections::HashMap;
use std::time::Duration;

use domain::Timestamp;

use super::envelope::Beat;

/// Nodes that are remembered. Beyond it whoever was silent longest is forgotten: then its older processes would be
/// believed again.
const PEERS_MAX: usize = 1_024;

/// See the module.
#[derive(Default)]
pub(super) struct Peers {
    by_name: HashMap<Box<str>, Peer>,
    /// Who had a lease at the last roll call.
    living: HashMap<Process, Attendance>,
    /// Whose lease ended without a goodbye, and who may live all the same, cut off: such a process stores messages that
    /// nobody hears of, until it ends or comes back and tells.
    doubtful: HashMap<Process, Doubtful>,
    /// Names that were spoken for by somebody else than their process, since this was asked for the last time.
    impostures: Vec<Box<str>>,
}

#[derive(Clone, Copy)]
struct Doubtful {
    died: Timestamp,
    /// When the log was read the last time for what it stored.
    read: Timestamp,
}

/// For so long after its lease ended the log is read for what a process may still store, first often and then at times.
const DOUBT: Duration = Duration::from_secs(600);
const DOUBT_AT_FIRST: Duration = Duration::from_secs(120);
/// How often at first, and later.
const READ_OFTEN: Duration = Duration::from_secs(5);
const READ_AT_TIMES: Duration = Duration::from_secs(30);

struct Peer {
    boot: u64,
    /// Everything that the process published until then has been heard or been told to be lost.
    complete_until: Timestamp,
    /// The losses of its last beat, which were acted upon.
    losses_seen: Vec<u64>,
    /// It said goodbye, and nothing since.
    left: bool,
    claim: Claim,
    /// It is gone, and what it may have left unpublished was told: nothing more is expected of it.
    over: bool,
    last_heard: Timestamp,
}

/// By what right a process has its name. That it says so is enough at first: it may be newer than the last roll call.
#[derive(Clone, Copy)]
enum Claim {
    /// It had a lease.
    Leased,
    /// Nobody has seen its lease yet.
    Said {
        /// What an older process of the name published later than this was perhaps dropped.
        since: Timestamp,
        /// At the last roll call an older process had a lease, and it had none.
        disputed: bool,
    },
}

/// A process of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub(super) name: Box<str>,
    pub(super) boot: u64,
}

#[derive(Clone, Copy)]
struct Attendance {
    first_seen: Timestamp,
    /// It was missing once. Perhaps its goodbye is on its way.
    missing: bool,
}

/// What Redis says of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Living,
    /// It ended without a goodbye.
    Dead,
    /// It was given back.
    Left,
}

/// Whether to listen to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hear {
    Believe,
    /// A newer process has its name.
    Outdated,
}

impl Peers {
    /// Something of a process was heard.
    pub(super) fn heard(&mut self, name: &str, boot: u64, now: Timestamp) -> Hear {
        match self.by_name.get_mut(name) {
            Some(peer) if peer.boot > boot => Hear::Outdated,
            Some(peer) if peer.boot == boot => {
                peer.last_heard = now;
                peer.over = false;
                Hear::Believe
            }
            predecessor => {
                let claim = match predecessor {
                    // Whoever takes the name again and again is disputed all the same.
                    Some(Peer { claim: claim @ Claim::Said { .. }, .. }) => *claim,
                    Some(peer) => Claim::Said { since: peer.complete_until, disputed: false },
                    None => Claim::Said { since: now, disputed: false },
                };
                self.forget_one_if_full(name);
                self.by_name.insert(Box::from(name), Peer { claim, ..Peer::new(boot, now) });
                Hear::Believe
            }
        }
    }

    /// A believed process said a beat; answers since when something was lost, if that is news.
    pub(super) fn beat(&mut self, name: &str, beat: &Beat, now: Timestamp) -> Option<Timestamp> {
        let peer = self.by_name.get_mut(name)?;
        // Its own clock, as that which its messages bear: how long the beat was on its way does not count.
        peer.complete_until = beat.complete_until.min(now);
        // Who says goodbye says nothing more: whoever said that was not this process.
        peer.left = false;
        let news = beat.losses.iter().filter(|loss| !peer.losses_seen.contains(&loss.generation));
        let since = news.map(|loss| loss.since).min();
        peer.losses_seen.clear();
        peer.losses_seen.extend(beat.losses.iter().map(|loss| loss.generation));
        since
    }

    /// A believed process said goodbye.
    pub(super) fn goodbye(&mut self, name: &str) {
        if let Some(peer) = self.by_name.get_mut(name) {
            peer.left = true;
        }
    }

    /// Up to when all that the others published has been heard, as far as they said so: what one of them has had in its queue
    /// for long may be published in the very moment in which this node does not listen.
    pub(super) fn complete_until(&self) -> Option<Timestamp> {
        let expected = self.by_name.values().filter(|peer| !peer.over && !peer.left);
        let silent = self.living.iter().filter(|(process, _)| {
            self.by_name.get(&process.name).is_none_or(|peer| peer.boot != process.boot)
        });
        let since = silent.map(|(_, attendance)| attendance.first_seen);
        expected.map(|peer| peer.complete_until).chain(since).min()
    }

    /// Says who lives; answers since when publications of those may be missing that died without a goodbye, or that were
    /// not listened to because somebody else had spoken in their name.
    ///
    /// A lease that is gone altogether was given back or has been cleared away after a death: its process counts as dead
    /// when it is missing for the second time and no goodbye has been heard meanwhile.
    pub(super) fn roll_call(&mut self, roll: &[(Process, Standing)], now: Timestamp) -> Option<Timestamp> {
        let stands = |process: &Process, standing| {
            roll.iter().any(|(other, theirs)| other == process && *theirs == standing)
        };
        let mut missing_since: Option<Timestamp> = None;
        let mut living = HashMap::new();
        for (process, attendance) in self.living.drain() {
            if stands(&process, Standing::Living) {
                living.insert(process, Attendance { missing: false, ..attendance });
                continue;
            }
            let peer = self.by_name.get(&process.name).filter(|peer| peer.boot == process.boot);
            if stands(&process, Standing::Left) || peer.is_some_and(|peer| peer.left) {
                continue;
            }
            // Redis may have lost its memory: then all are missing until they come back, which takes them a moment.
            if !attendance.missing && !stands(&process, Standing::Dead) {
                living.insert(process, Attendance { missing: true, ..attendance });
                continue;
            }
            if self.doubtful.len() < PEERS_MAX {
                self.doubtful.insert(process.clone(), Doubtful { died: now, read: now });
            }
            let complete_until = peer.map_or(attendance.first_seen, |peer| peer.complete_until);
            missing_since = Some(missing_since.map_or(complete_until, |other| other.min(complete_until)));
        }
        for (process, standing) in roll {
            if *standing == Standing::Living && living.len() < PEERS_MAX {
                living.entry(process.clone()).or_insert(Attendance { first_seen: now, missing: false });
            }
        }
        for (name, peer) in &mut self.by_name {
            let process = Process { name: name.clone(), boot: peer.boot };
            peer.over = !living.contains_key(&process);
        }
        self.living = living;
        let unheard_since = self.settle_claims(roll, now);
        missing_since.into_iter().chain(unheard_since).chain(self.doubt(roll, now)).min()
    }

    /// Leases decide who has a name: a process that was outdated by what somebody said, and has a lease all the same while
    /// the newer one has none, is believed again. At the second look, since the newer one may have come after the first; answers
    /// since when such processes were perhaps not listened to.
    fn settle_claims(&mut self, roll: &[(Process, Standing)], now: Timestamp) -> Option<Timestamp> {
        let mut newest: HashMap<&str, u64> = HashMap::new();
        for (process, standing) in roll {
            if *standing == Standing::Living {
                let boot = newest.entry(&process.name).or_default();
                *boot = process.boot.max(*boot);
            }
        }
        let mut unheard_since: Option<Timestamp> = None;
        for (name, leased) in newest {
            let Some(peer) = self.by_name.get_mut(name) else { continue };
            match peer.claim {
                Claim::Said { since, disputed: true } if leased < peer.boot => {
                    let process = Process { name: Box::from(name), boot: leased };
                    // It said nothing before it had a lease: what it said since then and before the roll call is in the margin.
                    let since = self.living.get(&process).map_or(since, |seen| since.max(seen.first_seen));
                    *peer = Peer { claim: Claim::Leased, complete_until: since, ..Peer::new(leased, now) };
                    unheard_since = Some(unheard_since.map_or(since, |other| other.min(since)));
                    if self.impostures.len() < PEERS_MAX {
                        self.impostures.push(Box::from(name));
                    }
                }
                Claim::Said { since, .. } if leased < peer.boot => {
                    peer.claim = Claim::Said { since, disputed: true };
                }
                // Its lease is over, and it never gave the name to the older one: it stood still, or Redis forgot it.
                Claim::Leased if leased < peer.boot => {
                    peer.claim = Claim::Said { since: peer.complete_until, disputed: true };
                }
                _ => peer.claim = Claim::Leased,
            }
        }
        unheard_since
    }

    /// Names that somebody else had spoken for, as it turned out since the last call.
    pub(super) fn take_impostures(&mut self) -> Vec<Box<str>> {
        std::mem::take(&mut self.impostures)
    }

    /// Since when the log is to be read once more for those who may live cut off.
    fn doubt(&mut self, roll: &[(Process, Standing)], now: Timestamp) -> Option<Timestamp> {
        let mut since: Option<Timestamp> = None;
        let age = |then: Timestamp| Duration::from_millis(now.0.saturating_sub(then.0));
        self.doubtful.retain(|process, doubtful| {
            let stands = |(other, standing): &(Process, Standing)| {
                *standing == Standing::Living && other.name == process.name && other.boot >= process.boot
            };
            let (is_back, successor) = match roll.iter().find(|entry| stands(entry)) {
                // It tells by itself what it could not publish.
                Some((other, _)) if other.boot == process.boot => (true, false),
                Some(_) => (false, true),
                None => (false, false),
            };
            let every = if age(doubtful.died) < DOUBT_AT_FIRST { READ_OFTEN } else { READ_AT_TIMES };
            if !is_back && (successor || age(doubtful.read) >= every) {
                since = Some(since.map_or(doubtful.read, |other| other.min(doubtful.read)));
                doubtful.read = now;
            }
            !is_back && !successor && age(doubtful.died) < DOUBT
        });
        since
    }

    /// Other nodes that lived at the last roll call.
    pub(super) fn living(&self) -> usize {
        self.living.values().filter(|attendance| !attendance.missing).count()
    }

    fn forget_one_if_full(&mut self, newcomer: &str) {
        if self.by_name.len() >= PEERS_MAX && !self.by_name.contains_key(newcomer) {
            let silent = self.by_name.iter().min_by_key(|(_, peer)| peer.last_heard);
            if let Some(name) = silent.map(|(name, _)| name.clone()) {
                self.by_name.remove(&name);
            }
        }
    }
}

impl Peer {
    fn new(boot: u64, now: Timestamp) -> Peer {
        Peer {
            boot,
            complete_until: now,
            losses_seen: Vec::new(),
            left: false,
            claim: Claim::Said { since: now, disputed: false },
            over: false,
            last_heard: now,
        }
    }
}

/// How far the clocks of nodes may be apart, together with the time between a message's own time and its publication:
/// what is told as missed begins so much earlier than it is known to.
pub const MARGIN: Duration = Duration::from_secs(10);

/// A moment with the margin taken off.
pub(super) fn with_margin(since: Timestamp) -> Timestamp {
    Timestamp(since.0.saturating_sub(MARGIN.as_millis() as u64))
}

#[cfg(test)]
mod tests {
    use super::super::envelope::Loss;
    use super::*;

    fn process(name: &str, boot: u64) -> Process {
        Process { name: Box::from(name), boot }
    }

    fn beat(number: u64, complete_until: u64, losses: &[(u64, u64)]) -> Beat {
        let losses =
            losses.iter().map(|&(generation, since)| Loss { generation, since: Timestamp(since) }).collect();
        Beat { number, sent_us: 0, complete_until: Timestamp(complete_until), losses }
    }

    #[test]
    fn an_older_process_of_a_name_is_not_believed() {
        let mut peers = Peers::default();
        assert_eq!(peers.heard("a", 5, Timestamp(1)), Hear::Believe);
        assert_eq!(peers.heard("a", 4, Timestamp(2)), Hear::Outdated);
        assert_eq!(peers.heard("a", 6, Timestamp(3)), Hear::Believe);
        assert_eq!(peers.heard("a", 5, Timestamp(4)), Hear::Outdated);
        assert_eq!(peers.heard("b", 1, Timestamp(4)), Hear::Believe);
    }

    #[test]
    fn a_lease_says_whose_a_name_is_whatever_was_said() {
        let mut peers = Peers::default();
        let leased = |boot| [(process("a", boot), Standing::Living)];
        peers.roll_call(&leased(5), Timestamp(90));
        peers.heard("a", 5, Timestamp(100));
        peers.beat("a", &beat(1, 100, &[]), Timestamp(100));
        assert_eq!(peers.roll_call(&leased(5), Timestamp(110)), None);

        assert_eq!(peers.heard("a", u64::MAX - 1, Timestamp(120)), Hear::Believe, "it may be new");
        assert_eq!(peers.heard("a", 5, Timestamp(121)), Hear::Outdated);
        assert_eq!(peers.roll_call(&leased(5), Timestamp(130)), None, "it may be newer than this roll call");
        assert_eq!(peers.heard("a", u64::MAX, Timestamp(135)), Hear::Believe);
        assert_eq!(
            peers.roll_call(&leased(5), Timestamp(140)),
            Some(Timestamp(100)),
            "what was dropped is read"
        );
        assert_eq!(peers.take_impostures(), [Box::from("a")]);
        assert_eq!(peers.heard("a", 5, Timestamp(141)), Hear::Believe);
        assert_eq!(peers.heard("a", 4, Timestamp(142)), Hear::Outdated);
        assert_eq!(peers.roll_call(&leased(5), Timestamp(150)), None, "once");
    }

    #[test]
    fn who_takes_a_name_by_a_lease_keeps_it() {
        let mut peers = Peers::default();
        let leased = |boot| [(process("a", boot), Standing::Living)];
        peers.heard("a", 5, Timestamp(100));
        peers.roll_call(&leased(5), Timestamp(110));
        peers.heard("a", 6, Timestamp(120));
        assert_eq!(peers.roll_call(&leased(5), Timestamp(121)), None, "asked just before");
        let [taken] = leased(6);
        let roll = [(process("a", 5), Standing::Left), taken];
        for at in 130..140 {
            assert_eq!(peers.roll_call(&roll, Timestamp(at)), None);
            assert_eq!(peers.heard("a", 5, Timestamp(at)), Hear::Outdated);
        }
        assert!(peers.take_impostures().is_empty());
    }

    #[test]
    fn a_process_that_started_by_an_earlier_clock_is_heard_once_it_has_the_lease() {
        let mut peers = Peers::default();
        peers.heard("a", 900, Timestamp(100));
        peers.roll_call(&[(process("a", 900), Standing::Living)], Timestamp(101));
        peers.goodbye("a");
        // Redis lost its memory, and with it the epochs it had given.
        assert_eq!(peers.heard("a", 700, Timestamp(110)), Hear::Outdated);
        let back = [(process("a", 700), Standing::Living)];
        assert_eq!(peers.roll_call(&back, Timestamp(120)), None);
        assert_eq!(
            peers.roll_call(&back, Timestamp(130)),
            Some(Timestamp(120)),
            "not for all the time without it"
        );
        assert_eq!(peers.heard("a", 700, Timestamp(131)), Hear::Believe);
    }

    #[test]
    fn no_forged_beat_or_goodbye_hides_what_is_lost_later() {
        let mut peers = Peers::default();
        let alive = [(process("a", 5), Standing::Living)];
        peers.roll_call(&alive, Timestamp(90));
        peers.heard("a", 5, Timestamp(100));
        assert_eq!(peers.beat("a", &beat(1, 100, &[(u64::MAX, 50)]), Timestamp(100)), Some(Timestamp(50)));
        assert_eq!(peers.beat("a", &beat(2, 101, &[(1, 70)]), Timestamp(101)), Some(Timestamp(70)));
        peers.goodbye("a");
        peers.beat("a", &beat(3, 102, &[(1, 70)]), Timestamp(102));
        let dead = [(process("a", 5), Standing::Dead)];
        assert_eq!(peers.roll_call(&dead, Timestamp(110)), Some(Timestamp(102)));
    }

    #[test]
    fn a_loss_is_told_once_from_its_earliest() {
        let mut peers = Peers::default();
        peers.heard("a", 5, Timestamp(100));
        assert_eq!(peers.beat("a", &beat(1, 100, &[]), Timestamp(100)), None);
        assert_eq!(peers.beat("a", &beat(2, 101, &[(1, 70), (2, 60)]), Timestamp(101)), Some(Timestamp(60)));
        assert_eq!(peers.beat("a", &beat(3, 102, &[(1, 70), (2, 60)]), Timestamp(102)), None);
        assert_eq!(peers.beat("a", &beat(4, 103, &[(2, 60), (3, 90)]), Timestamp(103)), Some(Timestamp(90)));
    }

    #[test]
    fn who_dies_is_missed_since_it_was_complete() {
        let mut peers = Peers::default();
        let alive = [(process("a", 5), Standing::Living), (process("b", 1), Standing::Living)];
        assert_eq!(peers.roll_call(&alive, Timestamp(10)), None);
        peers.heard("a", 5, Timestamp(20));
        peers.beat("a", &beat(1, 13, &[]), Timestamp(20));
        let dead = [(process("a", 5), Standing::Dead), (process("b", 1), Standing::Living)];
        assert_eq!(peers.roll_call(&dead, Timestamp(30)), Some(Timestamp(13)));
        assert_eq!(peers.roll_call(&dead, Timestamp(40)), None, "once");
        assert_eq!(peers.living(), 1);
    }

    #[test]
    fn a_beat_that_was_long_on_its_way_proves_what_was_true_when_it_was_said() {
        let mut peers = Peers::default();
        peers.roll_call(&[(process("a", 5), Standing::Living)], Timestamp(10));
        peers.heard("a", 5, Timestamp(90));
        peers.beat("a", &beat(1, 20, &[]), Timestamp(90));
        assert_eq!(peers.complete_until(), Some(Timestamp(20)));
        peers.beat("a", &beat(2, u64::MAX, &[]), Timestamp(91));
        assert_eq!(peers.complete_until(), Some(Timestamp(91)), "nobody knows what is to come");
    }

    #[test]
    fn who_may_live_cut_off_is_read_for_again_until_it_is_known() {
        let mut peers = Peers::default();
        let living = |boot| (process("a", boot), Standing::Living);
        let dead = [(process("a", 5), Standing::Dead)];
        peers.roll_call(&[living(5)], Timestamp(0));
        assert_eq!(peers.roll_call(&dead, Timestamp(10_000)), Some(Timestamp(0)));
        assert_eq!(peers.roll_call(&dead, Timestamp(14_000)), None);
        assert_eq!(peers.roll_call(&dead, Timestamp(15_000)), Some(Timestamp(10_000)), "since the last look");
        // The users were taken off and the lease cleared away.
        assert_eq!(peers.roll_call(&[], Timestamp(20_000)), Some(Timestamp(15_000)));
        assert_eq!(peers.roll_call(&[living(6)], Timestamp(21_000)), Some(Timestamp(20_000)), "it ended");
        assert_eq!(peers.roll_call(&[living(6)], Timestamp(40_000)), None);

        assert_eq!(peers.roll_call(&[], Timestamp(50_000)), None);
        assert_eq!(peers.roll_call(&[], Timestamp(51_000)), Some(Timestamp(21_000)));
        assert_eq!(peers.roll_call(&[living(6)], Timestamp(60_000)), None, "it is back and tells by itself");
        assert_eq!(peers.roll_call(&[living(6)], Timestamp(70_000)), None);

        peers.roll_call(&[], Timestamp(80_000));
        peers.roll_call(&[], Timestamp(81_000));
        let reads = |range: std::ops::Range<u64>, peers: &mut Peers| {
            range.filter(|second| peers.roll_call(&[], Timestamp(second * 1_000)).is_some()).count()
        };
        assert_eq!(reads(82..201, &mut peers), 23, "every five seconds");
        assert_eq!(reads(201..681, &mut peers), 16, "every thirty");
        assert_eq!(reads(681..2_000, &mut peers), 0, "and no more");
    }

    #[test]
    fn who_leaves_is_not_missed() {
        let mut peers = Peers::default();
        let alive = [(process("a", 5), Standing::Living), (process("b", 1), Standing::Living)];
        peers.roll_call(&alive, Timestamp(10));
        assert_eq!(peers.roll_call(&[(process("a", 5), Standing::Left)], Timestamp(20)), None);
        peers.heard("b", 1, Timestamp(21));
        peers.goodbye("b");
        assert_eq!(peers.roll_call(&[], Timestamp(30)), None);
        assert_eq!(peers.roll_call(&[], Timestamp(40)), None);
    }

    #[test]
    fn who_vanishes_is_missed_at_the_second_look_unless_it_comes_back() {
        let mut peers = Peers::default();
        let both = [(process("a", 5), Standing::Living), (process("b", 1), Standing::Living)];
        peers.roll_call(&both, Timestamp(10));
        assert_eq!(peers.roll_call(&[], Timestamp(20)), None);
        assert_eq!(peers.roll_call(&both[..1], Timestamp(30)), Some(Timestamp(10)));
        assert_eq!(peers.roll_call(&both[..1], Timestamp(40)), None);
    }

    #[test]
    fn a_second_lease_of_the_same_process_keeps_it_alive() {
        let mut peers = Peers::default();
        peers.roll_call(&[(process("a", 5), Standing::Living)], Timestamp(10));
        let renewed = [(process("a", 5), Standing::Dead), (process("a", 5), Standing::Living)];
        assert_eq!(peers.roll_call(&renewed, Timestamp(20)), None);
    }

    #[test]
    fn the_slowest_of_those_who_live_says_what_is_complete() {
        let mut peers = Peers::default();
        assert_eq!(peers.complete_until(), None);
        let both = [(process("a", 5), Standing::Living), (process("b", 1), Standing::Living)];
        peers.roll_call(&both, Timestamp(10));
        assert_eq!(peers.complete_until(), Some(Timestamp(10)), "nothing was heard of them yet");
        for name in ["a", "b"] {
            peers.heard(
                name,
                both.iter().find(|(process, _)| *process.name == *name).unwrap().0.boot,
                Timestamp(10),
            );
        }
        peers.beat("a", &beat(1, 30, &[]), Timestamp(30));
        peers.beat("b", &beat(1, 15, &[]), Timestamp(30));
        assert_eq!(peers.complete_until(), Some(Timestamp(15)));
        peers.roll_call(&[both[0].clone(), (process("b", 1), Standing::Dead)], Timestamp(40));
        assert_eq!(peers.complete_until(), Some(Timestamp(30)), "what the dead left was told");
        peers.goodbye("a");
        assert_eq!(peers.complete_until(), None);
    }

    #[test]
    fn the_number_of_remembered_peers_is_bounded() {
        let mut peers = Peers::default();
        for number in 0..(2 * PEERS_MAX as u64) {
            peers.heard(&format!("n{number}"), 1, Timestamp(number));
        }
        assert_eq!(peers.by_name.len(), PEERS_MAX);
    }
}
