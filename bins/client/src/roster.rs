//! Who and what this client knows by name.

use std::collections::{BTreeMap, HashMap};

use client::ListVersions;
use client::protocol::{
    ChatMessage, Conversation, ConversationKind, Direction, Friend, FriendChanged, FriendEvent,
    FriendEventKind, FriendRequest, Group, GroupEvent, GroupEventKind, GroupState, PresencePush, Role,
    SignedIn, State, SystemEvent, SystemEventKind,
};
use client::store::Lists;

use client::{Arrival, Quiet, Reading};

use crate::conversations::{Concern, Conversations};
use crate::door::Door;
use crate::typists::Typists;

/// Friends, requests, groups and conversations of whoever is logged in: told by the login, kept by events and answers.
/// Bounded by what the server allows one user.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    pub(crate) me: Option<Me>,
    pub(crate) friends: BTreeMap<u64, Friend>,
    pub(crate) requests: BTreeMap<u64, FriendRequest>,
    pub(crate) groups: BTreeMap<u64, Group>,
    /// Names of those whom this client blocked or listed as blocked.
    pub(crate) blocked: BTreeMap<u64, String>,
    pub(crate) conversations: Conversations,
    /// What is kept quiet, once the server has told it.
    pub(crate) quiet: Option<Quiet>,
    /// Who asks to come into groups, and the like.
    pub(crate) door: Door,
    talks: HashMap<u64, Talk>,
    /// The version of the list of friends, once all of it is here.
    friends_version: Option<String>,
    /// The same of the list of groups.
    groups_version: Option<String>,
    /// Where plain text goes.
    pub(crate) current: Option<Talk>,
    /// Who is writing something.
    pub(crate) typists: Typists,
}

/// Who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Me {
    pub(crate) id: u64,
    pub(crate) name: String,
    /// 0 as long as the session of an earlier run is not gone on with.
    pub(crate) session: u64,
}

/// A conversation by its other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Talk {
    Friend(u64),
    Group(u64),
}

impl Roster {
    /// Whose session goes on when there is a connection, and what is known of them from before. Who is online nobody
    /// knows yet.
    pub(crate) fn remember(&mut self, me: Option<Me>, lists: Lists, newest: &[ChatMessage]) {
        *self = Roster { me, ..Roster::default() };
        let friends = lists.friends.into_iter().map(|friend| (friend.id, friend)).collect();
        self.keep_friends(friends, None);
        lists.groups.into_iter().for_each(|group| self.add_group(group));
        (self.friends_version, self.groups_version) = (lists.friends_version, lists.groups_version);
        for message in newest {
            if let Some(talk) = self.talk_of(message.conv) {
                // An earlier run showed it.
                self.conversations.learn(talk, message, Concern::Looked);
            }
        }
    }

    /// What is to be known the next time.
    pub(crate) fn lists(&self) -> Lists {
        Lists {
            friends: self.friends.values().cloned().collect(),
            groups: self.groups.values().cloned().collect(),
            friends_version: self.friends_version.clone(),
            groups_version: self.groups_version.clone(),
        }
    }

    /// Who is logged in, and not only expected to be.
    pub(crate) fn signed_in(&self) -> Option<&Me> {
        self.me.as_ref().filter(|me| me.session != 0)
    }

    /// A session was entered.
    pub(crate) fn sign_in(&mut self, bundle: &SignedIn) {
        let me = Me { id: bundle.id, name: bundle.name.clone(), session: bundle.session };
        let before = std::mem::take(self);
        let is_same = before.me.as_ref().is_none_or(|before| before.id == me.id);
        let current = before.current.filter(|_| is_same);
        *self = Roster { me: Some(me), current, ..Roster::default() };
        if is_same {
            self.conversations = before.conversations;
            self.quiet = before.quiet;
        }
        if is_same && bundle.friends_unchanged {
            self.keep_friends(before.friends, bundle.friends_online.as_deref());
            self.friends_version = before.friends_version;
        }
        if is_same && bundle.groups_unchanged {
            before.groups.into_values().for_each(|group| self.add_group(group));
            self.groups_version = before.groups_version;
        }
        bundle.friends.iter().cloned().for_each(|friend| self.add_friend(friend));
        bundle.groups.iter().cloned().for_each(|group| self.add_group(group));
        bundle.requests.iter().cloned().for_each(|request| self.add_request(request));
        bundle.convs.iter().for_each(|conv| self.learn(conv));
    }

