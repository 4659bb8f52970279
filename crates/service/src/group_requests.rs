//! Who waits before groups: applications, invitations, and their answers.
//!
//! Each of them is a change of the group and goes to the appender of its conversation, since any may bring somebody in. What
//! becomes of it is decided by [`GroupChange::decide`]: here, of what single rows say, so that who is refused keeps nobody
//! busy; and in the store, where it counts.

use domain::policy::Relation;
use domain::{
    ApplicationsOf, ChangeRefused, GroupChange, GroupChanged, GroupDeed, GroupEffect, GroupFacts, GroupId,
    Joining, Membership, NUMBER_MAX, Queue, Seq, StoreResult, UserId, Waiting,
};
use protocol::{
    AnswerInvitation, ApplicationsPage, DecideApplication, GroupRequestEvent, GroupRequestKind,
    InvitationsPage, JoinAnswer, JoinGroup, JoinOutcome, MemberRef, MsgId, Nothing, Page, Push, Reply,
    SystemEvent, SystemEventKind, Verdict,
};

use crate::applicants::{self, Step};
use crate::caller::Me;
use crate::fields;
use crate::group_ask::GroupAsk;
use crate::group_change::{Answer, PendingChange};
use crate::groups;
use crate::hub::Audience;
use crate::page::Slice;
use crate::refuse::{self, Stop};
use crate::service::{Handled, Service};
use crate::wire;

/// Owner and admins who are told of an application as it happens; further ones find it in the list.
pub(crate) const DECIDERS_TOLD_MAX: usize = 50;

/// ADD_GROUP.
pub(crate) fn join(asked: GroupAsk<'_>, request: JoinGroup) -> Result<Handled, Stop> {
    take_join(asked)?;
    fields::greeting(&request.greeting)?;
    let deed = GroupDeed::Join { greeting: request.greeting, limits: asked.service.config.groups };
    let event = || Ok(asked.event(SystemEventKind::Joined));
    ask(asked, deed, event, MsgId::AddGroup, Answer::Joined(Reply::JoinGroup))
}

/// DECIDE_APPLICATION.
pub(crate) fn decide(asked: GroupAsk<'_>, request: &DecideApplication) -> Result<Handled, Stop> {
    let user = UserId(request.id);
    let deed = match request.decision {
        Verdict::Accept => GroupDeed::AcceptApplication { user, limits: asked.service.config.groups },
        Verdict::Refuse => GroupDeed::RefuseApplication(user),
    };
    let event = || asked.event_about(SystemEventKind::Joined, request.id);
    done(asked, deed, event, Reply::DecideApplication(Nothing {}))
}

/// WITHDRAW_APPLICATION.
pub(crate) fn withdraw_application(asked: GroupAsk<'_>) -> Result<Handled, Stop> {
    let event = || Ok(asked.event(SystemEventKind::Unknown));
    let reply = Reply::WithdrawApplication(Nothing {});
    done(asked, GroupDeed::WithdrawApplication, event, reply)
}

/// INVITE.
pub(crate) fn invite(asked: GroupAsk<'_>, request: &MemberRef) -> Result<Handled, Stop> {
    take_join(asked)?;
    let deed = GroupDeed::Invite { user: UserId(request.id), limits: asked.service.config.groups };
    let event = || asked.event_about(SystemEventKind::Joined, request.id);
    ask(asked, deed, event, MsgId::Invite, Answer::Invited)
}

/// ANSWER_INVITATION.
pub(crate) fn answer(asked: GroupAsk<'_>, request: &AnswerInvitation) -> Result<Handled, Stop> {
    let event = || Ok(asked.event(SystemEventKind::Joined));
    match request.decision {
        Verdict::Accept => {
            take_join(asked)?;
            let deed = GroupDeed::AcceptInvitation { limits: asked.service.config.groups };
            let answer = Answer::Joined(Reply::AnswerInvitation);
            ask(asked, deed, event, MsgId::AnswerInvitation, answer)
        }
        Verdict::Refuse => {
            let refused = JoinAnswer { outcome: JoinOutcome::Refused, group: None, conv: None };
            let reply = Reply::AnswerInvitation(refused);
            done(asked, GroupDeed::RefuseInvitation, event, reply)
        }
    }
}

/// WITHDRAW_INVITATION.
pub(crate) fn withdraw_invitation(asked: GroupAsk<'_>, request: &MemberRef) -> Result<Handled, Stop> {
    let event = || Ok(asked.event(SystemEventKind::Unknown));
    let deed = GroupDeed::WithdrawInvitation(UserId(request.id));
    done(asked, deed, event, Reply::WithdrawInvitation(Nothing {}))
}

