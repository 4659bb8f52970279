//! Changes of groups that meet: who comes second is told so, and there is one owner, one decision, one last message. What is
//! raced is written for two connections, wherever they are: `cluster` runs it across nodes.

use protocol::{
    ChatMessage, Code, DecideApplication, GroupRef, History, JoinGroup, Joining, MemberRef, Rank, Refusal,
    Reply, Request, Role, SystemEventKind, Verdict,
};

use super::joining::group_with;
use crate::support::{Options, Peer, Server, Store, group_chat, log_in, on_each_store, user};

on_each_store! {
    g2_two_admins_decide_one_application,
    g2_the_last_seat_is_taken_by_two,
    g3_a_member_leaves_while_being_removed,
    g4_the_owner_leaves_while_handing_over,
    g4_the_heir_leaves_while_being_handed_the_group,
    g4_two_devices_hand_over_to_two,
    g1_a_group_is_dissolved_during_sends,
}

/// How often a race is run: rare orders need more than one try.
pub(crate) const ROUNDS: usize = 8;

/// The setting and the number of seats where the last one is raced for.
pub(crate) const SEATS: (&str, usize) = ("group-members-max", 2);

fn three(server: &Server) -> (Peer, Peer, Peer) {
    (user(server, "alice"), user(server, "bob"), user(server, "carol"))
}

fn g2_two_admins_decide_one_application(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, mut carol) = three(&server);
    decided_by_two(&mut alice, &mut bob, &mut carol);
}

fn g2_the_last_seat_is_taken_by_two(store: Store) {
    let server = Server::start(Options::on(store).with(SEATS.0, SEATS.1));
    let (mut alice, mut bob, mut carol) = three(&server);
    last_seat_taken_by_two(&mut alice, &mut bob, &mut carol);
}

fn g3_a_member_leaves_while_being_removed(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = three(&server);
    leaves_while_removed(&mut alice, &mut bob);
}

fn g4_the_owner_leaves_while_handing_over(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = three(&server);
    let mut phone = log_in(&server, "alice", "phone");
    owner_leaves_while_handing_over(&mut alice, &mut phone, &mut bob);
}

fn g4_the_heir_leaves_while_being_handed_the_group(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = three(&server);
    heir_leaves_while_handed_over(&mut alice, &mut bob);
}

fn g4_two_devices_hand_over_to_two(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, mut carol) = three(&server);
    let mut phone = log_in(&server, "alice", "phone");
    handed_over_to_two((&mut alice, &mut phone), &mut bob, &mut carol);
}

fn g1_a_group_is_dissolved_during_sends(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = three(&server);
    dissolved_during_sends(&mut alice, &mut bob);
}

/// Done, or refused with one of these.
fn done_or(result: Result<Reply, Refusal>, codes: &[Code]) -> bool {
    match result {
        Ok(_) => true,
        Err(refusal) => {
            assert!(codes.contains(&refusal.code), "{refusal:?}");
            false
        }
    }
}

/// Sends both, one or the other first by turns; whether each was done.
fn both(
    round: usize,
    (one, first, first_codes): (&mut Peer, &Request, &[Code]),
    (other, second, second_codes): (&mut Peer, &Request, &[Code]),
) -> (bool, bool) {
    let (first, second) = match round % 2 {
        0 => {
            let first = one.send(first);
            (first, other.send(second))
        }
        _ => {
            let second = other.send(second);
            (one.send(first), second)
        }
    };
    (done_or(one.reply(first), first_codes), done_or(other.reply(second), second_codes))
}

/// The members and their roles, as one of them is shown.
fn roles(peer: &mut Peer, group: u64) -> Vec<(u64, Role)> {
    let members = peer.group_members(group, 0, 0).expect("a page").users;
    members.into_iter().map(|member| (member.id, member.role)).collect()
}

fn owners(peer: &mut Peer, group: u64) -> Vec<u64> {
    roles(peer, group).into_iter().filter(|(_, role)| *role == Role::Owner).map(|(id, _)| id).collect()
}

