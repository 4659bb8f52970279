//! One loop's deadlines: a hashed timer wheel (Varghese and Lauck, 1987), one entry per connection.
//!
//! Pure: it is told the time. An entry is a node of a doubly linked list through an array indexed by slab slot, so
//! arming and cancelling are O(1), nothing is allocated per deadline, and a closed connection leaves nothing behind.
//!
//! The owner re-arms lazily: a deadline that moves later keeps its early entry, and when that fires too soon the
//! owner, who holds the true time, arms again. Moving a deadline later, the thing done for every frame, costs nothing.

use std::time::{Duration, Instant};

/// Slots of the wheel; entries further ahead stay in their slot for another round.
const SLOTS: usize = 512;
const WORDS: usize = SLOTS / 64;
const NIL: u32 = u32::MAX;
/// The `tick` of a node that is in no list.
const IDLE: u64 = u64::MAX;

#[derive(Clone, Copy)]
struct Node {
    tick: u64,
    prev: u32,
    next: u32,
}

pub(crate) struct Wheel {
    origin: Instant,
    tick_ns: u64,
    /// The last tick that was expired.
    current: u64,
    heads: [u32; SLOTS],
    /// One bit per slot that is not empty, so that the next deadline is found without a walk.
    occupied: [u64; WORDS],
    nodes: Vec<Node>,
}

impl Wheel {
    pub(crate) fn new(origin: Instant, tick: Duration) -> Self {
        Self {
            origin,
            tick_ns: tick.as_nanos() as u64,
            current: 0,
            heads: [NIL; SLOTS],
            occupied: [0; WORDS],
            nodes: Vec::new(),
        }
    }

    /// Makes sure that `key` fires at `at` or earlier: an entry that is early enough already stays as it is.
    /// It fires at the first tick that is not before `at`, and never within the call to `expire` under way.
    pub(crate) fn arm(&mut self, key: u32, at: Instant) {
        let index = key as usize;
        if index >= self.nodes.len() {
            self.nodes.resize(index + 1, Node { tick: IDLE, prev: NIL, next: NIL });
        }
        let since = at.saturating_duration_since(self.origin).as_nanos();
        let tick = (since.div_ceil(u128::from(self.tick_ns)) as u64).max(self.current + 1);
        let armed = self.nodes[index].tick;
        if armed <= tick {
            return;
        }
        if armed != IDLE {
            self.unlink(key);
        }
        self.link(key, tick);
    }

    /// Forgets `key`. Harmless if it is not armed.
    pub(crate) fn cancel(&mut self, key: u32) {
        if self.nodes.get(key as usize).is_some_and(|node| node.tick != IDLE) {
            self.unlink(key);
        }
    }

    /// Moves the wheel to `now` and appends every key whose tick has come; those are no longer armed.
    pub(crate) fn expire(&mut self, now: Instant, due: &mut Vec<u32>) {
        let since = now.saturating_duration_since(self.origin).as_nanos();
        let target = (since / u128::from(self.tick_ns)) as u64;
        if target <= self.current {
            return;
        }
        // After a pause longer than a round every slot is visited once, not once per tick missed.
        let first = (self.current + 1).max(target.saturating_sub(SLOTS as u64 - 1));
        self.current = target;
        for tick in first..=target {
            let slot = tick as usize % SLOTS;
            if self.occupied[slot / 64] & 1 << (slot % 64) == 0 {
                continue;
            }
            let mut key = self.heads[slot];
            while key != NIL {
                let Node { tick, next, .. } = self.nodes[key as usize];
                if tick <= target {
                    self.unlink(key);
                    due.push(key);
                }
                key = next;
            }
        }
    }

    /// When to call `expire` next; `None` if nothing is armed. May be early: an entry of a later round in the slot.
    pub(crate) fn next(&self) -> Option<Instant> {
        let start = (self.current + 1) as usize % SLOTS;
        let (first_word, first_bit) = (start / 64, start % 64);
        for step in 0..=WORDS {
            let word = (first_word + step) % WORDS;
            let mask = match step {
                0 => u64::MAX << first_bit,
                WORDS => !(u64::MAX << first_bit),
                _ => u64::MAX,
            };
            let bits = self.occupied[word] & mask;
            if bits != 0 {
                let slot = word * 64 + bits.trailing_zeros() as usize;
                let ahead = (slot + SLOTS - start) % SLOTS;
                let tick = self.current + 1 + ahead as u64;
                return Some(self.origin + Duration::from_nanos(tick.saturating_mul(self.tick_ns)));
            }
        }
        None
    }

    fn link(&mut self, key: u32, tick: u64) {
        let slot = tick as usize % SLOTS;
        let head = self.heads[slot];
        self.nodes[key as usize] = Node { tick, prev: NIL, next: head };
        if head != NIL {
            self.nodes[head as usize].prev = key;
        }
        self.heads[slot] = key;
        self.occupied[slot / 64] |= 1 << (slot % 64);
    }

