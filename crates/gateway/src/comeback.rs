//! When the clients of a node that leaves may come back to the others.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Clients that come back in one second. Each costs the others a HELLO, a RESUME and a catching up, and they serve their own
/// clients meanwhile.
const COMEBACKS_PER_SECOND: u64 = 500;

/// The last one waits no longer than this: with more clients than fit, more come in each second.
const COMEBACK_WINDOW_MS: u64 = 30_000;

/// Gives each client a place of its own in a window that grows with their number: an even spread, which no throw of dice is.
/// Clients add some chance of their own. Any thread.
#[derive(Default)]
pub(crate) struct Comebacks {
    given: AtomicU64,
}

impl Comebacks {
    /// What the next client is told to wait, in milliseconds.
    pub(crate) fn next_ms(&self) -> u32 {
        let place = self.given.fetch_add(1, Relaxed);
        (place * 1_000 / COMEBACKS_PER_SECOND % COMEBACK_WINDOW_MS) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_back_evenly() {
        let comebacks = Comebacks::default();
        let told: Vec<_> = (0..20_000).map(|_| u64::from(comebacks.next_ms())).collect();
        assert_eq!(told[..4], [0, 2, 4, 6], "few clients wait for next to nothing");
        assert_eq!(told.iter().max(), Some(&(COMEBACK_WINDOW_MS - 2)));
        for second in 0..COMEBACK_WINDOW_MS / 1_000 {
            let come = told.iter().filter(|ms| **ms / 1_000 == second).count() as u64;
            assert!(
                (COMEBACKS_PER_SECOND..=2 * COMEBACKS_PER_SECOND).contains(&come),
                "{come} in one second"
            );
        }
    }
}
