//! Random choices that a printed seed repeats.

use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

/// SplitMix64 (Steele, Lea, Flood 2014): good enough to choose by, and the same on every machine.
pub(crate) struct Random(u64);

impl Random {
    /// A generator from the seed in the environment variable `CHAT_TEST_SEED`, or a new one; the seed is printed.
    pub(crate) fn seeded(test: &str) -> Random {
        let given = std::env::var("CHAT_TEST_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| {
            SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_nanos() as u64
        });
        println!("{test}: CHAT_TEST_SEED={seed}");
        Random(seed)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.number() % (range.end - range.start)
    }

    /// Another generator, for another thread.
    pub(crate) fn fork(&mut self) -> Random {
        Random(self.number())
    }
}
