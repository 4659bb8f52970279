//! Before the play: everybody registers, finds friends, and comes into groups, while nothing is broken yet.

use std::net::SocketAddr;

use protocol::{AddFriend, CreateGroup, FriendRef, JoinAnswer, JoinGroup, Joined, Nothing, Reply, Request};

use super::{
    cast::Cast,
    clock,
    town::{PASSWORD, Resident, Town},
};
use crate::{
    error::BenchError,
    load::{Session, unexpected},
};

/// Makes the users, friendships and groups of the cast.
pub(crate) fn assemble(cast: &Cast, server: SocketAddr) -> Result<Town, BenchError> {
    let mut candidates = Vec::new();
    for person in &cast.people {
        candidates.push(Candidate::register(server, &person.name)?);
    }
    for &(one, other) in &cast.friendships {
        befriend(&candidates[one], &candidates[other])?;
    }
    let mut groups = Vec::new();
    for members in &cast.groups {
        groups.push(gather(members.iter().map(|member| &candidates[*member]))?);
    }
    for candidate in &candidates {
        candidate.session()?.ask("LOGINOUT", &Request::LogOut(Nothing {}))?;
    }
    Ok(Town::new(candidates.into_iter().map(|candidate| candidate.resident).collect(), groups))
}

/// A user in the making.
struct Candidate {
    server: SocketAddr,
    resident: Resident,
    token: String,
}

impl Candidate {
    fn register(server: SocketAddr, name: &str) -> Result<Candidate, BenchError> {
        let mut session = Session::connect(server)?;
        let id = session.register(name, PASSWORD)?;
        let token = session.log_in(name, PASSWORD)?.token;
        let token = token.map(|token| token.expose().to_owned()).unwrap_or_default();
        Ok(Candidate { server, resident: Resident::new(id, name.to_owned()), token })
    }

    /// A connection for a moment: none is idle so long that its node would lose patience.
    fn session(&self) -> Result<Session, BenchError> {
        let mut session = Session::connect(self.server)?;
        session.resume(&self.token)?;
        Ok(session)
    }
}

fn befriend(one: &Candidate, other: &Candidate) -> Result<(), BenchError> {
    let ask = AddFriend { friendid: other.resident.id, greeting: String::new() };
    one.session()?.ask("ADD_FRIEND", &Request::AddFriend(ask))?;
    let accept = Request::AcceptFriend(FriendRef { friendid: one.resident.id });
    let friend = match other.session()?.ask("ACCEPT_FRIEND", &accept)? {
        Reply::AcceptFriend(answer) => answer.friend,
        reply => return Err(unexpected("ACCEPT_FRIEND", &reply)),
    };
    let got = || BenchError::Unexpected { request: "ACCEPT_FRIEND", got: "no friend".into() };
    let conv = friend.ok_or_else(got)?.conv;
    one.resident.household().befriend(other.resident.id, conv);
    other.resident.household().befriend(one.resident.id, conv);
    Ok(())
}

/// Opens a group; the first member owns it.
fn gather<'a>(members: impl Iterator<Item = &'a Candidate>) -> Result<u64, BenchError> {
    let mut group = None;
    for member in members {
        let begun_ms = clock::now_ms();
        let mut session = member.session()?;
        let joined = match group {
            None => open(&mut session)?,
            Some(group) => join(&mut session, group)?,
        };
        let (id, first) = (joined.group.id, joined.conv.first);
        let mut household = member.resident.household();
        household.joined(member.resident.id, id, begun_ms, Some(first));
        if group.is_none() {
            household.owned.push(id);
        }
        group = Some(id);
    }
    group.ok_or(BenchError::Usage("a group needs a member"))
}

fn open(session: &mut Session) -> Result<Joined, BenchError> {
    let create = CreateGroup { groupname: "from the beginning".into(), groupdesc: String::new() };
    match session.ask("CREATE_GROUP", &Request::CreateGroup(create))? {
        Reply::CreateGroup(joined) => Ok(joined),
        reply => Err(unexpected("CREATE_GROUP", &reply)),
    }
}

fn join(session: &mut Session, groupid: u64) -> Result<Joined, BenchError> {
    match session.ask("ADD_GROUP", &Request::JoinGroup(JoinGroup::of(groupid)))? {
        Reply::JoinGroup(JoinAnswer { group: Some(group), conv: Some(conv), .. }) => {
            Ok(Joined { group, conv })
        }
        reply => Err(unexpected("ADD_GROUP", &reply)),
    }
}
