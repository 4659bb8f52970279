//! One bucket of tokens, as the one number that it needs.
//!
//! That is the moment at which the bucket is full again, if nothing more is taken: the "theoretical arrival time" of the
//! generic cell rate algorithm (ITU-T I.371). A bucket whose moment is over is as good as none.

use domain::Timestamp;

/// How often something may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At once, after a pause. 0: there is no limit.
    pub burst: u32,
    /// In the long run. 0: there is no limit.
    pub per_minute: u32,
}

impl Rate {
    /// No limit.
    pub const OFF: Rate = Rate { burst: 0, per_minute: 0 };

    pub(super) fn is_off(self) -> bool {
        self.burst == 0 || self.per_minute == 0
    }

    /// Until the next token comes into a bucket that is not full, in microseconds.
    fn interval_us(self) -> u64 {
        60_000_000 / u64::from(self.per_minute.max(1))
    }
}

/// When the bucket is full again, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bucket(u64);

impl Bucket {
    pub(super) const FULL: Bucket = Bucket(0);

    pub(super) fn is_full(self, now: Timestamp) -> bool {
        self.0 <= micros(now)
    }

    /// Takes tokens, of a bucket at most all that it holds; or says after how many milliseconds they are there.
    pub(super) fn take(&mut self, rate: Rate, tokens: u32, now: Timestamp) -> Result<(), u64> {
        let (now, interval) = (micros(now), rate.interval_us());
        let room = interval.saturating_mul(u64::from(rate.burst));
        let wanted = interval.saturating_mul(u64::from(tokens.min(rate.burst)));
        // Should the clock go back, an empty bucket is what is left of it.
        let full_at = self.0.clamp(now, now.saturating_add(room));
        let taken = full_at.saturating_add(wanted);
        let early = taken.saturating_sub(now.saturating_add(room));
        if early > 0 {
            self.0 = full_at;
            return Err(early.div_ceil(1_000));
        }
        self.0 = taken;
        Ok(())
    }

    /// Puts a token back.
    pub(super) fn give_back(&mut self, rate: Rate) {
        self.0 = self.0.saturating_sub(rate.interval_us());
    }
}

fn micros(time: Timestamp) -> u64 {
    time.0.saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);
    const RATE: Rate = Rate { burst: 3, per_minute: 60 };

    fn after(ms: u64) -> Timestamp {
        Timestamp(NOW.0 + ms)
    }

    fn emptied() -> Bucket {
        let mut bucket = Bucket::FULL;
        for _ in 0..3 {
            bucket.take(RATE, 1, NOW).expect("a burst");
        }
        bucket
    }

    #[test]
    fn a_burst_and_then_one_by_one() {
        let mut bucket = emptied();
        assert_eq!(bucket.take(RATE, 1, NOW), Err(1_000));
        assert_eq!(bucket.take(RATE, 1, after(999)), Err(1), "a refusal costs nothing");
        bucket.take(RATE, 1, after(1_000)).expect("one came");
        assert_eq!(bucket.take(RATE, 1, after(1_001)), Err(999));
        assert!(!bucket.is_full(after(3_999)) && bucket.is_full(after(4_000)));
        for _ in 0..3 {
            bucket.take(RATE, 1, after(1_000_000)).expect("never more than a burst");
        }
        assert_eq!(bucket.take(RATE, 1, after(1_000_000)), Err(1_000));
    }

    #[test]
    fn several_are_taken_at_once_and_never_more_than_there_can_be() {
        let mut bucket = Bucket::FULL;
        bucket.take(RATE, 2, NOW).expect("two of three");
        assert_eq!(bucket.take(RATE, 2, NOW), Err(1_000));
        bucket.take(RATE, 1, NOW).expect("the third");
        assert_eq!(bucket.take(RATE, 1_000, after(1_000)), Err(2_000), "as many as it holds");
        bucket.take(RATE, 1_000, after(3_000)).expect("all three");
        assert_eq!(bucket.take(RATE, 1, after(3_000)), Err(1_000));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let mut bucket = emptied();
        bucket.give_back(RATE);
        bucket.take(RATE, 1, NOW).expect("the one that came back");
        assert_eq!(bucket.take(RATE, 1, NOW), Err(1_000));
    }

    #[test]
    fn a_clock_that_goes_back_locks_nobody_out() {
        let mut bucket = emptied();
        let long_ago = Timestamp(NOW.0 - 3_600_000);
        assert_eq!(bucket.take(RATE, 1, long_ago), Err(1_000));
        bucket.take(RATE, 1, Timestamp(long_ago.0 + 1_000)).expect("no longer than from an empty bucket");
    }

    #[test]
    fn rates_that_are_no_whole_interval_hold_too() {
        let rate = Rate { burst: 1, per_minute: 7 };
        let mut bucket = Bucket::FULL;
        let taken = (0..600_000).filter(|ms| bucket.take(rate, 1, after(*ms)).is_ok()).count();
        assert_eq!(taken, 70);
    }
}
