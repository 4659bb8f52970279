//! Randomness that repeats itself.

use parking_lot::Mutex;

use crate::Entropy;

/// Randomness that repeats itself from its seed (SplitMix64): good to look at, good for nothing secret.
#[derive(Debug)]
pub struct FakeEntropy {
    state: Mutex<u64>,
}

impl FakeEntropy {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> FakeEntropy {
        FakeEntropy { state: Mutex::new(seed) }
    }
}

impl Entropy for FakeEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.state.lock();
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&split_mix(&mut state).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_itself_from_its_seed() {
        let drawn = |seed| {
            let mut bytes = [0; 20];
            FakeEntropy::new(seed).fill(&mut bytes);
            bytes
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }

    #[test]
    fn goes_on_where_it_was() {
        let entropy = FakeEntropy::new(7);
        let (mut one, mut two) = ([0; 16], [0; 16]);
        entropy.fill(&mut one);
        entropy.fill(&mut two);
        assert_ne!(one, two);
    }
}
