//! Who waits before the fake's groups.

use super::{FakeStore, State};
use crate::{
    Application, ApplicationsOf, GroupChange, GroupDeed, GroupEffect, GroupFacts, GroupId, GroupProfile,
    GroupRequestStore, GroupState, Invitation, Invited, Queue, Role, Seq, StoreResult, Timestamp, UserId,
    WAITING_COUNTED_MAX, Waiting, WaitingCounts,
};

/// An application that waits.
pub(super) struct Applied {
    greeting: String,
    at: Timestamp,
}

impl State {
    fn waiting(&self, group: GroupId, user: UserId) -> Waiting {
        Waiting {
            application: self.applications.get(&(group, user)).map(|applied| applied.at),
            invitation: self.invitations.get(&(group, user)).copied(),
        }
    }

    /// What is true before the group; what is true within it is for the caller to add.
    pub(super) fn before_the_group(&self, change: &GroupChange) -> GroupFacts {
        let newcomer = change.deed.newcomer(change.actor);
        let queue = |waits: &mut dyn Iterator<Item = (GroupId, UserId)>| {
            let mut queue = Queue::default();
            for (group, user) in waits {
                queue.of_group += u32::from(group == change.group);
                queue.of_user += u32::from(Some(user) == newcomer);
            }
            queue
        };
        GroupFacts {
            last: Seq(0),
            members: 0,
            state: GroupState::Open,
            profile: GroupProfile::default(),
            actor: None,
            target: None,
            groups_of_newcomer: newcomer.map_or(0, |user| self.group_count(user) as u32),
            waiting: newcomer.map_or_else(Waiting::default, |user| self.waiting(change.group, user)),
            inviter: None,
            queue: match change.deed {
                GroupDeed::Join { .. } => queue(&mut self.applications.keys().copied()),
                GroupDeed::Invite { .. } => queue(&mut self.invitations.keys().copied()),
                _ => Queue::default(),
            },
            relation: match change.deed {
                GroupDeed::Invite { user, .. } => Some(self.relation(change.actor, user)),
                _ => None,
            },
        }
    }

    pub(super) fn apply_to_requests(&mut self, change: &GroupChange, effect: &GroupEffect) {
        let (group, at) = (change.group, change.at);
        match effect {
            GroupEffect::Apply(user, greeting) => {
                self.applications.insert((group, *user), Applied { greeting: greeting.clone(), at });
            }
            GroupEffect::EndApplication(user) => drop(self.applications.remove(&(group, *user))),
            GroupEffect::Invite(user) => {
                self.invitations.insert((group, *user), Invited { by: change.actor, at });
            }
            GroupEffect::EndInvitation { user, .. } => drop(self.invitations.remove(&(group, *user))),
            GroupEffect::Close => {
                self.applications.retain(|(of, _), _| *of != group);
                self.invitations.retain(|(of, _), _| *of != group);
            }
            GroupEffect::Add(..)
            | GroupEffect::Delete(_)
            | GroupEffect::Place(..)
            | GroupEffect::Profile(_) => {}
        }
    }

    /// How many wait for a user.
    pub(super) fn waiting_counts(&self, user: UserId) -> WaitingCounts {
        let most = WAITING_COUNTED_MAX as usize;
        let applications = self.applications.keys().filter(|(group, _)| self.decides(*group, user));
        let invitations = self.invitations.keys().filter(|(_, invited)| *invited == user);
        WaitingCounts {
            applications: applications.take(most).count() as u32,
            invitations: invitations.take(most).count() as u32,
        }
    }

    fn decides(&self, group: GroupId, user: UserId) -> bool {
        let place = self.groups.get(&group).and_then(|row| row.members.get(&user));
        place.is_some_and(|place| place.role != Role::Member)
    }
}

impl GroupRequestStore for FakeStore {
    fn waiting(&self, group: GroupId, user: UserId) -> StoreResult<Waiting> {
        self.run("find what waits before a group", |state| state.waiting(group, user))
    }

    fn applications(
        &self,
        of: ApplicationsOf,
        after: (GroupId, UserId),
        limit: u32,
    ) -> StoreResult<Vec<Application>> {
        self.run("list applications", |state| {
            let listed = |(group, user): (GroupId, UserId)| match of {
                ApplicationsOf::Group(of) => of == group,
                ApplicationsOf::User(of) => of == user || state.decides(group, of),
            };
            state
                .applications
                .iter()
                .filter(|(key, _)| **key > after && listed(**key))
                .filter_map(|(&(group, user), applied)| {
                    Some(Application {
                        group,
                        group_name: state.groups.get(&group)?.profile.name.clone(),
                        user: state.user(user)?,
                        greeting: applied.greeting.clone(),
                        at: applied.at,
                    })
                })
                .take(limit as usize)
                .collect()
        })
    }

    fn invitations(&self, user: UserId, after: GroupId, limit: u32) -> StoreResult<Vec<Invitation>> {
        self.run("list invitations", |state| {
            state
                .invitations
                .iter()
                .filter(|((group, invited), _)| *invited == user && *group > after)
                .filter_map(|(&(group, _), invited)| {
                    Some(Invitation {
                        group,
                        group_name: state.groups.get(&group)?.profile.name.clone(),
                        by: state.user(invited.by)?,
                        at: invited.at,
                    })
                })
                .take(limit as usize)
                .collect()
        })
    }
}