    /// The list of friends did not change; who is online may have.
    fn keep_friends(&mut self, friends: BTreeMap<u64, Friend>, online: Option<&[u64]>) {
        for mut friend in friends.into_values() {
            friend.state = match online {
                Some(online) if online.binary_search(&friend.id).is_ok() => State::Online,
                Some(_) => State::Offline,
                None => State::Unknown,
            };
            // They may have come and gone since: the next list says when.
            friend.last_seen = 0;
            self.add_friend(friend);
        }
    }

    /// All friends of this version of the list are here.
    pub(crate) fn hold_friends(&mut self, version: &str) {
        self.friends_version = Some(version.to_owned());
    }

    /// All groups of this version of the list are here.
    pub(crate) fn hold_groups(&mut self, version: &str) {
        self.groups_version = Some(version.to_owned());
    }

    /// Which lists are here, whole.
    pub(crate) fn held(&self) -> ListVersions {
        ListVersions {
            user: self.me.as_ref().map_or(0, |me| me.id),
            friends: self.friends_version.clone(),
            groups: self.groups_version.clone(),
        }
    }

    /// The user's number; 0 while nobody is logged in.
    pub(crate) fn my_id(&self) -> u64 {
        self.me.as_ref().map_or(0, |me| me.id)
    }

    /// Nobody is logged in any more.
    pub(crate) fn sign_out(&mut self) {
        *self = Roster::default();
    }

    pub(crate) fn add_friend(&mut self, friend: Friend) {
        self.talks.insert(friend.conv, Talk::Friend(friend.id));
        self.requests.remove(&friend.id);
        self.friends.insert(friend.id, friend);
    }

    pub(crate) fn add_group(&mut self, group: Group) {
        self.talks.insert(group.id, Talk::Group(group.id));
        self.groups.insert(group.id, group);
    }

    pub(crate) fn add_request(&mut self, request: FriendRequest) {
        self.requests.insert(request.id, request);
    }

    /// A request as it is known before the list says more.
    pub(crate) fn add_new_request(&mut self, id: u64, name: String, direction: Direction, greeting: String) {
        let request = FriendRequest { id, name, nickname: String::new(), direction, greeting, time: 0 };
        self.add_request(request);
    }

    pub(crate) fn remove_group(&mut self, group: u64) {
        self.groups.remove(&group);
        self.door.forget_members(group);
        self.conversations.forget(Talk::Group(group));
        if self.current == Some(Talk::Group(group)) {
            self.current = None;
        }
    }

    pub(crate) fn remove_friend(&mut self, friend: u64) {
        self.friends.remove(&friend);
        self.conversations.forget(Talk::Friend(friend));
        if self.current == Some(Talk::Friend(friend)) {
            self.current = None;
        }
    }

    pub(crate) fn learn(&mut self, conv: &Conversation) {
        match conv.kind {
            ConversationKind::Direct => drop(self.talks.insert(conv.conv, Talk::Friend(conv.with))),
            ConversationKind::Group => drop(self.talks.insert(conv.conv, Talk::Group(conv.conv))),
            ConversationKind::Unknown => {}
        }
    }

    pub(crate) fn friend_event(&mut self, event: &FriendEvent) {
        let own = self.me.as_ref().is_some_and(|me| me.id == event.by);
        match (event.event, &event.friend) {
            (FriendEventKind::Accepted, Some(friend)) => self.add_friend(friend.clone()),
            (FriendEventKind::Requested, _) => {
                let direction = if own { Direction::Out } else { Direction::In };
                self.add_new_request(event.id, event.name.clone(), direction, event.greeting.clone());
            }
            (FriendEventKind::Refused | FriendEventKind::Withdrawn, _) => {
                self.requests.remove(&event.id);
            }
            (FriendEventKind::Deleted, _) => self.remove_friend(event.id),
            (FriendEventKind::Accepted | FriendEventKind::Unknown, _) => {}
        }
    }

