//! One node's view of a cluster in which everything goes wrong, by chance.

use proptest::prelude::*;

use super::tests::{Box, ready, talk};
use super::*;

/// Simulations; about a millisecond each.
const CASES: u32 = 1_000;

/// Chance for a simulation, from a seed that proptest prints.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// One node's view of three conversations in which three nodes store messages. Node 0 is this one: it hears its own
/// messages at once, those of others by a bus that loses, doubles, delays and reorders.
struct World {
    dice: Dice,
    bench: Vec<Sequencer<Box>>,
    limits: SequencerLimits,
    logs: [u64; 3],
    on_the_bus: Vec<(usize, Box)>,
    serials: [u64; 3],
    attended: [bool; 3],
    /// What a mender has read and not brought yet.
    reading: Vec<(usize, u64, u64, Vec<u64>)>,
    passed: [Vec<u64>; 3],
}

impl World {
    fn new(seed: u64) -> World {
        let mut dice = Dice(seed);
        let limits = SequencerLimits {
            tails_max: 3,
            held_each_max: 1 + dice.roll(12) as usize,
            held_max: 1 + dice.roll(30) as usize,
            held_bytes_max: 10 + dice.roll(400) as usize,
        };
        World {
            dice,
            bench: vec![Sequencer::new(limits)],
            limits,
            logs: [0; 3],
            on_the_bus: Vec::new(),
            serials: [1; 3],
            attended: [false; 3],
            reading: Vec::new(),
            passed: Default::default(),
        }
    }

    fn hearing(&self, conv: usize) -> Hearing {
        Hearing([Some(self.serials[conv]), None])
    }

    fn id(conv: usize) -> Talk {
        talk(conv as u64 + 1)
    }

    fn out(&mut self, conv: usize, act: impl FnOnce(&mut Sequencer<Box>, &mut Vec<Box>)) {
        let mut passed = Vec::new();
        act(&mut self.bench[0], &mut passed);
        assert!(passed.iter().all(Parcel::is_ready));
        self.passed[conv].extend(passed.iter().map(|parcel| parcel.seq));
        let sequencer = &self.bench[0];
        let held: usize = sequencer.tails.values().map(|tail| tail.held.len()).sum();
        assert_eq!((sequencer.held.parcels, sequencer.held.bytes), (held, held * 10));
        assert!(held <= self.limits.held_max && held * 10 <= self.limits.held_bytes_max);
    }

    fn arrive(&mut self, conv: usize, source: Source, parcel: Box) {
        let hearing = self.hearing(conv);
        let mut began = false;
        self.out(conv, |sequencer, passed| {
            let seq = Seq(parcel.seq);
            began = sequencer.arrive(World::id(conv), hearing, seq, source, parcel, passed).began_to_wait;
        });
        self.attended[conv] |= began;
    }

    fn step(&mut self) {
        let conv = self.dice.roll(3) as usize;
        match self.dice.roll(100) {
            0..40 => {
                self.logs[conv] += 1;
                let seq = self.logs[conv];
                if self.dice.roll(3) == 0 {
                    self.arrive(conv, Source::Here, ready(seq));
                } else {
                    let copies = [1, 1, 1, 0, 2][self.dice.roll(5) as usize];
                    for _ in 0..copies {
                        let ready = self.dice.roll(6) > 0;
                        self.on_the_bus.push((conv, Box { seq, ready }));
                    }
                }
            }
            40..80 if !self.on_the_bus.is_empty() => {
                // Mostly in order.
                let most = if self.dice.roll(4) == 0 { self.on_the_bus.len() } else { 1 };
                let at = self.dice.roll(most as u64) as usize;
                let (conv, parcel) = self.on_the_bus.remove(at);
                self.arrive(conv, Source::Elsewhere, parcel);
            }
            80..90 => self.begin_mending(conv),
            90..99 => self.end_mending(),
            99 => {
                self.check(conv);
                self.serials[conv] += 1;
                self.passed[conv].clear();
            }
            _ => {}
        }
    }

