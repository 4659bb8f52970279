//! The gateway over real sockets, with the real service on fakes of the stores.
#![allow(clippy::disallowed_methods, reason = "tests read the clock for their deadlines")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where its support fails")]

mod backpressure;
mod bad_bus;
mod beginnings;
mod chat;
mod death;
mod forgeries;
mod gaps;
mod in_hand;
mod node;
mod nodes;
mod order;
mod resync;
mod sessions;
mod storm;
mod two_nodes;
