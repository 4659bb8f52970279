//! B1, B2, B4, B5, B6, A8, A10: the table of pairs, walked over the wire. Each act × what is between two users.

use domain::policy::{PAIR, PairAct, PairLine, Relation, between};
use protocol::{
    AddFriend, Code, Conversation, EditFriend, FoundUser, Friend, FriendRef, FriendRequest, Invitation,
    MemberRef, Notice, OwnedGroups, ProfileOf, Refusal, Reply, Request, SearchUsers, UserRef,
};

use testkit::eventually;

use super::policy::{Numbers, stated};
use crate::support::{DEADLINE, PASSWORD, Peer, Server, Store, befriend, chat, log_in, on_each_store, user};

on_each_store! {
    b6_who_may_is_done_and_who_may_not_changes_nothing,
    b6_what_one_may_not_know_of_is_like_nobody,
    b1_without_a_request_nothing_is_answered,
}

/// Ids that nobody has, the last one beyond what a store can number.
const NOBODY: [u64; 3] = [0, 999_999, u64::MAX];

/// What is between two: the columns of the table, and what comes down to one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Between {
    Myself,
    /// There was never anybody.
    Nobody,
    /// There was a friend, whose account is deleted.
    Deleted,
    BlockedByThem,
    BlockedByMe,
    Friend,
    Stranger,
}

impl Between {
    const ALL: [Between; 7] = [
        Between::Myself,
        Between::Nobody,
        Between::Deleted,
        Between::BlockedByThem,
        Between::BlockedByMe,
        Between::Friend,
        Between::Stranger,
    ];

    fn relation(self) -> Relation {
        match self {
            Between::Myself => Relation::Myself,
            Between::Nobody | Between::Deleted => Relation::Nobody,
            Between::BlockedByThem => Relation::BlockedByThem,
            Between::BlockedByMe => Relation::BlockedByMe,
            Between::Friend => Relation::Friend,
            Between::Stranger => Relation::Stranger,
        }
    }
}

/// The requests that stand for an act towards somebody.
pub(super) fn requests(act: PairAct, id: u64, groupid: u64, numbers: &mut Numbers) -> Vec<Request> {
    match act {
        PairAct::Say => vec![chat(id, "text", &numbers.next())],
        PairAct::Befriend => {
            vec![Request::AddFriend(AddFriend { friendid: id, greeting: String::new() })]
        }
        PairAct::Keep => vec![
            Request::DeleteFriend(FriendRef { friendid: id }),
            Request::EditFriend(EditFriend { friendid: id, remark: Some(numbers.next()), label: None }),
        ],
        PairAct::LookUp => vec![
            Request::Profile(ProfileOf { id: Some(id) }),
            Request::SearchUsers(SearchUsers { query: id.to_string(), ..SearchUsers::default() }),
        ],
        PairAct::Block => vec![Request::Block(UserRef { userid: id })],
        PairAct::Unblock => vec![Request::Unblock(UserRef { userid: id })],
        PairAct::Invite => vec![Request::Invite(MemberRef { groupid, id })],
    }
}

/// The answers to a request for friendship: without one that waits they are of no use, whatever is between the two.
pub(super) fn answers(friendid: u64) -> Vec<Request> {
    vec![
        Request::AcceptFriend(FriendRef { friendid }),
        Request::RefuseFriend(FriendRef { friendid }),
        Request::WithdrawFriend(FriendRef { friendid }),
    ]
}

/// Two users, or one and nobody.
struct Pair {
    me: Peer,
    /// Another device of mine.
    phone: Peer,
    /// Somebody else. Where the other is nobody or oneself, a stranger who looks on.
    other: Peer,
    /// A group of mine.
    group: u64,
    /// The ids of the one that an act is towards; several, where nobody has them.
    ids: Vec<u64>,
}

/// What both see of what is between them.
#[derive(Debug, PartialEq)]
struct Seen(Vec<View>);

#[derive(Debug, PartialEq)]
struct View {
    friends: Vec<Friend>,
    requests: Vec<FriendRequest>,
    blocked: Vec<FoundUser>,
    notices: Vec<Notice>,
    conversations: Vec<Conversation>,
    invitations: Vec<Invitation>,
}

impl Pair {
    fn new(server: &Server, between: Between, numbers: &mut Numbers) -> Pair {
        let names = [numbers.next(), numbers.next()];
        let (mut me, mut other) = (user(server, &names[0]), user(server, &names[1]));
        let ids = match between {
            Between::Myself => vec![me.id],
            Between::Nobody => NOBODY.to_vec(),
            Between::Deleted => {
                let mut gone = user(server, &numbers.next());
                befriend(&mut gone, &mut me);
                gone.delete_account(PASSWORD, OwnedGroups::HandOver).expect("deleted");
                // What follows from it is told within seconds, and is no answer to what is tried here.
                eventually(DEADLINE, "the friend is gone", || {
                    me.friends(0, 0).expect("a page").friends.is_empty().then_some(())
                });
                vec![gone.id]
            }
            Between::Friend => {
                befriend(&mut other, &mut me);
                vec![other.id]
            }
            Between::BlockedByThem => {
                other.block(me.id).expect("blocked");
                vec![other.id]
            }
            Between::BlockedByMe => {
                me.block(other.id).expect("blocked");
                vec![other.id]
            }
            Between::Stranger => vec![other.id],
        };
        let group = me.create_group("mine", "").expect("opened").group.id;
        Pair { me, group, phone: log_in(server, &names[0], "phone"), other, ids }
    }

