//! The client against servers made for the purpose: the machine on a virtual clock, the whole over real sockets.

#![allow(clippy::disallowed_methods, reason = "virtual time needs a start, real sockets need deadlines")]
#![allow(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

mod calls;
mod changes;
mod chaos;
mod hidden;
mod lists;
mod model;
mod notices;
mod receipts;
mod reconnect;
mod restore;
mod resync;
mod sockets;
#[cfg(feature = "store")]
mod store;
mod sync;
mod typing;
mod world;
