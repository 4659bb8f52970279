//! The reactor over real sockets. Every wait has a deadline; random tests print their seed.

#![allow(clippy::disallowed_methods, reason = "tests measure time")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

mod closing;
mod deadlines;
mod descriptors;
mod idle;
mod input;
mod mailbox;
mod names;
mod pace;
mod script;
mod stopping;
