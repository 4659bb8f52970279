//! One connection's owner: whether it is signed in, and what it says to be so.

use std::net::SocketAddr;

use bytes::BytesMut;
use protocol::encode;

use super::super::session;

/// Request ids of everything but messages: above theirs, below the swarm's own.
pub(super) const HELLO_RID: u32 = u32::MAX - 3;
pub(super) const RESUME_RID: u32 = u32::MAX - 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    In,
    /// Connects at this time.
    Away {
        until_ns: u64,
    },
    /// Gives up at this time.
    SigningIn {
        until_ns: u64,
    },
    /// Asks to resume again at this time: the node was busy.
    AsksAgain {
        at_ns: u64,
    },
}

#[derive(Clone, Copy)]
pub(super) enum Role {
    Sender(usize),
    Reader(usize),
    Nobody,
}

/// One connection's owner.
pub(super) struct Client {
    pub(super) role: Role,
    pub(super) addr: SocketAddr,
    pub(super) state: State,
    /// Failures since it was in.
    pub(super) failures: u32,
    pub(super) hello: BytesMut,
    pub(super) resume: BytesMut,
}

impl Client {
    pub(super) fn new(addr: SocketAddr) -> Client {
        let (hello, resume) = (BytesMut::new(), BytesMut::new());
        Client { role: Role::Nobody, addr, state: State::In, failures: 0, hello, resume }
    }

    pub(super) fn signs_in(&mut self, role: Role, token: &str) {
        self.role = role;
        encode::request(HELLO_RID, &session::hello(), &mut self.hello);
        encode::request(RESUME_RID, &session::resume(token), &mut self.resume);
    }
}
