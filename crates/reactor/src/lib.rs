//! Under construction: the public names, for others to compile against.

mod agenda;
mod clock;
mod close;
mod config;
mod conn_id;
mod connection;
mod handler;
mod input;
mod link;
mod listen;
mod mailbox;
mod metrics;
mod outbox;
mod reactor;
mod remote;
mod signals;
mod wheel;

pub use close::CloseReason;
pub use config::{Config, ConfigError};
pub use conn_id::ConnId;
pub use handler::{Handler, LoopInfo};
pub use link::Link;
pub use listen::listen;
pub use metrics::{Metrics, Snapshot};
pub use reactor::{Reactor, ReactorDied, Running, StartError, Stopper};
pub use remote::{Command, MailboxFull, Remote};
