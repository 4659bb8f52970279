//! How often somebody may do what: a bucket of tokens for each user, or each address, and each kind of request.
//!
//! Kept by each node for itself, in memory: a restart forgets, and whoever is connected to several nodes has a bucket on
//! each. It is against floods and guessing, not accounting.

mod bucket;
mod buckets;

use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use domain::{Timestamp, UserId};
use protocol::{Code, Refusal};

pub use bucket::Rate;

use crate::address::Household;
use crate::caller::ConnKey;
use crate::pace::Pace;
use buckets::Buckets;

/// What is limited, and how often it may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// PING and what cannot be read, from a connection.
    pub pings: Rate,
    /// Everything before login, from an address.
    pub guest_requests: Rate,
    /// Everything after login, of a user.
    pub requests: Rate,
    /// ADD_FRIEND, of a user.
    pub friend_requests: Rate,
    /// Searches for users and messages, of a user.
    pub searches: Rate,
    /// Joining groups and applying to them, of a user.
    pub joins: Rate,
    /// What is told to many: opening groups, changing them and their members, changing the own profile; of a user.
    pub changes: Rate,
    /// Messages, of a user.
    pub sends: Rate,
    /// TYPING, of a user.
    pub typings: Rate,
    /// Broadcasts, of all operators together.
    pub broadcasts: Rate,
    /// REG, from an address.
    pub registrations: Rate,
    /// RECOVER, from an address.
    pub recoveries: Rate,
    /// LOGIN, from an address.
    pub logins: Rate,
    /// CHANGE_PASSWORD, NEW_RECOVERY_CODES and DELETE_ACCOUNT, of a user.
    pub password_proofs: Rate,
    /// Whole KiB of the texts of messages, of a user: shorter ones cost none.
    pub text_kib: Rate,
    /// Wrong passwords, from an address.
    pub failed_logins: Rate,
}

impl Default for Rates {
    fn default() -> Rates {
        let rate = |burst, per_minute| Rate { burst, per_minute };
        Rates {
            pings: rate(1_000, 6_000),
            // All connections of a node may come back at once, through one address.
            guest_requests: rate(20_000, 60_000),
            requests: rate(5_000, 60_000),
            friend_requests: rate(100, 30),
            searches: rate(120, 60),
            joins: rate(100, 30),
            changes: rate(200, 60),
            sends: rate(200, 3_000),
            typings: rate(20, 60),
            broadcasts: rate(10, 10),
            registrations: rate(100, 30),
            recoveries: rate(20, 10),
            // A few seconds of work for one core, and then a tenth of it.
            logins: rate(60, 120),
            password_proofs: rate(20, 20),
            text_kib: rate(8_192, 2_048),
            failed_logins: rate(100, 30),
        }
    }
}

impl Rates {
    /// No limit on anything.
    pub const OFF: Rates = Rates {
        pings: Rate::OFF,
        guest_requests: Rate::OFF,
        requests: Rate::OFF,
        friend_requests: Rate::OFF,
        searches: Rate::OFF,
        joins: Rate::OFF,
        changes: Rate::OFF,
        sends: Rate::OFF,
        typings: Rate::OFF,
        broadcasts: Rate::OFF,
        registrations: Rate::OFF,
        recoveries: Rate::OFF,
        logins: Rate::OFF,
        password_proofs: Rate::OFF,
        text_kib: Rate::OFF,
        failed_logins: Rate::OFF,
    };
}

/// What one kind of limit did, and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSnapshot {
    /// Its name, as in the settings.
    pub kind: &'static str,
    /// Requests refused.
    pub refused: u64,
    /// Buckets in memory.
    pub buckets: u64,
    /// Buckets forgotten although they were not full, to make room.
    pub evicted: u64,
}

