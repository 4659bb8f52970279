//! Nodes of one process.
//!
//! A [`LocalExchange`] carries publications between its [`LocalBus`]es, one for each node; a [`LocalPresence`] is
//! shared by them and knows which sessions are connected. A node that is alone has [`LocalBus::alone`], and
//! keeps the newest messages of active conversations in a [`LocalHistory`].

mod bus;
mod history;
mod presence;

pub use bus::{LocalBus, LocalExchange};
pub use history::LocalHistory;
pub use presence::LocalPresence;
