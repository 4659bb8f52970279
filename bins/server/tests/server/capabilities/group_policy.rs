//! G1 to G7: the table of groups, walked over the wire. Each act × whoever asks × whom it concerns, in an open group, in one
//! that was dissolved, and in one that does not exist.

use domain::policy::{GROUP, GroupAct, GroupLine, Rule, Standing, Why, in_group};
use protocol::{
    Ack, AnswerInvitation, Application, Applications, Change, Changes, Code, DecideApplication, EditGroup,
    EditMessage, GroupChat, GroupMembers, GroupProfile, GroupRef, Hide, History, Invitation, JoinGroup,
    Joining, Member, MemberRef, MessageRef, MuteGroup, MuteMember, OwnedGroups, Rank, Read, Receipts,
    Refusal, Request, SearchMessages, SetQuiet, SetRole, Typing, Verdict,
};

use std::collections::HashMap;

use super::policy::{Numbers, stated};
use crate::support::{PASSWORD, Peer, Server, Store, group_chat, log_in, on_each_store, user};

on_each_store! {
    g4_who_may_is_done_and_who_may_not_changes_nothing,
    g4_of_a_dissolved_group_its_members_read_and_nobody_does_more,
    g4_outsiders_cannot_tell_a_group_from_none,
    g2_where_nothing_waits_nothing_is_answered,
}

/// An id that nobody and nothing has.
const UNKNOWN: u64 = 999_999;
/// Ids that nothing has, the last one beyond what a store can number.
const NOWHERE: [u64; 3] = [0, UNKNOWN, u64::MAX];
/// The first message of a group after the last member came.
const READ_BY_ALL: u64 = 6;
/// Longer than any test takes, in Unix milliseconds.
const FOR_LONG: u64 = 32_503_680_000_000;

/// The requests that stand for an act.
pub(super) fn requests(act: GroupAct, groupid: u64, id: u64, numbers: &mut Numbers) -> Vec<Request> {
    match act {
        GroupAct::Speak | GroupAct::SpeakWhileMuted => {
            let (msg, mentions) = (numbers.next(), Vec::new());
            vec![
                group_chat(groupid, "text", &numbers.next()),
                Request::EditMessage(EditMessage { conv: groupid, seq: id, msg, mentions }),
                Request::Typing(Typing { conv: groupid }),
            ]
        }
        GroupAct::Look => vec![
            Request::GroupProfile(GroupRef { groupid }),
            Request::GroupMembers(GroupMembers { groupid, after: 0, limit: 0 }),
            Request::History(History { conv: groupid, after: None, before: None, at: None, limit: 0 }),
            Request::Ack(Ack { conv: groupid, seq: 1 }),
            Request::Read(Read { conv: groupid, seq: 1 }),
            Request::Receipts(Receipts { conv: groupid, seqs: vec![] }),
            Request::SearchMessages(SearchMessages {
                query: "text".into(),
                conv: Some(groupid),
                ..SearchMessages::default()
            }),
            Request::SetQuiet(SetQuiet {
                // 0 would keep all conversations quiet.
                conv: if groupid == 0 { UNKNOWN } else { groupid },
                until: Some(1),
                ..SetQuiet::default()
            }),
            Request::Hide(Hide { conv: groupid, seqs: vec![READ_BY_ALL] }),
            Request::Changes(Changes { conv: groupid, ..Changes::default() }),
        ],
        // What they said the cast knows: see `Cast::aimed`.
        GroupAct::Recall | GroupAct::RecallOfOthers => {
            vec![Request::Recall(MessageRef { conv: groupid, seq: id })]
        }
        GroupAct::MentionEverybody => vec![Request::GroupChat(GroupChat {
            groupid,
            msg: "text".into(),
            client_msg_id: numbers.next(),
            mentions: vec![0],
            ..GroupChat::default()
        })],
        GroupAct::Join => vec![Request::JoinGroup(JoinGroup::of(groupid))],
        GroupAct::Leave => vec![Request::LeaveGroup(GroupRef { groupid })],
        GroupAct::InviteToOpen | GroupAct::InviteToClosed => {
            vec![Request::Invite(MemberRef { groupid, id })]
        }
        GroupAct::Decide => vec![
            // 0 would ask for all groups.
            Request::Applications(Applications {
                groupid: if groupid == 0 { UNKNOWN } else { groupid },
                ..Applications::default()
            }),
            Request::DecideApplication(DecideApplication { groupid, id, decision: Verdict::Accept }),
            Request::DecideApplication(DecideApplication { groupid, id, decision: Verdict::Refuse }),
        ],
        GroupAct::Edit => vec![Request::EditGroup(EditGroup {
            groupid,
            announcement: Some(numbers.next()),
            ..EditGroup::default()
        })],
        GroupAct::Mute => vec![Request::MuteMember(MuteMember { groupid, id, until: FOR_LONG })],
        GroupAct::MuteAll => vec![Request::MuteGroup(MuteGroup { groupid, until: FOR_LONG })],
        GroupAct::Remove => vec![Request::RemoveMember(MemberRef { groupid, id })],
        GroupAct::Appoint => [Rank::Admin, Rank::Member]
            .map(|role| Request::SetRole(SetRole { groupid, id, role }))
            .into_iter()
            .collect(),
        GroupAct::HandOver => vec![Request::HandOver(MemberRef { groupid, id })],
        GroupAct::Dissolve => vec![Request::DissolveGroup(GroupRef { groupid })],
    }
}

