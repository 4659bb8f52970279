//! Messages that change while somebody looks at a terminal: a few are shown as they do, many at once are counted.

use std::time::{Duration, Instant};

use crate::catching_up::Treatment;

/// So many changes are shown one behind the other, whenever they were made: after an absence there can be any number …
const SHOWN_AT_ONCE_MAX: u32 = 12;

/// … and one more for each time that this passes.
const ONE_MORE_EVERY: Duration = Duration::from_secs(1);

/// What was only counted is told when nothing changed for so long …
const QUIET_FOR: Duration = Duration::from_millis(500);

/// … or when this passed since it was told last.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Changes that came lately. The thread of events.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChangeRun {
    /// Of those that may be shown at once, and since when one of them comes back.
    shown: u32,
    since: Option<Instant>,
    counted: u64,
    /// When the first and the last one were counted that were not told.
    from: Option<Instant>,
    to: Option<Instant>,
}

impl ChangeRun {
    /// A message changed.
    pub(crate) fn take(&mut self, now: Instant) -> Treatment {
        let since = *self.since.get_or_insert(now);
        let more = now.saturating_duration_since(since).as_millis() / ONE_MORE_EVERY.as_millis();
        if more > 0 {
            self.shown = self.shown.saturating_sub(u32::try_from(more).unwrap_or(u32::MAX));
            self.since = Some(now);
        }
        if self.shown < SHOWN_AT_ONCE_MAX {
            self.shown += 1;
            return Treatment::Show;
        }
        self.counted += 1;
        (self.from, self.to) = (self.from.or(Some(now)), Some(now));
        Treatment::Hold
    }

    /// What was not shown, once it is time to tell.
    pub(crate) fn news(&mut self, now: Instant) -> Option<String> {
        let (from, to) = (self.from?, self.to?);
        let passed = |since: Instant| now.saturating_duration_since(since);
        if passed(to) < QUIET_FOR && passed(from) < TOLD_EVERY {
            return None;
        }
        (self.from, self.to) = (None, None);
        Some(match std::mem::take(&mut self.counted) {
            1 => "1 more message was edited or taken back".to_owned(),
            count => {
                format!("{count} more messages were edited or taken back; /history shows them as they are")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_changes_are_shown_and_many_counted() {
        let mut run = ChangeRun::default();
        let begun = Instant::now();
        for n in 0..1_000 {
            let treatment = if n < 12 { Treatment::Show } else { Treatment::Hold };
            assert_eq!(run.take(begun), treatment, "{n}");
            assert_eq!(run.news(begun), None, "{n}");
        }
        let told = "988 more messages were edited or taken back; /history shows them as they are";
        assert_eq!(run.news(begun + QUIET_FOR).as_deref(), Some(told));
        assert_eq!(run.news(begun + QUIET_FOR * 2), None, "once");
        // One that is made now is shown, and a second one in the same moment counted.
        let later = begun + ONE_MORE_EVERY;
        assert_eq!((run.take(later), run.take(later)), (Treatment::Show, Treatment::Hold));
        assert_eq!(run.news(later + QUIET_FOR).as_deref(), Some("1 more message was edited or taken back"));
    }

    #[test]
    fn what_people_change_is_always_shown() {
        let mut run = ChangeRun::default();
        let begun = Instant::now();
        assert!((0..600).all(|n| run.take(begun + ONE_MORE_EVERY * n) == Treatment::Show));
    }

    #[test]
    fn a_run_without_end_is_told_of_now_and_then() {
        let mut run = ChangeRun::default();
        let begun = Instant::now();
        let step = Duration::from_millis(100);
        let told = (0..600).filter(|n| {
            run.take(begun + step * *n);
            run.news(begun + step * *n).is_some()
        });
        assert!((5..=6).contains(&told.count()));
    }
}
