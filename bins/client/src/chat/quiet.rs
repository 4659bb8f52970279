//! Do not disturb.

use std::time::{SystemTime, UNIX_EPOCH};

use client::protocol::limits::NUMBER_MAX;
use client::protocol::{Nothing, QuietChanged, Request, SetQuiet};

use super::{CATCH_UP, Chat, picks, senseless};
use crate::command::{KeepQuiet, QuietMentions, QuietWhen, TalkName};
use crate::outcome::{Failure, Outcome, QuietOutcome};

impl Chat {
    pub(super) fn list_quiet(&mut self) -> Result<Outcome, Failure> {
        let list = self.ask(Request::Quiet(Nothing {}), picks!(Quiet))?;
        Ok(QuietOutcome(list.quiet).into())
    }

    pub(super) fn keep_quiet(&mut self, keep: KeepQuiet) -> Result<Outcome, Failure> {
        let conv = self.quiet_place(keep.what.as_ref())?;
        let mentions = Some(keep.mentions == QuietMentions::BreakThrough);
        let mut set = SetQuiet { conv, mentions, ..SetQuiet::default() };
        match keep.when {
            QuietWhen::Always => set.until = Some(NUMBER_MAX),
            QuietWhen::Minutes(minutes) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
                let until = u64::try_from(now).unwrap_or(NUMBER_MAX).saturating_add(minutes * 60_000);
                set.until = Some(until.min(NUMBER_MAX));
            }
            QuietWhen::Hours { from, to, zone } => {
                let own = || jiff::tz::TimeZone::system().iana_name().map(str::to_owned);
                let Some(zone) = zone.or_else(own) else {
                    return senseless("in which time zone? Name it, such as Europe/Berlin".to_owned());
                };
                (set.from, set.to, set.zone) = (Some(from), Some(to), Some(zone));
            }
        }
        let changed = self.set_quiet(set)?;
        Ok(QuietOutcome(vec![changed.quiet]).into())
    }

    pub(super) fn unquiet(&mut self, what: Option<&TalkName>) -> Result<Outcome, Failure> {
        let conv = self.quiet_place(what)?;
        self.set_quiet(SetQuiet { conv, ..SetQuiet::default() })?;
        Ok(QuietOutcome(vec![]).into())
    }

    /// The next command knows of it.
    fn set_quiet(&self, set: SetQuiet) -> Result<QuietChanged, Failure> {
        let conv = set.conv;
        let is_kept = set.until.is_some() || set.from.is_some();
        let changed = self.ask(Request::SetQuiet(set), picks!(SetQuiet))?;
        self.shared.wait_until(CATCH_UP, |known| {
            let held = known.roster.quiet.as_ref()?;
            let is_known = held.entries.get(&conv) == Some(&changed.quiet).filter(|_| is_kept);
            (is_known || held.version >= changed.version).then_some(())
        });
        Ok(changed)
    }

    /// The number of a conversation; 0 for all of them.
    fn quiet_place(&self, what: Option<&TalkName>) -> Result<u64, Failure> {
        let Some(name) = what else { return Ok(0) };
        let known = self.shared.lock();
        let talk = known.roster.talk(name).map_err(Failure::Senseless)?;
        match known.roster.conv_of(talk) {
            Some(conv) => Ok(conv),
            None => senseless(format!("there is no conversation with {}", known.roster.talk_name(talk))),
        }
    }
}
