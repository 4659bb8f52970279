//! Friends and groups.

use client::protocol::{
    AddFriend, CreateGroup, Direction, EditFriend, FriendAnswer, FriendOutcome, FriendRef, GroupMembers,
    GroupRef, Page, RenameLabel, Request,
};

use super::{Chat, PAGES_MAX, picks};
use crate::command::{GroupName, Who};
use crate::outcome::{Failure, GroupsOutcome, Outcome, PeopleOutcome};
use crate::roster::Talk;

impl Chat {
    pub(super) fn friends(&mut self) -> Result<Outcome, Failure> {
        let friends = pages(|after| {
            let page = self.ask(Request::Friends(Page { after, limit: 0 }), picks!(Friends))?;
            Ok((page.friends, page.next))
        })?;
        let mut known = self.shared.lock();
        known.roster.friends.clear();
        friends.iter().cloned().for_each(|friend| known.roster.add_friend(friend));
        Ok(PeopleOutcome::Friends(friends).into())
    }

    pub(super) fn requests(&mut self) -> Result<Outcome, Failure> {
        let requests = pages(|after| {
            let page = self.ask(Request::FriendRequests(Page { after, limit: 0 }), picks!(FriendRequests))?;
            Ok((page.requests, page.next))
        })?;
        let mut known = self.shared.lock();
        known.roster.requests.clear();
        requests.iter().cloned().for_each(|request| known.roster.add_request(request));
        Ok(PeopleOutcome::Requests(requests).into())
    }

    pub(super) fn add(&mut self, id: u64, greeting: String) -> Result<Outcome, Failure> {
        let request = AddFriend { friendid: id, greeting: greeting.clone() };
        let FriendAnswer { outcome, friend } = self.ask(Request::AddFriend(request), picks!(AddFriend))?;
        let mut known = self.shared.lock();
        match (&friend, outcome) {
            (Some(friend), _) => known.roster.add_friend(friend.clone()),
            (None, FriendOutcome::Requested) => {
                let name = known.roster.user_name(id);
                known.roster.add_new_request(id, name, Direction::Out, greeting);
            }
            (None, FriendOutcome::Friends) => {}
        }
        Ok(PeopleOutcome::Asked { id, outcome, friend }.into())
    }

    pub(super) fn accept(&mut self, who: &Who) -> Result<Outcome, Failure> {
        let friendid = self.user(who)?;
        let answer = self.ask(Request::AcceptFriend(FriendRef { friendid }), picks!(AcceptFriend))?;
        match answer.friend {
            Some(friend) => {
                self.shared.lock().roster.add_friend(friend.clone());
                Ok(PeopleOutcome::Befriended(friend).into())
            }
            None => Ok(PeopleOutcome::Asked { id: friendid, outcome: answer.outcome, friend: None }.into()),
        }
    }

    pub(super) fn refuse(&mut self, who: &Who) -> Result<Outcome, Failure> {
        let id = self.user(who)?;
        self.ask(Request::RefuseFriend(FriendRef { friendid: id }), picks!(RefuseFriend))?;
        Ok(PeopleOutcome::Refused { id, name: self.forget_request(id) }.into())
    }

    pub(super) fn withdraw(&mut self, who: &Who) -> Result<Outcome, Failure> {
        let id = self.user(who)?;
        self.ask(Request::WithdrawFriend(FriendRef { friendid: id }), picks!(WithdrawFriend))?;
        Ok(PeopleOutcome::Withdrawn { id, name: self.forget_request(id) }.into())
    }

    pub(super) fn unfriend(&mut self, who: &Who) -> Result<Outcome, Failure> {
        let id = self.user(who)?;
        self.ask(Request::DeleteFriend(FriendRef { friendid: id }), picks!(DeleteFriend))?;
        let mut known = self.shared.lock();
        let name = known.roster.user_name(id);
        known.roster.remove_friend(id);
        Ok(PeopleOutcome::Unfriended { id, name }.into())
    }