/// All limits of a node. Any thread.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) pings: Limit<ConnKey>,
    pub(crate) guest_requests: Limit<Household>,
    pub(crate) requests: Limit<UserId>,
    pub(crate) friend_requests: Limit<UserId>,
    pub(crate) searches: Limit<UserId>,
    pub(crate) joins: Limit<UserId>,
    pub(crate) changes: Limit<UserId>,
    pub(crate) sends: Limit<UserId>,
    pub(crate) typings: Limit<UserId>,
    pub(crate) broadcasts: Limit<()>,
    pub(crate) registrations: Limit<Household>,
    pub(crate) recoveries: Limit<Household>,
    pub(crate) logins: Limit<Household>,
    pub(crate) password_proofs: Limit<UserId>,
    pub(crate) text_kib: Limit<UserId>,
    pub(crate) failed_logins: Limit<Household>,
}

impl Limits {
    pub(crate) fn new(rates: &Rates) -> Limits {
        Limits {
            pings: Limit::new(rates.pings),
            guest_requests: Limit::new(rates.guest_requests),
            requests: Limit::new(rates.requests),
            friend_requests: Limit::new(rates.friend_requests),
            searches: Limit::new(rates.searches),
            joins: Limit::new(rates.joins),
            changes: Limit::new(rates.changes),
            sends: Limit::new(rates.sends),
            typings: Limit::new(rates.typings),
            broadcasts: Limit::new(rates.broadcasts),
            registrations: Limit::new(rates.registrations),
            recoveries: Limit::new(rates.recoveries),
            logins: Limit::new(rates.logins),
            password_proofs: Limit::new(rates.password_proofs),
            text_kib: Limit::new(rates.text_kib),
            failed_logins: Limit::new(rates.failed_logins),
        }
    }

    pub(crate) fn snapshot(&self) -> Vec<LimitSnapshot> {
        let Limits {
            pings,
            guest_requests,
            requests,
            friend_requests,
            searches,
            joins,
            changes,
            sends,
            typings,
            broadcasts,
            registrations,
            recoveries,
            logins,
            password_proofs,
            text_kib,
            failed_logins,
        } = self;
        vec![
            pings.snapshot(Pace::Pings),
            guest_requests.snapshot(Pace::GuestRequests),
            requests.snapshot(Pace::Requests),
            friend_requests.snapshot(Pace::FriendRequests),
            searches.snapshot(Pace::Searches),
            joins.snapshot(Pace::Joins),
            changes.snapshot(Pace::Changes),
            sends.snapshot(Pace::Sends),
            typings.snapshot(Pace::Typings),
            broadcasts.named("broadcasts"),
            registrations.snapshot(Pace::Registrations),
            recoveries.snapshot(Pace::Recoveries),
            logins.snapshot(Pace::Logins),
            password_proofs.snapshot(Pace::PasswordProofs),
            text_kib.snapshot(Pace::TextKib),
            failed_logins.snapshot(Pace::FailedLogins),
        ]
    }
}

/// One kind of limit. Any thread.
#[derive(Debug)]
pub(crate) struct Limit<K> {
    buckets: Buckets<K>,
    refused: AtomicU64,
}

impl<K: Copy + Eq + Hash> Limit<K> {
    fn new(rate: Rate) -> Limit<K> {
        Limit { buckets: Buckets::new(rate), refused: AtomicU64::new(0) }
    }

    /// Takes a token, or refuses and says when there is one.
    pub(crate) fn take(&self, key: K, now: Timestamp) -> Result<(), Refusal> {
        self.take_many(key, 1, now)
    }

    /// Takes so many at once; if they are more than a bucket holds, all of a full one.
    pub(crate) fn take_many(&self, key: K, tokens: u32, now: Timestamp) -> Result<(), Refusal> {
        self.buckets.take(key, tokens, now).map_err(|retry_after_ms| {
            self.refused.fetch_add(1, Relaxed);
            Refusal::new(Code::TOO_MANY).retry_after_ms(retry_after_ms)
        })
    }

    /// Gives a token back that was taken for nothing.
    pub(crate) fn give_back(&self, key: K) {
        self.buckets.give_back(key);
    }

    fn snapshot(&self, pace: Pace) -> LimitSnapshot {
        self.named(pace.name())
    }

    fn named(&self, kind: &'static str) -> LimitSnapshot {
        LimitSnapshot {
            kind,
            refused: self.refused.load(Relaxed),
            buckets: self.buckets.len() as u64,
            evicted: self.buckets.evicted(),
        }
    }
}
