//! Tests of the server as a process, over real sockets.
#![allow(clippy::disallowed_methods, reason = "tests read the clock for their deadlines")]

mod support;

mod capabilities;
mod edges;
mod hostile;
mod start;
