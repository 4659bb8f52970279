//! Randomness of the operating system.

use domain::Entropy;
use rand::TryRng;
use rand::rngs::SysRng;

/// Randomness of the operating system. Any thread; blocks only while a machine has just started.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        #[expect(
            clippy::expect_used,
            reason = "the kernel's generator does not fail once it is seeded, and a server without it must not run"
        )]
        SysRng.try_fill_bytes(bytes).expect("the operating system gives randomness");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_fills_differ() {
        let (mut one, mut two) = ([0; 32], [0; 32]);
        SystemEntropy.fill(&mut one);
        SystemEntropy.fill(&mut two);
        assert_ne!(one, two);
        assert_ne!(one, [0; 32]);
    }
}
