//! Randomness that comes back: one seed for the run, and a generator of its own for each who needs one.

use rand::{SeedableRng, rngs::StdRng};

use super::evidence::Digest;

/// The generator of one part of the run. Parts do not disturb each other: a thread that draws more often than in
/// another run changes nothing for the rest.
pub(crate) fn generator(seed: u64, part: &str) -> StdRng {
    StdRng::seed_from_u64(Digest::of(&format!("{seed}/{part}")).number())
}

/// A seed for a run that was given none.
pub(crate) fn fresh() -> u64 {
    // Short enough to be typed.
    u64::from(rand::random::<u32>())
}
