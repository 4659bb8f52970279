//! Notices as payloads: what the services of nodes tell each other.

use bytes::Bytes;
use service::domain::{
    BroadcastId, GroupId, Membership, Role, RosterVersion, Seq, SessionId, Shows, Timestamp, UserId,
};
use service::{Move, Notice, ROSTER_STEPS_MAX, RosterChange, RosterStep};

use super::{Input, Malformed, PAYLOAD_BYTES_MAX, kind, with_frame};

/// Users in one notice. Of more, the sender makes several notices.
pub(super) const NOTICE_USERS_MAX: usize = 10_000;

/// Bytes of the sentence in a notice; a longer one is cut by the sender.
pub(super) const NOTICE_TEXT_BYTES_MAX: usize = 1_024;

const _: () = assert!(NOTICE_USERS_MAX * 8 + NOTICE_TEXT_BYTES_MAX + 64 < PAYLOAD_BYTES_MAX);

/// What the first number of a roster's step says.
mod step {
    pub(super) const ADD: u64 = 1;
    pub(super) const DELETE: u64 = 2;
    pub(super) const PLACE: u64 = 3;
    pub(super) const MUTE_ALL: u64 = 4;
    pub(super) const CLOSE: u64 = 5;
}

/// Numbers of one step.
pub(super) const STEP_NUMBERS: usize = 5;

/// Payloads for all nodes: one, or several if the notice names more users than one may.
pub(crate) fn notice(notice: &Notice) -> Vec<Bytes> {
    let one = |kind, numbers: &[u64]| vec![with_frame(kind, numbers, &[])];
    match notice {
        Notice::SessionEnded { user, session, why } => {
            let cut = why.floor_char_boundary(NOTICE_TEXT_BYTES_MAX);
            vec![with_frame(kind::SESSION_ENDED, &[user.0, session.0], &why.as_bytes()[..cut])]
        }
        Notice::SessionMoved { user, session, moved } => {
            one(kind::SESSION_MOVED, &[user.0, session.0, moved.at_us, moved.by])
        }
        Notice::FriendshipChanged { one: a, other } => one(kind::FRIENDSHIP_CHANGED, &[a.0, other.0]),
        Notice::RosterChanged(change) => {
            let steps: Vec<u8> = change.steps.iter().flat_map(written).flat_map(u64::to_be_bytes).collect();
            vec![with_frame(kind::ROSTER_CHANGED, &[change.group.0, change.version.0], &steps)]
        }
        Notice::MembershipChanged { group, user } => one(kind::MEMBERSHIP_CHANGED, &[group.0, user.0]),
        Notice::ProfileChanged { user, shows } => {
            let shows = match shows {
                Shows::TheSame => 0,
                Shows::Another => 1,
            };
            one(kind::PROFILE_CHANGED, &[user.0, shows])
        }
        Notice::Broadcast { id } => one(kind::BROADCAST, &[id.0]),
        Notice::FriendsNoted { user, friends } => with_users(kind::FRIENDS_NOTED, *user, friends),
        Notice::PresenceChanged { user, friends } => with_users(kind::PRESENCE_CHANGED, *user, friends),
    }
}

/// A step as numbers: its sort and its user, and where that one stands then. What a sort does not have is 0.
fn written(step: &RosterStep) -> [u64; STEP_NUMBERS] {
    let placed = |sort, user: &UserId, place: &Membership| {
        [sort, user.0, u64::from(place.role.number()), place.since.0, place.muted_until.0]
    };
    match step {
        RosterStep::Add(user, place) => placed(step::ADD, user, place),
        RosterStep::Place(user, place) => placed(step::PLACE, user, place),
        RosterStep::Delete(user) => [step::DELETE, user.0, 0, 0, 0],
        RosterStep::MuteAll(until) => [step::MUTE_ALL, 0, 0, 0, until.0],
        RosterStep::Close => [step::CLOSE, 0, 0, 0, 0],
    }
}

fn with_users(kind: u8, user: UserId, others: &[UserId]) -> Vec<Bytes> {
    others
        .chunks(NOTICE_USERS_MAX)
        .map(|some| {
            let rest: Vec<u8> = some.iter().flat_map(|other| other.0.to_be_bytes()).collect();
            with_frame(kind, &[user.0], &rest)
        })
        .collect()
}

