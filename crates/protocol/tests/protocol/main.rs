//! The protocol as others meet it: the golden vectors, the documentation, and whatever bytes a stranger sends.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says by panicking what it expected")]

mod docs;
mod hostile;
mod meaning;
mod roundtrip;
mod secrets;
mod strategies;
mod stream;
mod vectors;
