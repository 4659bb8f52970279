//! The store over MySQL 8 or MariaDB 10.11, for clusters: any number of nodes share one database.
//!
//! [`MySqlStore`] implements every port over a bounded pool of connections; [`Config`] says where the database is and
//! how long anything may take. Statements are what both databases read, parameters are always bound, and what can
//! race is settled by the schema's keys or by row locks that are taken in one order everywhere: users by rising id,
//! then a group, then conversations by rising id.
//!
//! A connection that failed in any way but by a plain answer of the server is never used again: the next statement
//! could be given the answer of the one before.

mod append;
mod append_one;
mod blocks;
mod broadcasts;
mod change_probe;
mod changes;
mod config;
mod connection;
mod conversations;
mod cursors;
mod deletion;
mod fault;
mod friend_notes;
mod friends;
mod group_change;
mod group_requests;
mod groups;
mod hidden;
mod index_portion;
mod list;
mod log;
mod log_identity;
mod manager;
mod message_search;
mod migrate;
mod notices;
mod page;
mod pool;
mod profiles;
mod quiet;
mod quotes;
mod search;
mod secrets;
mod sessions;
mod store;
mod tenancy;
mod touched;
mod users;
mod word_index;
mod word_order;

pub use append_one::SingleAppend;
pub use config::{Config, OpenError};
pub use pool::PoolSnapshot;
pub use store::MySqlStore;
pub use tenancy::{SoleTenancy, Tenancy};
