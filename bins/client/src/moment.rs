//! Times for people, in their own time zone.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// `12:03` for today, `2026-01-31 12:03` for other days.
pub(crate) fn short(unix_ms: u64) -> String {
    in_zone(unix_ms, &Zoned::now())
}

/// `12:03` for today, `31 Jan` for this year, `2025` for others.
pub(crate) fn brief(unix_ms: u64) -> String {
    brief_in_zone(unix_ms, &Zoned::now())
}

/// `2026-01-31 12:03`.
pub(crate) fn full(unix_ms: u64) -> String {
    match zoned(unix_ms, TimeZone::system()) {
        Some(time) => time.strftime("%Y-%m-%d %H:%M").to_string(),
        None => "?".to_owned(),
    }
}

/// The time that the clocks here show then, today if no day is named; none if it is beyond all that has been said. Of an
/// hour that comes twice the first, of one that is skipped the next.
pub(crate) fn unix_ms(day: Option<Date>, time: Time) -> Option<u64> {
    at_in_zone(day, time, &Zoned::now())
}

fn at_in_zone(day: Option<Date>, time: Time, now: &Zoned) -> Option<u64> {
    let at = day.unwrap_or(now.date()).to_datetime(time).to_zoned(now.time_zone().clone()).ok()?;
    Some(u64::try_from(at.timestamp().as_millisecond()).unwrap_or(0))
}

/// This moment, in Unix milliseconds.
pub(crate) fn now() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0)
}

/// `just now`, `5 min ago`, `3 h ago`, `2 days ago`; the day itself after a month.
pub(crate) fn ago(unix_ms: u64) -> String {
    before(unix_ms, now()).unwrap_or_else(|| full(unix_ms))
}

fn before(unix_ms: u64, now_ms: u64) -> Option<String> {
    // The server's clock and this one differ a little.
    let minutes = now_ms.saturating_sub(unix_ms) / 60_000;
    Some(match minutes {
        0 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..1_440 => format!("{} h ago", minutes / 60),
        1_440..2_880 => "yesterday".to_owned(),
        2_880..43_200 => format!("{} days ago", minutes / 1_440),
        _ => return None,
    })
}

fn brief_in_zone(unix_ms: u64, now: &Zoned) -> String {
    match zoned(unix_ms, now.time_zone().clone()) {
        Some(time) if time.date() == now.date() => time.strftime("%H:%M").to_string(),
        Some(time) if time.year() == now.year() => time.strftime("%-d %b").to_string(),
        Some(time) => time.strftime("%Y").to_string(),
        None => "?".to_owned(),
    }
}

fn in_zone(unix_ms: u64, now: &Zoned) -> String {
    match zoned(unix_ms, now.time_zone().clone()) {
        Some(time) if time.date() == now.date() => time.strftime("%H:%M").to_string(),
        Some(time) => time.strftime("%Y-%m-%d %H:%M").to_string(),
        // No server that is sane sends it.
        None => "?".to_owned(),
    }
}

fn zoned(unix_ms: u64, zone: TimeZone) -> Option<Zoned> {
    let ms = i64::try_from(unix_ms).ok()?;
    Some(Timestamp::from_millisecond(ms).ok()?.to_zoned(zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_told_by_how_long_ago_it_is() {
        const MINUTE: u64 = 60_000;
        let now = 1_767_225_600_000;
        let ago = |ms: u64| before(now - ms, now);
        for (ms, told) in [
            (0, "just now"),
            (59_999, "just now"),
            (MINUTE, "1 min ago"),
            (60 * MINUTE - 1, "59 min ago"),
            (3 * 60 * MINUTE, "3 h ago"),
            (30 * 60 * MINUTE, "yesterday"),
            (72 * 60 * MINUTE, "3 days ago"),
        ] {
            assert_eq!(ago(ms).as_deref(), Some(told), "{ms}");
        }
        assert_eq!(ago(31 * 24 * 60 * MINUTE), None);
        assert_eq!(before(now + 5_000, now).as_deref(), Some("just now"), "its clock is ahead");
    }

    #[test]
    fn a_time_is_that_of_the_clocks_here() {
        use jiff::civil::{date, time};
        let zone = TimeZone::get("Europe/Berlin").expect("a zone");
        let now = Timestamp::from_millisecond(1_767_225_600_000).expect("a time").to_zoned(zone);
        assert_eq!(at_in_zone(None, time(1, 0, 0, 0), &now), Some(1_767_225_600_000));
        assert_eq!(at_in_zone(Some(date(2025, 12, 31)), time(1, 0, 0, 0), &now), Some(1_767_139_200_000));
        assert_eq!(at_in_zone(Some(date(1960, 1, 1)), time(0, 0, 0, 0), &now), Some(0));
        // Half past two was skipped, and came twice.
        assert_eq!(at_in_zone(Some(date(2025, 3, 30)), time(2, 30, 0, 0), &now), Some(1_743_298_200_000));
        assert_eq!(at_in_zone(Some(date(2025, 10, 26)), time(2, 30, 0, 0), &now), Some(1_761_438_600_000));
    }

    #[test]
    fn today_needs_no_date() {
        let now = Timestamp::from_millisecond(1_767_225_600_000).expect("a time").to_zoned(TimeZone::UTC);
        assert_eq!(in_zone(1_767_225_600_000 + 3_600_000, &now), "01:00");
        assert_eq!(in_zone(1_767_225_600_000 - 60_000, &now), "2025-12-31 23:59");
        assert_eq!(in_zone(u64::MAX, &now), "?");
        let brief = |ms| brief_in_zone(ms, &now);
        assert_eq!(brief(1_767_225_600_000 + 3_600_000), "01:00");
        assert_eq!(brief(1_767_225_600_000 + 30 * 86_400_000), "31 Jan");
        assert_eq!((brief(1_767_225_600_000 - 60_000), brief(u64::MAX)), ("2025".into(), "?".into()));
    }
}
