//! How a person makes friends and comes into and out of groups, one thing after the other.
//!
//! A request whose answer was lost may still take effect later, when a node that stood still goes on. What cannot be told
//! apart afterwards is not done: who joined a group without being told stays in it, and who left one without being told
//! does not come back. So at any time it is known who is in which group, but between a request and its answer.

use std::{
    collections::{BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use protocol::{
    AddFriend, Blame, Code, CreateGroup, Direction, FriendRef, FriendRequest, GroupRef, Reply, Request,
};
use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};

use crate::torture::{
    clock,
    evidence::Window,
    line::{NoAnswer, Ticket},
    town::{Resident, Town},
};

/// The wait before something is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// Requests of others that wait to be accepted; more are found at the next sign-in.
const REQUESTS_MAX: usize = 16;

/// What a person is about.
pub(super) struct Club {
    user: u64,
    deed: Option<Deed>,
    /// Who asks for friendship.
    requests: VecDeque<u64>,
    /// Groups that must not be left, since joining was not answered.
    stays: BTreeSet<u64>,
    /// Groups that must not be joined again, since leaving was not answered.
    avoids: BTreeSet<u64>,
}

struct Deed {
    what: What,
    begun_ms: u64,
    /// An attempt has no answer.
    uncertain: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Join(u64),
    Leave(u64),
    Create,
    Ask(u64),
    Accept(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waits { from: Instant },
    Asked(Ticket),
}

impl Club {
    pub(super) fn new(user: u64) -> Club {
        Club { user, deed: None, requests: VecDeque::new(), stays: BTreeSet::new(), avoids: BTreeSet::new() }
    }

    pub(super) fn hear_requests(&mut self, requests: &[FriendRequest]) {
        for request in requests.iter().filter(|request| request.direction == Direction::In) {
            self.hear_request(request.id);
        }
    }

    pub(super) fn hear_request(&mut self, from: u64) {
        if self.requests.len() < REQUESTS_MAX && !self.requests.contains(&from) {
            self.requests.push_back(from);
        }
    }

    /// Decides on the next deed, if there is none.
    pub(super) fn think(&mut self, town: &Town, me: &Resident, random: &mut StdRng) {
        if self.deed.is_some() {
            return;
        }
        let household = me.household().clone();
        let mine = household.groups();
        let what = if let Some(from) = self.requests.pop_front() {
            Some(What::Accept(from))
        } else {
            match random.random_range(0..100) {
                0..35 => {
                    let all = town.groups();
                    let free = |group: &&u64| !mine.contains(group) && !self.avoids.contains(group);
                    let free: Vec<_> = all.iter().filter(free).collect();
                    free.choose(random).map(|group| What::Join(**group))
                }
                35..65 => {
                    // The owner stays, and so the group does.
                    let may_leave =
                        |group: &&u64| !self.stays.contains(group) && !household.owned.contains(group);
                    let may_leave: Vec<_> = mine.iter().filter(may_leave).collect();
                    may_leave.choose(random).map(|group| What::Leave(**group))
                }
                65..70 => Some(What::Create),
                _ => {
                    let stranger = |resident: &&Resident| {
                        resident.id != me.id
                            && !household.friends.iter().any(|friend| friend.id == resident.id)
                    };
                    let strangers: Vec<_> = town.residents.iter().filter(stranger).collect();
                    strangers.choose(random).map(|stranger| What::Ask(stranger.id))
                }
            }
        };
        self.deed = what.map(|what| Deed {
            what,
            begun_ms: clock::now_ms(),
            uncertain: false,
            state: State::Waits { from: Instant::now() },
        });
    }

    /// The request to make now.
    pub(super) fn next_due(&mut self, now: Instant, me: &Resident) -> Option<Request> {
        let deed = self.deed.as_ref()?;
        if !matches!(deed.state, State::Waits { from } if from <= now) {
            return None;
        }
        Some(match deed.what {
            What::Join(groupid) => Request::JoinGroup(protocol::JoinGroup::of(groupid)),
            What::Leave(groupid) => {
                let open = Window { from_ms: deed.begun_ms, until_ms: u64::MAX };
                if let Some(spell) = me.household().current(groupid) {
                    spell.left.get_or_insert(open);
                }
                Request::LeaveGroup(GroupRef { groupid })
            }
            What::Create => {
                let groupname = format!("group of {}", me.name);
                Request::CreateGroup(CreateGroup { groupname, groupdesc: String::new() })
            }
            What::Ask(friendid) => Request::AddFriend(AddFriend { friendid, greeting: "hello".into() }),
            What::Accept(friendid) => Request::AcceptFriend(FriendRef { friendid }),
        })
    }

    pub(super) fn asked(&mut self, ticket: Ticket) {
        if let Some(deed) = &mut self.deed {
            deed.state = State::Asked(ticket);
        }
    }

    pub(super) fn waits_for(&self, ticket: Ticket) -> bool {
        self.deed.as_ref().is_some_and(|deed| deed.state == State::Asked(ticket))
    }

    pub(super) fn line_lost(&mut self) {
        if let Some(deed) = &mut self.deed
            && let State::Asked(_) = deed.state
        {
            deed.uncertain = true;
            deed.state = State::Waits { from: Instant::now() };
        }
    }

    /// Whether something is begun and not done.
    pub(super) fn is_busy(&self) -> bool {
        self.deed.is_some()
    }

    pub(super) fn answered(&mut self, result: Result<Reply, NoAnswer>, town: &Town, me: &Resident) {
        let Some(mut deed) = self.deed.take() else { return };
        if needs_another_try(&result) {
            // BUSY is uncertain too, for everything but messages.
            deed.uncertain |= !matches!(result, Err(NoAnswer::NotSent));
            deed.state = State::Waits { from: Instant::now() + RETRY };
            if deed.what != What::Create || !deed.uncertain {
                self.deed = Some(deed);
            }
            return;
        }
        match (deed.what, result) {
            (What::Join(group), Ok(Reply::JoinGroup(joined))) => {
                let first = joined.conv.map(|conv| conv.first);
                me.household().joined(self.user, group, deed.begun_ms, first);
            }
            (What::Join(group), Err(NoAnswer::Refused(refusal))) if refusal.code == Code::ALREADY_MEMBER => {
                if !deed.uncertain {
                    self.surprise(me, format!("joining group {group}, not being in it: {refusal}"));
                }
                me.household().joined(self.user, group, deed.begun_ms, None);
            }
            (What::Leave(group), result) => {
                if let (Err(NoAnswer::Refused(refusal)), false) = (result, deed.uncertain) {
                    self.surprise(me, format!("leaving group {group}, being in it: {refusal}"));
                }
                let mut household = me.household();
                if let Some(left) = household.current(group).and_then(|spell| spell.left.as_mut()) {
                    left.until_ms = clock::now_ms();
                }
            }
            (What::Create, Ok(Reply::CreateGroup(joined))) => {
                me.household().joined(self.user, joined.group.id, deed.begun_ms, Some(joined.conv.first));
                me.household().owned.push(joined.group.id);
                town.add_group(joined.group.id);
            }
            _ => {}
        }
        if deed.uncertain {
            match deed.what {
                What::Join(group) => drop(self.stays.insert(group)),
                What::Leave(group) => drop(self.avoids.insert(group)),
                What::Create | What::Ask(_) | What::Accept(_) => {}
            }
        }
    }

    fn surprise(&self, me: &Resident, what: String) {
        let surprise = format!("{} (user {}) at {}: {what}", me.name, self.user, clock::now_ms());
        me.household().surprises.push(surprise);
    }
}

/// Whether the answer leaves open what became of it.
fn needs_another_try(result: &Result<Reply, NoAnswer>) -> bool {
    match result {
        Ok(_) => false,
        Err(NoAnswer::Uncertain | NoAnswer::NotSent) => true,
        Err(NoAnswer::Refused(refusal)) => !matches!(refusal.code.blame(), Blame::Refused | Blame::Client),
    }
}
