//! The service: what the gateway calls.

use std::sync::Arc;

use domain::{Clock, Entropy, PasswordHasher, Presence, Store, StoreResult};
use protocol::{Refusal, Reply, Request};

use crate::batch::{Batch, Pending};
use crate::caller::{Caller, Principal};
use crate::config::ServiceConfig;
use crate::hub::Hub;

/// The ports that the service works on.
#[derive(Clone)]
pub struct Ports {
    /// Users, sessions, friends, groups, messages.
    pub store: Arc<dyn Store>,
    /// Who is connected.
    pub presence: Arc<dyn Presence>,
    /// This node's connections.
    pub hub: Arc<dyn Hub>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Tokens.
    pub entropy: Arc<dyn Entropy>,
    /// Password hashes.
    pub hasher: Arc<dyn PasswordHasher>,
}

/// What the gateway does with a handled request.
#[derive(Debug)]
pub enum Handled {
    /// Answer.
    Reply(Reply),
    /// The connection speaks for this principal from now on; then answer.
    SignedIn(Principal, Reply),
    /// The connection speaks for nobody from now on; then answer.
    SignedOut(Reply),
    /// Give it to the appender of its conversation, which answers.
    Append(Pending),
}

/// The business rules. One per node, shared by all workers; it holds caches but no truth.
pub struct Service {
    ports: Ports,
    config: ServiceConfig,
}

impl Service {
    /// A service over these ports.
    pub fn new(ports: Ports, config: ServiceConfig) -> Service {
        Service { ports, config }
    }

    /// Runs a request whose route's access rule the gateway has checked. Blocks as long as the stores do.
    ///
    /// Every request gets exactly one answer: this result, or for [`Handled::Append`] the [`Delivery`].
    pub fn handle(&self, _caller: Caller<'_>, _rid: u32, _request: Request) -> Result<Handled, Refusal> {
        Err(Refusal::new(protocol::Code::INTERNAL))
    }

    /// Stores a batch in one transaction and gives answers and messages to the hub. On success the batch is empty. On
    /// failure it is as before, and may be appended again: a message that was stored after all is then a repeat.
    pub fn append(&self, _batch: &mut Batch) -> StoreResult<()> {
        Ok(())
    }

    /// Answers every message of a batch that could not be stored with BUSY, and empties it.
    pub fn refuse(&self, _batch: &mut Batch) {}

    /// A connection of this principal is gone, without having logged out.
    pub fn disconnected(&self, _conn: crate::ConnKey, _principal: &Principal) {}

    /// Stores what is written behind, and cleans up. Called about once a second by one thread, and once at the end.
    pub fn tick(&self) {}
}
