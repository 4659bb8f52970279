//! /wait, for scripts.

use std::time::Duration;

use client::protocol::{Direction, State};

use super::Chat;
use crate::command::{Awaited, Command, Who};
use crate::outcome::{Failure, Outcome};
use crate::shared::{Known, Line, SavedSession};

/// How long nothing must come for it to be quiet.
const QUIET: Duration = Duration::from_millis(500);

impl Chat {
    pub(super) fn wait(&mut self, what: &Awaited, limit: Duration) -> Result<Outcome, Failure> {
        let came = self
            .shared
            .wait_until(limit, |known| (has_come(what, known) || self.shared.is_interrupted()).then_some(()));
        if self.shared.is_interrupted() {
            return Err(Failure::Interrupted);
        }
        came.map(|()| Outcome::Waited).ok_or_else(|| Failure::WaitedInVain(name(what), limit.as_secs()))
    }

    /// Waits for the first connection, and for the saved session if there is one, unless the command needs neither.
    pub(crate) fn wait_for_connection(&mut self, command: &Command) -> Result<(), Failure> {
        if matches!(command, Command::Help(_) | Command::Quit) {
            return Ok(());
        }
        // What is kept can be read without one; but what the server has is more, so it is waited for, once.
        let readable = self.shared.lock().roster.me.is_some()
            && matches!(
                command,
                Command::Chat(_)
                    | Command::Conversations
                    | Command::History(_)
                    | Command::HistoryAt { .. }
                    | Command::Find(_)
                    | Command::Whoami
            );
        if readable && self.offline {
            return Ok(());
        }
        // Once there was one, the client library sees to the next.
        let up = self.shared.wait_until(self.patience, |known| {
            (known.was_up && known.saved_session == SavedSession::Settled).then_some(())
        });
        self.offline = up.is_none() && readable;
        match up {
            None if !readable => Err(Failure::NoConnection(self.server.clone())),
            _ => Ok(()),
        }
    }

    /// Gives the first screen a moment to be right.
    pub(crate) fn wait_for_first_news(&self, limit: Duration, session_expected: bool) {
        self.shared.wait_until(limit, |known| {
            let settled = match known.line {
                Line::Untried => false,
                Line::Down => true,
                Line::Up => known.synced || !session_expected,
            };
            settled.then_some(())
        });
    }
}

fn has_come(what: &Awaited, known: &mut Known) -> bool {
    match what {
        Awaited::Messages(count) => match known.uncounted.checked_sub(*count) {
            Some(left) => {
                known.uncounted = left;
                true
            }
            None => false,
        },
        Awaited::Friend(who) => known.roster.friends.values().any(|friend| is(who, friend.id, &friend.name)),
        Awaited::Online(who) => {
            let mut online = known.roster.friends.values().filter(|friend| friend.state == State::Online);
            online.any(|friend| is(who, friend.id, &friend.name))
        }
        Awaited::Request(who) => {
            let mut asking =
                known.roster.requests.values().filter(|request| request.direction == Direction::In);
            asking.any(|request| is(who, request.id, &request.name))
        }
        Awaited::Quiet => {
            let synced = known.synced || known.roster.me.is_none();
            synced && known.event_at.elapsed() >= QUIET
        }
    }
}

fn is(who: &Who, id: u64, name: &str) -> bool {
    match who {
        Who::Id(wanted) => *wanted == id,
        Who::Name(wanted) => wanted.to_lowercase() == name.to_lowercase(),
    }
}

fn name(what: &Awaited) -> String {
    let who = |who: &Who| match who {
        Who::Id(id) => format!("user {id}"),
        Who::Name(name) => name.clone(),
    };
    match what {
        Awaited::Messages(1) => "1 message".to_owned(),
        Awaited::Messages(count) => format!("{count} messages"),
        Awaited::Friend(friend) => format!("a friendship with {}", who(friend)),
        Awaited::Online(friend) => who(friend),
        Awaited::Request(friend) => format!("a request of {}", who(friend)),
        Awaited::Quiet => "quiet".to_owned(),
    }
}