/// APPLICATIONS.
pub(crate) fn applications(
    service: &Service,
    me: Me<'_>,
    request: &protocol::Applications,
) -> Result<ApplicationsPage, Stop> {
    let of = match request.groupid {
        0 => ApplicationsOf::User(me.user()),
        group => {
            let place = groups::membership(service, group, me.user())?;
            let standing = place.map(|place| place.role).into();
            domain::policy::in_group(domain::policy::GroupAct::Decide, standing, standing)
                .map_err(|why| Stop::refused(refuse::code(why)))?;
            ApplicationsOf::Group(GroupId(group))
        }
    };
    let (group, after) = (GroupId(request.after_groupid), UserId(request.after));
    if group.0 > NUMBER_MAX {
        return Ok(ApplicationsPage { applications: Vec::new(), next_groupid: 0, next: 0 });
    }
    let limit = Slice::asked(0, request.limit, service.config.page_max).limit;
    let after = UserId(after.0.min(NUMBER_MAX));
    // One more than wanted, to know whether the list goes on.
    let mut found = service.ports.store.applications(of, (group, after), limit + 1)?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| more).map(|last| (last.group.0, last.user.id.0));
    let (next_groupid, next) = last.unwrap_or_default();
    let applicants: Vec<UserId> = found.iter().map(|application| application.user.id).collect();
    let blocked = service.ports.store.blocks_among(&[me.user()], &applicants)?;
    for application in &mut found {
        // It waits for others too, but whom one blocked says nothing to one.
        if blocked.contains(&(me.user(), application.user.id)) {
            application.greeting.clear();
        }
    }
    let applications = found.into_iter().map(wire::application).collect();
    Ok(ApplicationsPage { applications, next_groupid, next })
}

/// INVITATIONS.
pub(crate) fn invitations(service: &Service, me: Me<'_>, page: &Page) -> Result<InvitationsPage, Stop> {
    let slice = Slice::asked(page.after, page.limit, service.config.page_max);
    let part = slice.read(
        |invitation: &domain::Invitation| invitation.group.0,
        |after, limit| service.ports.store.invitations(me.user(), GroupId(after), limit),
    )?;
    let invitations = part.entries.into_iter().map(wire::invitation).collect();
    Ok(InvitationsPage { invitations, next: part.next })
}

/// Takes a token for coming in, or for asking in.
fn take_join(asked: GroupAsk<'_>) -> Result<(), Stop> {
    Ok(asked.service.limits.joins.take(asked.me.user(), asked.service.ports.clock.now())?)
}

fn done(
    asked: GroupAsk<'_>,
    deed: GroupDeed,
    event: impl FnOnce() -> StoreResult<SystemEvent>,
    reply: Reply,
) -> Result<Handled, Stop> {
    let msgid = reply.msgid();
    ask(asked, deed, event, msgid, Answer::Done(reply))
}

/// Checks a deed, and passes it on.
fn ask(
    asked: GroupAsk<'_>,
    deed: GroupDeed,
    event: impl FnOnce() -> StoreResult<SystemEvent>,
    msgid: MsgId,
    answer: Answer,
) -> Result<Handled, Stop> {
    let refused = |why: ChangeRefused| Stop::refused(refuse::change(why));
    if asked.group.0 > NUMBER_MAX {
        return Err(refused(deed.no_such_group()));
    }
    let change = asked.change(deed);
    match facts(asked.service, &change)? {
        None => return Err(refused(change.deed.no_such_group())),
        Some(facts) => drop(change.decide(&facts).map_err(refused)?),
    }
    // Names are looked up for who may only.
    Ok(asked.pass_on(change, &event()?, msgid, answer))
}

/// What single rows say, but for what has to be counted: that is the store's to refuse. `None` if there is no such group.
fn facts(service: &Service, change: &GroupChange) -> StoreResult<Option<GroupFacts>> {
    let store = &service.ports.store;
    let Some(group) = store.group(change.group)? else { return Ok(None) };
    let Some(profile) = store.group_profile(change.group)? else { return Ok(None) };
    let place = |user: UserId| -> StoreResult<Option<Membership>> {
        if user.0 > NUMBER_MAX { Ok(None) } else { store.membership(change.group, user) }
    };
    let mut facts = GroupFacts {
        last: Seq(0),
        members: 0,
        state: group.state,
        profile,
        actor: place(change.actor)?,
        target: change.deed.target().map_or(Ok(None), place)?,
        groups_of_newcomer: 0,
        waiting: Waiting::default(),
        inviter: None,
        queue: Queue::default(),
        relation: None,
    };
    let newcomer = change.deed.newcomer(change.actor).filter(|user| user.0 <= NUMBER_MAX);
    let comes_in_anyway =
        matches!(change.deed, GroupDeed::Join { .. }) && facts.profile.joining == Joining::Open;
    if let Some(newcomer) = newcomer.filter(|_| !comes_in_anyway) {
        facts.waiting = store.waiting(change.group, newcomer)?;
        facts.inviter = facts.waiting.invitation.map_or(Ok(None), |invited| place(invited.by))?;
    }
    if let GroupDeed::Invite { user, .. } = change.deed {
        let found =
            if user.0 > NUMBER_MAX { Relation::Nobody } else { store.relation(change.actor, user)? };
        facts.relation = Some(found);
    }
    Ok(Some(facts))
}

