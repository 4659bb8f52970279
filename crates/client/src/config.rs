//! How a client is set up.

use std::time::Duration;

use crate::limits;
use crate::list_versions::ListVersions;
use crate::sync_state::SyncState;

/// Everything that a client needs to know beforehand.
#[derive(Clone, Debug)]
pub struct Config {
    /// `HOST:PORT`. Resolved at each attempt to connect; its addresses are tried in turn.
    pub server: String,
    /// The device's name as its user knows it, at most 64 characters; more are cut off.
    pub device: String,
    /// Name and version of the program, at most 64 characters; more are cut off.
    pub program: String,
    /// What an earlier client left behind.
    pub state: Option<SyncState>,
    /// The lists that the application kept from before.
    pub lists: Option<ListVersions>,
    /// How long a call may take.
    pub call_timeout: Duration,
    /// Whether messages to one conversation wait for each other.
    pub chat_order: ChatOrder,
    /// The bound of the first wait before connecting again.
    pub backoff_first: Duration,
    /// The bound at which it stops doubling.
    pub backoff_max: Duration,
}

/// Whether messages to one conversation wait for each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChatOrder {
    /// A message is sent when the one before it in the same conversation was answered: they keep their order even if
    /// the server was too busy for one. Different conversations do not wait.
    #[default]
    Strict,
    /// Messages are sent one behind the other. Faster over long lines; a message that the server was too busy for may
    /// come to stand behind a later one.
    Pipelined,
}

impl Config {
    /// The defaults, for a server.
    pub fn new(server: impl Into<String>) -> Config {
        Config {
            server: server.into(),
            device: String::new(),
            program: concat!("chat-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            state: None,
            lists: None,
            call_timeout: Duration::from_millis(limits::CALL_TIMEOUT_MS),
            chat_order: ChatOrder::default(),
            backoff_first: Duration::from_millis(limits::BACKOFF_FIRST_MS),
            backoff_max: Duration::from_millis(limits::BACKOFF_MAX_MS),
        }
    }

    /// With a device's name.
    #[must_use]
    pub fn device(mut self, device: impl Into<String>) -> Config {
        self.device = device.into();
        self
    }

    /// With what an earlier client left behind.
    #[must_use]
    pub fn state(mut self, state: SyncState) -> Config {
        self.state = Some(state);
        self
    }

    /// With lists that the application kept from before.
    #[must_use]
    pub fn lists(mut self, lists: ListVersions) -> Config {
        self.lists = Some(lists);
        self
    }
}
