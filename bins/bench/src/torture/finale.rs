//! Presence, at the end: some go, in every way there is, and everybody else must come to know it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use protocol::State;

use super::{actor::Order, ensemble::Ensemble, evidence::Log};

/// One person in so many goes.
const LEAVERS: usize = 3;
/// How long a view must stay right.
const STEADY: Duration = Duration::from_secs(1);
/// The ways to go.
const WAYS: [Order; 4] = [Order::LogOut, Order::Close, Order::Die, Order::Vanish];

/// A device that shows a friend other than they are.
pub(crate) struct Wrong {
    /// The device's place among the members.
    pub(crate) member: usize,
    pub(crate) friend: u64,
    /// A sentence.
    pub(crate) what: String,
}

/// Whether those who were sent away are gone.
pub(crate) fn all_gone(ensemble: &Ensemble) -> bool {
    ensemble.members.iter().all(|member| member.desk.order() == Order::Play || member.desk.glance().gone)
}

/// Who is there and who is not, and how everybody sees it.
pub(crate) struct Finale {
    /// User → the truth.
    truth: BTreeMap<u64, State>,
    begun: Instant,
    right_since: Option<Instant>,
}

impl Finale {
    /// Sends some people away.
    pub(crate) fn begin(ensemble: &Ensemble) -> Finale {
        let mut truth = BTreeMap::new();
        for member in &ensemble.members {
            let goes = member.who.person % LEAVERS == LEAVERS - 1;
            if goes {
                member.desk.give(WAYS[member.who.person / LEAVERS % WAYS.len()]);
            }
            truth.insert(member.user, if goes { State::Offline } else { State::Online });
        }
        Finale { truth, begun: Instant::now(), right_since: None }
    }

    /// How long ago they were sent away.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Looks at every view; the time it took, once all are right and stay so.
    pub(crate) fn look(&mut self, ensemble: &Ensemble, log: &Log) -> Option<Duration> {
        if !self.wrong(ensemble, log).is_empty() {
            self.right_since = None;
            return None;
        }
        let since = *self.right_since.get_or_insert_with(Instant::now);
        (since.elapsed() >= STEADY).then(|| since.duration_since(self.begun))
    }

    /// Everything that is shown wrong just now.
    pub(crate) fn wrong(&self, ensemble: &Ensemble, log: &Log) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        for (at, member) in ensemble.members.iter().enumerate() {
            if self.truth.get(&member.user) != Some(&State::Online) {
                continue;
            }
            let view = member.desk.friends();
            let friends = log.friends.get(&member.user).into_iter().flatten();
            let friends: BTreeSet<u64> = friends.copied().collect();
            for friend in friends {
                let (truth, seen) = (self.truth.get(&friend), view.get(&friend));
                if truth.is_some() && truth != seen {
                    let what = format!(
                        "{} (user {}) shows user {friend} as {seen:?}; the truth is {truth:?}",
                        member.who, member.user
                    );
                    wrong.push(Wrong { member: at, friend, what });
                }
            }
        }
        wrong
    }
}