/// Tells those who decide, and those whom it concerns, what became of an application or invitation.
pub(crate) fn tell(service: &Service, pending: &PendingChange, changed: &GroupChanged) {
    let change = &pending.change;
    let Some(newcomer) = change.deed.newcomer(change.actor) else { return };
    let inviter = changed.effects.iter().find_map(|effect| match effect {
        GroupEffect::EndInvitation { by, .. } => Some(*by),
        _ => None,
    });
    let came = changed.place.is_some();
    let kind = match &change.deed {
        GroupDeed::Join { .. } if !came => GroupRequestKind::Applied,
        GroupDeed::Join { .. } if inviter.is_none() => return,
        GroupDeed::Join { .. } | GroupDeed::AcceptInvitation { .. } => GroupRequestKind::InvitationAccepted,
        GroupDeed::WithdrawApplication => GroupRequestKind::ApplicationWithdrawn,
        GroupDeed::AcceptApplication { .. } => GroupRequestKind::ApplicationAccepted,
        GroupDeed::RefuseApplication(_) => GroupRequestKind::ApplicationRefused,
        GroupDeed::Invite { .. } if came => GroupRequestKind::ApplicationAccepted,
        GroupDeed::Invite { .. } => GroupRequestKind::Invited,
        GroupDeed::RefuseInvitation => GroupRequestKind::InvitationRefused,
        GroupDeed::WithdrawInvitation(_) => GroupRequestKind::InvitationWithdrawn,
        _ => return,
    };
    let mut told = vec![newcomer];
    told.extend(inviter);
    told.extend(deciders(service, change.group, newcomer, kind));
    told.sort_unstable();
    told.dedup();
    told.retain(|user| *user != change.actor);
    let push = Push::GroupRequestEvent(GroupRequestEvent {
        event: kind,
        groupid: change.group.0,
        groupname: changed.profile.name.clone(),
        id: newcomer.0,
        name: service.shown(newcomer),
        by: change.actor.0,
        by_name: service.directory.own_face(&*service.ports.store, &pending.principal).shown().to_owned(),
        greeting: match &change.deed {
            GroupDeed::Join { greeting, .. } if !came => greeting.clone(),
            _ => String::new(),
        },
    });
    let hub = &service.ports.hub;
    hub.push(Audience::Users(&told), &push);
    if let Some(origin) = pending.origin {
        hub.push(Audience::OthersOf(change.actor, origin.conn), &push);
    }
}

/// Who decides about an application and is told what became of it, if anybody is.
fn deciders(service: &Service, group: GroupId, applicant: UserId, kind: GroupRequestKind) -> Vec<UserId> {
    let step = match kind {
        GroupRequestKind::Applied => Some(Step::Applied),
        GroupRequestKind::ApplicationWithdrawn => Some(Step::Withdrew),
        GroupRequestKind::ApplicationAccepted | GroupRequestKind::ApplicationRefused => {
            applicants::decided(service, group, applicant);
            None
        }
        _ => return Vec::new(),
    };
    if step.is_some_and(|step| !applicants::is_news(service, group, applicant, step)) {
        return Vec::new();
    }
    let found = groups::roster(service, group).and_then(|roster| {
        let mut deciders: Vec<UserId> =
            roster.iter().flat_map(|roster| roster.leaders()).take(DECIDERS_TOLD_MAX).collect();
        if step.is_some() {
            // Whom one blocked says nothing to one, nor takes it back.
            let blocks = service.ports.store.blocks_among(&deciders, &[applicant])?;
            deciders.retain(|decider| !blocks.contains(&(*decider, applicant)));
        }
        Ok(deciders)
    });
    // If the store does not say, they find the list as it is.
    found.unwrap_or_else(|error| {
        service.trouble.note(service.ports.clock.now(), &error);
        Vec::new()
    })
}
