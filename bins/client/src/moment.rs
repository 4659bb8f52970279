//! Times for people, in their own time zone.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// `12:03` for today, `2026-01-31 12:03` for other days.
pub(crate) fn short(unix_ms: u64) -> String {
    in_zone(unix_ms, &Zoned::now())
}

/// `2026-01-31 12:03`.
pub(crate) fn full(unix_ms: u64) -> String {
    match zoned(unix_ms, TimeZone::system()) {
        Some(time) => time.strftime("%Y-%m-%d %H:%M").to_string(),
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
    fn today_needs_no_date() {
        let now = Timestamp::from_millisecond(1_767_225_600_000).expect("a time").to_zoned(TimeZone::UTC);
        assert_eq!(in_zone(1_767_225_600_000 + 3_600_000, &now), "01:00");
        assert_eq!(in_zone(1_767_225_600_000 - 60_000, &now), "2025-12-31 23:59");
        assert_eq!(in_zone(u64::MAX, &now), "?");
    }
}
