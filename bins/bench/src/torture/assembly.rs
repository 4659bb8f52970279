//! Before the play: everybody registers, finds friends, and comes into groups, while nothing is broken yet.

use std::net::SocketAddr;

use protocol::{AddFriend, CreateGroup, FriendRef, GroupRef, Joined, Nothing, Reply, Request};

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
    let mut sessions = Vec::new();
    let mut residents = Vec::new();
    for person in &cast.people {
        let mut session = Session::connect(server)?;
        let id = session.register(&person.name, PASSWORD)?;
        session.log_in(&person.name, PASSWORD)?;
        sessions.push(session);
        residents.push(Resident::new(id, person.name.clone()));
    }
    for &(one, other) in &cast.friendships {
        let ask = AddFriend { friendid: residents[other].id, greeting: String::new() };
        sessions[one].ask("ADD_FRIEND", &Request::AddFriend(ask))?;
        let accept = Request::AcceptFriend(FriendRef { friendid: residents[one].id });
        let friend = match sessions[other].ask("ACCEPT_FRIEND", &accept)? {
            Reply::AcceptFriend(answer) => answer.friend,
            reply => return Err(unexpected("ACCEPT_FRIEND", &reply)),
        };
        let got = || BenchError::Unexpected { request: "ACCEPT_FRIEND", got: "no friend".into() };
        let conv = friend.ok_or_else(got)?.conv;
        residents[one].household().befriend(residents[other].id, conv);
        residents[other].household().befriend(residents[one].id, conv);
    }
    let mut groups = Vec::new();
    for members in &cast.groups {
        let mut group = 0;
        for (at, &member) in members.iter().enumerate() {
            let begun_ms = clock::now_ms();
            let joined =
                if at == 0 { open(&mut sessions[member])? } else { join(&mut sessions[member], group)? };
            group = joined.group.id;
            let resident = &residents[member];
            let mut household = resident.household();
            household.joined(resident.id, group, begun_ms, Some(joined.conv.first));
            if at == 0 {
                household.owned.push(group);
            }
        }
        groups.push(group);
    }
    for session in &mut sessions {
        session.ask("LOGINOUT", &Request::LogOut(Nothing {}))?;
    }
    Ok(Town::new(residents, groups))
}

fn open(session: &mut Session) -> Result<Joined, BenchError> {
    let create = CreateGroup { groupname: "from the beginning".into(), groupdesc: String::new() };
    match session.ask("CREATE_GROUP", &Request::CreateGroup(create))? {
        Reply::CreateGroup(joined) => Ok(joined),
        reply => Err(unexpected("CREATE_GROUP", &reply)),
    }
}

fn join(session: &mut Session, groupid: u64) -> Result<Joined, BenchError> {
    match session.ask("ADD_GROUP", &Request::JoinGroup(GroupRef { groupid }))? {
        Reply::JoinGroup(joined) => Ok(joined),
        reply => Err(unexpected("ADD_GROUP", &reply)),
    }
}
