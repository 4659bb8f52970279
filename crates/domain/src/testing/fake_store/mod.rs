//! A store in memory.

mod blocks;
mod broadcasts;
mod change_probe;
mod changes;
mod deletion;
mod friend_notes;
mod friends;
mod group_requests;
mod groups;
mod hidden;
mod log_identity;
mod messages;
mod notices;
mod profiles;
mod quiet;
mod quotes;
mod receipts;
mod search;
mod secrets;
mod sessions;
mod users;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::{
    ConversationId, Cursor, FriendNote, GroupId, Hidden, Invited, OwnedGroups, Progress, Seq, SessionId,
    StoreError, StoreResult, TokenHash, UserId,
};

/// A store in memory: one mutex over maps, so that every operation is atomic and races settle in the order of the lock.
/// Passes the same conformance suite as the real stores. It has no limit of its own: it lives as long as a test.
#[derive(Default)]
pub struct FakeStore {
    state: Mutex<State>,
    faults: Mutex<VecDeque<Fault>>,
    hooks: Mutex<Vec<(&'static str, Hook)>>,
    /// Faults of the operations of a name.
    named_faults: Mutex<Vec<(&'static str, StoreError)>>,
    /// What cannot be indexed.
    unindexable: Mutex<BTreeSet<ConversationId>>,
    operations: AtomicU64,
    wipes: AtomicU64,
}

/// Something to run in the middle of an operation.
type Hook = Box<dyn FnOnce() + Send>;

/// What the next operation meets.
enum Fault {
    /// Is done.
    None,
    /// Fails before it changed anything.
    Fail(StoreError),
    /// Is done, and its answer is lost.
    LoseAnswer,
    /// Is done, and its caller hears of it only after this.
    Meanwhile(Hook),
}

impl FakeStore {
    /// An empty store.
    pub fn new() -> FakeStore {
        FakeStore::default()
    }

    /// Operations so far, done or failed.
    pub fn operations(&self) -> u64 {
        self.operations.load(Ordering::SeqCst)
    }

    /// How often it was told to wipe. No operation: there is nothing to do that could fail.
    pub fn wipes(&self) -> u64 {
        self.wipes.load(Ordering::SeqCst)
    }

    /// The next `n` operations, whichever they are, fail with this error and change nothing.
    pub fn fail_next(&self, error: StoreError, n: usize) {
        self.faults.lock().extend((0..n).map(|_| Fault::Fail(error.clone())));
    }

    /// The same for the next `n` operations of this name, whatever is done beside them: where other threads work in the
    /// background, nobody can count operations.
    pub fn fail_next_of(&self, operation: &'static str, error: StoreError, n: usize) {
        self.named_faults.lock().extend((0..n).map(|_| (operation, error.clone())));
    }

    /// From now on indexing fails and changes nothing whenever one of these conversations is to be, and no others do.
    pub fn fail_to_index(&self, conversations: impl IntoIterator<Item = ConversationId>) {
        *self.unindexable.lock() = conversations.into_iter().collect();
    }

    /// The next `n` operations are done, but their callers get [`StoreError::OutcomeUnknown`].
    pub fn lose_next_answers(&self, n: usize) {
        self.faults.lock().extend((0..n).map(|_| Fault::LoseAnswer));
    }

    /// Runs something in the thread of the next operation, when it was done and before its caller hears of it: the place
    /// to let others race.
    pub fn after_next(&self, hook: impl FnOnce() + Send + 'static) {
        self.faults.lock().push_back(Fault::Meanwhile(Box::new(hook)));
    }

    /// The same for the next operation of this name that nobody has a hook for, whatever is done before it.
    pub fn after_next_of(&self, operation: &'static str, hook: impl FnOnce() + Send + 'static) {
        self.hooks.lock().push((operation, Box::new(hook)));
    }

    /// The same for the next append.
    pub fn after_next_append(&self, hook: impl FnOnce() + Send + 'static) {
        self.after_next_of("append messages", hook);
    }

    /// The next `n` operations meet nothing; what is told after this call comes after them.
    pub fn spare_next(&self, n: usize) {
        self.faults.lock().extend((0..n).map(|_| Fault::None));
    }

    /// Forgets the faults that no operation has met; how many.
    pub fn forget_faults(&self) -> usize {
        std::mem::take(&mut *self.faults.lock()).len()
    }

    /// Every operation runs in here: meets its fault, or works on the state alone.
    fn run<T>(&self, operation: &'static str, work: impl FnOnce(&mut State) -> T) -> StoreResult<T> {
        self.operations.fetch_add(1, Ordering::SeqCst);
        let named = {
            let mut named = self.named_faults.lock();
            let at = named.iter().position(|(name, _)| *name == operation);
            at.map(|at| named.remove(at).1)
        };
        if let Some(error) = named {
            return Err(error);
        }
        let fault = self.faults.lock().pop_front().unwrap_or(Fault::None);
        if let Fault::Fail(error) = fault {
            return Err(error);
        }
        let done = work(&mut self.state.lock());
        match fault {
            Fault::LoseAnswer => return Err(StoreError::outcome_unknown(operation, "the answer was lost")),
            Fault::Meanwhile(hook) => hook(),
            Fault::None | Fault::Fail(_) => {}
        }
        let hook = {
            let mut hooks = self.hooks.lock();
            let at = hooks.iter().position(|(name, _)| *name == operation);
            at.map(|at| hooks.remove(at).1)
        };
        if let Some(hook) = hook {
            hook();
        }
        Ok(done)
    }
}

/// All that is stored. Ids are counted up and never given twice.
#[derive(Default)]
struct State {
    users: BTreeMap<UserId, users::Row>,
    names: HashMap<String, UserId>,
    sessions: BTreeMap<SessionId, sessions::Row>,
    tokens: HashMap<TokenHash, SessionId>,
    sessions_ever: u64,
    /// Deleted accounts that are not worked off.
    departures: BTreeMap<UserId, OwnedGroups>,
    notices: BTreeMap<UserId, notices::Notices>,
    broadcasts: broadcasts::Broadcasts,
    /// By who asked and who was asked.
    requests: BTreeMap<(UserId, UserId), friends::Request>,
    /// Each friendship stands here twice, once for either user.
    friends: BTreeMap<UserId, BTreeMap<UserId, ConversationId>>,
    /// What a user keeps of another, by the two.
    friend_notes: BTreeMap<(UserId, UserId), FriendNote>,
    /// By who blocked and who is blocked.
    blocks: BTreeSet<(UserId, UserId)>,
    /// The conversation of every two users who were ever friends, lower id first.
    direct: BTreeMap<(UserId, UserId), ConversationId>,
    groups: BTreeMap<GroupId, groups::Row>,
    applications: BTreeMap<(GroupId, UserId), group_requests::Applied>,
    invitations: BTreeMap<(GroupId, UserId), Invited>,
    conversations: BTreeMap<ConversationId, messages::Log>,
    said: HashMap<(UserId, String), (ConversationId, Seq)>,
    /// How far the index has each conversation.
    indexed: HashMap<ConversationId, Seq>,
    identity: log_identity::Identity,
    cursors: HashMap<(UserId, ConversationId), Progress>,
    quiet: BTreeMap<UserId, quiet::Kept>,
    /// Of each user, by position.
    hidden: BTreeMap<UserId, Vec<Hidden>>,
}

impl State {
    /// The next unused conversation.
    fn open_conversation(&mut self, kind: messages::Kind) -> ConversationId {
        let id = ConversationId(self.conversations.len() as u64 + 1);
        self.conversations.insert(id, messages::Log::new(kind));
        id
    }

    fn last_seq(&self, conversation: ConversationId) -> Seq {
        self.conversations.get(&conversation).map_or(Seq(0), messages::Log::last)
    }

    fn progress(&self, user: UserId, conversation: ConversationId) -> Progress {
        self.cursors.get(&(user, conversation)).copied().unwrap_or_default()
    }

    fn advance(&mut self, cursor: &Cursor) {
        if !self.users.contains_key(&cursor.user) {
            return;
        }
        let progress = cursor.progress.within(self.last_seq(cursor.conversation));
        let stored = self.cursors.entry((cursor.user, cursor.conversation)).or_default();
        *stored = stored.and(progress);
    }
}

/// Two users, lower id first.
fn pair(one: UserId, other: UserId) -> (UserId, UserId) {
    (one.min(other), one.max(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::conformance;
    use crate::{NewUser, SessionStore, Timestamp, UserStore};
    use std::sync::Arc;

    const ANN: NewUser<'static> = NewUser {
        name: "Ann",
        name_key: "ann",
        password_hash: "$fake$0$pw",
        recovery_codes: &[],
        at: Timestamp(0),
    };

    #[test]
    fn passes_the_conformance_suite() {
        conformance::run_all(&|| Arc::new(FakeStore::new()));
    }

    #[test]
    fn fails_as_often_as_it_was_told() {
        let store = FakeStore::new();
        let error = StoreError::failed("anything", "told to");
        store.fail_next(error.clone(), 2);
        assert_eq!(store.create_user(&ANN), Err(error.clone()));
        assert_eq!(store.sessions(UserId(1)), Err(error));
        assert_eq!(store.create_user(&ANN), Ok(Some(UserId(1))));
    }

    #[test]
    fn a_lost_answer_is_done_all_the_same() {
        let store = FakeStore::new();
        store.lose_next_answers(1);
        assert!(matches!(store.create_user(&ANN), Err(StoreError::OutcomeUnknown { .. })));
        assert_eq!(store.create_user(&ANN), Ok(None));
    }
}