/// The whole conversation, system messages and all: none of these is longer than a page.
fn log(peer: &mut Peer, group: u64) -> Vec<ChatMessage> {
    let page = History { conv: group, after: Some(0), before: None, at: None, limit: 200 };
    let page = peer.history(page).expect("a page");
    assert_eq!(page.messages.last().map(|message| message.seq), Some(page.last), "one page");
    page.messages
}

/// How often the conversation says this.
fn said(peer: &mut Peer, group: u64, what: SystemEventKind) -> usize {
    log(peer, group)
        .iter()
        .filter(|message| message.event.as_ref().is_some_and(|event| event.what == what))
        .count()
}

fn hand_over(groupid: u64, id: u64) -> Request {
    Request::HandOver(MemberRef { groupid, id })
}

fn leave(groupid: u64) -> Request {
    Request::LeaveGroup(GroupRef { groupid })
}

/// A group with this member.
fn with_member(owner: &mut Peer, member: &mut Peer) -> u64 {
    let group = owner.create_group("raced", "").expect("opened").group.id;
    member.join_group(group).expect("joined");
    group
}

/// The owner accepts and an admin refuses the same application.
pub(crate) fn decided_by_two(owner: &mut Peer, admin: &mut Peer, applicant: &mut Peer) {
    for round in 0..ROUNDS {
        let group = group_with(owner, Joining::Approval);
        admin.ask_in(group, "").expect("applied");
        owner.decide(group, admin.id, Verdict::Accept).expect("let in");
        owner.set_role(group, admin.id, Rank::Admin).expect("appointed");
        applicant.ask_in(group, "").expect("applied");
        let id = applicant.id;
        let decide =
            |decision| Request::DecideApplication(DecideApplication { groupid: group, id, decision });
        let (accepted, refused) = both(
            round,
            (owner, &decide(Verdict::Accept), &[Code::NOT_FOUND]),
            (admin, &decide(Verdict::Refuse), &[Code::NOT_FOUND]),
        );
        assert_ne!(accepted, refused, "round {round}: decided once");
        assert_eq!(roles(owner, group).iter().any(|(member, _)| *member == id), accepted, "round {round}");
        assert_eq!(owner.applications(group, 0, 0, 0).expect("a page").applications, []);
    }
    let told = applicant.notices(0, 0).expect("a page").notices;
    assert_eq!(told.len(), ROUNDS, "each decision is told once: {told:?}");
}

/// Of [`SEATS`] one is left, and two want it.
pub(crate) fn last_seat_taken_by_two(owner: &mut Peer, bob: &mut Peer, carol: &mut Peer) {
    for round in 0..ROUNDS {
        let group = owner.create_group("small", "").expect("opened").group.id;
        let join = Request::JoinGroup(JoinGroup::of(group));
        let (one, other) = both(round, (bob, &join, &[Code::FULL]), (carol, &join, &[Code::FULL]));
        assert_ne!(one, other, "round {round}: there is one seat");
        let seated = if one { bob.id } else { carol.id };
        assert_eq!(roles(owner, group), [(owner.id, Role::Owner), (seated, Role::Member)], "round {round}");
        assert_eq!(said(owner, group, SystemEventKind::Joined), 1, "round {round}");
        owner.dissolve_group(group).expect("dissolved");
        for peer in [&mut *owner, &mut *bob, &mut *carol] {
            done_or(peer.ask(&leave(group)), &[Code::NOT_MEMBER]);
        }
    }
}

/// A member goes while the owner puts them out.
pub(crate) fn leaves_while_removed(owner: &mut Peer, member: &mut Peer) {
    for round in 0..ROUNDS {
        let group = with_member(owner, member);
        let remove = Request::RemoveMember(MemberRef { groupid: group, id: member.id });
        let (removed, left) =
            both(round, (owner, &remove, &[Code::NOT_FOUND]), (member, &leave(group), &[Code::NOT_MEMBER]));
        assert_ne!(removed, left, "round {round}: one goes once");
        assert_eq!(roles(owner, group), [(owner.id, Role::Owner)], "round {round}");
        let told = [SystemEventKind::Removed, SystemEventKind::Left].map(|what| said(owner, group, what));
        assert_eq!(told, [usize::from(removed), usize::from(left)], "round {round}");
    }
}