    pub(super) fn edit_friend(
        &mut self,
        who: &Who,
        remark: Option<String>,
        label: Option<String>,
    ) -> Result<Outcome, Failure> {
        let request = EditFriend { friendid: self.user(who)?, remark, label };
        let friend = self.ask(Request::EditFriend(request), picks!(EditFriend))?;
        self.shared.lock().roster.note_friend(&friend);
        Ok(PeopleOutcome::Noted(friend).into())
    }

    pub(super) fn rename_label(&mut self, label: String, to: String) -> Result<Outcome, Failure> {
        let request = RenameLabel { label: label.clone(), to: to.clone() };
        let renamed = self.ask(Request::RenameLabel(request), picks!(RenameLabel))?;
        // Which friends it were says the list: this device is told of no change of its own.
        self.friends()?;
        Ok(PeopleOutcome::Relabelled { label, to, changed: renamed.changed }.into())
    }

    pub(super) fn groups(&mut self) -> Result<Outcome, Failure> {
        let groups = pages(|after| {
            let page = self.ask(Request::Groups(Page { after, limit: 0 }), picks!(Groups))?;
            Ok((page.groups, page.next))
        })?;
        let mut known = self.shared.lock();
        known.roster.groups.clear();
        groups.iter().cloned().for_each(|group| known.roster.add_group(group));
        Ok(GroupsOutcome::Groups(groups).into())
    }

    pub(super) fn create_group(&mut self, name: String, description: String) -> Result<Outcome, Failure> {
        let request = CreateGroup { groupname: name, groupdesc: description };
        let group = self.ask(Request::CreateGroup(request), picks!(CreateGroup))?.group;
        self.shared.lock().roster.add_group(group.clone());
        Ok(GroupsOutcome::Created(group).into())
    }

    pub(super) fn leave(&mut self, group: &GroupName) -> Result<Outcome, Failure> {
        let id = self.group(group)?;
        self.ask(Request::LeaveGroup(GroupRef { groupid: id }), picks!(LeaveGroup))?;
        let mut known = self.shared.lock();
        let name = known.roster.talk_name(Talk::Group(id));
        known.roster.remove_group(id);
        Ok(GroupsOutcome::Left { id, name }.into())
    }

    pub(super) fn members(&mut self, group: &GroupName) -> Result<Outcome, Failure> {
        let groupid = self.group(group)?;
        let members = pages(|after| {
            let request = GroupMembers { groupid, after, limit: 0 };
            let page = self.ask(Request::GroupMembers(request), picks!(GroupMembers))?;
            Ok((page.users, page.next))
        })?;
        let mut known = self.shared.lock();
        let names = members.iter().map(|member| (member.id, member.name.as_str()));
        known.roster.door.hold_members(groupid, names);
        let name = known.roster.talk_name(Talk::Group(groupid));
        drop(known);
        Ok(GroupsOutcome::Members { name, members }.into())
    }

    pub(super) fn user(&self, who: &Who) -> Result<u64, Failure> {
        self.shared.lock().roster.user(who).map_err(Failure::Senseless)
    }

    pub(super) fn group(&self, group: &GroupName) -> Result<u64, Failure> {
        self.shared.lock().roster.group(group).map_err(Failure::Senseless)
    }

    fn forget_request(&self, id: u64) -> String {
        let mut known = self.shared.lock();
        let name = known.roster.user_name(id);
        known.roster.requests.remove(&id);
        name
    }
}

/// All pages of a list, up to [`PAGES_MAX`].
pub(super) fn pages<T>(
    mut page: impl FnMut(u64) -> Result<(Vec<T>, u64), Failure>,
) -> Result<Vec<T>, Failure> {
    let (mut all, mut after) = (Vec::new(), 0);
    for _ in 0..PAGES_MAX {
        let (entries, next) = page(after)?;
        all.extend(entries);
        if next <= after {
            break;
        }
        after = next;
    }
    Ok(all)
}
