//! The housekeeper's thread: it brings Redis up to date about this node's users, and takes the users of dead nodes off.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::UserId;
use parking_lot::{Condvar, Mutex};

use super::calls::{Calls, IsAway};
use super::clock;
use super::lease::CurrentLease;
use super::presence::lost_lease;
use super::residents::Residents;
use super::scripts::{Args, CLEAN, LEAVE, SETTLE, bytes, list, word};
use super::shared::Shared;

/// Users told to Redis, or taken off, in one call.
const USERS_PER_CALL: usize = 200;
/// How long a claim to clean lasts without progress: then another node goes on.
const CLAIM: Duration = Duration::from_secs(10);
/// Dead nodes that are remembered; the others are found again at the next roll call.
const DEAD_MAX: usize = 64;
/// Desks that are told to Redis at each beat although nothing is known to be wrong: in sixteen seconds all are, so that what
/// somebody deleted or Redis evicted is there again.
const DESKS_PER_BEAT: usize = 16;
/// How long it sleeps when nobody has work for it.
const IDLE: Duration = Duration::from_secs(60);

/// What the housekeeper is to do. Any thread adds.
#[derive(Default)]
pub(super) struct Housekeeping {
    work: Mutex<Work>,
    news: Condvar,
}

#[derive(Default)]
struct Work {
    settle: Settle,
    /// An earlier lease of this process, to be given back when all users are settled under the new one.
    earlier: Option<Arc<str>>,
    /// All users could not be told one by one: the lease's thread is to take a new lease.
    wants_new_lease: bool,
    dead: BTreeSet<Box<str>>,
    review: bool,
    end: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Settle {
    #[default]
    Nobody,
    /// Those whose calls failed.
    Unsettled,
    /// All: there is a new lease.
    All,
}

impl Housekeeping {
    /// There is a new lease: all users are to be told to Redis.
    pub(super) fn settle_all(&self, earlier: Option<Arc<str>>) {
        let mut work = self.work.lock();
        work.settle = Settle::All;
        work.earlier = earlier;
        work.wants_new_lease = false;
        drop(work);
        self.news.notify_one();
    }

    /// Redis answers: what could not be told to it can be told now.
    pub(super) fn check_unsettled(&self) {
        let mut work = self.work.lock();
        if work.settle == Settle::Nobody {
            work.settle = Settle::Unsettled;
        }
        drop(work);
        self.news.notify_one();
    }

    /// There are too many users to settle one by one.
    pub(super) fn want_new_lease(&self) {
        self.work.lock().wants_new_lease = true;
    }

    pub(super) fn wants_new_lease(&self) -> bool {
        self.work.lock().wants_new_lease
    }

    /// A lease is over.
    pub(super) fn clean(&self, member: &str) {
        let mut work = self.work.lock();
        if work.dead.len() < DEAD_MAX {
            work.dead.insert(Box::from(member));
        }
        drop(work);
        self.news.notify_one();
    }

    /// The watcher is to ask everything again.
    pub(super) fn review(&self) {
        self.work.lock().review = true;
        self.news.notify_one();
    }

    /// Ends the thread.
    pub(super) fn end(&self) {
        self.work.lock().end = true;
        self.news.notify_one();
    }

    fn is_ending(&self) -> bool {
        self.work.lock().end
    }
}

/// See the module. Owned by its thread.
pub(super) struct Housekeeper {
    pub(super) shared: Arc<Shared>,
    pub(super) calls: Arc<Calls>,
    pub(super) housekeeping: Arc<Housekeeping>,
    pub(super) residents: Arc<Residents>,
    pub(super) current: Arc<CurrentLease>,
    /// The desk that is told next without need.
    pub(super) next_desk: usize,
    /// The first lease is no news to anybody.
    pub(super) settled_before: bool,
}

impl Housekeeper {
    /// The thread.
    pub(super) fn run(mut self) {
        let housekeeping = Arc::clone(&self.housekeeping);
        loop {
            let mut work = housekeeping.work.lock();
            let nothing = |work: &Work| work.settle == Settle::Nobody && work.dead.is_empty() && !work.review;
            if nothing(&work) && !work.end {
                let _: parking_lot::WaitTimeoutResult =
                    housekeeping.news.wait_until(&mut work, clock::read() + IDLE);
            }
            if work.end {
                return;
            }
            let settle = std::mem::take(&mut work.settle);
            let dead = std::mem::take(&mut work.dead);
            let review = std::mem::take(&mut work.review);
            drop(work);
            // What fails because Redis is away is asked for again by the lease's thread.
            let settled = match settle {
                Settle::Nobody => Ok(()),
                Settle::Unsettled => self.settle_unsettled().and_then(|()| self.settle_in_turn()),
                Settle::All => self.settle_all(),
            };
            if settle == Settle::All && settled.is_err() {
                self.unfinished();
            }
            // Without a watcher nobody would hear whose users they were. The next roll call names them again, to this node
            // or to another.
            if self.shared.has_watcher() {
                for member in dead {
                    let _: Result<(), IsAway> = self.clean(&member);
                }
            }
            if review {
                self.shared.tell_review();
            }
        }
    }

    /// All users are still to be settled, unless a newer lease has said so already.
    fn unfinished(&self) {
        let mut work = self.housekeeping.work.lock();
        if work.settle != Settle::All {
            // Checked again at each beat, when Redis answers: as a new lease, which is simplest.
            work.wants_new_lease = true;
        }
    }

