//! Do not disturb: whether somebody is to be notified of a message.

use std::collections::BTreeMap;
use std::time::Instant;

use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;
use protocol::{QuietChanged, QuietList};

/// All that a user keeps quiet, as the server last told it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quiet {
    /// Counts the changes.
    pub version: u64,
    /// By conversation; 0 stands for all of them.
    pub entries: BTreeMap<u64, protocol::Quiet>,
}

impl Quiet {
    fn put(&mut self, entry: &protocol::Quiet) {
        match entry.until == 0 && entry.from.is_none() {
            true => drop(self.entries.remove(&entry.conv)),
            false => drop(self.entries.insert(entry.conv, entry.clone())),
        }
    }
}

/// What a message says of its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mentioned {
    /// By name, or as one of everybody.
    Yes,
    /// Not at all.
    No,
}

/// Whether a message of this conversation is to be notified at this time, in Unix milliseconds.
///
/// It is, unless the conversation is quiet now, or all are. A mention is notified all the same where every one of these that
/// is quiet says so. Hours are those that the clocks of their time zone show: hours that are skipped in spring do not
/// come, hours that come twice in autumn are quiet twice. Of a time zone that this program does not know no hour is quiet.
pub fn should_notify(quiet: &Quiet, conversation: u64, mentioned: Mentioned, now: u64) -> bool {
    let entries = [0, conversation].into_iter().filter_map(|conv| quiet.entries.get(&conv));
    entries
        .filter(|entry| now < entry.until || is_hour_of(entry, now))
        .all(|entry| mentioned == Mentioned::Yes && entry.mentions)
}

/// Whether it is one of the entry's hours.
fn is_hour_of(entry: &protocol::Quiet, now: u64) -> bool {
    let (Some(from), Some(to), Some(zone)) = (entry.from, entry.to, &entry.zone) else { return false };
    let Some(minute) = minute_of_day(zone, now) else { return false };
    match from <= to {
        true => (from..to).contains(&minute),
        false => minute >= from || minute < to,
    }
}

/// What the clocks of a zone show, in minutes since midnight.
fn minute_of_day(zone: &str, now: u64) -> Option<u32> {
    let zone = TimeZoneDatabase::bundled().get(zone).ok()?;
    let now = Timestamp::from_millisecond(i64::try_from(now).ok()?).ok()?;
    let shown = now.to_zoned(zone);
    // Neither is negative.
    Some(u32::from(shown.hour().unsigned_abs()) * 60 + u32::from(shown.minute().unsigned_abs()))
}

/// What a client knows of it, and whether it has to ask.
#[derive(Debug, Default)]
pub(crate) struct Quiets {
    /// `None` until the server told it.
    held: Option<Quiet>,
    /// The newest version that was told of.
    newest: u64,
    asking: bool,
    /// After a refusal.
    not_before: Option<Instant>,
}

impl Quiets {
    /// A session was entered; whether that tells something new at once.
    pub(crate) fn signed_in(&mut self, version: u64) -> bool {
        self.connection_lost();
        self.newest = version;
        // Nothing was ever set: there is nothing to ask.
        let is_news = version == 0 && self.held.as_ref().is_none_or(|held| held.version != 0);
        if is_news {
            self.held = Some(Quiet::default());
        }
        is_news
    }

    /// Something was changed, here or on another device; whether that is news.
    pub(crate) fn changed(&mut self, change: &QuietChanged) -> bool {
        self.newest = self.newest.max(change.version);
        let Some(held) = self.held.as_mut().filter(|held| held.version + 1 == change.version) else {
            return false;
        };
        held.version = change.version;
        held.put(&change.quiet);
        true
    }

    /// What this client asked for was done, or was so already; whether that is news. Its version may be that of a change by
    /// another device that is still on its way here: the list is asked for.
    pub(crate) fn answered(&mut self, change: &QuietChanged) -> bool {
        self.newest = self.newest.max(change.version);
        let Some(held) = self.held.as_mut().filter(|held| held.version < change.version) else {
            return false;
        };
        held.put(&change.quiet);
        true
    }

    /// Whether the list is to be asked for now. It counts as asked.
    pub(crate) fn next_ask(&mut self, now: Instant) -> bool {
        let is_due = self.is_behind() && self.not_before.is_none_or(|at| at <= now);
        is_due && !std::mem::replace(&mut self.asking, true)
    }

