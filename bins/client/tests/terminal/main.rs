//! The real binary against a server that the test plays: scripts in JSON, and a terminal whose screen is looked at.

#![allow(clippy::disallowed_methods, reason = "deadlines of real processes are measured on the real clock")]
#![allow(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

mod input;
mod notifying;
mod screen;
mod scripts;
mod server;
mod sessions;
mod typing;
