//! What users say to each other and hear, in tests.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use domain::{Publication, Topic};
use protocol::{Code, CreateGroup, GroupChat, Page, Push, Reply, Request};

use crate::node::Peer;

pub(crate) fn message(push: &Push) -> Option<(u64, u64)> {
    if let Push::Message(message) = push { Some((message.conv, message.seq)) } else { None }
}

/// Why a connection ends.
pub(crate) fn bye(push: &Push) -> Option<Code> {
    if let Push::Bye(bye) = push { Some(Code(bye.errcode)) } else { None }
}

pub(crate) fn open_group(owner: &mut Peer) -> u64 {
    let create = CreateGroup { groupname: "all".into(), groupdesc: String::new() };
    match owner.call(Request::CreateGroup(create)) {
        Ok(Reply::CreateGroup(joined)) => joined.group.id,
        other => panic!("no group: {other:?}"),
    }
}

pub(crate) fn join(peer: &mut Peer, groupid: u64) {
    peer.call(Request::JoinGroup(protocol::JoinGroup::of(groupid))).expect("joined");
}

pub(crate) fn say(peer: &mut Peer, groupid: u64, id: &str) -> u64 {
    let chat =
        GroupChat { groupid, msg: format!("this is {id}"), client_msg_id: id.into(), ..GroupChat::default() };
    match peer.call(Request::GroupChat(chat)) {
        Ok(Reply::GroupChat(sent)) => sent.seq,
        other => panic!("not said: {other:?}"),
    }
}

pub(crate) fn tell(peer: &mut Peer, to: u64, id: &str) -> (u64, u64) {
    peer.chat(to, &format!("this is {id}"), id);
    match peer.reply().1 {
        Ok(Reply::OneChat(sent)) => (sent.conv, sent.seq),
        other => panic!("not said: {other:?}"),
    }
}

/// The first message between them; from it on both nodes know the place in their conversation, which is returned.
pub(crate) fn greet(one: &mut Peer, other: &mut Peer) -> u64 {
    let (conv, _) = tell(one, other.id, "first");
    assert_eq!(next_seqs(other, conv, 1), [1]);
    conv
}

/// The seqs of the next pushed messages of a conversation.
pub(crate) fn next_seqs(peer: &mut Peer, conv: u64, n: usize) -> Vec<u64> {
    (0..n).map(|_| peer.push(|push| message(push).filter(|(of, _)| *of == conv)).1).collect()
}

/// All that came until an answer, which comes after whatever was on its way.
pub(crate) fn messages_so_far(peer: &mut Peer) -> Vec<(u64, u64)> {
    peer.call(Request::Friends(Page::default())).expect("a page");
    std::mem::take(&mut peer.pushes).iter().filter_map(message).collect()
}

pub(crate) struct Quiet<'a>(pub(crate) &'a AtomicBool);

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        self.0.store(false, SeqCst);
    }
}

/// Longer than messages that were said at once may lie apart.
pub(crate) const LONG_MS: u64 = 60_000;

pub(crate) fn is_users(publication: &Publication) -> bool {
    matches!(publication.topic, Topic::User(_))
}

pub(crate) fn is_nodes(topic: Topic) -> bool {
    topic == Topic::Nodes
}