    fn seen(&mut self) -> Seen {
        let views = [&mut self.me, &mut self.other].map(|peer| View {
            // When somebody was last there is a matter of time, not of who may.
            friends: peer
                .friends(0, 0)
                .expect("a page")
                .friends
                .into_iter()
                .map(|friend| Friend { last_seen: 0, ..friend })
                .collect(),
            requests: peer.friend_requests(0, 0).expect("a page").requests,
            blocked: peer.blocked(0, 0).expect("a page").blocked,
            notices: peer.notices(0, 0).expect("a page").notices,
            conversations: peer.conversations(0, 0).expect("a page").convs,
            invitations: peer.invitations(0, 0).expect("a page").invitations,
        });
        Seen(views.into())
    }
}

/// What an answer comes down to: a search that finds nobody says that there is nobody.
fn code(id: u64, answer: Result<Reply, Refusal>) -> Result<(), Code> {
    match answer.map_err(|refusal| refusal.code)? {
        Reply::SearchUsers(users) if users.found.iter().all(|user| user.id != id) => Err(Code::NOT_FOUND),
        _ => Ok(()),
    }
}

fn walk(server: &Server, (act, _): &PairLine, relation: Between, numbers: &mut Numbers) {
    let expected = between(*act, relation.relation()).map_err(stated);
    let mut pair = Pair::new(server, relation, numbers);
    let before = pair.seen();
    for id in pair.ids.clone() {
        let count = requests(*act, id, pair.group, numbers).len();
        for which in 0..count {
            // From each device. Who is refused changes nothing, so that one pair serves all.
            for on_phone in [false, true] {
                let mut fresh = match expected {
                    Ok(()) => Some(Pair::new(server, relation, numbers)),
                    Err(_) => None,
                };
                let id = fresh.as_ref().map_or(id, |fresh| fresh.ids[0]);
                let here = fresh.as_mut().unwrap_or(&mut pair);
                let request = requests(*act, id, here.group, numbers).swap_remove(which);
                let before = here.seen();
                let device = if on_phone { &mut here.phone } else { &mut here.me };
                let answer = code(id, device.ask(&request));
                assert_eq!(answer, expected, "{relation:?}: {request:?}");
                // To look changes nothing, nor does to block once more.
                let is_idle =
                    *act == PairAct::LookUp || (*act, relation) == (PairAct::Block, Between::BlockedByMe);
                assert_eq!(here.seen() == before, is_idle || expected.is_err(), "{relation:?}: {request:?}");
            }
        }
    }
    assert_eq!(pair.seen(), before, "{act:?} towards {relation:?}");
}

fn b6_who_may_is_done_and_who_may_not_changes_nothing(store: Store) {
    let server = Server::on(store);
    let mut numbers = Numbers::default();
    for line in PAIR {
        for relation in Between::ALL {
            walk(&server, line, relation, &mut numbers);
        }
    }
}

fn b6_what_one_may_not_know_of_is_like_nobody(store: Store) {
    let server = Server::on(store);
    let mut numbers = Numbers::default();
    for (act, _) in PAIR {
        let nobody = between(*act, Relation::Nobody);
        let alike = Between::ALL
            .into_iter()
            .filter(|relation| nobody.is_err() && between(*act, relation.relation()) == nobody);
        let mut first: Option<Vec<Vec<u8>>> = None;
        for relation in alike {
            let mut pair = Pair::new(&server, relation, &mut numbers);
            for id in pair.ids.clone() {
                let asked = requests(*act, id, pair.group, &mut numbers);
                let frames: Vec<_> = asked.iter().map(|request| pair.me.ask_frame(request)).collect();
                assert_eq!(first.get_or_insert_with(|| frames.clone()), &frames, "{relation:?}: {asked:?}");
            }
        }
    }
}

fn b1_without_a_request_nothing_is_answered(store: Store) {
    let server = Server::on(store);
    let mut numbers = Numbers::default();
    let mut first: Option<Vec<Vec<u8>>> = None;
    for relation in Between::ALL {
        let mut pair = Pair::new(&server, relation, &mut numbers);
        let before = pair.seen();
        let expected = if relation == Between::Myself { Code::SELF } else { Code::NOT_FOUND };
        for id in pair.ids.clone() {
            for request in answers(id) {
                assert_eq!(pair.me.refused(&request), expected, "{relation:?}: {request:?}");
            }
            if relation != Between::Myself {
                let frames: Vec<_> = answers(id).iter().map(|request| pair.me.ask_frame(request)).collect();
                assert_eq!(first.get_or_insert_with(|| frames.clone()), &frames, "{relation:?}: {id}");
            }
        }
        assert_eq!(pair.seen(), before, "{relation:?}");
    }
}
