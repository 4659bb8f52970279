//! Blocked users of the fake.

use std::ops::Bound;

use super::friends::notice;
use super::{FakeStore, State, pair};
use crate::policy::{PairAct, Relation, Why, between};
use crate::{BlockStore, Blocked, Parted, PersonalNoticeKind, StoreResult, Timestamp, User, UserId};

impl State {
    /// Ends what is between two users, of whom the first blocked the other.
    fn part(&mut self, user: UserId, other: UserId, at: Timestamp) -> Parted {
        if let Some(conversation) = self.direct.get(&pair(user, other))
            && let Some(log) = self.conversations.get_mut(conversation)
        {
            log.is_closed = true;
        }
        self.invitations.retain(|(_, asked), invited| {
            !(*asked == user && invited.by == other || *asked == other && invited.by == user)
        });
        let tell = |kind| notice(other, kind, user, at);
        if self.end_friendship(user, other) {
            Parted::Friendship(self.add_notice(tell(PersonalNoticeKind::FriendDeleted)))
        } else if self.requests.remove(&(other, user)).is_some() {
            Parted::TheirRequest(self.add_notice(tell(PersonalNoticeKind::FriendRefused)))
        } else if self.requests.remove(&(user, other)).is_some() {
            Parted::OwnRequest
        } else {
            Parted::Nothing
        }
    }
}

impl BlockStore for FakeStore {
    fn block(&self, user: UserId, other: UserId, at: Timestamp, max: u32) -> StoreResult<Blocked> {
        self.run("block a user", |state| {
            if !state.is_there(user) {
                return Blocked::Refused(Why::NotFound);
            }
            let relation = state.relation(user, other);
            if let Err(why) = between(PairAct::Block, relation) {
                return Blocked::Refused(why);
            }
            if relation == Relation::BlockedByMe {
                return Blocked::Parted(Parted::Nothing);
            }
            if state.blocks.iter().filter(|(by, _)| *by == user).count() >= max as usize {
                return Blocked::Full;
            }
            state.blocks.insert((user, other));
            Blocked::Parted(state.part(user, other, at))
        })
    }

    fn unblock(&self, user: UserId, other: UserId) -> StoreResult<bool> {
        self.run("unblock a user", |state| state.blocks.remove(&(user, other)))
    }

    fn blocked(&self, user: UserId, after: UserId, limit: u32) -> StoreResult<Vec<User>> {
        self.run("list blocked users", |state| {
            let from = (Bound::Excluded((user, after)), Bound::Included((user, UserId(u64::MAX))));
            let blocked = state.blocks.range(from).filter_map(|(_, other)| state.user(*other));
            blocked.take(limit as usize).collect()
        })
    }

    fn blocks_among(&self, by: &[UserId], whom: &[UserId]) -> StoreResult<Vec<(UserId, UserId)>> {
        self.run("list blocks", |state| {
            let among = |(one, other): &&(UserId, UserId)| by.contains(one) && whom.contains(other);
            state.blocks.iter().filter(among).copied().collect()
        })
    }
}