    fn unlink(&mut self, key: u32) {
        let Node { tick, prev, next } = self.nodes[key as usize];
        if next != NIL {
            self.nodes[next as usize].prev = prev;
        }
        if prev != NIL {
            self.nodes[prev as usize].next = next;
        } else {
            let slot = tick as usize % SLOTS;
            self.heads[slot] = next;
            if next == NIL {
                self.occupied[slot / 64] &= !(1 << (slot % 64));
            }
        }
        self.nodes[key as usize].tick = IDLE;
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a virtual clock needs one origin")]
mod tests {
    use std::{
        collections::{BTreeMap, hash_map::RandomState},
        hash::BuildHasher,
    };

    use super::*;

    const TICK: Duration = Duration::from_millis(50);

    struct Virtual {
        wheel: Wheel,
        origin: Instant,
    }

    impl Virtual {
        fn new() -> Self {
            let origin = Instant::now();
            Self { wheel: Wheel::new(origin, TICK), origin }
        }
        fn at(&self, ms: u64) -> Instant {
            self.origin + Duration::from_millis(ms)
        }
        fn arm(&mut self, key: u32, ms: u64) {
            self.wheel.arm(key, self.at(ms));
        }
        fn due(&mut self, ms: u64) -> Vec<u32> {
            let mut due = Vec::new();
            self.wheel.expire(self.at(ms), &mut due);
            due.sort_unstable();
            due
        }
    }

    #[test]
    fn fires_at_its_tick_and_not_before() {
        let mut v = Virtual::new();
        v.arm(7, 101);
        assert_eq!(v.wheel.next(), Some(v.at(150)));
        assert_eq!(v.due(149), []);
        assert_eq!(v.due(150), [7]);
        assert_eq!(v.due(1_000_000), []);
        assert_eq!(v.wheel.next(), None);
    }

    #[test]
    fn later_keeps_the_early_entry_and_earlier_moves_it() {
        let mut v = Virtual::new();
        v.arm(1, 500);
        v.arm(1, 30_000);
        assert_eq!(v.due(500), [1], "lazy: fires early, the owner arms again");
        v.arm(1, 30_000);
        v.arm(1, 600);
        assert_eq!(v.due(600), [1]);
        assert_eq!(v.due(40_000), [], "moved, not doubled");
    }

    #[test]
    fn entries_beyond_one_round_wait_for_theirs() {
        let mut v = Virtual::new();
        let round = SLOTS as u64 * 50;
        v.arm(1, 100);
        v.arm(2, 100 + round);
        v.arm(3, 100 + 2 * round);
        assert_eq!(v.due(100), [1]);
        assert_eq!(v.due(100 + round), [2]);
        assert_eq!(v.wheel.next(), Some(v.at(100 + 2 * round)));
        assert_eq!(v.due(100 + 2 * round), [3]);
    }

    #[test]
    fn a_long_pause_misses_nothing() {
        let mut v = Virtual::new();
        for key in 0..1000 {
            v.arm(key, u64::from(key) * 77);
        }
        assert_eq!(v.due(10_000_000).len(), 1000);
    }

    #[test]
    fn a_cancelled_key_is_silent_and_its_neighbours_fire() {
        let mut v = Virtual::new();
        for key in [1, 2, 3] {
            v.arm(key, 100);
        }
        v.wheel.cancel(2);
        v.wheel.cancel(2);
        v.wheel.cancel(99);
        assert_eq!(v.due(100), [1, 3]);
    }

    #[test]
    fn a_past_deadline_fires_at_the_next_tick() {
        let mut v = Virtual::new();
        assert_eq!(v.due(1000), []);
        v.arm(1, 10);
        assert_eq!(v.due(1000), []);
        assert_eq!(v.due(1050), [1]);
    }

    /// Every key fires exactly once, within one tick after its time, under a random load (seed printed).
    #[test]
    fn random_load_agrees_with_a_sorted_list() {
        let seed = BuildHasher::hash_one(&RandomState::new(), 1u8);
        println!("seed {seed}");
        let mut state = seed | 1;
        let mut random = move |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let mut v = Virtual::new();
        let mut expected: BTreeMap<u32, u64> = BTreeMap::new();
        let mut now = 0;
        for _ in 0..20_000 {
            match random(4) {
                0 => {
                    let key = random(500) as u32;
                    v.wheel.cancel(key);
                    expected.remove(&key);
                }
                1 | 2 => {
                    let (key, at) = (random(500) as u32, now + random(60_000));
                    v.arm(key, at);
                    let known = expected.entry(key).or_insert(at);
                    *known = at.min(*known);
                }
                _ => {
                    now += random(400);
                    for key in v.due(now) {
                        let at = expected.remove(&key).expect("armed");
                        assert!(at <= now, "key {key} fired before its time");
                    }
                    assert!(expected.values().all(|&at| at + 50 > now), "an entry was missed");
                }
            }
        }
    }
}
