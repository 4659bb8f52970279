//! What follows from the facts: whether a change may be, what it does, and who is told.

use super::facts::standing;
use super::{Attempt, ChangeRefused, GroupChange, GroupDeed, GroupEffect, GroupFacts};
use crate::policy::{self, GroupAct, PairAct, Relation, Standing, Why};
use crate::{
    GroupLimits, GroupProfile, GroupState, Joining, Membership, NewPersonalNotice, PersonalNoticeKind, Role,
    Timestamp, UserId,
};

/// What follows from the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDecision {
    /// What is written, in this order; nothing if all is so already.
    pub effects: Vec<GroupEffect>,
    /// Whether the conversation hears of it.
    pub told: Told,
    /// What somebody else is told in person.
    pub notice: Option<NewPersonalNotice>,
}

/// Whether a change stands in the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// As a system message.
    InConversation,
    /// It does not: nothing changed, or the conversation is closed.
    Nowhere,
}

impl GroupChange {
    /// Whether it may be, and what it does.
    pub fn decide(&self, facts: &GroupFacts) -> Result<GroupDecision, ChangeRefused> {
        self.may(facts)?;
        let effects = self.effects(facts)?;
        let told = match facts.state {
            GroupState::Open if effects.iter().any(GroupEffect::concerns_members) => Told::InConversation,
            GroupState::Open | GroupState::Dissolved => Told::Nowhere,
        };
        let notice = self.notice(&effects);
        Ok(GroupDecision { effects, told, notice })
    }

    /// The line of the table that it stands in, as the group is.
    fn act(&self, facts: &GroupFacts) -> GroupAct {
        match &self.deed {
            GroupDeed::Invite { .. } if facts.profile.joining != Joining::Open => GroupAct::InviteToClosed,
            GroupDeed::WithdrawInvitation(_) => match facts.waiting.invitation {
                Some(invited) if invited.by != self.actor => GroupAct::Decide,
                _ => GroupAct::InviteToOpen,
            },
            deed => deed.act(),
        }
    }

    /// What somebody else is told in person: what became of an application or invitation, for who had asked; and what became
    /// of a member, for them. Nothing, where all is as before.
    fn notice(&self, effects: &[GroupEffect]) -> Option<NewPersonalNotice> {
        let came = effects.iter().any(|effect| matches!(effect, GroupEffect::Add(..)));
        let inviter = effects.iter().find_map(|effect| match effect {
            GroupEffect::EndInvitation { by, .. } => Some(*by),
            _ => None,
        });
        let place = |user: &UserId| {
            effects.iter().find_map(|effect| match effect {
                GroupEffect::Place(placed, now) if placed == user => Some(*now),
                _ => None,
            })
        };
        let (user, kind, detail) = match &self.deed {
            GroupDeed::AcceptApplication { user, .. } => (*user, PersonalNoticeKind::ApplicationAccepted, 0),
            GroupDeed::Invite { user, .. } if came => (*user, PersonalNoticeKind::ApplicationAccepted, 0),
            GroupDeed::RefuseApplication(user) => (*user, PersonalNoticeKind::ApplicationRefused, 0),
            GroupDeed::Join { .. } | GroupDeed::AcceptInvitation { .. } if came => {
                (inviter?, PersonalNoticeKind::InvitationAccepted, 0)
            }
            GroupDeed::RefuseInvitation => (inviter?, PersonalNoticeKind::InvitationRefused, 0),
            GroupDeed::Remove(user) => (*user, PersonalNoticeKind::Removed, 0),
            GroupDeed::SetRole(user, _) | GroupDeed::HandOver(user) => {
                (*user, PersonalNoticeKind::Role, u64::from(place(user)?.role.number()))
            }
            GroupDeed::Mute(user, _) => (*user, PersonalNoticeKind::Muted, place(user)?.muted_until.0),
            _ => return None,
        };
        let group = Some(self.group);
        Some(NewPersonalNotice { user, kind, by: self.actor, group, detail, at: self.at })
    }

