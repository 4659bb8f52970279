//! Nodes of one process.
//!
//! A [`LocalExchange`] carries publications between its [`LocalBus`]es, one for each node; a [`LocalPresence`] is
//! shared by them and knows which sessions are connected. A node that is alone has [`LocalBus::alone`].

mod bus;
mod presence;

pub use bus::{LocalBus, LocalExchange};
pub use presence::LocalPresence;
