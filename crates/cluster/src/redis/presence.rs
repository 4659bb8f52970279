//! The presence port over Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use domain::{Arrival, Company, Presence, PresenceChange, PresenceState, SessionId, SharedWatcher, UserId};
use redis::Value;

use super::calls::{Calls, IsAway};
use super::housekeeper::Housekeeping;
use super::lease::CurrentLease;
use super::metrics::PresenceSnapshot;
use super::residents::Residents;
use super::scripts::{ARRIVE, Args, DEPART, SESSIONS, STATES, list, word};
use super::shared::Shared;

/// Users asked about in one call of Redis.
const STATES_PER_CALL: usize = 500;

/// One node's presence over Redis. Made by [`connect`](super::connect); after its
/// [`Membership`](super::Membership) has ended it knows nothing but its own users.
pub struct RedisPresence {
    pub(super) shared: Arc<Shared>,
    pub(super) calls: Arc<Calls>,
    pub(super) housekeeping: Arc<Housekeeping>,
    pub(super) residents: Arc<Residents>,
    pub(super) current: Arc<CurrentLease>,
    pub(super) doubt: Arc<Doubt>,
}

/// Whether somebody was told that presence is unknown, and is to ask again when it is not.
#[derive(Default)]
pub(super) struct Doubt(AtomicBool);

impl Doubt {
    pub(super) fn raise(&self) {
        self.0.store(true, SeqCst);
    }

    pub(super) fn take(&self) -> bool {
        self.0.swap(false, SeqCst)
    }
}

/// A script says that this node has no lease: the lease's thread finds out why, and until then nothing is known.
pub(super) fn lost_lease(calls: &Calls) {
    calls.trip(&"this node has no lease");
}

impl RedisPresence {
    /// Names who hears what presence finds out. Kept weakly: once it is gone, nobody does.
    pub fn watch_with(&self, watcher: &SharedWatcher) {
        self.shared.watch_with(watcher);
    }

    /// What was counted so far.
    pub fn snapshot(&self) -> PresenceSnapshot {
        self.shared.presence.snapshot()
    }

    fn lease(&self) -> Result<Arc<str>, IsAway> {
        self.current.read().clone().ok_or(IsAway)
    }

    /// Asks Redis to change a user; its answer, in a word.
    fn change(&self, script: &super::scripts::Script, args: &Args) -> Result<String, IsAway> {
        let answer = self.calls.run(script, args)?;
        match word(&answer) {
            Some("lost") | None => {
                lost_lease(&self.calls);
                Err(IsAway)
            }
            Some(word) => Ok(word.to_owned()),
        }
    }

    /// What Redis has of the user is not surely what is here.
    fn unsettle(&self, user: UserId) {
        self.shared.presence.unsettled.add(1);
        if self.residents.unsettle([user]).is_err() {
            self.housekeeping.want_new_lease();
        }
        if !self.calls.is_open() {
            // The breaker was closed again meanwhile, so nobody would come to it before the next beat.
            self.housekeeping.check_unsettled();
        }
    }

    fn add(&self, user: UserId, session: SessionId) {
        if self.residents.add(user, session) {
            self.shared.presence.sessions.add(1);
        }
    }

    fn arrive_any(&self, user: UserId, session: SessionId) -> PresenceChange {
        let was_here = self.residents.is_here(user);
        self.add(user, session);
        match self.lease().and_then(|lease| self.change(&ARRIVE, &arrive_args(&lease, user, session, "any")))
        {
            Ok(word) if word == "same" => PresenceChange::Same,
            Ok(_) => PresenceChange::Changed,
            Err(IsAway) => {
                self.unsettle(user);
                if was_here { PresenceChange::Same } else { PresenceChange::Changed }
            }
        }
    }

