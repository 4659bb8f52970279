//! The embedded store: one SQLite file, for a server that is alone.
//!
//! [`SqliteStore`] implements every port over `chat.db` in a folder of its own, which one process may use at a time.
//! SQLite has one writer, so there is one connection that writes, behind a fair lock, and a small bounded pool of
//! connections that only read and never wait for it: the file is in WAL mode. Everything is on the disk before an
//! operation returns (`synchronous = FULL`).

mod append;
mod blocks;
mod broadcasts;
mod change_probe;
mod changes;
mod connection;
mod conversations;
mod cursors;
mod deletion;
mod fault;
mod folder;
mod friend_notes;
mod friends;
mod group_change;
mod group_requests;
mod groups;
mod hidden;
mod log_identity;
mod message_search;
mod migrate;
mod notices;
mod number;
mod options;
mod page;
mod profiles;
mod quiet;
mod quotes;
mod readers;
mod search;
mod secrets;
mod sessions;
mod store;
mod touched;
mod users;
mod word_index;
mod writer;

pub use options::{OpenError, Options};
pub use store::SqliteStore;
