//! Tests of the server as a process, over real sockets, on both stores.
//!
//! `support` starts the real binary and speaks raw protocol to it; `capabilities` says what users can do, `hostile` what
//! bad input gets, `durability` and `degraded` what crashes of the server and of its database cost, `start` how it
//! begins and ends, `operation` what operators see of it; `cluster` is about several nodes on one database and one Redis. `CHAT_TEST_SEED` repeats the random choices of a failed test.
#![allow(clippy::disallowed_methods, reason = "tests read the clock for their deadlines")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

mod capabilities;
mod cluster;
mod degraded;
mod durability;
mod edges;
mod hostile;
mod operation;
mod pages;
mod start;