    pub(crate) fn group_event(&mut self, event: &GroupEvent) {
        if let Some(group) = self.groups.get_mut(&event.groupid) {
            group.members = event.members;
        }
        let own = self.me.as_ref().is_some_and(|me| me.id == event.id);
        match event.event {
            GroupEventKind::Joined if own => self.add_group(Group {
                id: event.groupid,
                groupname: event.groupname.clone(),
                groupdesc: String::new(),
                role: client::protocol::Role::Member,
                members: event.members,
                state: GroupState::Open,
            }),
            GroupEventKind::Left if own => self.remove_group(event.groupid),
            GroupEventKind::Joined | GroupEventKind::Left | GroupEventKind::Unknown => {}
        }
    }

    /// A friend is shown otherwise now.
    pub(crate) fn friend_changed(&mut self, change: &FriendChanged) {
        let Some(friend) = self.friends.get_mut(&change.id) else { return };
        if let Some(nickname) = &change.nickname {
            friend.nickname.clone_from(nickname);
        }
        if let Some(avatar) = &change.avatar {
            friend.avatar.clone_from(avatar);
        }
        if let Some(remark) = &change.remark {
            friend.remark.clone_from(remark);
        }
        if let Some(label) = &change.label {
            friend.label.clone_from(label);
        }
    }

    /// What the user keeps of a friend is this.
    pub(crate) fn note_friend(&mut self, noted: &Friend) {
        if let Some(friend) = self.friends.get_mut(&noted.id) {
            friend.remark.clone_from(&noted.remark);
            friend.label.clone_from(&noted.label);
        }
    }

    /// Somebody changed a group, as its conversation tells. How many members there are is only counted as it happens: the list
    /// of groups knows of what was missed.
    pub(crate) fn system_event(&mut self, conv: u64, event: &SystemEvent, arrival: Arrival) {
        match event.what {
            SystemEventKind::Left | SystemEventKind::Removed => {
                self.door.member_has_gone(conv, whom(event));
            }
            SystemEventKind::Joined => {
                let name = if event.id == 0 { &event.by_name } else { &event.name };
                self.door.hold_speaker(conv, whom(event), name);
            }
            _ => {}
        }
        let Some(group) = self.groups.get_mut(&conv) else { return };
        let me = self.me.as_ref().map(|me| me.id);
        match event.what {
            SystemEventKind::Joined if arrival == Arrival::Live && me != Some(whom(event)) => {
                group.members += 1;
            }
            SystemEventKind::Left | SystemEventKind::Removed if arrival == Arrival::Live => {
                group.members = group.members.saturating_sub(1);
            }
            SystemEventKind::Role if me == Some(event.id) => group.role = event.role.unwrap_or(group.role),
            SystemEventKind::HandedOver if me == Some(event.id) => group.role = Role::Owner,
            SystemEventKind::HandedOver if me == Some(event.by) => group.role = Role::Admin,
            SystemEventKind::Dissolved => group.state = GroupState::Dissolved,
            SystemEventKind::Edited => {
                if let Some(name) = &event.groupname {
                    group.groupname.clone_from(name);
                }
                if let Some(description) = &event.groupdesc {
                    group.groupdesc.clone_from(description);
                }
            }
            SystemEventKind::Joined
            | SystemEventKind::Left
            | SystemEventKind::Removed
            | SystemEventKind::Role
            | SystemEventKind::HandedOver
            | SystemEventKind::Muted
            | SystemEventKind::AllMuted
            | SystemEventKind::Unknown => {}
        }
    }

    /// Returns the friend's name if the state is news.
    pub(crate) fn presence(&mut self, push: &PresencePush) {
        if let Some(friend) = self.friends.get_mut(&push.id) {
            friend.state = push.state;
            friend.last_seen = push.last_seen;
        }
    }

    /// How a message stands to the user.
    pub(crate) fn concern(&self, message: &ChatMessage) -> Concern {
        let talk = self.talk_of(message.conv);
        match message.from {
            from if from == self.my_id() => Concern::Own,
            _ if talk.is_some() && talk == self.current => Concern::Looked,
            _ => Concern::Waiting,
        }
    }

    /// The server told how far the user read, on whatever device.
    pub(crate) fn read_to(&mut self, readings: &BTreeMap<u64, Reading>) {
        for (conv, reading) in readings {
            let Some(talk) = self.talk_of(*conv) else { continue };
            // What is shown in the open one is read, if that has not been told yet.
            let unread = if self.current == Some(talk) { 0 } else { reading.unread() };
            self.conversations.unread_is(talk, unread, reading.last);
        }
    }

