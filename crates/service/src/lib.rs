//! The business rules of the chat system.
//!
//! Three nouns: a *request* comes from a [`Caller`] and is run by [`Service::handle`] on the lane that its [`Route`]
//! names; a *message* is checked there, becomes [`Pending`], and is stored with others as a [`Batch`] by
//! [`Service::append`]; what others should know goes to the [`Hub`]. Everything that the service cannot do itself is a
//! port: no socket, no SQL, no JSON and no wall clock in here.
//!
//! With the feature `testing` there is a hub that records, and a harness: a service over in-memory ports.

mod accounts;
mod address;
mod applicants;
mod batch;
mod blocks;
mod broadcasts;
mod bundle;
mod cache_numbers;
mod caller;
mod catch_up;
mod changes;
mod chat;
mod config;
mod conversation;
mod cursors;
mod deletion;
mod directory;
mod fields;
mod friend_notes;
mod friends;
mod group_ask;
mod group_asks;
mod group_change;
mod group_requests;
mod groups;
mod hidden;
mod history;
mod hub;
mod in_doubt;
mod index_queue;
mod indexer;
mod last_seen;
mod limits;
mod mentions;
mod message_change;
mod message_search;
mod moves;
mod names;
mod notice;
mod pace;
mod page;
mod personal_notices;
mod presence;
mod profiles;
mod quiet;
mod quotes;
mod receipts;
mod recent_history;
mod recovery;
mod recovery_code;
mod refuse;
mod roster;
mod roster_step;
mod route;
mod search;
mod seen;
mod service;
mod sessions;
mod storing;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod told;
mod typing;
mod unsettled;
mod upkeep;
mod versioned_cache;
mod wire;
mod write_behind;

/// The types and ports that this crate's interface speaks in.
pub use domain;

pub use address::Household;
pub use batch::{Batch, Pending};
pub use broadcasts::{BroadcastDone, BroadcastOrder, BroadcastSnapshot};
pub use cache_numbers::CacheSnapshot;
pub use caller::{Caller, ConnKey, Principal};
pub use catch_up::{Begin, ReadRoster, Since};
pub use config::{Registration, ServiceConfig, SessionPolicy};
pub use deletion::DeletionSnapshot;
pub use hub::{Audience, Delivery, Echo, Held, Hub, Origin, Readers, Said};
pub use in_doubt::DoubtSnapshot;
pub use indexer::{Backlog, IndexSnapshot};
pub use limits::{LimitSnapshot, Rate, Rates};
pub use moves::Move;
pub use notice::Notice;
pub use pace::{Pace, pace};
pub use receipts::ReceiptSnapshot;
pub use recent_history::HistorySnapshot;
pub use roster_step::{ROSTER_STEPS_MAX, RosterChange, RosterStep};
pub use route::{Access, Lane, Route, route};
pub use service::{Handled, Ports, Service};
