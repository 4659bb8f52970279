//! QUIET and SET_QUIET: when users do not want to be notified. Kept for all their devices; the devices obey it.

use domain::{ConversationId, EVERYWHERE, NUMBER_MAX, Quiet, QuietHours, QuietMentions, QuietSet, Timestamp};
use jiff::tz::TimeZoneDatabase;
use protocol::limits::{QUIET_MAX, ZONE_BYTES_MAX};
use protocol::{Code, Push, QuietChanged, QuietList, Refusal, SetQuiet};

use crate::caller::Me;
use crate::conversation;
use crate::hub::Audience;
use crate::refuse::{Stop, bad_field};
use crate::service::Service;

/// Minutes of a day.
const DAY_MINUTES: u32 = 24 * 60;

/// QUIET.
pub(crate) fn list(service: &Service, me: Me<'_>) -> Result<QuietList, Stop> {
    let list = service.ports.store.quiet(me.user())?;
    Ok(QuietList { version: list.version, quiet: list.entries.into_iter().map(shown).collect() })
}

/// SET_QUIET. The user's other devices are told.
pub(crate) fn set(service: &Service, me: Me<'_>, request: &SetQuiet) -> Result<QuietChanged, Stop> {
    let quiet = asked(request)?;
    let ports = &service.ports;
    // What was set may be taken away also where the user is no more.
    if quiet.conversation != EVERYWHERE && !quiet.is_nothing() {
        conversation::of(service, me, quiet.conversation.0)?;
    }
    let set = match quiet.conversation.0 {
        0..=NUMBER_MAX => ports.store.set_quiet(me.user(), &quiet, QUIET_MAX)?,
        _ => return Err(Stop::refused(Code::NOT_FOUND)),
    };
    match set {
        QuietSet::Full => Err(Stop::refused(Code::FULL)),
        QuietSet::Unchanged(version) => Ok(QuietChanged { version, quiet: shown(quiet) }),
        QuietSet::Changed(version) => {
            let changed = QuietChanged { version, quiet: shown(quiet) };
            let push = Push::QuietChanged(changed.clone());
            ports.hub.push(Audience::OthersOf(me.user(), me.conn), &push);
            Ok(changed)
        }
    }
}

/// What a request asks for, checked.
fn asked(request: &SetQuiet) -> Result<Quiet, Refusal> {
    let until = request.until.unwrap_or(0);
    if until > NUMBER_MAX {
        return Err(bad_field("until", format!("until is at most {NUMBER_MAX}, which is for ever")));
    }
    Ok(Quiet {
        conversation: ConversationId(request.conv),
        until: Timestamp(until),
        hours: hours(request)?,
        mentions: match request.mentions {
            Some(false) => QuietMentions::AreQuiet,
            Some(true) | None => QuietMentions::BreakThrough,
        },
    })
}

fn hours(request: &SetQuiet) -> Result<Option<QuietHours>, Refusal> {
    let missing = |field| bad_field(field, "from, to and zone come together or not at all");
    let (from, to, zone) = match (request.from, request.to, &request.zone) {
        (None, None, None) => return Ok(None),
        (Some(from), Some(to), Some(zone)) => (minute("from", from)?, minute("to", to)?, zone),
        (None, ..) => return Err(missing("from")),
        (_, None, _) => return Err(missing("to")),
        (.., None) => return Err(missing("zone")),
    };
    if from == to {
        return Err(bad_field("to", "quiet hours end at another minute than they begin"));
    }
    Ok(Some(QuietHours { from, to, zone: known_zone(zone)? }))
}

fn minute(field: &'static str, minute: u32) -> Result<u16, Refusal> {
    let known = u16::try_from(minute).ok().filter(|_| minute < DAY_MINUTES);
    known.ok_or_else(|| bad_field(field, format!("a day has the minutes 0 to {}", DAY_MINUTES - 1)))
}

/// The name of a time zone as the database that this program brings along writes it.
fn known_zone(zone: &str) -> Result<String, Refusal> {
    let unknown =
        || bad_field("zone", "no such time zone; names are those of the IANA, such as Europe/Berlin");
    if zone.is_empty() || zone.len() > ZONE_BYTES_MAX || !zone.is_ascii() {
        return Err(unknown());
    }
    let known = TimeZoneDatabase::bundled().get(zone).map_err(|_| unknown())?;
    known.iana_name().map(str::to_owned).ok_or_else(unknown)
}

fn shown(quiet: Quiet) -> protocol::Quiet {
    let (from, to, zone) = match quiet.hours {
        Some(hours) => (Some(hours.from.into()), Some(hours.to.into()), Some(hours.zone)),
        None => (None, None, None),
    };
    protocol::Quiet {
        conv: quiet.conversation.0,
        until: quiet.until.0,
        from,
        to,
        zone,
        mentions: quiet.mentions == QuietMentions::BreakThrough,
    }
}