/// The answers to what waits before a group: where nothing waits they are of no use, whoever gives them.
pub(super) fn answers(groupid: u64, id: u64) -> Vec<Request> {
    vec![
        Request::WithdrawApplication(GroupRef { groupid }),
        Request::AnswerInvitation(AnswerInvitation { groupid, decision: Verdict::Accept }),
        Request::AnswerInvitation(AnswerInvitation { groupid, decision: Verdict::Refuse }),
        Request::WithdrawInvitation(MemberRef { groupid, id }),
    ]
}

/// Everybody who stands somewhere before a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Owner,
    Admin,
    OtherAdmin,
    Member,
    OtherMember,
    Muted,
    Outsider,
    OtherOutsider,
    /// Another device of `Member`.
    Phone,
}

impl Who {
    /// In the order of the values.
    const ALL: [Who; 9] = [
        Who::Owner,
        Who::Admin,
        Who::OtherAdmin,
        Who::Member,
        Who::OtherMember,
        Who::Muted,
        Who::Outsider,
        Who::OtherOutsider,
        Who::Phone,
    ];
    /// Who asks.
    const ACTORS: [Who; 6] = [Who::Outsider, Who::Member, Who::Phone, Who::Muted, Who::Admin, Who::Owner];
    /// Whom an act may concern, beside oneself and nobody.
    const TARGETS: [Who; 5] = [Who::OtherOutsider, Who::OtherMember, Who::Muted, Who::OtherAdmin, Who::Owner];

    fn standing(self) -> Standing {
        match self {
            Who::Owner => Standing::Owner,
            Who::Admin | Who::OtherAdmin => Standing::Admin,
            Who::Member | Who::OtherMember | Who::Muted | Who::Phone => Standing::Member,
            Who::Outsider | Who::OtherOutsider => Standing::Outsider,
        }
    }
}

/// Whom an act concerns.
#[derive(Clone, Copy, Debug)]
struct Target {
    id: u64,
    standing: Standing,
}

/// Where it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Open,
    Dissolved,
}

/// What the tables say of a cell, as the code that is answered.
fn verdict(act: GroupAct, who: Who, target: Target, place: Place, request: &Request) -> Result<(), Code> {
    let line = match act {
        GroupAct::Speak if who == Who::Muted => GroupAct::SpeakWhileMuted,
        other => other,
    };
    match (in_group(line, who.standing(), target.standing), place) {
        // Who may not speak mentions nobody.
        (Err(Why::NotAllowed), Place::Dissolved) if act == GroupAct::MentionEverybody => Err(Code::DISSOLVED),
        (Err(_), Place::Open) if act == GroupAct::MentionEverybody && who == Who::Muted => Err(Code::MUTED),
        // What was dissolved needs no owner.
        (Err(Why::OwnerStays), Place::Dissolved) => Ok(()),
        // A conversation is asked for by its own number, whatever it belongs to.
        (Err(Why::NotMember), _) if is_of_a_conversation(request) => Err(Code::NOT_FOUND),
        (Err(Why::NotAllowed), Place::Dissolved) if line == GroupAct::SpeakWhileMuted => Err(Code::DISSOLVED),
        (Err(Why::NotAllowed), Place::Open) if line == GroupAct::SpeakWhileMuted => Err(Code::MUTED),
        (Err(why), _) => Err(stated(why)),
        // Nobody waits there any more, which one may see.
        (Ok(()), Place::Dissolved) if matches!(request, Request::Applications(_)) => Ok(()),
        (Ok(()), Place::Dissolved) if !matches!(act, GroupAct::Look | GroupAct::Leave) => {
            Err(Code::DISSOLVED)
        }
        (Ok(()), _) => Ok(()),
    }
}

