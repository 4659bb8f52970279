//! Do not disturb.

use super::{Completes, Spec};
use crate::command::arguments::{Arguments, UsageError, number};
use crate::command::{Command, KeepQuiet, QuietMentions, QuietWhen, TalkName};

/// The commands.
pub(super) const COMMANDS: &[Spec] = &[
    Spec {
        name: "/quiet",
        arguments: "[all|NAME|ID|#GROUP [MINUTES|HH:MM-HH:MM [ZONE]] [no-mentions]]",
        help: "do not ring for a conversation, or for any, unless you are mentioned; with no-mentions not even then; without an argument, list what is quiet",
        completes: &[Completes::Talks],
        parse: quiet,
    },
    Spec {
        name: "/unquiet",
        arguments: "all|NAME|ID|#GROUP",
        help: "ring again",
        completes: &[Completes::Talks],
        parse: |mut line| {
            let what = what(&mut line)?;
            line.end().map(|()| Command::Unquiet(what))
        },
    },
];

/// All conversations, or one.
fn what(line: &mut Arguments<'_>) -> Result<Option<TalkName>, UsageError> {
    if line.rest().split_whitespace().next() == Some("all") {
        line.word();
        return Ok(None);
    }
    line.need_talk().map(Some)
}

fn quiet(mut line: Arguments<'_>) -> Result<Command, UsageError> {
    if line.rest().is_empty() {
        return Ok(Command::Quiet(None));
    }
    let what = what(&mut line)?;
    let (mut when, mut mentions) = (QuietWhen::Always, QuietMentions::BreakThrough);
    while let Some(word) = line.word() {
        match (word, &mut when) {
            ("no-mentions", _) => mentions = QuietMentions::AreQuiet,
            (word, QuietWhen::Hours { zone: zone @ None, .. }) => *zone = Some(word.to_owned()),
            (word, when @ QuietWhen::Always) => *when = time(word)?,
            (word, _) => return Err(UsageError(format!("{word:?} is too much"))),
        }
    }
    Ok(Command::Quiet(Some(KeepQuiet { what, when, mentions })))
}

fn time(word: &str) -> Result<QuietWhen, UsageError> {
    if let Some(minutes) = number(word).filter(|minutes| (1..=MINUTES_MAX).contains(minutes)) {
        return Ok(QuietWhen::Minutes(minutes));
    }
    let hours = word.split_once('-').and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
    match hours {
        Some((from, to)) if from != to => Ok(QuietWhen::Hours { from, to, zone: None }),
        _ => {
            Err(UsageError(format!("{word:?} is neither a number of minutes nor hours such as 22:00-07:00")))
        }
    }
}

/// A hundred years.
const MINUTES_MAX: u64 = 100 * 366 * 24 * 60;

/// `22:00` as a minute of the day.
fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, end: u32| text.parse::<u32>().ok().filter(|number| *number < end);
    Some(number(hour, 24)? * 60 + number(minute, 60)?)
}

#[cfg(test)]
mod tests {
    use super::super::tests::ok;
    use super::*;
    use crate::command::Who;

    fn bob() -> Option<TalkName> {
        Some(TalkName::User(Who::Name("bob".into())))
    }

    #[test]
    fn times_zones_and_mentions() {
        let keep = |what, when, mentions| Command::Quiet(Some(KeepQuiet { what, when, mentions }));
        let hours =
            |zone: Option<&str>| QuietWhen::Hours { from: 1_320, to: 420, zone: zone.map(str::to_owned) };
        let through = QuietMentions::BreakThrough;
        assert_eq!(ok("/quiet"), Command::Quiet(None));
        assert_eq!(ok("/quiet all"), keep(None, QuietWhen::Always, through));
        assert_eq!(ok("/quiet bob 90"), keep(bob(), QuietWhen::Minutes(90), through));
        assert_eq!(ok("/quiet all 22:00-07:00"), keep(None, hours(None), through));
        let all = keep(bob(), hours(Some("Asia/Shanghai")), QuietMentions::AreQuiet);
        assert_eq!(ok("/quiet bob 22:00-07:00 Asia/Shanghai no-mentions"), all);
        assert_eq!(ok("/quiet bob no-mentions 22:00-07:00 Asia/Shanghai"), all);
        assert_eq!(ok("/unquiet all"), Command::Unquiet(None));
        assert_eq!(ok("/unquiet bob"), Command::Unquiet(bob()));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for time in [
            "0",
            "-5",
            "soon",
            "22:00",
            "22:00-22:00",
            "24:00-07:00",
            "22:60-07:00",
            "5 6",
            "1:00-2:00 UTC x",
        ] {
            let line = format!("all {time}");
            assert!(quiet(Arguments::new(&line)).is_err(), "{time}");
        }
    }
}