    /// A message came.
    pub(crate) fn learn_message(&mut self, message: &ChatMessage) {
        let Some(talk) = self.talk_of(message.conv) else { return };
        let concern = self.concern(message);
        self.conversations.learn(talk, message, concern);
        if let Talk::Group(group) = talk
            && message.event.is_none()
            && concern != Concern::Own
        {
            self.door.hold_speaker(group, message.from, &message.name);
        }
    }

    /// Friends and groups that one can talk to.
    pub(crate) fn all_talks(&self) -> impl Iterator<Item = Talk> {
        let friends = self.friends.keys().map(|id| Talk::Friend(*id));
        friends.chain(self.groups.keys().map(|id| Talk::Group(*id)))
    }

    /// The conversation that a message stands in; `from` is its sender.
    pub(crate) fn talk_of(&self, conv: u64) -> Option<Talk> {
        self.talks.get(&conv).copied()
    }

    /// Who is writing in the open conversation, in words.
    pub(crate) fn typing_here(&self) -> Option<String> {
        self.typists.news(self.conv_of(self.current?)?)
    }

    /// The number of a talk's conversation.
    pub(crate) fn conv_of(&self, talk: Talk) -> Option<u64> {
        match talk {
            Talk::Group(group) => Some(group),
            Talk::Friend(id) => match self.friends.get(&id) {
                Some(friend) => Some(friend.conv),
                None => self.talks.iter().find(|(_, other)| **other == talk).map(|(conv, _)| *conv),
            },
        }
    }
}

/// Who came in or went: by themselves, or by another.
fn whom(event: &SystemEvent) -> u64 {
    if event.id == 0 { event.by } else { event.id }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(id: u64) -> SignedIn {
        SignedIn { id, name: format!("user {id}"), ..SignedIn::default() }
    }

    fn friend(id: u64, state: State) -> Friend {
        Friend { id, name: format!("friend {id}"), state, conv: id + 100, last_seen: 5, ..Friend::default() }
    }

    fn unchanged(id: u64, online: Option<Vec<u64>>) -> SignedIn {
        SignedIn { friends_unchanged: true, friends_online: online, groups_unchanged: true, ..bundle(id) }
    }

    /// A roster with friends and a group.
    fn roster() -> Roster {
        let friends = vec![friend(2, State::Online), friend(3, State::Offline)];
        let groups = vec![Group {
            id: 9,
            groupname: "climbers".into(),
            groupdesc: String::new(),
            role: Role::Member,
            members: 3,
            state: GroupState::Open,
        }];
        let mut roster = Roster::default();
        roster.sign_in(&SignedIn { friends, groups, ..bundle(1) });
        roster.hold_friends("7");
        roster.hold_groups("1.1");
        roster
    }

    #[test]
    fn lists_that_did_not_change_stay_but_for_who_is_online() {
        let mut roster = roster();
        let held = roster.held();
        assert_eq!((held.user, held.friends.as_deref(), held.groups.as_deref()), (1, Some("7"), Some("1.1")));
        roster.sign_in(&unchanged(1, Some(vec![3])));
        let states: Vec<_> = roster.friends.values().map(|friend| (friend.id, friend.state)).collect();
        assert_eq!(states, [(2, State::Offline), (3, State::Online)]);
        assert_eq!(roster.talk_of(102), Some(Talk::Friend(2)));
        assert_eq!(roster.groups.len(), 1);
        assert_eq!(roster.held(), held, "held as before");
        roster.sign_in(&unchanged(1, None));
        assert!(roster.friends.values().all(|friend| friend.state == State::Unknown));
    }

    #[test]
    fn lists_that_changed_are_replaced_and_not_held_yet() {
        let mut roster = roster();
        roster.sign_in(&SignedIn { friends: vec![friend(4, State::Online)], ..bundle(1) });
        assert_eq!(roster.friends.keys().copied().collect::<Vec<_>>(), [4]);
        assert_eq!(
            (roster.groups.len(), roster.held()),
            (0, ListVersions { user: 1, ..ListVersions::default() })
        );
    }

    #[test]
    fn nobody_gets_the_lists_of_another() {
        let mut roster = roster();
        roster.sign_in(&unchanged(2, Some(vec![2])));
        assert!(roster.friends.is_empty() && roster.groups.is_empty());
        assert_eq!(roster.held(), ListVersions { user: 2, ..ListVersions::default() });
    }
}