    fn arrive_alone(&self, user: UserId, session: SessionId) -> Arrival {
        if self.residents.sessions(user).iter().any(|other| *other != session) {
            return Arrival::Refused;
        }
        match self.lease().and_then(|lease| self.change(&ARRIVE, &arrive_args(&lease, user, session, "none")))
        {
            Ok(word) => {
                let change = match word.as_str() {
                    "changed" => PresenceChange::Changed,
                    "same" => PresenceChange::Same,
                    "refused" => return Arrival::Refused,
                    _ => return Arrival::Unknown,
                };
                self.add(user, session);
                Arrival::Here(change)
            }
            Err(IsAway) => {
                // Redis may have let it in and we did not hear of it.
                self.unsettle(user);
                Arrival::Unknown
            }
        }
    }
}

fn arrive_args(lease: &str, user: UserId, session: SessionId, company: &str) -> Args {
    Args::default().text(lease).number(user).number(session).text(company)
}

impl Presence for RedisPresence {
    fn arrive(&self, user: UserId, session: SessionId, company: Company) -> Arrival {
        let _in_order = self.residents.in_order(user);
        match company {
            Company::Any => Arrival::Here(self.arrive_any(user, session)),
            Company::None => self.arrive_alone(user, session),
        }
    }

    fn depart(&self, user: UserId, session: SessionId) -> PresenceChange {
        let _in_order = self.residents.in_order(user);
        if !self.residents.remove(user, session) {
            return PresenceChange::Same;
        }
        self.shared.presence.sessions.take_off(1);
        let outcome = self.lease().and_then(|lease| {
            let args = Args::default().text(&*lease).number(user).number(session);
            self.change(&DEPART, &args)
        });
        match outcome {
            Ok(word) if word == "same" => PresenceChange::Same,
            Ok(_) => PresenceChange::Changed,
            Err(IsAway) => {
                self.unsettle(user);
                match self.residents.is_here(user) {
                    true => PresenceChange::Same,
                    false => PresenceChange::Changed,
                }
            }
        }
    }

    fn states(&self, users: &[UserId]) -> Vec<PresenceState> {
        let here = |user: &UserId| match self.residents.is_here(*user) {
            true => PresenceState::Online,
            false => PresenceState::Unknown,
        };
        let mut states: Vec<PresenceState> = users.iter().map(here).collect();
        let elsewhere: Vec<usize> =
            (0..users.len()).filter(|index| states[*index] == PresenceState::Unknown).collect();
        for indexes in elsewhere.chunks(STATES_PER_CALL) {
            let answer = self.lease().and_then(|lease| {
                let args = Args::default().text(&*lease).numbers(indexes.iter().map(|index| users[*index].0));
                self.calls.run(&STATES, &args)
            });
            let word = match &answer {
                Ok(value) => word(value).unwrap_or("lost"),
                Err(IsAway) => break,
            };
            if word == "lost" {
                lost_lease(&self.calls);
                break;
            }
            for (index, state) in indexes.iter().zip(word.bytes()) {
                states[*index] = match state {
                    b'1' => PresenceState::Online,
                    b'0' => PresenceState::Offline,
                    _ => PresenceState::Unknown,
                };
            }
        }
        if states.contains(&PresenceState::Unknown) {
            self.doubt.raise();
        }
        states
    }

    fn sessions(&self, user: UserId) -> Option<Vec<SessionId>> {
        let mut sessions = self.residents.sessions(user);
        let args = Args::default().text(&*self.lease().ok()?).number(user);
        let answer: Vec<Value> = list(self.calls.run(&SESSIONS, &args).ok()?).ok()?;
        let mut words = answer.iter().filter_map(word);
        match words.next() {
            Some("ok") => {}
            Some("settling") => return None,
            _ => {
                lost_lease(&self.calls);
                return None;
            }
        }
        for session in words.filter_map(|word| word.parse().ok()).map(SessionId) {
            if !sessions.contains(&session) {
                sessions.push(session);
            }
        }
        Some(sessions)
    }
}