    fn may(&self, facts: &GroupFacts) -> Result<(), ChangeRefused> {
        let (actor, target) = (standing(facts.actor), standing(facts.target));
        // Whoever is alone takes nobody's owner away; and what was dissolved needs none.
        let may_leave = facts.members == 1 || facts.state == GroupState::Dissolved;
        match policy::in_group(self.act(facts), actor, target) {
            Err(Why::OwnerStays) if may_leave => {}
            other => other?,
        }
        if facts.state == GroupState::Dissolved && self.deed != GroupDeed::Leave {
            return Err(ChangeRefused::Dissolved);
        }
        Ok(())
    }

    fn effects(&self, facts: &GroupFacts) -> Result<Vec<GroupEffect>, ChangeRefused> {
        let place = |user, place: Option<Membership>, change: &dyn Fn(&mut Membership)| {
            let Some(before) = place else { return Vec::new() };
            let mut now = before;
            change(&mut now);
            if now == before { Vec::new() } else { vec![GroupEffect::Place(user, now)] }
        };
        let profile = |now: GroupProfile| match now == facts.profile {
            true => Vec::new(),
            false => vec![GroupEffect::Profile(now)],
        };
        Ok(match &self.deed {
            GroupDeed::Join { greeting, limits } => return self.join(facts, greeting, limits),
            GroupDeed::WithdrawApplication
            | GroupDeed::AcceptApplication { .. }
            | GroupDeed::RefuseApplication(_) => return self.answer_application(facts),
            GroupDeed::Invite { user, limits } => return self.invite(facts, *user, limits),
            GroupDeed::AcceptInvitation { .. }
            | GroupDeed::RefuseInvitation
            | GroupDeed::WithdrawInvitation(_) => return self.answer_invitation(facts),
            GroupDeed::Leave if facts.members == 1 && facts.state == GroupState::Open => {
                vec![GroupEffect::Delete(self.actor), GroupEffect::Close]
            }
            GroupDeed::Leave => vec![GroupEffect::Delete(self.actor)],
            GroupDeed::Remove(user) => vec![GroupEffect::Delete(*user)],
            GroupDeed::SetRole(user, rank) => place(*user, facts.target, &|place| {
                if place.role != (*rank).into() {
                    (place.role, place.muted_until) = ((*rank).into(), Timestamp(0));
                }
            }),
            GroupDeed::HandOver(user) => {
                let mut effects = place(self.actor, facts.actor, &|place| place.role = Role::Admin);
                effects.extend(place(*user, facts.target, &|place| {
                    (place.role, place.muted_until) = (Role::Owner, Timestamp(0));
                }));
                effects
            }
            GroupDeed::Dissolve => vec![GroupEffect::Close],
            GroupDeed::Edit(edit) => profile(edit.applied_to(&facts.profile)),
            GroupDeed::Mute(user, until) => place(*user, facts.target, &|place| place.muted_until = *until),
            GroupDeed::MuteAll(until) => {
                profile(GroupProfile { muted_until: *until, ..facts.profile.clone() })
            }
        })
    }

    fn join(
        &self,
        facts: &GroupFacts,
        greeting: &str,
        limits: &GroupLimits,
    ) -> Result<Vec<GroupEffect>, ChangeRefused> {
        if facts.profile.joining == Joining::Open || facts.invitation_holds() {
            return facts.comes_in(self.actor, limits);
        }
        match (facts.profile.joining, facts.waiting.application) {
            (Joining::Invitation, _) => Err(Why::NotAllowed.into()),
            // By an attempt of which nothing was heard.
            (_, Some(at)) if at == self.at && self.attempt == Attempt::Again => Ok(Vec::new()),
            (_, Some(_)) => Err(ChangeRefused::AlreadyAsked),
            (_, None) if facts.queue.has_room(limits) => {
                Ok(vec![GroupEffect::Apply(self.actor, greeting.to_owned())])
            }
            (_, None) => Err(ChangeRefused::Full),
        }
    }