impl Input<'_> {
    pub(super) fn notice(&mut self, kind: u8) -> Result<Notice, Malformed> {
        let first = self.number()?;
        let notice = match kind {
            kind::SESSION_ENDED => {
                let session = SessionId(self.number()?);
                return Ok(Notice::SessionEnded { user: UserId(first), session, why: self.text()? });
            }
            kind::PRESENCE_CHANGED => {
                return Ok(Notice::PresenceChanged { user: UserId(first), friends: self.users()? });
            }
            kind::FRIENDS_NOTED => {
                return Ok(Notice::FriendsNoted { user: UserId(first), friends: self.users()? });
            }
            kind::SESSION_MOVED => {
                let session = SessionId(self.number()?);
                let moved = Move { at_us: self.number()?, by: self.number()? };
                Notice::SessionMoved { user: UserId(first), session, moved }
            }
            kind::FRIENDSHIP_CHANGED => {
                Notice::FriendshipChanged { one: UserId(first), other: UserId(self.number()?) }
            }
            kind::BROADCAST => Notice::Broadcast { id: BroadcastId(first) },
            kind::PROFILE_CHANGED => {
                let shows = match self.number()? {
                    0 => Shows::TheSame,
                    1 => Shows::Another,
                    _ => return Err(Malformed::OverLimit),
                };
                Notice::ProfileChanged { user: UserId(first), shows }
            }
            kind::ROSTER_CHANGED => {
                let (group, version) = (GroupId(first), RosterVersion(self.number()?));
                return Ok(Notice::RosterChanged(RosterChange { group, version, steps: self.steps()? }));
            }
            kind::MEMBERSHIP_CHANGED => {
                Notice::MembershipChanged { group: GroupId(first), user: UserId(self.number()?) }
            }
            other => return Err(Malformed::Kind(other)),
        };
        if self.at == self.payload.len() { Ok(notice) } else { Err(Malformed::Trailing) }
    }

    /// The rest, as text.
    fn text(&mut self) -> Result<String, Malformed> {
        let rest = &self.payload[self.at..];
        if rest.len() > NOTICE_TEXT_BYTES_MAX {
            return Err(Malformed::OverLimit);
        }
        std::str::from_utf8(rest).map(str::to_owned).map_err(|_| Malformed::Text)
    }

    /// The rest, as steps of a roster: one at least.
    fn steps(&mut self) -> Result<Vec<RosterStep>, Malformed> {
        if self.payload.len() - self.at > ROSTER_STEPS_MAX * STEP_NUMBERS * 8 {
            return Err(Malformed::OverLimit);
        }
        let mut steps = Vec::new();
        while steps.is_empty() || self.at < self.payload.len() {
            steps.push(self.step()?);
        }
        Ok(steps)
    }

    fn step(&mut self) -> Result<RosterStep, Malformed> {
        let (sort, user, role) = (self.number()?, UserId(self.number()?), self.number()?);
        let (since, muted_until) = (Seq(self.number()?), Timestamp(self.number()?));
        let place = || {
            let role = u8::try_from(role).ok().and_then(Role::from_number).ok_or(Malformed::OverLimit)?;
            Ok(Membership { role, since, muted_until })
        };
        Ok(match sort {
            step::ADD => RosterStep::Add(user, place()?),
            step::DELETE => RosterStep::Delete(user),
            step::PLACE => RosterStep::Place(user, place()?),
            step::MUTE_ALL => RosterStep::MuteAll(muted_until),
            step::CLOSE => RosterStep::Close,
            _ => return Err(Malformed::OverLimit),
        })
    }

    /// The rest, as users.
    fn users(&mut self) -> Result<Vec<UserId>, Malformed> {
        if self.payload.len() - self.at > NOTICE_USERS_MAX * 8 {
            return Err(Malformed::OverLimit);
        }
        let mut users = Vec::with_capacity((self.payload.len() - self.at) / 8);
        while self.at < self.payload.len() {
            users.push(UserId(self.number()?));
        }
        Ok(users)
    }
}
