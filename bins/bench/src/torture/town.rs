//! What all actors share: who there is, who is friends, which groups exist, and what the director wants of everybody.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU8, Ordering},
};

use protocol::Secret;

use super::{
    clock,
    evidence::{Friendship, Spell, Window},
};

/// Every user's password.
pub(crate) const PASSWORD: &str = "correct-horse";

/// What everybody does now. Only ever moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Live: talk, come and go.
    Play,
    /// Come back, stay, and finish what was begun.
    Settle,
    /// End.
    Over,
}

/// Everything that is shared. Locks are held for moments and never two at once.
pub(crate) struct Town {
    pub(crate) residents: Vec<Resident>,
    /// Groups that may be joined.
    groups: Mutex<Vec<u64>>,
    stage: AtomicU8,
}

/// A registered user.
pub(crate) struct Resident {
    pub(crate) id: u64,
    pub(crate) name: String,
    household: Mutex<Household>,
}

/// What the devices of one user know together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Household {
    pub(crate) friends: Vec<Friend>,
    /// In order of joining.
    pub(crate) spells: Vec<Spell>,
    /// Groups that they opened, and so do not leave.
    pub(crate) owned: Vec<u64>,
    /// Answers that cannot be right, in a sentence each.
    pub(crate) surprises: Vec<String>,
}

/// A friend, and the conversation with them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Friend {
    pub(crate) id: u64,
    pub(crate) conv: u64,
    pub(crate) known_ms: u64,
}

impl Town {
    pub(crate) fn new(residents: Vec<Resident>, groups: Vec<u64>) -> Town {
        Town { residents, groups: Mutex::new(groups), stage: AtomicU8::new(Stage::Play as u8) }
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::SeqCst) {
            0 => Stage::Play,
            1 => Stage::Settle,
            _ => Stage::Over,
        }
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::SeqCst);
    }

    pub(crate) fn groups(&self) -> Vec<u64> {
        lock(&self.groups).clone()
    }

    pub(crate) fn add_group(&self, group: u64) {
        lock(&self.groups).push(group);
    }

    pub(crate) fn spells(&self) -> Vec<Spell> {
        self.residents.iter().flat_map(|resident| resident.household().spells.clone()).collect()
    }

    pub(crate) fn surprises(&self) -> Vec<String> {
        self.residents.iter().flat_map(|resident| resident.household().surprises.clone()).collect()
    }

    pub(crate) fn friendships(&self) -> Vec<Friendship> {
        let of = |resident: &Resident| -> Vec<Friendship> {
            let friends = resident.household().friends.clone();
            let user = resident.id;
            friends
                .iter()
                .map(|friend| Friendship { user, friend: friend.id, known_ms: friend.known_ms })
                .collect()
        };
        self.residents.iter().flat_map(of).collect()
    }
}

impl Resident {
    pub(crate) fn new(id: u64, name: String) -> Resident {
        Resident { id, name, household: Mutex::default() }
    }

    pub(crate) fn household(&self) -> MutexGuard<'_, Household> {
        lock(&self.household)
    }

    pub(crate) fn password() -> Secret {
        Secret::new(PASSWORD)
    }
}

impl Household {
    /// The server said that they are friends.
    pub(crate) fn befriend(&mut self, id: u64, conv: u64) {
        if !self.friends.iter().any(|friend| friend.id == id) {
            self.friends.push(Friend { id, conv, known_ms: clock::now_ms() });
        }
    }

    /// Groups that they are in, as far as is known, and do not leave just now.
    pub(crate) fn groups(&self) -> Vec<u64> {
        self.spells.iter().filter(|spell| spell.left.is_none()).map(|spell| spell.group).collect()
    }

    /// Groups that they left and did not come back to.
    pub(crate) fn left(&self) -> Vec<u64> {
        let mine = self.groups();
        let left = self.spells.iter().filter(|spell| !mine.contains(&spell.group));
        left.map(|spell| spell.group).collect()
    }

    /// The stay that goes on.
    pub(crate) fn current(&mut self, group: u64) -> Option<&mut Spell> {
        self.spells.iter_mut().rev().find(|spell| spell.group == group)
    }

    /// Joining was answered: with the first seq that may be read, if it is known.
    pub(crate) fn joined(&mut self, user: u64, group: u64, from_ms: u64, first: Option<u64>) {
        let joined = Window { from_ms, until_ms: clock::now_ms() };
        self.spells.push(Spell { user, group, joined, first, left: None });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
