//! When what is broken: all of it decided before the run, by the seed.

use std::{collections::BTreeMap, fmt, time::Duration};

use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};
use testkit::Way;

use super::fault::{Fault, Kind, Place};
use crate::torture::{seed, world::link::Trouble};

/// The pause between the beginnings of two faults.
const PAUSE_MS: std::ops::Range<u64> = 500..4_500;
/// Time without faults at the beginning.
const PRELUDE: Duration = Duration::from_secs(2);

/// What a schedule is made for.
#[derive(Clone, Debug)]
pub(crate) struct Stakes {
    pub(crate) nodes: usize,
    pub(crate) devices: usize,
    pub(crate) length: Duration,
    /// How long a node's lease on its users' presence lasts.
    pub(crate) lease: Duration,
    /// The sorts of faults to choose from.
    pub(crate) kinds: Vec<Kind>,
}

/// A fault and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) begins: Duration,
    pub(crate) ends: Duration,
    pub(crate) fault: Fault,
}

/// All faults, by beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) entries: Vec<Entry>,
}

impl Schedule {
    pub(crate) fn new(seed: u64, stakes: &Stakes) -> Schedule {
        let mut random = seed::generator(seed, "faults");
        let weights =
            |kind: &Kind| Kind::ALL.iter().find(|(it, _)| it == kind).map_or(0, |(_, weight)| *weight);
        let mut entries = Vec::new();
        let mut free_at: BTreeMap<Place, Duration> = BTreeMap::new();
        let mut now = PRELUDE;
        while now < stakes.length {
            let Ok(kind) = stakes.kinds.choose_weighted(&mut random, weights) else { break };
            let (fault, lasts) = draw(*kind, stakes, &mut random);
            let ends = (now + lasts).min(stakes.length);
            let places = fault.places();
            // Two faults at one place would undo each other; different places overlap as they like.
            if places.iter().all(|place| free_at.get(place).is_none_or(|free| *free <= now)) {
                for place in places {
                    free_at.insert(place, ends + Duration::from_millis(200));
                }
                entries.push(Entry { begins: now, ends, fault });
                now += Duration::from_millis(random.random_range(PAUSE_MS));
            } else {
                now += Duration::from_millis(100);
            }
        }
        Schedule { entries }
    }
}

/// A fault of this kind, and how long it lasts.
fn draw(kind: Kind, stakes: &Stakes, random: &mut StdRng) -> (Fault, Duration) {
    let node = random.random_range(0..stakes.nodes);
    let ms =
        |range: std::ops::Range<u64>, random: &mut StdRng| Duration::from_millis(random.random_range(range));
    match kind {
        Kind::KillNode => {
            // Now and then all of them: nobody is there for a moment.
            let all = random.random_range(0..8) == 0;
            let nodes = if all { (0..stakes.nodes).collect() } else { vec![node] };
            (Fault::KillNodes(nodes), ms(50..4_000, random))
        }
        Kind::PauseNode => {
            let lease = u64::try_from(stakes.lease.as_millis()).unwrap_or(u64::MAX);
            let lasts = match random.random_range(0..3) {
                // Too short to be noticed, and longer than the lease.
                0 => ms(200..2_000, random),
                _ => ms(lease + 500..lease + 4_000, random),
            };
            (Fault::PauseNode(node), lasts)
        }
        Kind::DrainNode => (Fault::DrainNode(node), ms(3_500..6_000, random)),
        Kind::KillDatabase => (Fault::KillDatabase, ms(10..2_500, random)),
        Kind::PauseDatabase => (Fault::PauseDatabase, ms(300..6_000, random)),
        Kind::CutClients => (Fault::CutClients(some_devices(stakes, random)), Duration::ZERO),
        Kind::TroubleClients => {
            (Fault::TroubleClients(some_devices(stakes, random), trouble(random)), ms(300..9_000, random))
        }
        Kind::CutNode => (Fault::CutNode(node), Duration::ZERO),
        Kind::TroubleNode => (Fault::TroubleNode(node, trouble(random)), ms(300..8_000, random)),
        Kind::CutDatabaseLink => (Fault::CutDatabaseLink(node), Duration::ZERO),
        Kind::TroubleDatabaseLink => {
            (Fault::TroubleDatabaseLink(node, trouble(random)), ms(300..6_000, random))
        }
        Kind::KillRedis => (Fault::KillRedis, ms(10..4_000, random)),
        // Longer than nodes wait for a sign of life, now and then.
        Kind::PauseRedis => (Fault::PauseRedis, ms(300..7_000, random)),
        Kind::CutRedisLink => (Fault::CutRedisLink(node), Duration::ZERO),
        Kind::TroubleRedisLink => (Fault::TroubleRedisLink(node, trouble(random)), ms(300..9_000, random)),
    }
}

fn some_devices(stakes: &Stakes, random: &mut StdRng) -> Vec<usize> {
    let share = random.random_range(0.1..0.9);
    let devices: Vec<usize> = (0..stakes.devices).filter(|_| random.random_bool(share)).collect();
    if devices.is_empty() { vec![0] } else { devices }
}

fn trouble(random: &mut StdRng) -> Trouble {
    match random.random_range(0..4) {
        0 => Trouble::Hold,
        1 => Trouble::Silence(Way::ToServer),
        2 => Trouble::Silence(Way::ToClient),
        _ => Trouble::Refuse,
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Entry { begins, ends, fault } in &self.entries {
            let (begins, lasts) = (begins.as_secs_f64(), (*ends - *begins).as_secs_f64());
            match lasts {
                0.0 => writeln!(f, "  {begins:7.2} s          {fault}")?,
                lasts => writeln!(f, "  {begins:7.2} s {lasts:6.2} s {fault}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stakes() -> Stakes {
        Stakes {
            nodes: 3,
            devices: 40,
            length: Duration::from_secs(300),
            lease: Duration::from_secs(5),
            kinds: Kind::ALL.map(|(kind, _)| kind).to_vec(),
        }
    }

    #[test]
    fn a_seed_makes_the_same_schedule() {
        assert_eq!(Schedule::new(1, &stakes()), Schedule::new(1, &stakes()));
        assert_ne!(Schedule::new(1, &stakes()), Schedule::new(2, &stakes()));
    }

    #[test]
    fn every_kind_comes_and_no_place_is_broken_twice_at_once() {
        let schedule = Schedule::new(3, &stakes());
        let shown = schedule.to_string();
        for word in [
            "kill node",
            "pause node",
            "drain",
            "kill the database",
            "pause the database",
            "kill Redis",
            "pause Redis",
            "off Redis",
            "hold",
        ] {
            assert!(shown.contains(word), "no {word} in\n{shown}");
        }
        for (at, one) in schedule.entries.iter().enumerate() {
            assert!(one.begins <= one.ends && one.ends <= stakes().length);
            for other in &schedule.entries[at + 1..] {
                let apart = other.begins >= one.ends;
                let elsewhere = one.fault.places().iter().all(|place| !other.fault.places().contains(place));
                assert!(apart || elsewhere, "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn faults_overlap_sometimes() {
        let schedule = Schedule::new(3, &stakes());
        assert!(schedule.entries.windows(2).any(|pair| pair[1].begins < pair[0].ends));
    }
}