    fn begin_mending(&mut self, conv: usize) {
        if !self.attended[conv] {
            return;
        }
        let hearing = self.hearing(conv);
        let mut want = None;
        self.out(conv, |sequencer, _| want = sequencer.want(World::id(conv), hearing));
        match want {
            None => self.attended[conv] = false,
            Some(Want::Place { first, until }) => {
                assert!(first <= until && until.0 <= self.logs[conv]);
                let after = Seq((first.0 - 1).saturating_sub(self.dice.roll(4)));
                self.out(conv, |sequencer, passed| {
                    sequencer.place(World::id(conv), hearing, after, passed);
                });
            }
            Some(Want::Readiness) => self.out(conv, |sequencer, passed| {
                sequencer.make_ready(World::id(conv), |_, parcel| parcel.ready = true, passed);
            }),
            Some(Want::Messages { after, until }) => {
                let last = self.logs[conv].min(after.0 + 4);
                self.reading.push((conv, after.0, until.0, (after.0 + 1..=last).collect()));
            }
        }
    }

    fn end_mending(&mut self) {
        let Some((conv, after, until, page)) = self.reading.pop() else { return };
        let hearing = self.hearing(conv);
        self.out(conv, |sequencer, passed| match &page[..] {
            [] => {
                let dropped = sequencer.log_ends(World::id(conv), Seq(after), Seq(until), passed);
                assert_eq!(dropped, 0, "all is stored");
            }
            page => {
                let page = page.iter().map(|seq| (Seq(*seq), ready(*seq)));
                sequencer.read(World::id(conv), hearing, Seq(after), page, passed);
            }
        });
    }

    /// What came out since hearing began: all that this can know of, once, in order.
    fn check(&self, conv: usize) {
        let Some(tail) = self.bench[0].tails.get(&World::id(conv)) else { return };
        if !self.hearing(conv).goes_on(tail.hearing) {
            return;
        }
        if tail.place == Place::Sought {
            assert!(self.passed[conv].is_empty(), "nothing passes before its place is known");
            return;
        }
        let floor = tail.floor.0;
        let known: Vec<u64> = self.passed[conv].iter().copied().filter(|seq| *seq >= floor).collect();
        let expected: Vec<u64> = (floor..=tail.tail.0).collect();
        assert_eq!(known, expected, "conversation {conv}");
    }

    /// The bus says what it lost: everything from what is known on is read.
    fn settle(&mut self) {
        while !self.reading.is_empty() {
            self.end_mending();
        }
        for conv in 0..3 {
            let hearing = self.hearing(conv);
            while self.bench[0].sought(World::id(conv), hearing).is_some() {
                assert!(self.attended[conv], "somebody looks for the place");
                self.begin_mending(conv);
                self.end_mending();
            }
            let Some(known) = self.bench[0].known(World::id(conv), hearing) else { continue };
            let page: Vec<u64> = (known.0 + 1..=self.logs[conv]).collect();
            self.out(conv, |sequencer, passed| {
                let page = page.iter().map(|seq| (Seq(*seq), ready(*seq)));
                sequencer.read(World::id(conv), hearing, known, page, passed);
                assert_eq!(sequencer.want(World::id(conv), hearing), None);
            });
            self.check(conv);
            assert_eq!(self.bench[0].tails[&World::id(conv)].tail.0, self.logs[conv]);
        }
    }

    /// Without another message and without a word of the bus: what began to wait is seen to.
    fn mend_all(&mut self) {
        for conv in 0..3 {
            let mut rounds = 0;
            while self.attended[conv] {
                self.begin_mending(conv);
                self.end_mending();
                rounds += 1;
                assert!(rounds < 10_000, "mending must end");
            }
            let hearing = self.hearing(conv);
            if let Some(tail) = self.bench[0].tails.get(&World::id(conv))
                && hearing.goes_on(tail.hearing)
            {
                assert_eq!((tail.tail, tail.held.len()), (tail.heard, 0), "nothing waits unattended");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES)
    })]

    #[test]
    fn every_reader_gets_everything_once_and_in_order(seed: u64) {
        let mut world = World::new(seed);
        for _ in 0..800 {
            world.step();
        }
        if seed % 2 == 0 {
            world.mend_all();
            (0..3).for_each(|conv| world.check(conv));
        }
        world.settle();
    }
}
