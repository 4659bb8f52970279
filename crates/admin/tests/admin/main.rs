//! The admin server over real sockets: what it answers, and what bad peers get.
#![allow(clippy::disallowed_methods, reason = "tests read the clock for their deadlines")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod hostile;
mod orders;
mod stage;
