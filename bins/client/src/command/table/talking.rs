//! Saying and reading.

use client::protocol::limits::HIDE_SEQS_MAX;
use jiff::civil::{Date, Time};

use super::{Completes, Spec};
use crate::command::arguments::{Arguments, UsageError, number};
use crate::command::{Command, Those, Which};

/// Messages that are hidden at once.
const HIDDEN_AT_ONCE: u64 = HIDE_SEQS_MAX as u64;

/// The commands.
pub(super) const COMMANDS: &[Spec] = &[
    Spec {
        name: "/chat",
        arguments: "[NAME|ID|#GROUP]",
        help: "choose whom plain text goes to; without an argument, nobody",
        completes: &[Completes::Talks],
        parse: |mut line| {
            if line.rest().is_empty() {
                return Ok(Command::Chat(None));
            }
            let talk = line.need_talk()?;
            line.end().map(|()| Command::Chat(Some(talk)))
        },
    },
    Spec {
        name: "/msg",
        arguments: "NAME|ID|#GROUP TEXT",
        help: "say something to a friend or in a group",
        completes: &[Completes::Talks],
        parse: |mut line| {
            let to = line.need_talk()?;
            match line.rest() {
                "" => Err(UsageError("the text is missing".to_owned())),
                text => Ok(Command::Msg { to, text: text.to_owned() }),
            }
        },
    },
    Spec {
        name: "/reply",
        arguments: "last|SEQ TEXT",
        help: "answer a message of the current conversation: the last one of somebody else, or one by its number",
        completes: &[Completes::Words(&["last"])],
        parse: |mut line| {
            let which = which(&mut line)?;
            match line.rest() {
                "" => Err(UsageError("the text is missing".to_owned())),
                text => Ok(Command::Reply { which, text: text.to_owned() }),
            }
        },
    },
    Spec {
        name: "/recall",
        arguments: "[last|SEQ]",
        help: "take a message of the current conversation back: your last one, or one by its number",
        completes: &[Completes::Words(&["last"])],
        parse: |mut line| {
            let which = if line.rest().is_empty() { Which::Last } else { which(&mut line)? };
            line.end().map(|()| Command::Recall(which))
        },
    },
    Spec {
        name: "/correct",
        arguments: "last|SEQ TEXT",
        help: "change the text of a message of yours in the current conversation: of the last one, or of one by its number",
        completes: &[Completes::Words(&["last"])],
        parse: |mut line| {
            let which = which(&mut line)?;
            match line.rest() {
                "" => Err(UsageError("the text is missing".to_owned())),
                text => Ok(Command::Correct { which, text: text.to_owned() }),
            }
        },
    },
    Spec {
        name: "/hide",
        arguments: "last [N]|SEQ...",
        help: "delete messages of the current conversation for yourself only: the last one, the last N, or by their numbers",
        completes: &[Completes::Words(&["last"])],
        parse: |line| those(line).map(Command::Hide),
    },
    Spec {
        name: "/conversations",
        arguments: "",
        help: "list conversations, the latest first, with what is unread",
        completes: &[],
        parse: |line| line.end().map(|()| Command::Conversations),
    },
    Spec {
        name: "/history",
        arguments: "[YYYY-MM-DD] [HH:MM[:SS]] [N]",
        help: "show the last N messages of the current conversation (20), or those from a time on; again: those before",
        completes: &[],
        parse: history,
    },
    Spec {
        name: "/find",
        arguments: "[TEXT]",
        help: "search the messages that this device keeps, newest first; without a text: the next ones",
        completes: &[],
        parse: |line| match line.rest() {
            "" => Ok(Command::Find(None)),
            text => Ok(Command::Find(Some(text.to_owned()))),
        },
    },
    Spec {
        name: "/find-all",
        arguments: "[TEXT]",
        help: "search all messages you may read, on the server, newest first; without a text: the next ones",
        completes: &[],
        parse: |line| match line.rest() {
            "" => Ok(Command::FindAll(None)),
            text => Ok(Command::FindAll(Some(text.to_owned()))),
        },
    },
];

fn history(mut line: Arguments<'_>) -> Result<Command, UsageError> {
    let (mut day, mut time, mut count) = (None, None, None);
    while let Some(word) = line.word() {
        let is_day = word.contains('-') && day.is_none() && time.is_none() && count.is_none();
        let is_time = word.contains(':') && time.is_none() && count.is_none();
        if is_day {
            let parsed = Date::strptime("%Y-%m-%d", word);
            day = Some(parsed.map_err(|_| UsageError(format!("{word:?} is no day such as 2026-01-31")))?);
        } else if is_time {
            let parsed = Time::strptime("%H:%M:%S", word).or_else(|_| Time::strptime("%H:%M", word));
            time = Some(parsed.map_err(|_| UsageError(format!("{word:?} is no time such as 09:30")))?);
        } else if count.is_none() {
            count =
                Some(number(word).ok_or_else(|| UsageError(format!("N must be a number, not {word:?}")))?);
        } else {
            return Err(UsageError(format!("{word:?} is too much")));
        }
    }
    if count == Some(0) {
        return Err(UsageError("N must be at least 1".to_owned()));
    }
    // Pages are cut at the server's limit anyway.
    let count = count.map(|count| count.min(10_000) as u32);
    match (day, time) {
        (None, None) => Ok(Command::History(count)),
        (day, time) => Ok(Command::HistoryAt { day, time: time.unwrap_or(Time::midnight()), count }),
    }
}

