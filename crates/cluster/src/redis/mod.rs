//! Nodes that meet at a Redis: a bus over its channels, and presence as leases in its memory.
//!
//! # The nouns, and how they meet
//!
//! [`connect`] gives a [`Membership`], which owns the threads, and with it the two ports: a [`RedisBus`] and a
//! [`RedisPresence`]. A node is known by its *name*. Its *lease* in Redis lasts a little less than the time to live and is
//! renewed by a *beat* each second; it carries an *epoch*, the Unix milliseconds at which it was taken. A node that lost
//! its lease (it stood still, or Redis lost its memory) takes a new one under a new epoch. The first epoch of a process is
//! its *boot*, by which the others tell it from older and newer processes of the same name.
//!
//! ```no_run
//! # fn main() -> Result<(), cluster::redis::ConnectError> {
//! # let clock: std::sync::Arc<dyn domain::Clock> = unimplemented!();
//! use cluster::redis::{Config, connect};
//! use domain::{Bus, Topic, UserId};
//!
//! let config = Config { node: "berlin-1".to_owned(), ..Config::default() };
//! let membership = connect(&config, clock)?;
//! membership.bus().subscribe(&[Topic::User(UserId(7))]);
//! membership.stop(); // with a goodbye
//! # Ok(())
//! # }
//! ```
//!
//! # Threads
//!
//! | thread | does | waits for |
//! |---|---|---|
//! | `bus-listen` | reads all channels, calls the receiver | its own connection, on a mio loop |
//! | `bus-publish-N` | connects a lane, confirms, writes what had to wait | its lane |
//! | `node-lease` | renews the lease, calls the roll, tries whether Redis is back | the next beat |
//! | `node-keeper` | tells Redis of this node's users, takes those of dead nodes off | work |
//! | `history-cache` | puts what was said behind the recent messages that Redis keeps | work |
//!
//! Presence calls run in the caller's thread, and so does a publication as long as its socket takes it at once.
//!
//! # What may be lost, and what is told then
//!
//! Redis forgets a publication that nobody listens to. Therefore, whatever may have gone by is told to the receiver as
//! [`missed`](domain::BusReceiver::missed), with [`MARGIN`] taken off for the clocks of others:
//!
//! - The subscriber lost its connection, or heard nothing for [`SILENCE_LIMIT`] although it pinged, or did not hear the
//!   node's own beat: since the last ping that was answered, or since another node was last known to have published
//!   everything, if that is longer ago; once all topics are subscribed again.
//! - Another node refused publications because its queue was full, or ended with some unpublished: since the first of them.
//!   Its beats tell so for five minutes.
//! - Another node died: since it was last known to have published everything. Each beat says up to when it has.
//!
//! Publications that Redis did not confirm are sent again: they may be heard twice, never out of order for one topic.
//!
//! # While Redis is away
//!
//! `publish` queues up to its limit, `subscribe` returns at once. Presence calls return at once too: own users are online,
//! all others are unknown. After a restart with an empty memory all nodes register again within a second or two; for three
//! seconds whoever is not found is unknown and not offline.
//!
//! # What Redis must be
//!
//! One server (or one that another replaces at the same address), version 6.2 or later, that evicts nothing
//! (`maxmemory-policy noeviction`); it need not keep anything on disk. What it holds is described in
//! `scripts/prelude.lua`: a few entries for each connected session. Its clock alone judges leases.

mod alarm;
mod backoff;
mod bus;
mod calls;
mod channel;
mod clock;
mod config;
mod echo;
mod envelope;
mod history;
mod housekeeper;
mod lane;
mod lease;
mod link;
mod losses;
mod membership;
mod metrics;
mod outgoing;
mod peers;
mod presence;
mod publisher;
mod residents;
mod scripts;
mod shared;
mod subscriber;
mod subscriptions;
mod target;
mod wire;

use std::time::Duration;

use alarm::Alarm;

pub use bus::RedisBus;
pub use config::{Config, ConfigError, Limits};
pub use history::{HistoryStartError, RedisHistory};
pub use membership::{ConnectError, Membership, connect};
pub use metrics::{BusSnapshot, HistoryCacheSnapshot, PresenceSnapshot};
pub use peers::MARGIN;
pub use presence::RedisPresence;
pub use wire::CALL_LIMIT;

/// How often a node shows that it lives: on the bus, and by renewing its lease.
pub const BEAT: Duration = Duration::from_secs(1);
/// A connection that hears nothing for so long, although it asked, is dead.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(3);