    fn answer_application(&self, facts: &GroupFacts) -> Result<Vec<GroupEffect>, ChangeRefused> {
        if facts.waiting.application.is_none() {
            return Err(Why::NotFound.into());
        }
        match &self.deed {
            GroupDeed::AcceptApplication { user, limits } => facts.comes_in(*user, limits),
            GroupDeed::RefuseApplication(user) => Ok(vec![GroupEffect::EndApplication(*user)]),
            _ => Ok(vec![GroupEffect::EndApplication(self.actor)]),
        }
    }

    fn invite(
        &self,
        facts: &GroupFacts,
        user: UserId,
        limits: &GroupLimits,
    ) -> Result<Vec<GroupEffect>, ChangeRefused> {
        let may = policy::between(PairAct::Invite, facts.relation.unwrap_or(Relation::Nobody));
        match facts.target {
            // Who they are is no secret among members.
            Some(_) if user != self.actor => return Err(Why::AlreadyMember.into()),
            _ => may?,
        }
        let decides = policy::in_group(GroupAct::Decide, standing(facts.actor), Standing::Outsider).is_ok();
        if facts.waiting.application.is_some() && decides {
            return facts.comes_in(user, limits);
        }
        match facts.waiting.invitation {
            // By an attempt of which nothing was heard.
            Some(waits)
                if waits.by == self.actor && waits.at == self.at && self.attempt == Attempt::Again =>
            {
                Ok(Vec::new())
            }
            Some(_) if facts.invitation_holds() => Err(ChangeRefused::AlreadyAsked),
            // Its inviter could not ask now: this one can.
            Some(void) => Ok(vec![void.ends(user), GroupEffect::Invite(user)]),
            None if facts.queue.has_room(limits) => Ok(vec![GroupEffect::Invite(user)]),
            None => Err(ChangeRefused::Full),
        }
    }

