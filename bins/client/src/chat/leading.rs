//! Groups that are led: who is in them as what, who may speak, what they say of themselves.
//!
//! What came of it stands in the group's conversation, so that a command that was done says little.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use client::protocol::{
    EditGroup, GroupMembers, GroupRef, MemberRef, MuteGroup, MuteMember, Rank, Request, SetRole,
};

use super::contacts::pages;
use super::{Chat, picks, senseless};
use crate::command::{GroupName, Who};
use crate::outcome::{Failure, GroupsOutcome, Outcome};

impl Chat {
    pub(super) fn show_group(&mut self, group: &GroupName) -> Result<Outcome, Failure> {
        let groupid = self.group(group)?;
        let profile = self.ask(Request::GroupProfile(GroupRef { groupid }), picks!(GroupProfile))?;
        self.shared.lock().roster.add_group(profile.group.clone());
        Ok(GroupsOutcome::Group(profile).into())
    }

    pub(super) fn edit_group(
        &mut self,
        group: &GroupName,
        edit: impl FnOnce(u64) -> EditGroup,
    ) -> Result<Outcome, Failure> {
        let groupid = self.group(group)?;
        self.ask(Request::EditGroup(edit(groupid)), picks!(EditGroup))?;
        Ok(GroupsOutcome::GroupChanged { id: groupid }.into())
    }

    pub(super) fn remove(&mut self, group: &GroupName, who: &Who) -> Result<Outcome, Failure> {
        let member = self.member(group, who)?;
        self.ask(Request::RemoveMember(member), picks!(RemoveMember))?;
        Ok(GroupsOutcome::GroupChanged { id: self.group(group)? }.into())
    }

    pub(super) fn set_role(&mut self, group: &GroupName, who: &Who, role: Rank) -> Result<Outcome, Failure> {
        let MemberRef { groupid, id } = self.member(group, who)?;
        self.ask(Request::SetRole(SetRole { groupid, id, role }), picks!(SetRole))?;
        Ok(GroupsOutcome::GroupChanged { id: groupid }.into())
    }

    pub(super) fn hand_over(&mut self, group: &GroupName, who: &Who) -> Result<Outcome, Failure> {
        let member = self.member(group, who)?;
        let id = member.groupid;
        self.ask(Request::HandOver(member), picks!(HandOver))?;
        Ok(GroupsOutcome::GroupChanged { id }.into())
    }

    pub(super) fn dissolve(&mut self, group: &GroupName) -> Result<Outcome, Failure> {
        let groupid = self.group(group)?;
        self.ask(Request::DissolveGroup(GroupRef { groupid }), picks!(DissolveGroup))?;
        Ok(GroupsOutcome::GroupChanged { id: groupid }.into())
    }

    /// Silences a member, or everybody, for so many minutes; with 0 they may speak again.
    pub(super) fn mute(
        &mut self,
        group: &GroupName,
        who: Option<&Who>,
        minutes: u64,
    ) -> Result<Outcome, Failure> {
        let until = if minutes == 0 { 0 } else { in_minutes(minutes) };
        let Some(who) = who else {
            let groupid = self.group(group)?;
            self.ask(Request::MuteGroup(MuteGroup { groupid, until }), picks!(MuteGroup))?;
            return Ok(GroupsOutcome::GroupChanged { id: groupid }.into());
        };
        let MemberRef { groupid, id } = self.member(group, who)?;
        self.ask(Request::MuteMember(MuteMember { groupid, id, until }), picks!(MuteMember))?;
        Ok(GroupsOutcome::GroupChanged { id: groupid }.into())
    }

    /// A member by number or name: members need not be friends, so the group's list is asked for names.
    fn member(&self, group: &GroupName, who: &Who) -> Result<MemberRef, Failure> {
        let groupid = self.group(group)?;
        let name = match who {
            Who::Id(id) => return Ok(MemberRef { groupid, id: *id }),
            Who::Name(name) => name.to_lowercase(),
        };
        let members = pages(|after| {
            let request = GroupMembers { groupid, after, limit: 0 };
            let page = self.ask(Request::GroupMembers(request), picks!(GroupMembers))?;
            Ok((page.users, page.next))
        })?;
        match members.iter().find(|member| member.name.to_lowercase() == name) {
            Some(member) => Ok(MemberRef { groupid, id: member.id }),
            None => senseless("nobody with that name is in the group; /members shows who is".to_owned()),
        }
    }
}

/// The latest time that servers take.
const UNTIL_MAX: u64 = (1 << 53) - 1;

/// The moment so many minutes from now, Unix milliseconds.
fn in_minutes(minutes: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    (now.as_millis() as u64).saturating_add(minutes.saturating_mul(60_000)).min(UNTIL_MAX)
}