/// Whether a request names a conversation: one that is not the asker's is not there.
fn is_of_a_conversation(request: &Request) -> bool {
    matches!(
        request,
        Request::History(_)
            | Request::Ack(_)
            | Request::Read(_)
            | Request::Receipts(_)
            | Request::SearchMessages(_)
            | Request::SetQuiet(_)
            | Request::Changes(_)
            | Request::Hide(_)
            | Request::Typing(_)
            | Request::Recall(_)
            | Request::EditMessage(_)
    )
}

/// What everybody sees of a group.
#[derive(Debug, PartialEq)]
struct Seen {
    /// The profile as each of the cast gets it, with their role and muting.
    profiles: Vec<Result<GroupProfile, Refusal>>,
    members: Vec<Member>,
    last: u64,
    /// What was changed of what they said.
    changes: Vec<Change>,
    /// Who applied, as the owner sees it.
    applications: Vec<Application>,
    /// Whether the other outsider was asked in.
    invitations: Vec<Invitation>,
}

/// Everybody, connected.
struct Cast {
    /// In the order of [`Who::ALL`].
    peers: Vec<Peer>,
    /// A user whose account is deleted.
    gone: u64,
    numbers: Numbers,
    /// Where each said something in each group, if they did.
    said: HashMap<(u64, u64), u64>,
}

impl Cast {
    fn on(server: &Server) -> Cast {
        let peers = Who::ALL.map(|who| match who {
            Who::Phone => log_in(server, &format!("{:?}", Who::Member), "phone"),
            other => user(server, &format!("{other:?}")),
        });
        let mut gone = user(server, "Gone");
        gone.delete_account(PASSWORD, OwnedGroups::HandOver).expect("deleted");
        let mut cast =
            Cast { peers: peers.into(), gone: gone.id, numbers: Numbers::default(), said: HashMap::new() };
        let friend = cast.id(Who::OtherOutsider);
        for who in [Who::Owner, Who::Admin, Who::Member, Who::Muted] {
            let id = cast.id(who);
            cast.peer(who).add_friend(friend, "").expect("asked");
            cast.peer(Who::OtherOutsider).accept_friend(id).expect("accepted");
        }
        cast
    }

    fn peer(&mut self, who: Who) -> &mut Peer {
        &mut self.peers[who as usize]
    }

    fn id(&self, who: Who) -> u64 {
        self.peers[who as usize].id
    }

    /// Opens a group in which everybody stands where they should, and where this act can be tried.
    fn group(&mut self, act: GroupAct) -> u64 {
        let group = self.peer(Who::Owner).create_group("table", "").expect("opened").group.id;
        for who in [Who::Admin, Who::OtherAdmin, Who::Member, Who::OtherMember, Who::Muted] {
            self.peer(who).join_group(group).expect("joined");
        }
        if matches!(
            act,
            GroupAct::Speak | GroupAct::SpeakWhileMuted | GroupAct::Recall | GroupAct::RecallOfOthers
        ) {
            self.all_speak(group);
        }
        let (admins, muted) = ([Who::Admin, Who::OtherAdmin].map(|who| self.id(who)), self.id(Who::Muted));
        let owner = self.peer(Who::Owner);
        for admin in admins {
            owner.set_role(group, admin, Rank::Admin).expect("appointed");
        }
        owner.mute_member(group, muted, FOR_LONG).expect("muted");
        if act == GroupAct::SpeakWhileMuted {
            owner.mute_group(group, FOR_LONG).expect("muted");
        }
        let joining = match act {
            GroupAct::Decide => Joining::Approval,
            GroupAct::InviteToClosed => Joining::Invitation,
            _ => return group,
        };
        let edit = EditGroup { groupid: group, joining: Some(joining), ..EditGroup::default() };
        owner.edit_group(edit).expect("edited");
        if act == GroupAct::Decide {
            self.peer(Who::OtherOutsider).ask_in(group, "").expect("applied");
        }
        group
    }