    fn settle_all(&mut self) -> Result<(), IsAway> {
        let Some(lease) = self.current.read().clone() else { return Ok(()) };
        self.residents.forget_unsettled();
        for desk in self.residents.desks() {
            let users = {
                let _in_order = self.residents.desk_in_order(desk);
                let users = self.residents.at_desk(desk);
                self.tell(&lease, &users)?;
                self.shared.presence.settled.add(users.len() as u64);
                users
            };
            self.shared.tell_changed(users);
        }
        let earlier = self.housekeeping.work.lock().earlier.take();
        if let Some(earlier) = earlier.filter(|earlier| *earlier != lease) {
            // It may be over long since; if not, its users are held by the new one now.
            let args = Args::default().text(earlier.as_bytes()).text("");
            self.calls.run(&LEAVE, &args)?;
        }
        if std::mem::replace(&mut self.settled_before, true) {
            self.shared.tell_review();
        }
        Ok(())
    }

    fn settle_unsettled(&mut self) -> Result<(), IsAway> {
        self.shared.presence.unsettled.set(self.residents.unsettled() as u64);
        let Some(lease) = self.current.read().clone() else { return Ok(()) };
        let mut outcome = Ok(());
        for (desk, users) in self.residents.take_unsettled() {
            if outcome.is_ok() {
                let _in_order = self.residents.desk_in_order(desk);
                outcome = self.tell(&lease, &users).map(drop);
            }
            match outcome {
                Ok(()) => {
                    self.shared.presence.settled.add(users.len() as u64);
                    self.shared.tell_changed(users);
                }
                Err(IsAway) if self.residents.unsettle(users).is_err() => self.housekeeping.want_new_lease(),
                Err(IsAway) => {}
            }
        }
        self.shared.presence.unsettled.set(self.residents.unsettled() as u64);
        outcome
    }

    /// Tells Redis some of the users whom it should know, and others only of those whom it did not.
    fn settle_in_turn(&mut self) -> Result<(), IsAway> {
        for _ in 0..DESKS_PER_BEAT {
            // Each time anew: it may end meanwhile.
            let Some(lease) = self.current.read().clone() else { return Ok(()) };
            let desk = self.next_desk;
            self.next_desk = (desk + 1) % self.residents.desks().end;
            let differed = {
                let _in_order = self.residents.desk_in_order(desk);
                self.tell(&lease, &self.residents.at_desk(desk))?
            };
            if !differed.is_empty() {
                log::warn!("Redis had lost {} users of this node: it has them again", differed.len());
                self.shared.presence.restored.add(differed.len() as u64);
                self.shared.tell_changed(differed);
            }
        }
        Ok(())
    }

    /// Tells Redis which sessions these users have here; answers of whom it had something else. Their desk's lock is held.
    fn tell(&self, lease: &str, users: &[UserId]) -> Result<Vec<UserId>, IsAway> {
        let mut differed = Vec::new();
        for users in users.chunks(USERS_PER_CALL) {
            let mut args = Args::default().text(lease);
            for user in users {
                let sessions = self.residents.sessions(*user);
                args = args.number(user).number(sessions.len());
                args = args.numbers(sessions.iter().map(|session| session.0));
            }
            let answer = list(self.calls.run(&SETTLE, &args)?).unwrap_or_default();
            let words: Vec<&str> = answer.iter().filter_map(word).collect();
            let ["settled", others @ ..] = words.as_slice() else {
                lost_lease(&self.calls);
                return Err(IsAway);
            };
            differed.extend(others.iter().filter_map(|word| word.parse().ok()).map(UserId));
        }
        Ok(differed)
    }

    /// Takes the users of a dead node off, unless another node does.
    fn clean(&self, dead: &str) -> Result<(), IsAway> {
        let Some(claimant) = self.current.read().clone() else { return Ok(()) };
        let started: Instant = clock::read();
        let mut done: Vec<Vec<u8>> = Vec::new();
        let mut taken_off = 0;
        while !self.housekeeping.is_ending() {
            let args = Args::default()
                .text(dead)
                .text(claimant.as_bytes())
                .number(CLAIM.as_millis())
                .number(USERS_PER_CALL)
                .texts(done.drain(..));
            let answer = list(self.calls.run(&CLEAN, &args)?).unwrap_or_default();
            let words: Vec<&[u8]> = answer.iter().filter_map(bytes).collect();
            match words.as_slice() {
                [b"more", users @ ..] => {
                    // What stands there and is no user is nobody's, and is struck off like the others.
                    let id = |word: &&[u8]| str::from_utf8(word).ok()?.parse().ok().map(UserId);
                    let gone = users.split(|word| word.is_empty()).next().unwrap_or_default();
                    let gone = gone.iter().filter_map(id).collect();
                    done = users.iter().filter(|word| !word.is_empty()).map(|word| word.to_vec()).collect();
                    taken_off += done.len();
                    self.shared.presence.users_cleaned.add(done.len() as u64);
                    // Before they are struck off the list: should we die here, another tells it again.
                    self.shared.tell_changed(gone);
                }
                [b"done"] => {
                    self.shared.presence.nodes_cleaned.add(1);
                    let took = clock::read().saturating_duration_since(started);
                    log::info!("took {taken_off} users of {dead} off in {took:?}");
                    return Ok(());
                }
                // Alive, or another's work.
                _ => return Ok(()),
            }
        }
        Ok(())
    }
}
