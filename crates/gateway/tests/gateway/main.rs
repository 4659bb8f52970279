//! The gateway over real sockets, with the real service on fakes of the stores.
#![allow(clippy::disallowed_methods, reason = "tests read the clock for their deadlines")]

mod backpressure;
mod node;
mod order;
mod two_nodes;
