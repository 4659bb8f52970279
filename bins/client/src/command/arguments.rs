//! The words of a line.

use super::{GroupName, TalkName, Who};

/// A line that nobody can understand: one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// What is left of a line while it is read from left to right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arguments<'a> {
    rest: &'a str,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(rest: &'a str) -> Arguments<'a> {
        Arguments { rest: rest.trim() }
    }

    /// The next word, or several between double quotes: names can hold spaces.
    pub(crate) fn word(&mut self) -> Option<&'a str> {
        if let Some(quoted) = self.rest.strip_prefix('"')
            && let Some((word, rest)) = quoted.split_once('"')
        {
            self.rest = rest.trim_start();
            return Some(word);
        }
        if self.rest.is_empty() {
            return None;
        }
        let (word, rest) = self.rest.split_once(char::is_whitespace).unwrap_or((self.rest, ""));
        self.rest = rest.trim_start();
        Some(word)
    }

    /// Everything that is left.
    pub(crate) fn rest(self) -> &'a str {
        self.rest
    }

    /// The next word, which must be there.
    pub(crate) fn need(&mut self, what: &str) -> Result<&'a str, UsageError> {
        self.word().ok_or_else(|| UsageError(format!("{what} is missing")))
    }

    pub(crate) fn need_number(&mut self, what: &str) -> Result<u64, UsageError> {
        let word = self.need(what)?;
        number(word).ok_or_else(|| UsageError(format!("{what} must be a number, not {word:?}")))
    }

    pub(crate) fn need_who(&mut self) -> Result<Who, UsageError> {
        self.need("a name or id").map(who)
    }

    pub(crate) fn need_group(&mut self) -> Result<GroupName, UsageError> {
        self.need("a group's number or #name").map(group)
    }

    pub(crate) fn need_talk(&mut self) -> Result<TalkName, UsageError> {
        self.need("a friend or #group").map(talk)
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), UsageError> {
        match self.rest {
            "" => Ok(()),
            rest => Err(UsageError(format!("{rest:?} is too much"))),
        }
    }
}

pub(crate) fn number(word: &str) -> Option<u64> {
    word.parse().ok().filter(|number| *number < 1 << 53)
}

fn who(word: &str) -> Who {
    number(word).map_or_else(|| Who::Name(word.to_owned()), Who::Id)
}

fn group(word: &str) -> GroupName {
    let name = word.strip_prefix('#').unwrap_or(word);
    number(name).map_or_else(|| GroupName::Name(name.to_owned()), GroupName::Id)
}

impl GroupName {
    /// From a word on the line.
    pub(crate) fn typed(word: &str) -> GroupName {
        group(word)
    }
}

impl TalkName {
    /// From a word on the line.
    pub(crate) fn typed(word: &str) -> TalkName {
        talk(word)
    }
}

fn talk(word: &str) -> TalkName {
    if word.starts_with('#') { TalkName::Group(group(word)) } else { TalkName::User(who(word)) }
}

/// A group and one of its members.
pub(crate) fn member(mut line: Arguments<'_>) -> Result<(GroupName, Who), UsageError> {
    let (group, who) = (line.need_group()?, line.need_who()?);
    line.end().map(|()| (group, who))
}
