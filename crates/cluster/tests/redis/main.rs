//! The bus and the presence of several nodes over a real Redis: each node with a bus, a presence and a recorder of its
//! own, in one process.

#![allow(clippy::disallowed_methods, reason = "deadlines of real servers are measured on the real clock")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(missing_docs, unreachable_pub, reason = "a test program")]

mod access;
mod bus;
mod faults;
mod history;
mod leases;
mod node;
mod presence;