    /// When [`Quiets::next_ask`] is worth calling again.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.not_before.filter(|_| !self.asking && self.is_behind())
    }

    fn is_behind(&self) -> bool {
        self.held.as_ref().map_or(self.newest > 0, |held| held.version != self.newest)
    }

    /// The list was not given. It is asked for again at this time, if there is one, and at the next sign-in.
    pub(crate) fn refused(&mut self, again: Option<Instant>) {
        self.asking = again.is_none();
        self.not_before = again;
    }

    /// What was under way will not be answered.
    fn connection_lost(&mut self) {
        (self.asking, self.not_before) = (false, None);
    }

    /// The answer; whether it is news.
    pub(crate) fn told(&mut self, list: QuietList) -> bool {
        self.connection_lost();
        self.newest = self.newest.max(list.version);
        if self.held.as_ref().is_some_and(|held| held.version >= list.version) {
            // What it does not have is known already; a server that went back is believed at the next sign-in.
            self.newest = self.held.as_ref().map_or(0, |held| held.version);
            return false;
        }
        let entries = list.quiet.into_iter().map(|entry| (entry.conv, entry)).collect();
        self.held = Some(Quiet { version: list.version, entries });
        true
    }

    /// Another user logged in, or the server went back.
    pub(crate) fn clear(&mut self) {
        *self = Quiets::default();
    }

    pub(crate) fn held(&self) -> Option<&Quiet> {
        self.held.as_ref()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "a starting point for virtual time")]
    use std::time::Duration;

    use super::*;

    const BERLIN: &str = "Europe/Berlin";
    const CONV: u64 = 7;

    fn entry(conv: u64) -> protocol::Quiet {
        protocol::Quiet { conv, mentions: true, ..protocol::Quiet::default() }
    }

    fn hours(conv: u64, from: u32, to: u32, zone: &str) -> protocol::Quiet {
        protocol::Quiet { from: Some(from), to: Some(to), zone: Some(zone.into()), ..entry(conv) }
    }

    fn quiet(entries: impl IntoIterator<Item = protocol::Quiet>) -> Quiet {
        Quiet { version: 1, entries: entries.into_iter().map(|entry| (entry.conv, entry)).collect() }
    }

    /// A moment, as RFC 3339 writes it.
    fn at(moment: &str) -> u64 {
        let moment: Timestamp = moment.parse().expect("a moment");
        u64::try_from(moment.as_millisecond()).expect("after 1970")
    }

    fn notifies(quiet: &Quiet, moment: &str) -> bool {
        should_notify(quiet, CONV, Mentioned::No, at(moment))
    }

    #[test]
    fn until_a_time() {
        let quiet = quiet([protocol::Quiet { until: 1_000, ..entry(CONV) }]);
        for (now, notifies) in [(0, false), (999, false), (1_000, true), (u64::MAX, true)] {
            assert_eq!(should_notify(&quiet, CONV, Mentioned::No, now), notifies, "{now}");
        }
        assert!(should_notify(&quiet, 8, Mentioned::No, 0), "another conversation");
    }

    #[test]
    fn for_ever_is_longer_than_any_time() {
        let quiet = quiet([protocol::Quiet { until: protocol::limits::NUMBER_MAX, ..entry(0) }]);
        assert!(!notifies(&quiet, "9999-12-30T00:00:00Z"));
    }

    #[test]
    fn hours_within_a_day() {
        let quiet = quiet([hours(CONV, 13 * 60, 14 * 60 + 30, "UTC")]);
        for (time, notifies_then) in
            [("12:59:59", true), ("13:00:00", false), ("14:29:59", false), ("14:30:00", true)]
        {
            assert_eq!(notifies(&quiet, &format!("2026-07-01T{time}Z")), notifies_then, "{time}");
        }
    }

    #[test]
    fn hours_over_midnight() {
        let quiet = quiet([hours(0, 22 * 60, 7 * 60, "UTC")]);
        for (time, notifies_then) in [
            ("21:59:59", true),
            ("22:00:00", false),
            ("23:59:59", false),
            ("00:00:00", false),
            ("06:59:59", false),
            ("07:00:00", true),
        ] {
            assert_eq!(notifies(&quiet, &format!("2026-07-01T{time}Z")), notifies_then, "{time}");
        }
    }

    #[test]
    fn the_hours_are_those_of_their_zone() {
        let night = |zone| quiet([hours(0, 22 * 60, 7 * 60, zone)]);
        // 20:30 in UTC is 22:30 in Berlin in summer and 21:30 in winter, and 04:30 of the next day in Shanghai.
        assert!(!notifies(&night(BERLIN), "2026-07-01T20:30:00Z"));
        assert!(notifies(&night(BERLIN), "2026-01-01T20:30:00Z"));
        assert!(!notifies(&night("Asia/Shanghai"), "2026-07-01T20:30:00Z"));
        assert!(notifies(&night("America/Los_Angeles"), "2026-07-01T20:30:00Z"));
        // Half and quarter hours.
        assert!(!notifies(&night("Asia/Kathmandu"), "2026-07-01T16:15:00Z"));
        assert!(notifies(&night("Asia/Kathmandu"), "2026-07-01T16:14:59Z"));
    }

    #[test]
    fn hours_that_are_skipped_do_not_come() {
        // In the night to 29 March 2026 the clocks of Berlin go from 02:00 to 03:00, at 01:00 in UTC.
        let skipped = quiet([hours(0, 2 * 60, 3 * 60, BERLIN)]);
        for time in ["00:59:59", "01:00:00", "01:30:00", "02:00:00"] {
            assert!(notifies(&skipped, &format!("2026-03-29T{time}Z")), "{time}");
        }
        assert!(!notifies(&skipped, "2026-03-28T01:30:00Z"), "the night before it did");
        // Hours around it end when the clock says so: an hour of sleep is lost.
        let night = quiet([hours(0, 22 * 60, 7 * 60, BERLIN)]);
        assert!(!notifies(&night, "2026-03-29T04:59:59Z"));
        assert!(notifies(&night, "2026-03-29T05:00:00Z"));
    }

    #[test]
    fn hours_that_come_twice_are_quiet_twice() {
        // In the night to 25 October 2026 they go from 03:00 back to 02:00, at 01:00 in UTC.
        let twice = quiet([hours(0, 2 * 60 + 15, 2 * 60 + 45, BERLIN)]);
        for (time, notifies_then) in [
            ("00:14:59", true),
            ("00:15:00", false),
            ("00:45:00", true),
            ("01:14:59", true),
            ("01:15:00", false),
            ("01:44:59", false),
            ("01:45:00", true),
        ] {
            assert_eq!(notifies(&twice, &format!("2026-10-25T{time}Z")), notifies_then, "{time}");
        }
    }

    #[test]
    fn a_mention_breaks_through_unless_told_otherwise() {
        let mentioned = |quiet: &Quiet| should_notify(quiet, CONV, Mentioned::Yes, 0);
        let until = |conv, mentions| protocol::Quiet { until: 1_000, mentions, ..entry(conv) };
        assert!(mentioned(&quiet([until(CONV, true)])));
        assert!(!mentioned(&quiet([until(CONV, false)])));
        assert!(mentioned(&quiet([until(0, true), until(CONV, true)])));
        assert!(!mentioned(&quiet([until(0, true), until(CONV, false)])), "both must say so");
        assert!(!mentioned(&quiet([until(0, false), until(CONV, true)])));
        let over = protocol::Quiet { until: 0, ..until(CONV, false) };
        assert!(mentioned(&quiet([until(0, true), over])), "who is not quiet has no say");
    }

    #[test]
    fn of_an_unknown_zone_no_hour_is_quiet() {
        assert!(notifies(&quiet([hours(0, 0, 1_439, "Middle/Earth")]), "2026-07-01T12:00:00Z"));
        assert!(should_notify(&quiet([hours(0, 0, 1_439, "UTC")]), CONV, Mentioned::No, u64::MAX));
    }

    fn change(version: u64, quiet: protocol::Quiet) -> QuietChanged {
        QuietChanged { version, quiet }
    }

    #[test]
    fn a_list_is_asked_for_when_another_version_is_told_of() {
        let (mut quiets, now) = (Quiets::default(), Instant::now());
        assert!(!quiets.next_ask(now) && quiets.held().is_none());
        assert!(quiets.signed_in(0), "nothing was ever set");
        assert!(!quiets.next_ask(now));
        assert_eq!(quiets.held(), Some(&Quiet::default()));
        quiets.signed_in(2);
        assert!(quiets.next_ask(now));
        assert!(!quiets.next_ask(now), "once");
        let night = hours(0, 1, 2, "UTC");
        assert!(quiets.told(QuietList { version: 2, quiet: vec![night.clone()] }));
        assert_eq!(quiets.held().map(|held| held.entries.len()), Some(1));
        assert!(quiets.changed(&change(3, entry(0))), "taken away");
        assert_eq!(quiets.held(), Some(&Quiet { version: 3, ..Quiet::default() }));
        assert!(!quiets.changed(&change(3, night.clone())), "known");
        assert!(!quiets.changed(&change(5, night)), "one is missing");
        assert!(quiets.next_ask(now));
    }

    #[test]
    fn an_answer_does_not_stand_for_a_change_by_another_device() {
        let (mut quiets, now) = (Quiets::default(), Instant::now());
        quiets.signed_in(0);
        // Another device was first, and what this one asked for was so already.
        assert!(quiets.answered(&change(1, entry(8))));
        let theirs = hours(CONV, 1, 2, "UTC");
        assert!(quiets.changed(&change(1, theirs.clone())), "its push comes later");
        let expected = Quiet { version: 1, entries: BTreeMap::from([(CONV, theirs)]) };
        assert_eq!(quiets.held(), Some(&expected));
        assert!(!quiets.next_ask(now));
        // What is this one's own is seen at once, and the list asked for.
        let ours = hours(8, 1, 2, "UTC");
        assert!(quiets.answered(&change(2, ours.clone())));
        assert!(quiets.held().is_some_and(|held| held.entries.contains_key(&8)));
        assert!(quiets.next_ask(now));
        assert!(!quiets.answered(&change(1, entry(8))), "an old one");
    }

    #[test]
    fn a_refused_list_is_asked_for_again() {
        let (mut quiets, now) = (Quiets::default(), Instant::now());
        quiets.signed_in(1);
        assert!(quiets.next_ask(now));
        let again = now + Duration::from_secs(1);
        quiets.refused(Some(again));
        assert!(!quiets.next_ask(now));
        assert_eq!(quiets.deadline(), Some(again));
        assert!(quiets.next_ask(again));
        // For good, as far as this session goes.
        quiets.refused(None);
        assert!(!quiets.next_ask(again) && quiets.deadline().is_none());
        quiets.signed_in(1);
        assert!(quiets.next_ask(again));
    }
}