    /// All members say something, and one who is none any more.
    fn all_speak(&mut self, group: u64) {
        self.peer(Who::OtherOutsider).join_group(group).expect("joined");
        for who in Who::ALL.into_iter().filter(|who| !matches!(who, Who::Outsider | Who::Phone)) {
            let seq = self.peer(who).say_in(group, "something").seq;
            self.said.insert((group, self.id(who)), seq);
        }
        self.peer(Who::OtherOutsider).leave_group(group).expect("left");
    }

    /// The same request, about what was said there: by the one whom the act is towards, or by who acts.
    fn aimed(&self, group: u64, act: GroupAct, who: Who, target: Target, mut request: Request) -> Request {
        let of = if act == GroupAct::RecallOfOthers { target.id } else { self.id(who) };
        let said = self.said.get(&(group, of)).copied().unwrap_or(1);
        match &mut request {
            Request::Recall(recall) => recall.seq = said,
            Request::EditMessage(edit) => edit.seq = said,
            _ => {}
        }
        request
    }

    fn dissolved_group(&mut self, act: GroupAct) -> u64 {
        let group = self.group(act);
        self.peer(Who::Owner).dissolve_group(group).expect("dissolved");
        group
    }

    fn seen(&mut self, group: u64) -> Seen {
        let profiles = Who::ALL.map(|who| self.peer(who).group_profile(group)).into();
        // An owner who left a dissolved group sees it no more, and that is a change too.
        let owner = self.peer(Who::Owner);
        let members = owner.group_members(group, 0, 0).map_or_else(|_| Vec::new(), |page| page.users);
        let history = History { conv: group, after: None, before: None, at: None, limit: 1 };
        let last = owner.history(history).map_or(0, |page| page.last);
        let changes = owner.changes(group, 0, 0).map_or_else(|_| Vec::new(), |page| page.changes);
        let applications =
            owner.applications(group, 0, 0, 0).map_or_else(|_| Vec::new(), |page| page.applications);
        let mut invitations = self.peer(Who::OtherOutsider).invitations(0, 0).expect("a page").invitations;
        invitations.retain(|invitation| invitation.groupid == group);
        Seen { profiles, members, last, changes, applications, invitations }
    }

    /// Whom an act of a line may concern; one, if it is all the same.
    fn targets(&self, who: Who, (act, rules): &GroupLine) -> Vec<Target> {
        if *act == GroupAct::RecallOfOthers {
            let others = Who::TARGETS.into_iter().filter(|other| self.id(*other) != self.id(who));
            return others.map(|who| Target { id: self.id(who), standing: who.standing() }).collect();
        }
        let outsider = Target { id: self.id(Who::OtherOutsider), standing: Standing::Outsider };
        if !rules.iter().any(|rule| matches!(rule, Rule::Below | Rule::Members)) {
            return vec![outsider];
        }
        let oneself = Target { id: self.id(who), standing: who.standing() };
        let others = Who::TARGETS.map(|who| Target { id: self.id(who), standing: who.standing() });
        let nobody = NOWHERE.into_iter().chain([self.gone]);
        let nobody = nobody.map(|id| Target { id, standing: Standing::Outsider });
        [oneself].into_iter().chain(others).chain(nobody).collect()
    }

    /// Tries a line of the table.
    fn walk(&mut self, line: &GroupLine, place: Place) {
        let act = line.0;
        let new_group = |cast: &mut Cast| match place {
            Place::Open => cast.group(act),
            Place::Dissolved => cast.dissolved_group(act),
        };
        // Who is refused changes nothing: one group serves all of them.
        let group = new_group(self);
        let before = self.seen(group);
        for who in Who::ACTORS {
            for target in self.targets(who, line) {
                let count = requests(act, group, target.id, &mut self.numbers).len();
                for which in 0..count {
                    let here = requests(act, group, target.id, &mut self.numbers).swap_remove(which);
                    let here = self.aimed(group, act, who, target, here);
                    match verdict(act, who, target, place, &here) {
                        Err(code) => {
                            let answer = self.peer(who).ask(&here).map_err(|refusal| refusal.code);
                            assert_eq!(answer, Err(code), "{place:?}: {who:?} on {target:?}: {here:?}");
                        }
                        Ok(()) => {
                            let group = new_group(self);
                            let request =
                                requests(act, group, target.id, &mut self.numbers).swap_remove(which);
                            let request = self.aimed(group, act, who, target, request);
                            self.allowed(group, act, who, target, &request);
                        }
                    }
                }
            }
            assert_eq!(self.seen(group), before, "{place:?}: {who:?} was refused to {act:?}");
        }
    }