fn which(line: &mut Arguments<'_>) -> Result<Which, UsageError> {
    match line.need("last or the message's number")? {
        "last" => Ok(Which::Last),
        word => match number(word) {
            None | Some(0) => Err(UsageError(format!("it is last or the message's number, not {word:?}"))),
            Some(seq) => Ok(Which::Seq(seq)),
        },
    }
}

/// The last ones, or each by its number.
fn those(mut line: Arguments<'_>) -> Result<Those, UsageError> {
    let too_many = || UsageError(format!("at most {HIDE_SEQS_MAX} messages at once"));
    let mut words = vec![line.need("last or the message's number")?];
    while let Some(word) = line.word() {
        words.push(word);
    }
    let numbers = |words: &[&str]| -> Result<Vec<u64>, UsageError> {
        let seq = |word: &&str| {
            number(word)
                .filter(|seq| *seq > 0)
                .ok_or_else(|| UsageError(format!("it is last or the message's number, not {word:?}")))
        };
        words.iter().map(seq).collect()
    };
    match words.as_slice() {
        ["last"] => Ok(Those::Last(1)),
        ["last", count] => match numbers(&[*count])?.as_slice() {
            [count @ 1..=HIDDEN_AT_ONCE] => Ok(Those::Last(*count)),
            _ => Err(too_many()),
        },
        ["last", _, rest, ..] => Err(UsageError(format!("{rest:?} is too much"))),
        seqs if seqs.len() > HIDE_SEQS_MAX => Err(too_many()),
        seqs => numbers(seqs).map(Those::Seqs),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ok, wrong};
    use super::*;
    use crate::command::{GroupName, TalkName, Who};

    #[test]
    fn a_message_is_the_last_one_or_has_a_number() {
        let reply = |which, text: &str| Command::Reply { which, text: text.into() };
        assert_eq!(ok("/reply last @bob  yes"), reply(Which::Last, "@bob  yes"));
        assert_eq!(ok("/reply 12 12 monkeys"), reply(Which::Seq(12), "12 monkeys"));
        let correct = |which, text: &str| Command::Correct { which, text: text.into() };
        assert_eq!(ok("/recall"), Command::Recall(Which::Last));
        assert_eq!(ok("/recall last"), Command::Recall(Which::Last));
        assert_eq!(ok("/recall 12"), Command::Recall(Which::Seq(12)));
        assert_eq!(ok("/correct last 12  monkeys"), correct(Which::Last, "12  monkeys"));
        assert_eq!(ok("/correct 12 last"), correct(Which::Seq(12), "last"));
        for line in [
            "/recall 0",
            "/recall it",
            "/recall 1 2",
            "/correct",
            "/correct last",
            "/correct it is",
            "/reply",
            "/reply 12",
            "/reply 0 x",
            "/reply yes",
        ] {
            wrong(line);
        }
    }

    #[test]
    fn history_goes_on_or_begins_at_a_time() {
        let at = |day, (hour, minute, second), count| {
            let time = jiff::civil::time(hour, minute, second, 0);
            Command::HistoryAt { day, time, count }
        };
        let day = Some(jiff::civil::date(2026, 1, 31));
        assert_eq!((ok("/history"), ok("/history 5")), (Command::History(None), Command::History(Some(5))));
        assert_eq!(ok("/history 2026-01-31"), at(day, (0, 0, 0), None));
        assert_eq!(ok("/history 2026-01-31 09:30 5"), at(day, (9, 30, 0), Some(5)));
        assert_eq!(ok("/history 09:30:59"), at(None, (9, 30, 59), None));
        for line in [
            "/history 0",
            "/history 2026-01-31 0",
            "/history 2026-02-30",
            "/history 26-1-31x",
            "/history 25:00",
            "/history 09:30 2026-01-31",
            "/history 5 6",
            "/history 5 09:30",
            "/history yesterday",
            "/history -1",
        ] {
            wrong(line);
        }
    }

    #[test]
    fn what_is_hidden_is_counted_or_numbered() {
        assert_eq!(ok("/hide last"), Command::Hide(Those::Last(1)));
        assert_eq!(ok("/hide last 100"), Command::Hide(Those::Last(100)));
        assert_eq!(ok("/hide 3 12  4"), Command::Hide(Those::Seqs(vec![3, 12, 4])));
        let many = |count| format!("/hide {}", vec!["7"; count].join(" "));
        assert_eq!(ok(&many(100)), Command::Hide(Those::Seqs(vec![7; 100])));
        for line in [
            "/hide",
            "/hide 0",
            "/hide it",
            "/hide 3 it",
            "/hide 3 last",
            "/hide last 0",
            "/hide last it",
            "/hide last 101",
            "/hide last 1 2",
            &many(101),
        ] {
            wrong(line);
        }
    }

    #[test]
    fn names_ids_and_groups_are_told_apart() {
        let name = |name: &str| TalkName::User(Who::Name(name.into()));
        assert_eq!(ok("/chat bob"), Command::Chat(Some(name("bob"))));
        assert_eq!(ok("/chat 12"), Command::Chat(Some(TalkName::User(Who::Id(12)))));
        assert_eq!(ok("/chat \"bob the 2nd\""), Command::Chat(Some(name("bob the 2nd"))));
        assert_eq!(ok("/chat #12"), Command::Chat(Some(TalkName::Group(GroupName::Id(12)))));
        assert_eq!(ok("/leave readers"), Command::Leave(GroupName::Name("readers".into())));
        assert_eq!(ok("/chat"), Command::Chat(None));
        assert_eq!(ok("/msg bob hi  there "), Command::Msg { to: name("bob"), text: "hi  there".into() });
    }
}
