//! The wall clock of this machine.

use std::time::{SystemTime, UNIX_EPOCH};

use domain::{Clock, NUMBER_MAX, Timestamp};

/// The wall clock of this machine. A clock set before 1970 reads as 1970.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the port through which all others get their time"
        )]
        let now = SystemTime::now();
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(NUMBER_MAX).min(NUMBER_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_this_century_in_milliseconds() {
        let now = SystemClock.now();
        assert!((1_700_000_000_000..4_102_444_800_000).contains(&now.0), "{now}");
    }
}