    /// Tries what is allowed, in a group of its own.
    fn allowed(&mut self, group: u64, act: GroupAct, who: Who, target: Target, request: &Request) {
        let before = self.seen(group);
        let answer = self.peer(who).ask(request);
        assert!(answer.is_ok(), "{who:?} on {target:?}: {request:?}: {answer:?}");
        let is_so_already = match request {
            Request::SetRole(SetRole { role: Rank::Admin, .. }) => target.standing == Standing::Admin,
            Request::SetRole(SetRole { role: Rank::Member, .. }) => target.standing == Standing::Member,
            Request::MuteMember(mute) => mute.id == self.id(Who::Muted),
            // It is kept nowhere.
            Request::Typing(_) => true,
            Request::Applications(_) => true,
            _ => act == GroupAct::Look,
        };
        let after = self.seen(group);
        assert_eq!(after == before, is_so_already, "{who:?} on {target:?}: {request:?}");
    }
}

fn g4_who_may_is_done_and_who_may_not_changes_nothing(store: Store) {
    let server = Server::on(store);
    let mut cast = Cast::on(&server);
    for line in GROUP {
        cast.walk(line, Place::Open);
    }
}

fn g4_of_a_dissolved_group_its_members_read_and_nobody_does_more(store: Store) {
    let server = Server::on(store);
    let mut cast = Cast::on(&server);
    for line in GROUP {
        cast.walk(line, Place::Dissolved);
    }
}

fn g4_outsiders_cannot_tell_a_group_from_none(store: Store) {
    let server = Server::on(store);
    let mut cast = Cast::on(&server);
    let (open, dissolved) = (cast.group(GroupAct::Speak), cast.dissolved_group(GroupAct::Speak));
    let (before, before_dissolved) = (cast.seen(open), cast.seen(dissolved));
    for (act, _) in GROUP {
        for id in [Who::Member, Who::Outsider, Who::OtherOutsider].map(|who| cast.id(who)) {
            let mut numbers = Numbers::default();
            let mut frames = |groupid| {
                let asked = requests(*act, groupid, id, &mut numbers);
                let outsider = cast.peer(Who::Outsider);
                asked.iter().map(|request| outsider.ask_frame(request)).collect::<Vec<_>>()
            };
            let nowhere = NOWHERE.map(&mut frames);
            assert!(nowhere.iter().all(|at| *at == nowhere[0]), "{act:?}: {nowhere:?}");
            // Whether there is a group is what joining tells.
            if *act != GroupAct::Join {
                assert_eq!(frames(open), nowhere[0], "{act:?} in a group of others");
                assert_eq!(frames(dissolved), nowhere[0], "{act:?} in a dissolved group of others");
            }
        }
    }
    for groupid in NOWHERE {
        let refusal = cast.peer(Who::Owner).join_group(groupid).unwrap_err();
        assert_eq!(refusal.code, Code::NOT_FOUND, "{groupid}");
    }
    assert_eq!((cast.seen(open), cast.seen(dissolved)), (before, before_dissolved));
}

fn g2_where_nothing_waits_nothing_is_answered(store: Store) {
    let server = Server::on(store);
    let mut cast = Cast::on(&server);
    let group = cast.group(GroupAct::InviteToClosed);
    let before = cast.seen(group);
    let other = cast.id(Who::OtherOutsider);
    for who in Who::ACTORS {
        let expected = match who.standing() {
            Standing::Outsider => [Code::NOT_FOUND, Code::NOT_FOUND, Code::NOT_FOUND, Code::NOT_MEMBER],
            Standing::Member | Standing::Admin | Standing::Owner => {
                [Code::ALREADY_MEMBER, Code::ALREADY_MEMBER, Code::ALREADY_MEMBER, Code::NOT_FOUND]
            }
        };
        for (request, code) in answers(group, other).iter().zip(expected) {
            assert_eq!(cast.peer(who).refused(request), code, "{who:?}: {request:?}");
        }
    }
    let outsider = cast.peer(Who::Outsider);
    let mut frames = |groupid| {
        answers(groupid, other).iter().map(|request| outsider.ask_frame(request)).collect::<Vec<_>>()
    };
    let here = frames(group);
    for groupid in NOWHERE {
        assert_eq!(frames(groupid), here, "{groupid}");
    }
    assert_eq!(cast.seen(group), before);
}
