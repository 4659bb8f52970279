//! Coming into groups: freely, by application, by invitation.

use client::protocol::{
    AnswerInvitation, Application, Applications, DecideApplication, GroupRef, Invitation, JoinAnswer,
    JoinGroup, JoinOutcome, MemberRef, Page, Reply, Request, Verdict,
};

use super::contacts::pages;
use super::{Chat, PAGES_MAX, picks, senseless};
use crate::command::{GroupName, Who};
use crate::outcome::{Failure, GroupsOutcome, JoiningOutcome, Outcome};
use crate::printable;
use crate::shared::Entering;

impl Chat {
    pub(super) fn join(&mut self, groupid: u64, greeting: String) -> Result<Outcome, Failure> {
        let request = Request::JoinGroup(JoinGroup { groupid, greeting });
        self.enter(groupid, request, picks!(JoinGroup))
    }

    pub(super) fn applications(&mut self, group: Option<&GroupName>) -> Result<Outcome, Failure> {
        let groupid = group.map_or(Ok(0), |group| self.group(group))?;
        let applications = self.all_applications(groupid)?;
        let mut known = self.shared.lock();
        let me = known.roster.my_id();
        known.roster.door.hold_applications(&applications, me);
        drop(known);
        Ok(JoiningOutcome::Applications(applications).into())
    }

    pub(super) fn decide(
        &mut self,
        group: &GroupName,
        who: &Who,
        verdict: Verdict,
    ) -> Result<Outcome, Failure> {
        let groupid = self.group(group)?;
        let (id, name) = match who {
            Who::Id(id) => (*id, self.shared.lock().roster.applicant_name(groupid, *id)),
            Who::Name(name) => {
                let name = name.to_lowercase();
                let applied = self.all_applications(groupid)?;
                match applied.iter().find(|application| application.name.to_lowercase() == name) {
                    Some(application) => (application.id, printable::name(&application.name).into_owned()),
                    None => {
                        return senseless(
                            "nobody with that name applied; /applications shows who did".to_owned(),
                        );
                    }
                }
            }
        };
        let request = DecideApplication { groupid, id, decision: verdict };
        self.ask(Request::DecideApplication(request), picks!(DecideApplication))?;
        let mut known = self.shared.lock();
        let me = known.roster.my_id();
        known.roster.door.application_is_over(groupid, id, me);
        Ok(JoiningOutcome::Decided { group: groupid, id, name, verdict }.into())
    }

    pub(super) fn withdraw_application(&mut self, groupid: u64) -> Result<Outcome, Failure> {
        let request = Request::WithdrawApplication(GroupRef { groupid });
        self.ask(request, picks!(WithdrawApplication))?;
        Ok(JoiningOutcome::Unapplied(groupid).into())
    }

    pub(super) fn invite(&mut self, group: &GroupName, who: &Who) -> Result<Outcome, Failure> {
        let (groupid, id) = (self.group(group)?, self.user(who)?);
        let answer = self.ask(Request::Invite(MemberRef { groupid, id }), picks!(Invite))?;
        let name = self.shared.lock().roster.user_name(id);
        Ok(JoiningOutcome::Invited { group: groupid, id, name, outcome: answer.outcome }.into())
    }

    pub(super) fn withdraw_invitation(&mut self, group: &GroupName, who: &Who) -> Result<Outcome, Failure> {
        let (groupid, id) = (self.group(group)?, self.user(who)?);
        let request = Request::WithdrawInvitation(MemberRef { groupid, id });
        self.ask(request, picks!(WithdrawInvitation))?;
        let name = self.shared.lock().roster.user_name(id);
        Ok(JoiningOutcome::Uninvited { group: groupid, id, name }.into())
    }

    pub(super) fn invitations(&mut self) -> Result<Outcome, Failure> {
        let invitations = self.all_invitations()?;
        self.shared.lock().roster.door.hold_invitations(&invitations);
        Ok(JoiningOutcome::Invitations(invitations).into())
    }

    pub(super) fn answer_invitation(
        &mut self,
        group: &GroupName,
        verdict: Verdict,
    ) -> Result<Outcome, Failure> {
        let groupid = match group {
            GroupName::Id(id) => *id,
            GroupName::Name(name) => {
                let name = name.to_lowercase();
                let invited = self.all_invitations()?;
                match invited.iter().find(|invitation| invitation.groupname.to_lowercase() == name) {
                    Some(invitation) => invitation.groupid,
                    None => {
                        return senseless(
                            "no invitation into it waits; /invitations shows them all".to_owned(),
                        );
                    }
                }
            }
        };
        let request = Request::AnswerInvitation(AnswerInvitation { groupid, decision: verdict });
        self.enter(groupid, request, picks!(AnswerInvitation))
    }

    /// Comes into a group, or asks to. That one came is said there too, perhaps before the answer tells what it is called.
    fn enter(
        &mut self,
        groupid: u64,
        request: Request,
        pick: fn(Reply) -> Option<JoinAnswer>,
    ) -> Result<Outcome, Failure> {
        self.shared.lock().entering = Entering::AGroup;
        let answer = self.ask(request, pick);
        let mut known = self.shared.lock();
        known.entering = Entering::Nothing;
        let JoinAnswer { outcome, group, .. } = answer?;
        Ok(match (outcome, group) {
            (_, Some(group)) => {
                known.roster.add_group(group.clone());
                GroupsOutcome::Joined(group).into()
            }
            (JoinOutcome::Refused, None) => JoiningOutcome::Declined(groupid).into(),
            (_, None) => JoiningOutcome::Applied(groupid).into(),
        })
    }

    fn all_invitations(&self) -> Result<Vec<Invitation>, Failure> {
        pages(|after| {
            let page = self.ask(Request::Invitations(Page { after, limit: 0 }), picks!(Invitations))?;
            Ok((page.invitations, page.next))
        })
    }

    /// All pages, up to [`PAGES_MAX`]: their order is one of two numbers.
    fn all_applications(&self, groupid: u64) -> Result<Vec<Application>, Failure> {
        let (mut all, mut place) = (Vec::new(), (0, 0));
        for _ in 0..PAGES_MAX {
            let (after_groupid, after) = place;
            let request = Applications { groupid, after_groupid, after, limit: 0 };
            let page = self.ask(Request::Applications(request), picks!(Applications))?;
            all.extend(page.applications);
            let next = (page.next_groupid, page.next);
            if next <= place {
                break;
            }
            place = next;
        }
        Ok(all)
    }
}
