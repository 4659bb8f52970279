//! Who asks.

use std::net::IpAddr;
use std::sync::Arc;

use domain::{SessionId, UserId};
use protocol::{Code, Refusal};

/// A connection, by the gateway's number for it. Never given twice while the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnKey(pub u64);

/// On whose behalf a connection speaks, once it is logged in. Everything that a request does, it does as its principal:
/// no request names its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The user.
    pub user: UserId,
    /// The user's name as it was at login.
    pub name: Arc<str>,
    /// The session.
    pub session: SessionId,
}

/// The one who asks: a connection and, once it is logged in, its principal.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The connection.
    pub conn: ConnKey,
    /// The device's name from HELLO, bounded by the gateway.
    pub device: &'a str,
    /// The client's address: the peer's, or the one that a trusted balancer told.
    pub address: IpAddr,
    /// `None` before login.
    pub principal: Option<&'a Principal>,
}

/// A caller who is logged in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Me<'a> {
    pub(crate) conn: ConnKey,
    pub(crate) address: IpAddr,
    pub(crate) principal: &'a Principal,
}

impl<'a> Caller<'a> {
    /// The caller, if logged in. The gateway has checked it; this makes a mistake there harmless.
    pub(crate) fn me(self) -> Result<Me<'a>, Refusal> {
        match self.principal {
            Some(principal) => Ok(Me { conn: self.conn, address: self.address, principal }),
            None => Err(Refusal::new(Code::NOT_LOGGED_IN)),
        }
    }

    /// The connection, if not logged in. As above.
    pub(crate) fn guest(self) -> Result<Caller<'a>, Refusal> {
        match self.principal {
            None => Ok(self),
            Some(_) => Err(Refusal::new(Code::ALREADY_LOGGED_IN)),
        }
    }
}

impl Me<'_> {
    pub(crate) fn user(&self) -> UserId {
        self.principal.user
    }
}