/// The owner hands over on one device, and leaves on another.
pub(crate) fn owner_leaves_while_handing_over(owner: &mut Peer, phone: &mut Peer, heir: &mut Peer) {
    for round in 0..ROUNDS {
        let group = with_member(owner, heir);
        let (handed, left) = both(
            round,
            (owner, &hand_over(group, heir.id), &[]),
            (phone, &leave(group), &[Code::OWNER_STAYS]),
        );
        assert!(handed, "an owner who could not leave is still there");
        assert_eq!(owners(heir, group), [heir.id], "round {round}");
        let stays = roles(heir, group).contains(&(owner.id, Role::Admin));
        assert_eq!(stays, !left, "round {round}");
        heir.dissolve_group(group).expect("hers to dissolve");
    }
}

/// The owner hands over to somebody who leaves.
pub(crate) fn heir_leaves_while_handed_over(owner: &mut Peer, heir: &mut Peer) {
    for round in 0..ROUNDS {
        let group = with_member(owner, heir);
        let (handed, left) = both(
            round,
            (owner, &hand_over(group, heir.id), &[Code::NOT_FOUND]),
            (heir, &leave(group), &[Code::OWNER_STAYS]),
        );
        assert_ne!(handed, left, "round {round}: a group has an owner");
        let expected = if handed { heir.id } else { owner.id };
        assert_eq!(owners(owner, group), [expected], "round {round}");
        assert_eq!(said(owner, group, SystemEventKind::HandedOver), usize::from(handed), "round {round}");
    }
}

/// Two devices of the owner hand over to two members.
pub(crate) fn handed_over_to_two((desk, phone): (&mut Peer, &mut Peer), bob: &mut Peer, carol: &mut Peer) {
    for round in 0..ROUNDS {
        let group = with_member(desk, bob);
        carol.join_group(group).expect("joined");
        let (to_bob, to_carol) = both(
            round,
            (desk, &hand_over(group, bob.id), &[Code::NOT_ALLOWED]),
            (phone, &hand_over(group, carol.id), &[Code::NOT_ALLOWED]),
        );
        assert_ne!(to_bob, to_carol, "round {round}: one has the group");
        assert_eq!(owners(bob, group), [if to_bob { bob.id } else { carol.id }], "round {round}");
    }
}

/// A member talks while the owner dissolves: what is answered is stored, and nothing after the end.
pub(crate) fn dissolved_during_sends(owner: &mut Peer, member: &mut Peer) {
    for round in 0..ROUNDS {
        let group = with_member(owner, member);
        let requests: Vec<Request> =
            (0..40).map(|n| group_chat(group, &n.to_string(), &format!("during-{group}-{n}"))).collect();
        // In several rows, and the end between them, a little later each round.
        let (mut sent, mut dissolved) = (Vec::new(), None);
        for (n, some) in requests.chunks(4).enumerate() {
            sent.extend(member.send_all(some));
            if n == round {
                dissolved = Some(owner.send(&Request::DissolveGroup(GroupRef { groupid: group })));
            }
        }
        owner.reply(dissolved.expect("sent")).expect("dissolved");
        let told = log(owner, group);
        let stored = told.iter().filter(|message| message.event.is_none()).count();
        let last =
            told.last().and_then(|message| message.event.clone()).expect("a system message is the last");
        assert_eq!(last.what, SystemEventKind::Dissolved, "round {round}");
        let answered = sent.into_iter().filter(|rid| done_or(member.reply(*rid), &[Code::DISSOLVED])).count();
        assert_eq!(log(owner, group).len(), told.len(), "something was stored after the end");
        assert_eq!(answered, stored, "what was answered is stored, and nothing else");
    }
}
