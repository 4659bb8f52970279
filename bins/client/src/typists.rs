//! Who is writing something just now, as far as it was told.

use std::time::{Duration, Instant};

use client::protocol::IsTyping;
use client::protocol::limits::{TYPING_MEMBERS_MAX, TYPING_MS};

use crate::printable::one_line;

/// How many are remembered. Of more the ones told of first are forgotten: nobody looks at so many conversations at once.
const TYPISTS_MAX: usize = 4 * TYPING_MEMBERS_MAX;

/// Everybody who is writing, in the order in which they began.
#[derive(Debug, Default)]
pub(crate) struct Typists(Vec<Typist>);

#[derive(Debug)]
struct Typist {
    conv: u64,
    user: u64,
    name: String,
    /// When it does not hold any more, unless it is told again.
    until: Instant,
}

impl Typists {
    /// Somebody is writing.
    pub(crate) fn learn(&mut self, typing: &IsTyping, now: Instant) {
        let until = now + Duration::from_millis(TYPING_MS);
        if let Some(typist) = self.0.iter_mut().find(|at| (at.conv, at.user) == (typing.conv, typing.from)) {
            typist.until = until;
            return;
        }
        if self.0.len() >= TYPISTS_MAX {
            self.0.remove(0);
        }
        let name = one_line(&typing.name).into_owned();
        self.0.push(Typist { conv: typing.conv, user: typing.from, name, until });
    }

    /// Somebody said what they were writing.
    pub(crate) fn said(&mut self, conv: u64, user: u64) {
        self.0.retain(|typist| (typist.conv, typist.user) != (conv, user));
    }

    /// Forgets who has not been heard of for a while.
    pub(crate) fn pass(&mut self, now: Instant) {
        self.0.retain(|typist| now < typist.until);
    }

    /// Who is writing in a conversation, in words.
    pub(crate) fn news(&self, conv: u64) -> Option<String> {
        let mut there = self.0.iter().filter(|typist| typist.conv == conv);
        let first = there.next()?;
        Some(match there.next() {
            None => format!("{} is typing", first.name),
            Some(_) => format!("{} and others are typing", first.name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typing(conv: u64, from: u64) -> IsTyping {
        IsTyping { conv, from, name: format!("user{from}") }
    }

    #[test]
    fn it_holds_for_a_while_or_until_they_say_it() {
        let begun = Instant::now();
        let after = |ms| begun + Duration::from_millis(ms);
        let mut typists = Typists::default();
        typists.learn(&typing(1, 7), begun);
        assert_eq!((typists.news(1).as_deref(), typists.news(2)), (Some("user7 is typing"), None));
        typists.learn(&typing(1, 8), after(2_000));
        assert_eq!(typists.news(1).as_deref(), Some("user7 and others are typing"));
        typists.pass(after(TYPING_MS - 1));
        assert_eq!(typists.news(1).as_deref(), Some("user7 and others are typing"));
        typists.pass(after(TYPING_MS));
        assert_eq!(typists.news(1).as_deref(), Some("user8 is typing"));
        typists.learn(&typing(1, 8), after(TYPING_MS));
        typists.pass(after(TYPING_MS + 2_000));
        assert_eq!(typists.news(1).as_deref(), Some("user8 is typing"), "it was told again");
        typists.said(2, 8);
        assert!(typists.news(1).is_some(), "said elsewhere");
        typists.said(1, 8);
        assert_eq!(typists.news(1), None);
    }

    #[test]
    fn so_many_are_remembered() {
        let now = Instant::now();
        let mut typists = Typists::default();
        for user in 0..=TYPISTS_MAX as u64 {
            typists.learn(&typing(user, user), now);
        }
        assert_eq!((typists.0.len(), typists.news(0)), (TYPISTS_MAX, None));
        assert!(typists.news(1).is_some());
    }

    #[test]
    fn names_have_no_control_characters() {
        let mut typists = Typists::default();
        let name = "bob\x1b]0;x\x07".to_owned();
        typists.learn(&IsTyping { conv: 1, from: 2, name }, Instant::now());
        assert!(!typists.news(1).unwrap().contains(char::is_control));
    }
}
