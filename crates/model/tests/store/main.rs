//! The stores over real databases: every one passes the conformance suite of `domain::testing`, and each is tried for
//! what only it can get wrong.

#![allow(clippy::disallowed_methods, reason = "real databases take real time")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod mysql;
mod sqlite;
mod sqlite_crash;
mod sqlite_forgotten;
mod upgrade;