    fn answer_invitation(&self, facts: &GroupFacts) -> Result<Vec<GroupEffect>, ChangeRefused> {
        let invited = facts.waiting.invitation.ok_or(Why::NotFound)?;
        match &self.deed {
            GroupDeed::AcceptInvitation { limits } => {
                if facts.profile.joining != Joining::Open && !facts.invitation_holds() {
                    return Err(Why::NotAllowed.into());
                }
                facts.comes_in(self.actor, limits)
            }
            GroupDeed::WithdrawInvitation(user) => Ok(vec![invited.ends(*user)]),
            _ => Ok(vec![invited.ends(self.actor)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GroupEdit, GroupId, Invited, Queue, Rank, Seq, Waiting};

    const LIMITS: GroupLimits = GroupLimits { members: 3, groups: 3, requests: 2, requests_per_user: 2 };
    const ME: UserId = UserId(1);
    const OTHER: UserId = UserId(2);

    fn place(role: Role) -> Option<Membership> {
        Some(Membership { role, since: Seq(0), muted_until: Timestamp(0) })
    }

    fn facts(actor: Option<Role>, target: Option<Role>) -> GroupFacts {
        GroupFacts {
            last: Seq(7),
            members: 2,
            state: GroupState::Open,
            profile: GroupProfile { name: "g".into(), ..GroupProfile::default() },
            actor: actor.and_then(place),
            target: target.and_then(place),
            groups_of_newcomer: 1,
            waiting: Waiting::default(),
            inviter: None,
            queue: Queue::default(),
            relation: None,
        }
    }

    fn joining() -> GroupDeed {
        GroupDeed::Join { greeting: "hello".into(), limits: LIMITS }
    }

    fn change(deed: GroupDeed) -> GroupChange {
        let (event, change_id) = (String::new(), String::new());
        let attempt = Attempt::First;
        GroupChange { group: GroupId(5), actor: ME, deed, at: Timestamp(1), change_id, event, attempt }
    }

    #[test]
    fn a_newcomer_reads_from_the_last_message_on() {
        let decision = change(joining()).decide(&facts(None, None)).unwrap();
        let member = Membership { role: Role::Member, since: Seq(7), muted_until: Timestamp(0) };
        assert_eq!(decision.effects, [GroupEffect::Add(ME, member)]);
        assert_eq!(decision.told, Told::InConversation);
        for (members, groups) in [(3, 1), (2, 3)] {
            let full = GroupFacts { members, groups_of_newcomer: groups, ..facts(None, None) };
            assert_eq!(change(joining()).decide(&full), Err(ChangeRefused::Full));
        }
    }

    fn closed(joining: Joining, actor: Option<Role>) -> GroupFacts {
        let mut facts = facts(actor, None);
        facts.profile.joining = joining;
        facts
    }

    fn invited(by: UserId) -> Option<Invited> {
        Some(Invited { by, at: Timestamp(0) })
    }

    #[test]
    fn where_somebody_decides_one_applies_and_where_one_is_asked_one_is_refused() {
        let decision = change(joining()).decide(&closed(Joining::Approval, None)).unwrap();
        assert_eq!(decision.effects, [GroupEffect::Apply(ME, "hello".into())]);
        assert_eq!(decision.told, Told::Nowhere);
        let refused = change(joining()).decide(&closed(Joining::Invitation, None));
        assert_eq!(refused, Err(ChangeRefused::Not(Why::NotAllowed)));
    }

    #[test]
    fn an_application_waits_once_and_its_repeat_is_the_same() {
        for (attempt, at, expected) in [
            (Attempt::Again, 1, Ok(vec![])),
            (Attempt::Again, 0, Err(ChangeRefused::AlreadyAsked)),
            (Attempt::First, 1, Err(ChangeRefused::AlreadyAsked)),
        ] {
            let mut facts = closed(Joining::Approval, None);
            facts.waiting.application = Some(Timestamp(at));
            let change = GroupChange { attempt, ..change(joining()) };
            assert_eq!(change.decide(&facts).map(|decision| decision.effects), expected);
        }
        for queue in [Queue { of_group: 2, of_user: 0 }, Queue { of_group: 0, of_user: 2 }] {
            let facts = GroupFacts { queue, ..closed(Joining::Approval, None) };
            assert_eq!(change(joining()).decide(&facts), Err(ChangeRefused::Full));
        }
    }

    #[test]
    fn an_invitation_is_worth_what_its_inviter_may() {
        let accepting = GroupDeed::AcceptInvitation { limits: LIMITS };
        let refused = change(accepting.clone()).decide(&facts(None, None));
        assert_eq!(refused, Err(ChangeRefused::Not(Why::NotFound)));
        for (inviter, holds) in
            [(None, false), (Some(Role::Member), false), (Some(Role::Admin), true), (Some(Role::Owner), true)]
        {
            for way in [Joining::Approval, Joining::Invitation] {
                let mut facts = closed(way, None);
                (facts.waiting.invitation, facts.inviter) = (invited(OTHER), inviter.and_then(place));
                for deed in [accepting.clone(), joining()] {
                    let decided = change(deed.clone()).decide(&facts).map(|decision| decision.told);
                    match (holds, way, deed) {
                        (true, ..) => assert_eq!(decided, Ok(Told::InConversation)),
                        (false, Joining::Approval, GroupDeed::Join { .. }) => {
                            assert_eq!(decided, Ok(Told::Nowhere), "they apply");
                        }
                        (false, ..) => assert_eq!(decided, Err(ChangeRefused::Not(Why::NotAllowed))),
                    }
                }
                facts.profile.joining = Joining::Open;
                assert!(change(accepting.clone()).decide(&facts).is_ok(), "everybody may");
            }
        }
    }

    #[test]
    fn who_comes_in_does_not_wait_any_more() {
        let mut facts = closed(Joining::Approval, Some(Role::Admin));
        facts.waiting = Waiting { application: Some(Timestamp(0)), invitation: invited(UserId(3)) };
        let accepting = GroupDeed::AcceptApplication { user: OTHER, limits: LIMITS };
        let effects = change(accepting.clone()).decide(&facts).unwrap().effects;
        assert!(matches!(effects[0], GroupEffect::Add(OTHER, _)));
        assert_eq!(
            effects[1..],
            [GroupEffect::EndApplication(OTHER), GroupEffect::EndInvitation { user: OTHER, by: UserId(3) }]
        );
        facts.members = 3;
        assert_eq!(change(accepting).decide(&facts), Err(ChangeRefused::Full));
    }

    #[test]
    fn friends_are_asked_in_and_nobody_else() {
        let invite = || change(GroupDeed::Invite { user: OTHER, limits: LIMITS });
        for (way, role, relation, expected) in [
            (Joining::Open, Role::Member, Relation::Friend, Ok(())),
            (Joining::Approval, Role::Member, Relation::Friend, Err(Why::NotAllowed)),
            (Joining::Invitation, Role::Admin, Relation::Friend, Ok(())),
            (Joining::Open, Role::Owner, Relation::Stranger, Err(Why::NotFriends)),
            (Joining::Open, Role::Owner, Relation::BlockedByThem, Err(Why::NotFound)),
            (Joining::Open, Role::Owner, Relation::Nobody, Err(Why::NotFound)),
            (Joining::Open, Role::Owner, Relation::Myself, Err(Why::Oneself)),
        ] {
            let facts = GroupFacts { relation: Some(relation), ..closed(way, Some(role)) };
            let decided = invite().decide(&facts).map(|decision| decision.effects);
            let expected = expected.map(|()| vec![GroupEffect::Invite(OTHER)]).map_err(ChangeRefused::Not);
            assert_eq!(decided, expected, "{way:?} {role:?} {relation:?}");
        }
        let mut member = facts(Some(Role::Admin), Some(Role::Member));
        member.relation = Some(Relation::Friend);
        assert_eq!(invite().decide(&member), Err(ChangeRefused::Not(Why::AlreadyMember)));
    }

    #[test]
    fn who_decides_and_asks_somebody_in_who_applied_has_decided() {
        for (role, comes) in [(Role::Member, false), (Role::Admin, true)] {
            let mut facts = closed(Joining::Open, Some(role));
            facts.relation = Some(Relation::Friend);
            facts.waiting.application = Some(Timestamp(0));
            let effects =
                change(GroupDeed::Invite { user: OTHER, limits: LIMITS }).decide(&facts).unwrap().effects;
            assert_eq!(matches!(effects[0], GroupEffect::Add(OTHER, _)), comes, "{role:?}");
        }
    }

    #[test]
    fn an_invitation_that_opens_no_door_makes_room_for_one_that_does() {
        let mut facts = closed(Joining::Invitation, Some(Role::Admin));
        facts.relation = Some(Relation::Friend);
        facts.waiting.invitation = invited(UserId(3));
        let inviting = change(GroupDeed::Invite { user: OTHER, limits: LIMITS });
        let effects = inviting.decide(&facts).unwrap().effects;
        assert_eq!(
            effects,
            [GroupEffect::EndInvitation { user: OTHER, by: UserId(3) }, GroupEffect::Invite(OTHER)]
        );
        facts.inviter = place(Role::Owner);
        assert_eq!(inviting.decide(&facts), Err(ChangeRefused::AlreadyAsked));
    }

    #[test]
    fn invitations_are_taken_back_by_who_asked_or_who_decides() {
        for (role, by, allowed) in
            [(Role::Member, ME, true), (Role::Member, UserId(3), false), (Role::Admin, UserId(3), true)]
        {
            let mut facts = closed(Joining::Open, Some(role));
            facts.waiting.invitation = invited(by);
            let decided = change(GroupDeed::WithdrawInvitation(OTHER)).decide(&facts);
            assert_eq!(decided.is_ok(), allowed, "{role:?} {by}");
        }
    }

    #[test]
    fn an_owner_leaves_alone_or_when_all_is_over() {
        let owner = facts(Some(Role::Owner), None);
        assert_eq!(change(GroupDeed::Leave).decide(&owner), Err(ChangeRefused::Not(Why::OwnerStays)));
        let alone = GroupFacts { members: 1, ..owner.clone() };
        let decision = change(GroupDeed::Leave).decide(&alone).unwrap();
        assert_eq!(decision.effects, [GroupEffect::Delete(ME), GroupEffect::Close]);
        let dissolved = GroupFacts { state: GroupState::Dissolved, ..owner };
        let decision = change(GroupDeed::Leave).decide(&dissolved).unwrap();
        assert_eq!((&decision.effects[..], decision.told), (&[GroupEffect::Delete(ME)][..], Told::Nowhere));
    }

    #[test]
    fn in_a_dissolved_group_members_only_leave() {
        let dissolved =
            |actor| GroupFacts { state: GroupState::Dissolved, ..facts(actor, Some(Role::Member)) };
        for deed in [
            joining(),
            GroupDeed::Remove(OTHER),
            GroupDeed::SetRole(OTHER, Rank::Admin),
            GroupDeed::HandOver(OTHER),
            GroupDeed::Dissolve,
            GroupDeed::Edit(GroupEdit::default()),
            GroupDeed::Mute(OTHER, Timestamp(9)),
            GroupDeed::MuteAll(Timestamp(9)),
        ] {
            let actor = if deed.act() == GroupAct::Join { None } else { Some(Role::Owner) };
            assert_eq!(
                change(deed.clone()).decide(&dissolved(actor)),
                Err(ChangeRefused::Dissolved),
                "{deed:?}"
            );
            if deed.act() != GroupAct::Join {
                let outsider = change(deed).decide(&dissolved(None));
                assert_eq!(outsider, Err(ChangeRefused::Not(Why::NotMember)), "outsiders do not learn it");
            }
        }
    }

    #[test]
    fn handing_over_leaves_one_owner() {
        let decision =
            change(GroupDeed::HandOver(OTHER)).decide(&facts(Some(Role::Owner), Some(Role::Member))).unwrap();
        let roles: Vec<_> = decision
            .effects
            .iter()
            .map(|effect| match effect {
                GroupEffect::Place(user, place) => (*user, place.role),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(roles, [(ME, Role::Admin), (OTHER, Role::Owner)]);
    }

    #[test]
    fn who_is_put_elsewhere_is_told_in_person() {
        let facts = facts(Some(Role::Owner), Some(Role::Member));
        for (deed, kind, detail) in [
            (GroupDeed::Remove(OTHER), PersonalNoticeKind::Removed, 0),
            (GroupDeed::SetRole(OTHER, Rank::Admin), PersonalNoticeKind::Role, 2),
            (GroupDeed::HandOver(OTHER), PersonalNoticeKind::Role, 1),
            (GroupDeed::Mute(OTHER, Timestamp(99)), PersonalNoticeKind::Muted, 99),
        ] {
            let notice = change(deed.clone()).decide(&facts).unwrap().notice;
            let group = Some(GroupId(5));
            let told = NewPersonalNotice { user: OTHER, kind, by: ME, group, detail, at: Timestamp(1) };
            assert_eq!(notice, Some(told), "{deed:?}");
        }
        for deed in [GroupDeed::Dissolve, GroupDeed::MuteAll(Timestamp(9))] {
            assert_eq!(change(deed).decide(&facts).unwrap().notice, None, "the conversation says it");
        }
    }

    #[test]
    fn what_is_so_already_is_neither_written_nor_told() {
        let facts = facts(Some(Role::Owner), Some(Role::Admin));
        for deed in [
            GroupDeed::SetRole(OTHER, Rank::Admin),
            GroupDeed::Edit(GroupEdit { name: Some("g".into()), ..GroupEdit::default() }),
            GroupDeed::MuteAll(Timestamp(0)),
        ] {
            let decision = change(deed).decide(&facts).unwrap();
            assert_eq!((decision.effects, decision.told, decision.notice), (vec![], Told::Nowhere, None));
        }
    }

    #[test]
    fn appointing_ends_a_muting() {
        let mut facts = facts(Some(Role::Owner), Some(Role::Member));
        facts.target = facts.target.map(|place| Membership { muted_until: Timestamp(99), ..place });
        let decision = change(GroupDeed::SetRole(OTHER, Rank::Admin)).decide(&facts).unwrap();
        let admin = Membership { role: Role::Admin, since: Seq(0), muted_until: Timestamp(0) };
        assert_eq!(decision.effects, [GroupEffect::Place(OTHER, admin)]);
    }
}
